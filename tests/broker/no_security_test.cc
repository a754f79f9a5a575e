// Responses to clients that ask for security where none is set up; and SCRAM credentials, which are kept all the same.
#include "broker/node_fixture.h"
#include "protocol/messages/alter_user_scram_credentials.h"
#include "protocol/messages/create_delegation_token.h"
#include "protocol/messages/describe_delegation_token.h"
#include "protocol/messages/describe_user_scram_credentials.h"
#include "protocol/messages/expire_delegation_token.h"
#include "protocol/messages/renew_delegation_token.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"

namespace milena::broker::broker_test {
namespace {

class NoSecurityTest : public NodeFixture {
 protected:
  DescribeUserScramCredentialsResponse describe(std::optional<std::vector<ByteView>> users) {
    DescribeUserScramCredentialsRequest request;
    request.users.reset();
    if (users) {
      request.users.emplace();
      for (ByteView user : *users) request.users->push_back({user});
    }
    return client().ask<DescribeUserScramCredentialsResponse>(request, 0);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, NoSecurityTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(NoSecurityTest, PasswordsAreNotAskedFor) {
  for (int16_t version : {0, 1}) {
    auto response = client().ask<SaslHandshakeResponse>(SaslHandshakeRequest{"PLAIN"}, version);
    EXPECT_EQ(response.error_code, ErrorCode::kIllegalSaslState);
    EXPECT_TRUE(response.mechanisms.empty());
  }
  for (int16_t version : {0, 1, 2}) {
    SaslAuthenticateRequest request;
    request.auth_bytes = "x";
    EXPECT_EQ(client().ask<SaslAuthenticateResponse>(request, version).error_code, ErrorCode::kIllegalSaslState);
  }
  EXPECT_FALSE(client().closed());
}

TEST_P(NoSecurityTest, TokensAreNotGivenOut) {
  constexpr ErrorCode kExpected = ErrorCode::kDelegationTokenRequestNotAllowed;
  for (int16_t version = 0; version <= 3; version++) {
    auto created = client().ask<CreateDelegationTokenResponse>(CreateDelegationTokenRequest{}, version);
    EXPECT_EQ(created.error_code, kExpected);
    EXPECT_EQ(created.principal_name, "ANONYMOUS");
    EXPECT_EQ(created.max_timestamp_ms, -1);
    if (version == 3) {
      CreateDelegationTokenRequest for_another;
      for_another.owner_principal_type = "Group";
      for_another.owner_principal_name = "bob";
      created = client().ask<CreateDelegationTokenResponse>(for_another, version);
      EXPECT_EQ(created.error_code, kExpected);
      EXPECT_EQ(created.principal_type, "Group");
      EXPECT_EQ(created.principal_name, "bob");
      EXPECT_EQ(created.token_requester_principal_name, "ANONYMOUS");
      for_another.owner_principal_name = "";
      EXPECT_EQ(client().ask<CreateDelegationTokenResponse>(for_another, version).principal_type, "User");
    }
    EXPECT_EQ(client().ask<DescribeDelegationTokenResponse>(DescribeDelegationTokenRequest{}, version).error_code,
              kExpected);
    if (version == 3) break;
    auto renewed = client().ask<RenewDelegationTokenResponse>(RenewDelegationTokenRequest{}, version);
    EXPECT_EQ(renewed.error_code, kExpected);
    EXPECT_EQ(renewed.expiry_timestamp_ms, -1);
    EXPECT_EQ(client().ask<ExpireDelegationTokenResponse>(ExpireDelegationTokenRequest{}, version).error_code,
              kExpected);
  }
}

TEST_P(NoSecurityTest, ScramCredentialsAreKept) {
  EXPECT_TRUE(describe(std::nullopt).results.empty());
  AlterUserScramCredentialsRequest request;
  request.upsertions = {{"alice", 1, 4096, "salt", "password"}, {"bob", 2, 8192, "salt", "password"}};
  for (const auto& result : client().ask<AlterUserScramCredentialsResponse>(request, 0).results) {
    EXPECT_EQ(result.error_code, ErrorCode::kNone);
  }
  restart();
  for (const auto& all : {describe(std::nullopt), describe(std::vector<ByteView>{})}) {
    ASSERT_EQ(all.results.size(), 2u);
    EXPECT_EQ(all.results[0].user, "alice");
    ASSERT_EQ(all.results[1].credential_infos.size(), 1u);
    EXPECT_EQ(all.results[1].credential_infos[0].mechanism, 2);
    EXPECT_EQ(all.results[1].credential_infos[0].iterations, 8192);
  }
  auto some = describe(std::vector<ByteView>{"bob", "carol", "bob", "alice"});
  EXPECT_EQ(some.error_code, ErrorCode::kNone);
  ASSERT_EQ(some.results.size(), 3u);
  EXPECT_EQ(some.results[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(some.results[1].error_code, ErrorCode::kDuplicateResource);
  EXPECT_EQ(some.results[2].error_code, ErrorCode::kResourceNotFound);
}

}  // namespace
}  // namespace milena::broker::broker_test
