// Delegation tokens (KIP-48): created by a client, used by another in its place, renewed, and expired.
#include "broker/node_fixture.h"
#include "broker/sasl_client.h"
#include "protocol/messages/create_delegation_token.h"
#include "protocol/messages/describe_delegation_token.h"
#include "protocol/messages/expire_delegation_token.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/renew_delegation_token.h"

namespace milena::broker::broker_test {
namespace {

constexpr int64_t kHour_ms = 3'600'000;

class DelegationTokenTest : public NodeFixture {
 protected:
  void SetUp() override {
    node().set("listeners", "PLAINTEXT://:9092,SASL_PLAINTEXT://:9094");
    node().set("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512");
    node().set("listener.name.sasl_plaintext.plain.sasl.jaas.config",
               "org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"a\" user_bob=\"b\";");
    node().set("delegation.token.secret.key", "secret");
    node().set("delegation.token.expiry.time.ms", "7200000");
    NodeFixture::SetUp();
  }

  TestClient& log_in(const std::string& user, const std::string& password) {
    TestClient& client = node().connect(0, "SASL_PLAINTEXT", security::SecurityProtocol::kSaslPlaintext);
    EXPECT_EQ(log_in_plain(client, user, password).error_code, ErrorCode::kNone);
    return client;
  }
  CreateDelegationTokenResponse create(TestClient& by, ByteView renewer = "") {
    CreateDelegationTokenRequest request;
    request.max_lifetime_ms = -1;
    if (!renewer.empty()) request.renewers.push_back({"User", renewer});
    return by.ask<CreateDelegationTokenResponse>(request, 3);
  }
  RenewDelegationTokenResponse renew(TestClient& by, ByteView hmac, int64_t period_ms = -1) {
    return by.ask<RenewDelegationTokenResponse>(RenewDelegationTokenRequest{hmac, period_ms}, 2);
  }
  ExpireDelegationTokenResponse expire(TestClient& by, ByteView hmac, int64_t period_ms) {
    return by.ask<ExpireDelegationTokenResponse>(ExpireDelegationTokenRequest{hmac, period_ms}, 2);
  }
  std::vector<DescribeDelegationTokenResponse::DescribedDelegationToken> tokens_seen_by(TestClient& client) {
    DescribeDelegationTokenRequest request;
    request.owners.reset();
    auto answer = client.ask<DescribeDelegationTokenResponse>(request, 3);
    EXPECT_EQ(answer.error_code, ErrorCode::kNone);
    return answer.tokens;
  }
  // Authenticates with the token; the error of the last response.
  ErrorCode show(const CreateDelegationTokenResponse& token, const std::string& extensions = ",tokenauth=true") {
    TestClient& client = node().connect(0, "SASL_PLAINTEXT", security::SecurityProtocol::kSaslPlaintext);
    log_in_scram(client, security::ScramMechanism::kSha256, token.token_id, security::base64_encode(token.hmac),
                 extensions);
    node().advance(100);
    return client.take<SaslAuthenticateResponse>(2).error_code;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, DelegationTokenTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(DelegationTokenTest, ATokenStandsForItsOwner) {
  TestClient& alice = log_in("alice", "a");
  auto token = create(alice);
  ASSERT_EQ(token.error_code, ErrorCode::kNone);
  EXPECT_EQ(token.principal_name, "alice");
  EXPECT_EQ(token.hmac.size(), 64u);
  EXPECT_EQ(token.expiry_timestamp_ms, token.issue_timestamp_ms + 2 * kHour_ms);
  EXPECT_EQ(token.max_timestamp_ms, token.issue_timestamp_ms + 7 * 24 * kHour_ms);

  for (security::ScramMechanism mechanism : {security::ScramMechanism::kSha256, security::ScramMechanism::kSha512}) {
    TestClient& client = node().connect(0, "SASL_PLAINTEXT", security::SecurityProtocol::kSaslPlaintext);
    log_in_scram(client, mechanism, token.token_id, security::base64_encode(token.hmac), ",tokenauth=true");
    auto answer = client.take<SaslAuthenticateResponse>(2);
    ASSERT_EQ(answer.error_code, ErrorCode::kNone);
    EXPECT_EQ(answer.session_lifetime_ms, 2 * kHour_ms);
    // A client with a token cannot create tokens.
    EXPECT_EQ(create(client).error_code, ErrorCode::kDelegationTokenRequestNotAllowed);
    EXPECT_EQ(renew(client, token.hmac).error_code, ErrorCode::kDelegationTokenRequestNotAllowed);
  }
  EXPECT_EQ(show(token, ""), ErrorCode::kSaslAuthenticationFailed);
  CreateDelegationTokenResponse other = token;
  other.hmac[0] = static_cast<char>(other.hmac[0] ^ 1);
  EXPECT_EQ(show(other), ErrorCode::kSaslAuthenticationFailed);
}

TEST_P(DelegationTokenTest, OwnersAndRenewersSeeAndRenewIt) {
  TestClient& alice = log_in("alice", "a");
  TestClient& bob = log_in("bob", "b");
  auto of_alice = create(alice), for_bob = create(alice, "bob");
  EXPECT_EQ(tokens_seen_by(alice).size(), 2u);
  EXPECT_EQ(tokens_seen_by(alice).at(0).hmac.size(), 64u);
  node().advance(kHour_ms);
  EXPECT_EQ(renew(bob, of_alice.hmac).error_code, ErrorCode::kDelegationTokenOwnerMismatch);
  auto renewed = renew(bob, for_bob.hmac);
  EXPECT_EQ(renewed.error_code, ErrorCode::kNone);
  EXPECT_EQ(renewed.expiry_timestamp_ms, node().clock().wall_ms() + 2 * kHour_ms);
  EXPECT_EQ(renew(bob, for_bob.hmac, 1000).expiry_timestamp_ms, node().clock().wall_ms() + 1000);
  EXPECT_EQ(renew(bob, "no such").error_code, ErrorCode::kDelegationTokenNotFound);
  EXPECT_EQ(expire(bob, of_alice.hmac, -1).error_code, ErrorCode::kDelegationTokenOwnerMismatch);
  EXPECT_EQ(expire(alice, of_alice.hmac, -1).error_code, ErrorCode::kNone);
  EXPECT_EQ(show(of_alice), ErrorCode::kSaslAuthenticationFailed);
  EXPECT_EQ(tokens_seen_by(alice).size(), 1u);
}

TEST_P(DelegationTokenTest, ItExpiresAndIsRemoved) {
  TestClient& alice = log_in("alice", "a");
  auto token = create(alice);
  EXPECT_EQ(show(token), ErrorCode::kNone);
  EXPECT_EQ(expire(alice, token.hmac, 1000).error_code, ErrorCode::kNone);
  EXPECT_EQ(show(token), ErrorCode::kNone);
  node().advance(1001);
  // It exists until the next check, but is refused.
  EXPECT_EQ(show(token), ErrorCode::kSaslAuthenticationFailed);
  EXPECT_EQ(renew(alice, token.hmac).error_code, ErrorCode::kDelegationTokenExpired);
  EXPECT_EQ(node().node().shard(0).image().delegation_tokens().size(), 1u);
  node().advance(kHour_ms);
  EXPECT_EQ(node().node().shard(0).image().delegation_tokens().size(), 0u);
  EXPECT_EQ(renew(alice, token.hmac).error_code, ErrorCode::kDelegationTokenNotFound);
}

TEST_P(DelegationTokenTest, TokensOutliveARestart) {
  auto token = create(log_in("alice", "a"));
  ASSERT_NO_FATAL_FAILURE(restart());
  EXPECT_EQ(show(token), ErrorCode::kNone);
  node().advance(3 * kHour_ms);
  EXPECT_TRUE(node().node().shard(0).image().delegation_tokens().empty());
}

TEST_P(DelegationTokenTest, RenewersAreUsers) {
  TestClient& alice = log_in("alice", "a");
  CreateDelegationTokenRequest request;
  request.renewers.push_back({"Group", "x"});
  EXPECT_EQ(alice.ask<CreateDelegationTokenResponse>(request, 3).error_code, ErrorCode::kInvalidPrincipalType);
}

TEST_P(DelegationTokenTest, WithoutASecretThereAreNone) {
  client_gone();
  node().stop();
  node().set("delegation.token.secret.key", "");
  ASSERT_NO_FATAL_FAILURE(node().start());
  TestClient& alice = log_in("alice", "a");
  EXPECT_EQ(create(alice).error_code, ErrorCode::kDelegationTokenAuthDisabled);
  EXPECT_EQ(renew(alice, "x").error_code, ErrorCode::kDelegationTokenAuthDisabled);
  EXPECT_EQ(expire(alice, "x", -1).error_code, ErrorCode::kDelegationTokenAuthDisabled);
  EXPECT_EQ(alice.ask<DescribeDelegationTokenResponse>(DescribeDelegationTokenRequest{}, 3).error_code,
            ErrorCode::kDelegationTokenAuthDisabled);
}

}  // namespace
}  // namespace milena::broker::broker_test
