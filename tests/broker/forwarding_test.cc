// A request that a broker forwards to the controller of another node counts there as its client's: the principal and
// the address are the client's, on any connection between the nodes.
#include "broker/cluster_fixture.h"
#include "broker/sasl_client.h"
#include "protocol/acl.h"
#include "protocol/messages/create_acls.h"
#include "protocol/messages/create_delegation_token.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/describe_delegation_token.h"
#include "protocol/messages/envelope.h"
#include "protocol/messages/expire_delegation_token.h"
#include "protocol/messages/principal/default_principal_data.h"
#include "protocol/messages/renew_delegation_token.h"

namespace milena::broker::broker_test {
namespace {

constexpr int kController = 1, kBroker = 2;

// The nodes speak PLAINTEXT with each other, as ANONYMOUS; clients of node 2 log in.
class ForwardingTest : public ClusterFixture {
 protected:
  ForwardingTest() { set_nodes(2); }
  void configure() override {
    for (int id : {kController, kBroker}) {
      NodeHarness& node = cluster().node(id);
      node.set("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
      node.set("super.users", "User:ANONYMOUS");
      node.set("delegation.token.secret.key", "secret");
    }
    NodeHarness& broker = cluster().node(kBroker);
    broker.set("listeners", "PLAINTEXT://localhost:9202,SASL_PLAINTEXT://localhost:9402");
    broker.set("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256");
    broker.set("listener.name.sasl_plaintext.plain.sasl.jaas.config",
               "org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"a\";");
  }

  TestClient& connect(const std::string& host = "127.0.0.1") {
    return cluster().node(kBroker).connect(0, "SASL_PLAINTEXT", security::SecurityProtocol::kSaslPlaintext, host);
  }
  TestClient& alice(const std::string& host = "127.0.0.1") {
    TestClient& client = connect(host);
    EXPECT_EQ(log_in_plain(client, "alice", "a").error_code, ErrorCode::kNone);
    return client;
  }
  template <class Response, class Request>
  Response ask(TestClient& client, const Request& request, int16_t version) {
    client.start(request, version);
    EXPECT_TRUE(cluster().until([&] { return client.has_answer() || client.closed(); }));
    return client.take<Response>(version);
  }
  CreateDelegationTokenResponse create_token(TestClient& by) {
    CreateDelegationTokenRequest request;
    request.max_lifetime_ms = -1;
    return ask<CreateDelegationTokenResponse>(by, request, 3);
  }
  void allow_alice_to_create(ByteView host) {
    CreateAclsRequest request;
    auto& acl = request.creations.emplace_back();
    acl.resource_type = static_cast<int8_t>(AclResourceType::kCluster);
    acl.resource_name = "kafka-cluster";
    acl.principal = "User:alice";
    acl.host = host;
    acl.operation = static_cast<int8_t>(AclOperation::kCreate);
    acl.permission_type = static_cast<int8_t>(AclPermissionType::kAllow);
    ASSERT_EQ(ClusterFixture::ask<CreateAclsResponse>(kController, request, 3).results.at(0).error_code,
              ErrorCode::kNone);
    cluster().settle();
  }
  ErrorCode make_topic(TestClient& by, ByteView name) {
    CreateTopicsRequest request;
    request.topics.emplace_back();
    request.topics.back().name = name;
    request.topics.back().num_partitions = 1;
    request.topics.back().replication_factor = 1;
    return ask<CreateTopicsResponse>(by, request, 7).topics.at(0).error_code;
  }

  // A request for a token in an Envelope, as a broker sends it.
  struct Envelope {
    std::optional<security::Principal> principal = security::Principal{"User", "alice"};
    Bytes address = Bytes("\x7f\0\0\1", 4);
  };
  EnvelopeResponse forward(const Envelope& what) {
    CreateDelegationTokenRequest request;
    request.max_lifetime_ms = -1;
    Writer body;
    RequestHeader header;
    header.api_key = static_cast<int16_t>(ApiKey::kCreateDelegationToken);
    header.api_version = 3;
    header.write(body);
    request.write(body, 3);
    const Bytes inner = body.take().flatten().take();
    Writer principal;
    if (what.principal) {
      principal.write_int16(0);
      DefaultPrincipalData data;
      data.type = what.principal->type;
      data.name = what.principal->name;
      data.token_authenticated = what.principal->by_token;
      data.write(principal, 0);
    }
    const Bytes who = principal.take().flatten().take();
    EnvelopeRequest envelope;
    envelope.request_data = inner;
    if (what.principal) envelope.request_principal = who;
    envelope.client_host_address = what.address;
    TestClient& hop = cluster().node(kController).connect(0, "CONTROLLER");
    return ask<EnvelopeResponse>(hop, envelope, 0);
  }
  // The error of the answer within.
  static ErrorCode inner_error(const EnvelopeResponse& response) {
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    if (!response.response_data) return ErrorCode::kUnknownServerError;
    Reader reader(*response.response_data);
    ResponseHeader header;
    header.read(reader, ApiKey::kCreateDelegationToken, 3);
    CreateDelegationTokenResponse inner;
    inner.read(reader, 3);
    EXPECT_TRUE(reader.ok());
    return inner.error_code;
  }
};

TEST_F(ForwardingTest, TokensAreMadeThroughAPlaintextControllerListener) {
  TestClient& client = alice();
  const auto token = create_token(client);
  ASSERT_EQ(token.error_code, ErrorCode::kNone);
  EXPECT_EQ(token.principal_name, "alice");
  const Bytes hmac(token.hmac);
  EXPECT_EQ(ask<RenewDelegationTokenResponse>(client, RenewDelegationTokenRequest{hmac, -1}, 2).error_code,
            ErrorCode::kNone);
  DescribeDelegationTokenRequest all;
  all.owners.reset();
  EXPECT_TRUE(cluster().until(
      [&] { return ask<DescribeDelegationTokenResponse>(client, all, 3).tokens.size() == 1; }));

  // A client that has shown a token makes none.
  TestClient& by_token = connect();
  log_in_scram(by_token, security::ScramMechanism::kSha256, token.token_id, security::base64_encode(hmac),
               ",tokenauth=true");
  ASSERT_EQ(by_token.take<SaslAuthenticateResponse>(2).error_code, ErrorCode::kNone);
  EXPECT_EQ(create_token(by_token).error_code, ErrorCode::kDelegationTokenRequestNotAllowed);

  EXPECT_EQ(ask<ExpireDelegationTokenResponse>(client, ExpireDelegationTokenRequest{hmac, -1}, 2).error_code,
            ErrorCode::kNone);
  EXPECT_TRUE(cluster().until(
      [&] { return ask<DescribeDelegationTokenResponse>(client, all, 3).tokens.empty(); }));
}

TEST_F(ForwardingTest, WhoHasNotAuthenticatedGetsNoToken) {
  TestClient& stranger = cluster().node(kBroker).connect();
  EXPECT_EQ(create_token(stranger).error_code, ErrorCode::kDelegationTokenRequestNotAllowed);
  TestClient& at_controller = cluster().node(kController).connect(0, "CONTROLLER");
  EXPECT_EQ(create_token(at_controller).error_code, ErrorCode::kDelegationTokenRequestNotAllowed);
}

TEST_F(ForwardingTest, TheEnvelopeSaysWhoAsks) {
  EXPECT_EQ(inner_error(forward({})), ErrorCode::kNone);
  security::Principal by_token{"User", "alice"};
  by_token.by_token = true;
  EXPECT_EQ(inner_error(forward({.principal = by_token})), ErrorCode::kDelegationTokenRequestNotAllowed);
  EXPECT_EQ(forward({.principal = std::nullopt}).error_code, ErrorCode::kPrincipalDeserializationFailure);
  EXPECT_EQ(forward({.address = "abc"}).error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(forward({.address = ""}).error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(inner_error(forward({.address = Bytes(16, '\1')})), ErrorCode::kNone);
}

TEST_F(ForwardingTest, RulesForHostsAreAskedAboutTheClients) {
  allow_alice_to_create("10.1.2.3");
  EXPECT_EQ(make_topic(alice("10.1.2.3"), "made"), ErrorCode::kNone);
  EXPECT_EQ(make_topic(alice("10.1.2.4"), "refused"), ErrorCode::kTopicAuthorizationFailed);
}

}  // namespace
}  // namespace milena::broker::broker_test
