// Listeners with SASL: authentication, requests before it, and the end of sessions.
#include <filesystem>
#include <fstream>

#include "broker/issuer.h"
#include "broker/node_fixture.h"
#include "broker/sasl_client.h"
#include "protocol/messages/alter_user_scram_credentials.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/metadata.h"
#include "security/jwt_maker.h"

namespace milena::broker::broker_test {
namespace {

constexpr ByteView kJaasPlain =
    "org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"wonder\" user_bob=\"builder\";";

class SaslTest : public NodeFixture {
 protected:
  void SetUp() override {
    node().set("listeners", "PLAINTEXT://:9092,SASL_PLAINTEXT://:9094");
    node().set("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512");
    node().set("listener.name.sasl_plaintext.plain.sasl.jaas.config", kJaasPlain);
    set_more();
    NodeFixture::SetUp();
  }
  virtual void set_more() {}

  TestClient& connect() { return node().connect(0, "SASL_PLAINTEXT", security::SecurityProtocol::kSaslPlaintext); }
  static ErrorCode ask_metadata(TestClient& client) {
    MetadataRequest request;
    request.topics.reset();
    auto answer = client.ask<MetadataResponse>(request, 9);
    return answer.brokers.empty() ? ErrorCode::kUnknownServerError : ErrorCode::kNone;
  }
  void make_user(const std::string& name, security::ScramMechanism mechanism, const std::string& password) {
    AlterUserScramCredentialsRequest request;
    const Bytes salted = security::salted_password(mechanism, password, "salt", 4096);
    request.upsertions = {{name, static_cast<int8_t>(mechanism), 4096, "salt", salted}};
    EXPECT_EQ(client().ask<AlterUserScramCredentialsResponse>(request, 0).results.at(0).error_code, ErrorCode::kNone);
  }
  // The response to a client with wrong credentials, after the pause; its connection is closed then.
  static SaslAuthenticateResponse refusal(NodeHarness& node, TestClient& client) {
    EXPECT_FALSE(client.has_answer()) << "it is answered at once";
    EXPECT_FALSE(client.closed());
    node.advance(99);
    EXPECT_FALSE(client.has_answer());
    node.advance(1);
    auto answer = client.take<SaslAuthenticateResponse>(2);
    EXPECT_EQ(answer.error_code, ErrorCode::kSaslAuthenticationFailed);
    EXPECT_TRUE(client.closed());
    return answer;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, SaslTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(SaslTest, ThePasswordLetsIn) {
  for (int16_t version : {0, 1, 2}) {
    TestClient& client = connect();
    auto answer = log_in_plain(client, "alice", "wonder", version);
    EXPECT_EQ(answer.error_code, ErrorCode::kNone);
    EXPECT_EQ(answer.session_lifetime_ms, 0);
    EXPECT_EQ(ask_metadata(client), ErrorCode::kNone);
    // An authenticated client cannot begin again.
    EXPECT_EQ(shake_hands(client, "PLAIN").error_code, ErrorCode::kIllegalSaslState);
    EXPECT_EQ(ask_metadata(client), ErrorCode::kNone);
  }
}

TEST_P(SaslTest, AWrongPasswordIsToldAfterAPause) {
  TestClient& wrong = connect();
  shake_hands(wrong, "PLAIN");
  send_token(wrong, plain_token("alice", "builder"));
  const auto first = refusal(node(), wrong);
  EXPECT_EQ(first.error_message, "Authentication failed: Invalid username or password");
  TestClient& unknown = connect();
  shake_hands(unknown, "PLAIN");
  send_token(unknown, plain_token("carol", "wonder"));
  EXPECT_EQ(refusal(node(), unknown), first);
}

TEST_P(SaslTest, NothingIsServedBefore) {
  TestClient& eager = connect();
  MetadataRequest request;
  eager.start(request, 9);
  EXPECT_FALSE(eager.has_answer());
  EXPECT_TRUE(eager.closed());
  TestClient& between = connect();
  shake_hands(between, "PLAIN");
  between.start(request, 9);
  node().advance(100);
  EXPECT_FALSE(between.has_answer());
  EXPECT_TRUE(between.closed());
  TestClient& after_versions = connect();
  ApiVersionsRequest versions;
  versions.client_software_name = versions.client_software_version = "x";
  EXPECT_FALSE(after_versions.ask<ApiVersionsResponse>(versions, 3).api_keys.empty());
  after_versions.start(request, 9);
  EXPECT_FALSE(after_versions.has_answer());
  EXPECT_TRUE(after_versions.closed());
  TestClient& no_handshake = connect();
  send_token(no_handshake, plain_token("alice", "wonder"));
  EXPECT_FALSE(no_handshake.has_answer());
  EXPECT_TRUE(no_handshake.closed());
  for (const std::string& odd : {std::string(), std::string(3, '\0'), std::string("GET / HTTP/1.1"),
                                 std::string("\x60\x82\x02\x70")}) {
    TestClient& stranger = connect();
    stranger.start_raw(odd);
    EXPECT_TRUE(stranger.closed());
    EXPECT_FALSE(stranger.has_answer());
  }
}

TEST_P(SaslTest, VersionsMayBeAskedOnce) {
  TestClient& client = connect();
  ApiVersionsRequest versions;
  versions.client_software_name = versions.client_software_version = "x";
  // The response to an unknown version has the supported ones.
  client.start(versions, 99);
  EXPECT_EQ(client.take<ApiVersionsResponse>(0).error_code, ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(client.ask<ApiVersionsResponse>(versions, 3).error_code, ErrorCode::kNone);
  client.start(versions, 3);
  EXPECT_TRUE(client.closed());
  TestClient& usual = connect();
  usual.ask<ApiVersionsResponse>(versions, 3);
  EXPECT_EQ(log_in_plain(usual, "bob", "builder").error_code, ErrorCode::kNone);
}

TEST_P(SaslTest, VersionsMayBeAskedAgainAfterAnError) {
  TestClient& client = connect();
  ApiVersionsRequest versions;
  versions.client_software_name = "no name!";
  versions.client_software_version = "1";
  EXPECT_EQ(client.ask<ApiVersionsResponse>(versions, 3).error_code, ErrorCode::kInvalidRequest);
  versions.client_software_name = "x";
  EXPECT_EQ(client.ask<ApiVersionsResponse>(versions, 3).error_code, ErrorCode::kNone);
  EXPECT_EQ(log_in_plain(client, "alice", "wonder").error_code, ErrorCode::kNone);
}

TEST_P(SaslTest, VersionsWithinAnExchangeAreOutOfTurn) {
  for (int16_t version : {0, 3, 4, 99}) {
    TestClient& client = connect();
    shake_hands(client, "PLAIN");
    ApiVersionsRequest versions;
    versions.client_software_name = versions.client_software_version = "x";
    client.start(versions, version);
    EXPECT_FALSE(client.has_answer()) << "it is answered at once";
    node().advance(100);
    const auto answer = client.take<ApiVersionsResponse>(version == 99 ? int16_t{0} : version);
    EXPECT_EQ(answer.error_code, ErrorCode::kIllegalSaslState);
    EXPECT_TRUE(answer.api_keys.empty());
    EXPECT_TRUE(client.closed());
  }
}

TEST_P(SaslTest, TokensAfterTheExchangeAreOutOfTurn) {
  TestClient& client = connect();
  log_in_plain(client, "alice", "wonder");
  send_token(client, plain_token("alice", "wonder"));
  const auto answer = client.take<SaslAuthenticateResponse>(2);
  EXPECT_EQ(answer.error_code, ErrorCode::kIllegalSaslState);
  EXPECT_EQ(answer.error_message, "SaslAuthenticate request received after successful authentication");
  EXPECT_EQ(ask_metadata(client), ErrorCode::kNone);
}

TEST_P(SaslTest, AnUnknownMechanismIsRefusedWithThoseThatThereAre) {
  for (int16_t version : {0, 1}) {
    TestClient& client = connect();
    client.start(SaslHandshakeRequest{"GSSAPI"}, version);
    EXPECT_FALSE(client.has_answer());
    node().advance(100);
    auto answer = client.take<SaslHandshakeResponse>(version);
    EXPECT_EQ(answer.error_code, ErrorCode::kUnsupportedSaslMechanism);
    EXPECT_EQ(answer.mechanisms.size(), 3u);
    EXPECT_TRUE(client.closed());
  }
}

TEST_P(SaslTest, AHandshakeWithinAnExchangeIsOutOfTurn) {
  TestClient& client = connect();
  shake_hands(client, "PLAIN");
  client.start(SaslHandshakeRequest{"PLAIN"}, 1);
  node().advance(100);
  EXPECT_EQ(client.take<SaslHandshakeResponse>(1).error_code, ErrorCode::kIllegalSaslState);
  EXPECT_TRUE(client.closed());
}

TEST_P(SaslTest, OldClientsSendTheirTokensRaw) {
  TestClient& client = connect();
  EXPECT_EQ(shake_hands(client, "PLAIN", 0).error_code, ErrorCode::kNone);
  client.start_raw(plain_token("alice", "wonder"));
  ASSERT_TRUE(client.has_answer());
  EXPECT_EQ(client.take_raw(), std::string(4, '\0'));
  EXPECT_EQ(ask_metadata(client), ErrorCode::kNone);
  TestClient& wrong = connect();
  shake_hands(wrong, "PLAIN", 0);
  wrong.start_raw(plain_token("alice", "x"));
  EXPECT_FALSE(wrong.closed());
  node().advance(100);
  EXPECT_TRUE(wrong.closed());
  EXPECT_FALSE(wrong.has_answer());
}

TEST_P(SaslTest, FramesAreSmallUntilTheClientIsIn) {
  TestClient& client = connect();
  EXPECT_FALSE(client.known());
  log_in_plain(client, "alice", "wonder");
  EXPECT_TRUE(client.known());
  TestClient& large = connect();
  shake_hands(large, "PLAIN");
  send_token(large, std::string(524289, 'x'));
  node().advance(100);
  EXPECT_TRUE(large.closed());
  EXPECT_FALSE(large.has_answer());
}

TEST_P(SaslTest, ScramUsersAreThoseOfTheMetadata) {
  for (security::ScramMechanism mechanism : {security::ScramMechanism::kSha256, security::ScramMechanism::kSha512}) {
    make_user("carol", mechanism, "singer");
    TestClient& good = connect();
    log_in_scram(good, mechanism, "carol", "singer");
    auto last = good.take<SaslAuthenticateResponse>(2);
    EXPECT_EQ(last.error_code, ErrorCode::kNone);
    EXPECT_TRUE(ByteView(last.auth_bytes).starts_with("v="));
    EXPECT_EQ(ask_metadata(good), ErrorCode::kNone);
    // A client cannot distinguish an unknown user from a wrong password.
    TestClient& wrong = connect();
    log_in_scram(wrong, mechanism, "carol", "dancer");
    const auto refused = refusal(node(), wrong);
    TestClient& unknown = connect();
    log_in_scram(unknown, mechanism, "nobody", "singer");
    EXPECT_EQ(refusal(node(), unknown), refused);
    EXPECT_EQ(refused.error_message,
              "Authentication failed during authentication due to invalid credentials with SASL mechanism " +
                  Bytes(security::scram_mechanism_name(mechanism)));
  }
}

class ReauthenticationTest : public SaslTest {
  void set_more() override { node().set("listener.name.sasl_plaintext.plain.connections.max.reauth.ms", "5000"); }
};
INSTANTIATE_TEST_SUITE_P(Shards, ReauthenticationTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(ReauthenticationTest, ASessionEndsAndMayBeRenewed) {
  TestClient& client = connect();
  EXPECT_EQ(log_in_plain(client, "alice", "wonder").session_lifetime_ms, 5000);
  node().advance(4000);
  EXPECT_EQ(ask_metadata(client), ErrorCode::kNone);
  EXPECT_EQ(log_in_plain(client, "alice", "wonder").session_lifetime_ms, 5000);
  node().advance(4000);
  EXPECT_EQ(ask_metadata(client), ErrorCode::kNone);
  node().advance(1001);
  // Late is not too late for a client that sends nothing else.
  EXPECT_EQ(log_in_plain(client, "alice", "wonder").session_lifetime_ms, 5000);
  node().advance(5001);
  client.start(MetadataRequest{}, 9);
  EXPECT_FALSE(client.has_answer());
  EXPECT_TRUE(client.closed());
}

TEST_P(ReauthenticationTest, ItIsTheSameClient) {
  TestClient& other = connect();
  log_in_plain(other, "alice", "wonder");
  node().advance(2000);
  shake_hands(other, "PLAIN");
  send_token(other, plain_token("bob", "builder"));
  EXPECT_EQ(refusal(node(), other).error_message,
            "Cannot change principals during re-authentication from User.alice: User.bob");
  TestClient& mechanism = connect();
  log_in_plain(mechanism, "alice", "wonder");
  node().advance(2000);
  EXPECT_EQ(shake_hands(mechanism, "SCRAM-SHA-256").error_code, ErrorCode::kNone);
  send_token(mechanism, plain_token("alice", "wonder"));
  node().advance(100);
  EXPECT_TRUE(mechanism.closed());
  EXPECT_FALSE(mechanism.has_answer());
}

TEST_P(ReauthenticationTest, NotOftenerThanOnceASecond) {
  TestClient& client = connect();
  log_in_plain(client, "alice", "wonder");
  EXPECT_EQ(log_in_plain(client, "alice", "wonder").error_code, ErrorCode::kNone);
  EXPECT_EQ(shake_hands(client, "PLAIN").error_code, ErrorCode::kIllegalSaslState);
  node().advance(1000);
  EXPECT_EQ(log_in_plain(client, "alice", "wonder").error_code, ErrorCode::kNone);
}

class OAuthTest : public SaslTest {
 protected:
  OAuthTest() : key_(security::security_test::TestKey::ec("k1", "P-256")) {}
  void set_more() override {
    write_keys(key_);
    node().set("listener.name.sasl_plaintext.sasl.enabled.mechanisms", "OAUTHBEARER");
    node().set("listener.name.sasl_plaintext.oauthbearer.sasl.oauthbearer.jwks.endpoint.url", "file://" + path());
    node().set("sasl.oauthbearer.expected.audience", "kafka");
  }
  std::string path() { return node().directory() + "/jwks.json"; }
  void write_keys(const security::security_test::TestKey& key) {
    std::ofstream(path()) << "{\"keys\":[" << key.jwk() << "]}";
  }
  void send_jwt(TestClient& client, const std::string& token) {
    shake_hands(client, "OAUTHBEARER");
    send_token(client, "n,,\x01" "auth=Bearer " + token + "\x01\x01");
  }
  std::string token(const security::security_test::TestKey& key, int64_t seconds) {
    const int64_t now_s = node().clock().wall_ms() / 1000;
    return key.sign("ES256", fmt::format("{{\"sub\":\"app\",\"aud\":\"kafka\",\"iat\":{},\"exp\":{}}}", now_s,
                                         now_s + seconds));
  }
  security::security_test::TestKey key_;
};
INSTANTIATE_TEST_SUITE_P(Shards, OAuthTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(OAuthTest, ATokenIsGoodAsLongAsItLives) {
  TestClient& client = connect();
  send_jwt(client, token(key_, 60));
  auto answer = client.take<SaslAuthenticateResponse>(2);
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_GT(answer.session_lifetime_ms, 59'000);
  EXPECT_LE(answer.session_lifetime_ms, 60'000);
  EXPECT_EQ(ask_metadata(client), ErrorCode::kNone);
  node().advance(60'001);
  client.start(MetadataRequest{}, 9);
  EXPECT_TRUE(client.closed());
}

TEST_P(OAuthTest, OthersTokensAreRefused) {
  const auto other = security::security_test::TestKey::ec("k1", "P-256");
  for (const std::string& bad : {token(other, 60), token(key_, -60), std::string("a.b.c"), token(key_, 60) + "x"}) {
    TestClient& client = connect();
    send_jwt(client, bad);
    EXPECT_EQ(client.take<SaslAuthenticateResponse>(2).auth_bytes, "{\"status\":\"invalid_token\"}");
    send_token(client, "\x01");
    EXPECT_EQ(refusal(node(), client).error_message, "{\"status\":\"invalid_token\"}");
  }
}

TEST_P(OAuthTest, AChangedFileIsReadAgain) {
  const auto other = security::security_test::TestKey::ec("k2", "P-256");
  write_keys(other);
  node().advance(1000);
  TestClient& with_new = connect();
  send_jwt(with_new, token(other, 60));
  EXPECT_EQ(with_new.take<SaslAuthenticateResponse>(2).auth_bytes, "");
  TestClient& with_old = connect();
  send_jwt(with_old, token(key_, 60));
  EXPECT_NE(with_old.take<SaslAuthenticateResponse>(2).auth_bytes, "");
  // An unreadable file does not remove the keys.
  std::ofstream(path()) << "nothing";
  node().advance(1000);
  TestClient& still = connect();
  send_jwt(still, token(other, 60));
  EXPECT_EQ(still.take<SaslAuthenticateResponse>(2).auth_bytes, "");
}

class OAuthByUrlTest : public OAuthTest {
 protected:
  OAuthByUrlTest() : issuer_(answer()) {}
  void set_more() override {
    OAuthTest::set_more();
    node().set("listener.name.sasl_plaintext.oauthbearer.sasl.oauthbearer.jwks.endpoint.url", issuer_.url());
  }
  std::string answer() const {
    const std::string keys = "{\"keys\":[" + key_.jwk() + "]}";
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                       keys.size(), keys);
  }
  Issuer issuer_;
};
INSTANTIATE_TEST_SUITE_P(Shards, OAuthByUrlTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(OAuthByUrlTest, TheFirstTokenIsGood) {
  TestClient& client = connect();
  send_jwt(client, token(key_, 60));
  EXPECT_EQ(client.take<SaslAuthenticateResponse>(2).auth_bytes, "");
  EXPECT_EQ(ask_metadata(client), ErrorCode::kNone);
}

// Settings that cannot be right are refused at the start, with their key; what is secret is not told.
TEST(SaslSettingsTest, MistakesAreNamedAtTheStart) {
  auto error = [](const std::vector<std::pair<std::string, std::string>>& settings) {
    NodeHarness node(1);
    node.set("listeners", "SASL_PLAINTEXT://:9094");
    for (const auto& [key, value] : settings) node.set(key, value);
    Status started = node.try_start();
    return started.ok() ? std::string("no error") : started.error().message;
  };
  using testing::AllOf;
  using testing::HasSubstr;
  using testing::Not;
  const std::string jaas = "listener.name.sasl_plaintext.plain.sasl.jaas.config";
  EXPECT_THAT(error({}), AllOf(HasSubstr("gssapi.sasl.jaas.config"), HasSubstr("Krb5LoginModule")));
  EXPECT_THAT(error({{"sasl.enabled.mechanisms", "PLAIN"}}), AllOf(HasSubstr(jaas), HasSubstr("user_NAME")));
  EXPECT_THAT(error({{"sasl.enabled.mechanisms", "PLAINN"}}), AllOf(HasSubstr("PLAINN"), HasSubstr("SCRAM-SHA-512")));
  EXPECT_THAT(error({{"sasl.enabled.mechanisms", ""}}), HasSubstr("sasl.enabled.mechanisms"));
  EXPECT_THAT(error({{"sasl.enabled.mechanisms", "PLAIN"},
                     {jaas, "org.apache.kafka.common.security.plain.PlainLoginModule required user_a=\"hush\""}}),
              AllOf(HasSubstr(jaas), HasSubstr("semicolon"), Not(HasSubstr("hush"))));
  EXPECT_THAT(error({{"sasl.enabled.mechanisms", "PLAIN"}, {jaas, "PlainLoginModule required user_a=\"hush\";"}}),
              AllOf(HasSubstr("org.apache.kafka.common.security.plain.PlainLoginModule"), Not(HasSubstr("hush"))));
  EXPECT_THAT(error({{"sasl.enabled.mechanisms", "SCRAM-SHA-256"},
                     {"listener.name.sasl_plaintext.scram-sha-256.sasl.server.callback.handler.class", "com.x.Y"}}),
              AllOf(HasSubstr("com.x.Y"), HasSubstr("no Java classes")));
  EXPECT_THAT(error({{"sasl.enabled.mechanisms", "OAUTHBEARER"}}),
              AllOf(HasSubstr("jwks.endpoint.url"), HasSubstr("milena.sasl.oauthbearer.unsecured.tokens")));
  EXPECT_THAT(error({{"sasl.enabled.mechanisms", "OAUTHBEARER"},
                     {"sasl.oauthbearer.jwks.endpoint.url", "ftp://x"}}), HasSubstr("http://"));
  EXPECT_THAT(error({{"sasl.enabled.mechanisms", "OAUTHBEARER"},
                     {"sasl.oauthbearer.jwks.endpoint.url", "file:///nowhere/at/all"}}), HasSubstr("/nowhere/at/all"));
  // Nobody listens there.
  EXPECT_THAT(error({{"sasl.enabled.mechanisms", "OAUTHBEARER"},
                     {"sasl.oauthbearer.jwks.endpoint.url", "http://127.0.0.1:1/keys"}}),
              AllOf(HasSubstr("http://127.0.0.1:1/keys"), HasSubstr("keys cannot be fetched"), HasSubstr("refused")));
  EXPECT_THAT(error({{"sasl.enabled.mechanisms", "SCRAM-SHA-256"},
                     {"listener.name.sasl_plaintext.connections.max.reauth.ms", "soon"}}),
              AllOf(HasSubstr("listener.name.sasl_plaintext.connections.max.reauth.ms=soon"), HasSubstr("integer")));
  EXPECT_EQ(error({{"sasl.enabled.mechanisms", "SCRAM-SHA-256"}}), "no error");
}

// A listener with SASL but without its settings serves no clients.
TEST_P(SaslTest, AListenerOfNoSettingsServesNobody) {
  TestClient& client = node().connect(0, "LATE", security::SecurityProtocol::kSaslPlaintext);
  client.start(SaslHandshakeRequest{"PLAIN"}, 1);
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(client.has_answer());
}

}  // namespace
}  // namespace milena::broker::broker_test
