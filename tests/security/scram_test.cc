#include "security/scram.h"

#include <gtest/gtest.h>

#include <map>

#include "security/base64.h"
#include "security/scram_messages.h"

namespace milena::security {
namespace {

class FixedRandom final : public Random {
 public:
  uint64_t next() override { return 0x0102030405060708; }
};

// A client of the RFC, for these tests.
struct ScramClient {
  ScramMechanism mechanism;
  std::string password;
  std::string bare;
  std::string server_first;

  std::string final_message(const std::string& challenge) {
    server_first = challenge;
    const std::string nonce = challenge.substr(2, challenge.find(",s=") - 2);
    const size_t salt_at = challenge.find(",s=") + 3, iterations_at = challenge.find(",i=");
    const Bytes salt = *base64_decode(challenge.substr(salt_at, iterations_at - salt_at));
    const Bytes salted = salted_password(mechanism, password, salt, std::stoi(challenge.substr(iterations_at + 3)));
    const Sha2 hash = scram_hash(mechanism);
    const std::string without_proof = "c=biws,r=" + nonce;
    auth_message = bare + "," + challenge + "," + without_proof;
    Bytes key = sha2_hmac(hash, salted, "Client Key");
    const Bytes signature = sha2_hmac(hash, sha2_digest(hash, key), auth_message);
    for (size_t i = 0; i < key.size(); i++) key[i] = static_cast<char>(key[i] ^ signature[i]);
    server_signature = base64_encode(sha2_hmac(hash, sha2_hmac(hash, salted, "Server Key"), auth_message));
    return without_proof + ",p=" + base64_encode(key);
  }
  std::string auth_message;
  std::string server_signature;
};

class ScramTest : public testing::TestWithParam<ScramMechanism> {
 protected:
  ScramTest() {
    directory_ = std::make_shared<ScramDirectory>();
    directory_->decoy_key = "a key";
    directory_->find_user = [this](ScramMechanism mechanism, ByteView user) -> std::optional<ScramCredential> {
      auto found = passwords_.find(user);
      if (found == passwords_.end()) return std::nullopt;
      return scram_credential(mechanism, salted_password(mechanism, found->second, "some salt", 5000), "some salt",
                              5000);
    };
    directory_->find_token = [this](ScramMechanism mechanism, ByteView id) -> std::optional<ScramDirectory::Token> {
      if (id != "token-id") return std::nullopt;
      SaslIdentity identity{{"User", "owner"}, 12345};
      return ScramDirectory::Token{*directory_->find_user(mechanism, "alice"), identity};
    };
    directory_->find_any = [this](ScramMechanism mechanism) { return directory_->find_user(mechanism, "alice"); };
  }

  // The whole exchange.
  SaslStep run(const std::string& bare, const std::string& password, const std::string& header = "n,,") {
    server_ = make_scram_server(GetParam(), directory_, random_);
    client_ = ScramClient{GetParam(), password, bare};
    challenge_ = server_->step(header + bare);
    if (challenge_.kind != SaslStep::kContinue) return challenge_;
    return server_->step(client_.final_message(challenge_.answer));
  }

  SeededRandom random_{7};
  std::map<std::string, std::string, std::less<>> passwords_{{"alice", "wonder"}, {"a,b=c", "comma"}};
  std::shared_ptr<ScramDirectory> directory_;
  std::unique_ptr<SaslServer> server_;
  ScramClient client_;
  SaslStep challenge_;
};
INSTANTIATE_TEST_SUITE_P(Mechanisms, ScramTest, testing::Values(ScramMechanism::kSha256, ScramMechanism::kSha512));

TEST_P(ScramTest, BothSidesShowWhoTheyAre) {
  SaslStep last = run("n=alice,r=abc", "wonder");
  ASSERT_EQ(last.kind, SaslStep::kDone) << last.reason;
  EXPECT_EQ(last.answer, "v=" + client_.server_signature);
  EXPECT_EQ(server_->identity().principal.name, "alice");
  EXPECT_FALSE(server_->identity().principal.by_token);
  EXPECT_TRUE(challenge_.answer.starts_with("r=abc"));
  EXPECT_EQ(run("n=a=2Cb=3Dc,r=abc", "comma").kind, SaslStep::kDone);
  EXPECT_EQ(server_->identity().principal.name, "a,b=c");
  EXPECT_EQ(run("n=alice,r=abc", "wonder", "n,a=alice,").kind, SaslStep::kDone);
  EXPECT_EQ(run("n=alice,r=abc,ext=1", "wonder").kind, SaslStep::kDone);
}

TEST_P(ScramTest, AnUnknownUserIsToldNoSoonerThanAWrongPassword) {
  SaslStep wrong = run("n=alice,r=abc", "wonde");
  SaslStep wrong_challenge = challenge_;
  SaslStep unknown = run("n=mallory,r=abc", "wonder");
  EXPECT_EQ(wrong_challenge.kind, challenge_.kind);
  for (const SaslStep& each : {wrong, unknown}) {
    EXPECT_EQ(each.kind, SaslStep::kRefused);
    EXPECT_EQ(each.message, "");
    EXPECT_EQ(each.reason, wrong.reason);
  }
  auto salt_of = [](const std::string& challenge) { return challenge.substr(challenge.find(",s=")); };
  // The same each time, like that of a user; and not the same for all.
  const std::string before = salt_of(challenge_.answer);
  run("n=mallory,r=other", "x");
  EXPECT_EQ(salt_of(challenge_.answer), before);
  run("n=trent,r=other", "x");
  EXPECT_NE(salt_of(challenge_.answer), before);
  // It has the iterations of other users, and a salt of their size.
  run("n=alice,r=abc", "x");
  EXPECT_EQ(salt_of(challenge_.answer).size(), before.size());
  EXPECT_TRUE(before.ends_with(",i=5000"));
}

TEST_P(ScramTest, ATokenIsAskedForByItsId) {
  ASSERT_EQ(run("n=token-id,r=abc,tokenauth=true", "wonder").kind, SaslStep::kDone);
  EXPECT_EQ(server_->identity().principal.name, "owner");
  EXPECT_TRUE(server_->identity().principal.by_token);
  EXPECT_EQ(server_->identity().expires_ms, 12345);
  EXPECT_EQ(run("n=token-id,r=abc", "wonder").kind, SaslStep::kRefused);
  EXPECT_EQ(run("n=alice,r=abc,tokenauth=true", "wonder").kind, SaslStep::kRefused);
}

TEST_P(ScramTest, AnotherIdIsRefusedWhetherThereIsSuchAUserOrNot) {
  for (const char* bare : {"n=alice,r=abc", "n=mallory,r=abc"}) {
    EXPECT_EQ(run(bare, "wonder", "n,a=bob,").message,
              "Authentication failed: Client requested an authorization id that is different from username");
  }
}

TEST_P(ScramTest, OddMessagesAreRefused) {
  for (const char* first :
       {"", "n", "n,", "n,,", "n,,n=alice", "n,,r=a,n=alice", "y,,n=alice,r=a", "p=tls-unique,,n=alice,r=a",
        "n,,n=,r=a", "n,,n=alice,r=", "n,,n=al=ice,r=a", "n,,n=alice,r=a,", "n,,n=alice,r=a,x", "n,,n=alice,r=a b",
        "n,x=alice,n=alice,r=a", "n,,n=alice,r=a,1=b", "n,,n=al\x80,r=a"}) {
    auto server = make_scram_server(GetParam(), directory_, random_);
    EXPECT_EQ(server->step(first).kind, SaslStep::kRefused) << first;
  }
  ScramClient client{GetParam(), "wonder", "n=alice,r=abc"};
  auto last = [&](auto change) {
    auto server = make_scram_server(GetParam(), directory_, random_);
    std::string message = client.final_message(server->step("n,,n=alice,r=abc").answer);
    change(message);
    return server->step(message).kind;
  };
  EXPECT_EQ(last([](std::string&) {}), SaslStep::kDone);
  EXPECT_EQ(last([](std::string& message) { message = ""; }), SaslStep::kRefused);
  EXPECT_EQ(last([](std::string& message) { message += ","; }), SaslStep::kRefused);
  EXPECT_EQ(last([](std::string& message) { message[message.find("r=") + 2] = 'z'; }), SaslStep::kRefused);
  EXPECT_EQ(last([](std::string& message) { message.resize(message.find(",p=")); }), SaslStep::kRefused);
  EXPECT_EQ(last([](std::string& message) { message.resize(message.find(",p=") + 7); }), SaslStep::kRefused);
  EXPECT_EQ(last([](std::string& message) { message += ",p=AAAA"; }), SaslStep::kRefused);
}

// The exchange in RFC 7677.
TEST(ScramExampleTest, TheArithmeticIsThatOfTheStandard) {
  const ByteView salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
  ScramCredential credential = scram_credential(
      ScramMechanism::kSha256, salted_password(ScramMechanism::kSha256, "pencil", *base64_decode(salt), 4096),
      *base64_decode(salt), 4096);
  const std::string text =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  EXPECT_EQ(base64_encode(sha2_hmac(Sha2::k256, credential.server_key, text)),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(ScramExampleTest, SaltsAreShortTextsOfLettersAndDigits) {
  FixedRandom random;
  const Bytes text = random_scram_text(random);
  EXPECT_LE(text.size(), 26u);
  EXPECT_GE(text.size(), 24u);
  EXPECT_EQ(text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz"), Bytes::npos);
}

TEST_P(ScramTest, APasswordIsComparedWithACredential) {
  const Bytes salted = salted_password(GetParam(), "secret", "salt", kMinScramIterations);
  const ScramCredential credential = scram_credential(GetParam(), salted, "salt", kMinScramIterations);
  EXPECT_TRUE(can_be_checked(GetParam(), credential));
  EXPECT_TRUE(is_password(GetParam(), credential, "secret"));
  for (const char* other : {"", "Secret", "secret ", "secre"}) EXPECT_FALSE(is_password(GetParam(), credential, other));
  for (int32_t iterations : {-1, 0, 1, kMinScramIterations - 1, kMaxScramIterations + 1, INT32_MAX}) {
    ScramCredential odd = credential;
    odd.iterations = iterations;
    EXPECT_FALSE(can_be_checked(GetParam(), odd)) << iterations;
  }
  ScramCredential cut = credential;
  cut.stored_key.pop_back();
  EXPECT_FALSE(can_be_checked(GetParam(), cut));
}

}  // namespace
}  // namespace milena::security
