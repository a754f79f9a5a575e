// The client's side of SASL, against the server's, and against servers that cheat.
#include "security/sasl_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"
#include "protocol/reader.h"
#include "protocol/request_header.h"
#include "protocol/writer.h"
#include "security/sasl_login.h"
#include "security/sasl_plain.h"
#include "security/scram.h"

namespace milena::security {
namespace {

using testing::HasSubstr;

constexpr char kScramModule[] = "org.apache.kafka.common.security.scram.ScramLoginModule";
constexpr char kPlainModule[] = "org.apache.kafka.common.security.plain.PlainLoginModule";

Result<SaslCredentials> credentials_of(ByteView mechanism, const std::string& line) {
  Result<JaasEntry> entry = parse_jaas(line);
  EXPECT_TRUE(entry.ok());
  return sasl_credentials(mechanism, *entry);
}

class SaslClientTest : public testing::Test {
 protected:
  std::unique_ptr<SaslServer> scram_server(ScramMechanism mechanism, const std::string& user,
                                           const std::string& password, bool token = false) {
    auto directory = std::make_shared<ScramDirectory>();
    directory->decoy_key = "key";
    auto find = [=](ScramMechanism asked, ByteView name) -> std::optional<ScramCredential> {
      if (name != user) return std::nullopt;
      return scram_credential(asked, salted_password(asked, password, "salt", 4096), "salt", 4096);
    };
    directory->find_user = [=](ScramMechanism asked, ByteView name) {
      return token ? std::nullopt : find(asked, name);
    };
    directory->find_token = [=](ScramMechanism asked, ByteView name) -> std::optional<ScramDirectory::Token> {
      auto found = token ? find(asked, name) : std::nullopt;
      if (!found) return std::nullopt;
      return ScramDirectory::Token{*found, SaslIdentity{{"User", "owner"}, std::nullopt}};
    };
    directory->find_any = [=](ScramMechanism asked) { return find(asked, user); };
    return make_scram_server(mechanism, directory, random_);
  }
  // Empty: both sides succeed.
  std::string run(SaslServer& server, const SaslCredentials& credentials) {
    std::unique_ptr<SaslClient> client = make_sasl_client(credentials, random_);
    Bytes token = client->first_token();
    for (;;) {
      const SaslStep step = server.step(token);
      if (step.kind == SaslStep::kRefused) return "refused by the server";
      Result<std::optional<Bytes>> next = client->step(step.answer);
      if (!next.ok()) return next.error().message;
      if (!*next) return step.kind == SaslStep::kDone ? "" : "the client is content too early";
      token = **next;
    }
  }
  SeededRandom random_{3};
};

TEST_F(SaslClientTest, ScramLogsIn) {
  for (ScramMechanism mechanism : {ScramMechanism::kSha256, ScramMechanism::kSha512}) {
    const Bytes name(scram_mechanism_name(mechanism));
    auto server = scram_server(mechanism, "a,b=c", "secret");
    EXPECT_EQ(run(*server, {name, "a,b=c", "secret"}), "");
    EXPECT_EQ(server->identity().principal.name, "a,b=c");
    auto other = scram_server(mechanism, "alice", "secret");
    EXPECT_EQ(run(*other, {name, "alice", "secreT"}), "refused by the server");
    auto tokens = scram_server(mechanism, "token", "hmac", true);
    EXPECT_EQ(run(*tokens, {name, "token", "hmac", true}), "");
    EXPECT_EQ(tokens->identity().principal.name, "owner");
  }
}

TEST_F(SaslClientTest, PlainLogsIn) {
  Result<JaasEntry> users = parse_jaas(std::string(kPlainModule) + " required user_bob=\"bob's\";");
  auto all = std::make_shared<const PlainUsers>(*users, random_);
  EXPECT_EQ(run(*make_plain_server(all), {"PLAIN", "bob", "bob's"}), "");
  EXPECT_EQ(run(*make_plain_server(all), {"PLAIN", "bob", "alice's"}), "refused by the server");
}

TEST_F(SaslClientTest, AServerThatCheatsIsNotBelieved) {
  const SaslCredentials credentials{"SCRAM-SHA-256", "alice", "secret"};
  auto first_answered_with = [&](auto make) {
    std::unique_ptr<SaslClient> client = make_sasl_client(credentials, random_);
    const Bytes token = client->first_token();
    auto next = client->step(make(token.substr(token.find("r=") + 2)));
    return next.ok() ? std::string() : next.error().message;
  };
  EXPECT_EQ(first_answered_with([](const Bytes& nonce) { return "r=" + nonce + "x,s=c2FsdA==,i=4096"; }), "");
  EXPECT_THAT(first_answered_with([](const Bytes& nonce) { return "r=" + nonce + ",s=c2FsdA==,i=4096"; }),
              HasSubstr("nonce"));
  EXPECT_THAT(first_answered_with([](const Bytes&) { return Bytes("r=other,s=c2FsdA==,i=4096"); }), HasSubstr("nonce"));
  EXPECT_THAT(first_answered_with([](const Bytes& nonce) { return "r=" + nonce + "x,s=c2FsdA==,i=1"; }),
              HasSubstr("iterations"));
  EXPECT_THAT(first_answered_with([](const Bytes& nonce) { return "r=" + nonce + "x,s=c2FsdA==,i=2000000000"; }),
              HasSubstr("iterations"));
  for (const char* text : {"", ",", "e=other-error", "r=,s=,i=", "s=c2FsdA==", "r=x,s=%,i=4096"}) {
    EXPECT_NE(first_answered_with([&](const Bytes&) { return Bytes(text); }), "") << text;
  }
  // It has the name and not the password.
  std::unique_ptr<SaslClient> client = make_sasl_client(credentials, random_);
  const SaslStep challenge = scram_server(ScramMechanism::kSha256, "alice", "guess")->step(client->first_token());
  ASSERT_TRUE(client->step(challenge.answer).ok());
  for (const char* text : {"", "v=", "v=c2FsdA==", "e=x"}) {
    auto last = client->step(text);
    ASSERT_FALSE(last.ok()) << text;
    EXPECT_THAT(last.error().message, HasSubstr("the server's signature is wrong"));
  }
}

TEST_F(SaslClientTest, CredentialsAreThoseOfTheLine) {
  auto good = credentials_of("SCRAM-SHA-512", std::string(kScramModule) + " required username=\"u\" password=\"p\" "
                                              "tokenauth=\"true\";");
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->user, "u");
  EXPECT_EQ(good->password, "p");
  EXPECT_TRUE(good->by_token);
  EXPECT_FALSE(credentials_of("PLAIN", std::string(kPlainModule) + " required username=u password=p tokenauth=true;")
                   ->by_token);
  auto none = credentials_of("PLAIN", std::string(kPlainModule) + " required user_u=\"p-secret\";");
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message, HasSubstr("expected username"));
  EXPECT_THAT(none.error().message, testing::Not(HasSubstr("secret")));
  auto other = credentials_of("PLAIN", std::string(kScramModule) + " required username=u password=p;");
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(other.error().message, HasSubstr("PlainLoginModule"));
  auto kerberos = credentials_of("GSSAPI", "com.sun.security.auth.module.Krb5LoginModule required;");
  ASSERT_FALSE(kerberos.ok());
  EXPECT_EQ(kerberos.error().kind, ErrorKind::kUnsupported);
}

template <class Response>
Bytes answer_frame(const Response& response, int32_t id) {
  Writer writer;
  ResponseHeader{id}.write(writer, Response::kApiKey, 1);
  response.write(writer, 1);
  return *writer.take().flatten();
}

TEST_F(SaslClientTest, ALoginEndsWithTheSessionsTimeOrTheReason) {
  const SaslCredentials credentials{"PLAIN", "u", "p"};
  SaslLogin login(credentials, random_, "me");
  const Bytes first = *login.first_request().flatten();
  EXPECT_THAT(first, HasSubstr("PLAIN"));
  EXPECT_THAT(first, HasSubstr("me"));
  auto token = login.step(answer_frame(SaslHandshakeResponse{ErrorCode::kNone, {"PLAIN"}}, 1));
  ASSERT_TRUE(token.ok() && *token);
  EXPECT_THAT(*(**token).flatten(), HasSubstr(Bytes("\0u\0p", 4)));
  SaslAuthenticateResponse done;
  done.session_lifetime_ms = 5000;
  auto over = login.step(answer_frame(done, 2));
  ASSERT_TRUE(over.ok() && !*over);
  EXPECT_EQ(login.session_ms(), 5000);

  SaslLogin refused(credentials, random_, "me");
  refused.first_request();
  const SaslHandshakeResponse others{ErrorCode::kUnsupportedSaslMechanism, {"GSSAPI", "X"}};
  auto why = refused.step(answer_frame(others, 1));
  ASSERT_FALSE(why.ok());
  EXPECT_EQ(why.error().message, "the broker does not offer PLAIN; it offers GSSAPI, X");

  SaslLogin wrong(credentials, random_, "me");
  wrong.first_request();
  ASSERT_TRUE(wrong.step(answer_frame(SaslHandshakeResponse{ErrorCode::kNone, {}}, 1)).ok());
  SaslAuthenticateResponse no;
  no.error_code = ErrorCode::kSaslAuthenticationFailed;
  no.error_message = "Authentication failed: Invalid username or password";
  auto said = wrong.step(answer_frame(no, 2));
  ASSERT_FALSE(said.ok());
  EXPECT_EQ(said.error().message, "Authentication failed: Invalid username or password");

  SaslLogin cut(credentials, random_, "me");
  cut.first_request();
  EXPECT_FALSE(cut.step("").ok());
  EXPECT_FALSE(cut.step(answer_frame(SaslHandshakeResponse{ErrorCode::kNone, {}}, 7)).ok());
}

}  // namespace
}  // namespace milena::security
