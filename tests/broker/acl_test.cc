// ACLs over the wire: they take effect with the response, on every shard, and after a restart.
#include "protocol/acl.h"

#include "broker/node_fixture.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/create_acls.h"
#include "protocol/messages/delete_acls.h"
#include "protocol/messages/describe_acls.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/metadata.h"

namespace milena::broker::broker_test {
namespace {

// All clients are User:ANONYMOUS here: the administrator connects from 127.0.0.1, others from other hosts.
class AclTest : public NodeFixture {
 protected:
  void SetUp() override {
    node().set("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    node().set("allow.everyone.if.no.acl.found", "true");
    node().set("listeners", "PLAINTEXT://:9092,GUESTS://:9093");
    node().set("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,GUESTS:PLAINTEXT");
    node().set("listener.name.guests.milena.plaintext.principal", "Group:guests");
    NodeFixture::SetUp();
    create_topic("t", 4);
    for (AclResourceType type : {AclResourceType::kTopic, AclResourceType::kGroup, AclResourceType::kCluster}) {
      const ByteView name = type == AclResourceType::kCluster ? kClusterResource : kAclWildcard;
      create_acl(type, name, AclOperation::kAll, "127.0.0.1");
    }
  }
  void create_acl(AclResourceType type, ByteView name, AclOperation operation, ByteView host,
                  AclPermissionType permission = AclPermissionType::kAllow, ByteView principal = "User:ANONYMOUS") {
    CreateAclsRequest request;
    auto& acl = request.creations.emplace_back();
    acl.resource_type = static_cast<int8_t>(type);
    acl.resource_name = name;
    acl.principal = principal;
    acl.host = host;
    acl.operation = static_cast<int8_t>(operation);
    acl.permission_type = static_cast<int8_t>(permission);
    ASSERT_EQ(client().ask<CreateAclsResponse>(request, 3).results.at(0).error_code, ErrorCode::kNone);
  }
  static DeleteAclsRequest everything_of(ByteView host) {
    DeleteAclsRequest request;
    auto& filter = request.filters.emplace_back();
    filter.resource_type_filter = filter.pattern_type_filter = filter.operation = filter.permission_type = 1;
    filter.resource_name_filter.reset();
    filter.principal_filter.reset();
    filter.host_filter = host;
    return request;
  }
  // On any shard.
  ErrorCode fetch_from(ByteView host, int shard = 0, const char* listener = "PLAINTEXT") {
    TestClient& guest = node().connect(shard, listener, security::SecurityProtocol::kPlaintext, Bytes(host));
    return only_partition(guest.ask<FetchResponse>(fetch_request("t", 0, 0), kFetchVersion)).error_code;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, AclTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(AclTest, AnAclHoldsOnEveryShardOnceItIsAnsweredAndUntilItIsDeleted) {
  for (int shard = 0; shard < node().shard_count(); shard++)
    EXPECT_EQ(fetch_from("10.0.0.1", shard), ErrorCode::kTopicAuthorizationFailed);
  create_acl(AclResourceType::kTopic, "t", AclOperation::kRead, "10.0.0.1");
  for (int shard = 0; shard < node().shard_count(); shard++) {
    EXPECT_EQ(fetch_from("10.0.0.1", shard), ErrorCode::kNone);
    EXPECT_EQ(fetch_from("10.0.0.2", shard), ErrorCode::kTopicAuthorizationFailed);
  }
  auto deleted = client().ask<DeleteAclsResponse>(everything_of("10.0.0.1"), 3);
  EXPECT_EQ(deleted.filter_results.at(0).matching_acls.size(), 1u);
  for (int shard = 0; shard < node().shard_count(); shard++)
    EXPECT_EQ(fetch_from("10.0.0.1", shard), ErrorCode::kTopicAuthorizationFailed);
}

TEST_P(AclTest, AListenerWithoutAuthenticationMayHaveAPrincipal) {
  create_acl(AclResourceType::kTopic, "t", AclOperation::kRead, "*", AclPermissionType::kAllow, "Group:guests");
  EXPECT_EQ(fetch_from("10.0.0.1", 0, "GUESTS"), ErrorCode::kNone);
  EXPECT_EQ(fetch_from("10.0.0.1", 0, "PLAINTEXT"), ErrorCode::kTopicAuthorizationFailed);
}

TEST_P(AclTest, AclsSurviveAStopAndACrash) {
  create_acl(AclResourceType::kTopic, "t", AclOperation::kRead, "10.0.0.1");
  ASSERT_NO_FATAL_FAILURE(restart());
  EXPECT_EQ(fetch_from("10.0.0.1"), ErrorCode::kNone);
  create_acl(AclResourceType::kTopic, "*", AclOperation::kRead, "10.0.0.1", AclPermissionType::kDeny);
  ASSERT_NO_FATAL_FAILURE(kill_and_start());
  EXPECT_EQ(fetch_from("10.0.0.1"), ErrorCode::kTopicAuthorizationFailed);
}

TEST_P(AclTest, WhoMayNotSeeOrChangeAclsIsToldSo) {
  TestClient& guest = node().connect(0, "PLAINTEXT", security::SecurityProtocol::kPlaintext, "10.0.0.1");
  DescribeAclsRequest describe;
  describe.resource_type_filter = describe.pattern_type_filter = describe.operation = describe.permission_type = 1;
  EXPECT_EQ(guest.ask<DescribeAclsResponse>(describe, 3).error_code, ErrorCode::kClusterAuthorizationFailed);
  EXPECT_EQ(guest.ask<DeleteAclsResponse>(everything_of("*"), 3).filter_results.at(0).error_code,
            ErrorCode::kClusterAuthorizationFailed);
  describe.resource_name_filter.reset();
  describe.principal_filter.reset();
  describe.host_filter.reset();
  EXPECT_EQ(client().ask<DescribeAclsResponse>(describe, 3).resources.size(), 3u);
}

TEST_P(AclTest, AnUnknownElementClosesTheConnectionBeforeAnybodyIsAsked) {
  TestClient& guest = node().connect(0, "PLAINTEXT", security::SecurityProtocol::kPlaintext, "10.0.0.1");
  guest.start(DescribeAclsRequest{}, 3);
  EXPECT_TRUE(guest.closed());
  TestClient& other = node().connect(0);
  DeleteAclsRequest request = everything_of("*");
  request.filters[0].operation = 0;
  other.start(request, 3);
  EXPECT_TRUE(other.closed());
}

TEST_P(AclTest, AuthorizedOperationsAreThoseOfTheAcls) {
  create_acl(AclResourceType::kTopic, "t", AclOperation::kRead, "10.0.0.1");
  create_acl(AclResourceType::kTopic, "t", AclOperation::kAlterConfigs, "10.0.0.1");
  TestClient& guest = node().connect(0, "PLAINTEXT", security::SecurityProtocol::kPlaintext, "10.0.0.1");
  MetadataRequest request;
  request.include_topic_authorized_operations = true;
  request.topics.emplace().emplace_back().name = "t";
  const auto topic = guest.ask<MetadataResponse>(request, 9).topics.at(0);
  EXPECT_EQ(topic.topic_authorized_operations,
            acl_operation_bit(AclOperation::kRead) | acl_operation_bit(AclOperation::kDescribe) |
                acl_operation_bit(AclOperation::kAlterConfigs) | acl_operation_bit(AclOperation::kDescribeConfigs));
}

TEST_P(AclTest, APatternStandsForTopicsThatItsSubscriberMaySee) {
  create_topic("seen");
  create_acl(AclResourceType::kGroup, "g", AclOperation::kRead, "10.0.0.1");
  create_acl(AclResourceType::kTopic, "seen", AclOperation::kRead, "10.0.0.1");
  FindCoordinatorRequest find;
  find.coordinator_keys = {"g"};
  client().ask<FindCoordinatorResponse>(find, 4);
  ConsumerGroupHeartbeatRequest heartbeat;
  heartbeat.group_id = "g";
  heartbeat.member_id = "m";
  heartbeat.rebalance_timeout_ms = 60'000;
  heartbeat.subscribed_topic_regex = ".*";
  heartbeat.topic_partitions.emplace();
  TestClient& guest = node().connect(0, "PLAINTEXT", security::SecurityProtocol::kPlaintext, "10.0.0.1");
  const auto joined = guest.ask<ConsumerGroupHeartbeatResponse>(heartbeat, 1);
  ASSERT_EQ(joined.error_code, ErrorCode::kNone) << joined.error_message.value_or("");
  ASSERT_TRUE(joined.assignment.has_value());
  ASSERT_EQ(joined.assignment->topic_partitions.size(), 1u);
  EXPECT_EQ(joined.assignment->topic_partitions[0].topic_id, topic_id("seen"));
}

// Settings that another broker would enforce differently.
TEST(AclSettings, SuperUsersAreReadAtTheStart) {
  NodeHarness node(1);
  node.set("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
  node.set("super.users", "User:admin; User:ANONYMOUS");
  ASSERT_NO_FATAL_FAILURE(node.start());
  DescribeClusterRequest request;
  request.include_cluster_authorized_operations = true;
  EXPECT_EQ(node.connect().ask<DescribeClusterResponse>(request, 2).cluster_authorized_operations,
            supported_operations(AclResourceType::kCluster));
}

}  // namespace
}  // namespace milena::broker::broker_test
