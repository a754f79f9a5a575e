// Every handler authorizes its client: for Kafka's operations, and always. The requests are in permission_samples.h;
// each API's entry declares its permissions (broker/api_entry.h).
#include <algorithm>
#include <set>

#include "broker/api_registry.h"
#include "broker/permission_samples.h"
#include "broker/sasl_client.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/create_delegation_token.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/offset_commit.h"
#include "security/authorizer.h"

namespace milena::broker::broker_test {
namespace {

// Gives fixed answers, and records the questions.
class RecordingAuthorizer final : public security::Authorizer {
 public:
  bool allows(const security::Requester& who, security::Permission permission, ByteView resource_name) const override {
    EXPECT_EQ(who.host, "127.0.0.1");
    EXPECT_FALSE(who.listener.empty());
    EXPECT_EQ(who.principal, security::Principal());
    if (permission.resource == AclResourceType::kCluster) {
      EXPECT_EQ(resource_name, kClusterResource);
    }
    asked.emplace_back(permission, resource_name);
    const bool exception = std::find(exceptions.begin(), exceptions.end(), asked.back()) != exceptions.end();
    return exception != allow;
  }
  bool allows_somewhere(const security::Requester&, security::Permission permission) const override {
    asked.emplace_back(permission, "");
    return allow;
  }
  // Authorized operations in responses do not count as questions of the handler.
  int32_t allowed_operations(const security::Requester& who, AclResourceType type,
                             ByteView resource_name) const override {
    const std::vector<Question> before = asked;
    const int32_t bits = security::Authorizer::allowed_operations(who, type, resource_name);
    asked = before;
    return bits;
  }
  bool configured() const override { return true; }

  using Question = std::pair<security::Permission, Bytes>;
  bool allow = true;
  std::vector<Question> exceptions;  // with the opposite answer
  mutable std::vector<Question> asked;
};

class AuthorizerTest : public NodeFixture {
 protected:
  void SetUp() override {
    node().set("listeners", "PLAINTEXT://:9092,CONTROLLER://:9093,SASL_PLAINTEXT://:9094");
    node().set("listener.security.protocol.map",
               "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT");
    node().set("sasl.enabled.mechanisms", "PLAIN");
    node().set("listener.name.sasl_plaintext.plain.sasl.jaas.config",
               "org.apache.kafka.common.security.plain.PlainLoginModule required user_ANONYMOUS=\"x\";");
    node().set("delegation.token.secret.key", "x");
    node().set("controller.listener.names", "CONTROLLER");
    NodeFixture::SetUp();
    create_topic("t", 2);
    create_topic("doomed", 1);
    for (int8_t type : {0, 1}) find_coordinator(type);
    begin_transaction();
    join_consumer_group();
    make_token_of_another();
    node().node().set_authorizer(authorizer_);
  }
  void find_coordinator(int8_t type) {
    FindCoordinatorRequest request;
    request.key_type = type;
    request.coordinator_keys = {"g"};
    client().ask<FindCoordinatorResponse>(request, 4);
  }
  // A visible transaction, and a visible group with an assignment.
  void begin_transaction() {
    InitProducerIdRequest init;
    init.transactional_id = "x";
    init.transaction_timeout_ms = 60'000;
    auto producer = client().ask<InitProducerIdResponse>(init, 5);
    AddPartitionsToTxnRequest add;
    add.v3_and_below_transactional_id = "x";
    add.v3_and_below_producer_id = producer.producer_id;
    add.v3_and_below_producer_epoch = producer.producer_epoch;
    add.v3_and_below_topics.push_back({"t", {0}});
    auto added = client().ask<AddPartitionsToTxnResponse>(add, 3);
    EXPECT_EQ(added.results_by_topic_v3_and_below.at(0).results_by_partition.at(0).partition_error_code,
              ErrorCode::kNone);
  }
  void join_consumer_group() {
    ConsumerGroupHeartbeatRequest heartbeat;
    heartbeat.group_id = "c";
    heartbeat.member_id = "m";
    heartbeat.rebalance_timeout_ms = 60'000;
    heartbeat.subscribed_topic_names = {"t"};
    heartbeat.topic_partitions.emplace();
    auto joined = client().ask<ConsumerGroupHeartbeatResponse>(heartbeat, 1);
    EXPECT_EQ(joined.error_code, ErrorCode::kNone);
    EXPECT_TRUE(joined.assignment.has_value());
  }
  void make_token_of_another() {
    CreateDelegationTokenRequest request;
    request.owner_principal_type = "User";
    request.owner_principal_name = "carol";
    EXPECT_EQ(authenticated_client().ask<CreateDelegationTokenResponse>(request, 3).error_code, ErrorCode::kNone);
  }
  // For requests of any authenticated client.
  TestClient& authenticated_client() {
    TestClient& client = node().connect(0, "SASL_PLAINTEXT", security::SecurityProtocol::kSaslPlaintext);
    EXPECT_EQ(log_in_plain(client, "ANONYMOUS", "x").error_code, ErrorCode::kNone);
    return client;
  }
  // Sends the samples with some exceptions to the rule.
  template <class Ask>
  std::set<std::pair<int, int>> asked_with(std::vector<RecordingAuthorizer::Question> exceptions, Ask ask) {
    authorizer_.exceptions = std::move(exceptions);
    ask();
    authorizer_.exceptions.clear();
    return take_asked();
  }
  TestClient& client_of(const PermissionSample& one) {
    if (one.key == ApiKey::kCreateDelegationToken || one.key == ApiKey::kDescribeDelegationToken) {
      return authenticated_client();
    }
    return node().connect(0, one.to_controller ? "CONTROLLER" : "PLAINTEXT");
  }
  std::set<std::pair<int, int>> take_asked() {
    std::set<std::pair<int, int>> all;
    for (const auto& [permission, name] : std::exchange(authorizer_.asked, {})) {
      all.emplace(static_cast<int>(permission.resource), static_cast<int>(permission.operation));
    }
    return all;
  }
  static std::vector<PermissionSample> samples() {
    std::vector<PermissionSample> all;
    for (const auto& some : {data_samples(), group_samples(), transaction_samples(), admin_samples(),
                             cluster_samples()}) {
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }

  RecordingAuthorizer authorizer_;
};
INSTANTIATE_TEST_SUITE_P(Shards, AuthorizerTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(AuthorizerTest, WhoMayNothingIsToldSoByEachRequest) {
  authorizer_.allow = false;
  for (const PermissionSample& one : samples()) {
    SCOPED_TRACE(std::string(api_name(one.key)) + " " + one.what);
    EXPECT_EQ(one.ask(client_of(one)), one.refusal);
    EXPECT_FALSE(take_asked().empty()) << "it answered without having asked";
  }
}

TEST_P(AuthorizerTest, EachRequestAsksForWhatItsEntryDeclares) {
  std::map<ApiKey, std::set<std::pair<int, int>>> asked;
  // While the transaction is open: its topics are authorized.
  asked[ApiKey::kDescribeTransactions] = asked_with({}, [&] {
    DescribeTransactionsRequest request;
    request.transactional_ids = {"x"};
    client().ask<DescribeTransactionsResponse>(request, 0);
  });
  for (bool allow : {false, true}) {
    authorizer_.allow = allow;
    for (const PermissionSample& one : samples()) {
      SCOPED_TRACE(std::string(api_name(one.key)) + " " + one.what);
      ErrorCode error = one.ask(client_of(one));
      if (allow && one.refusal != ErrorCode::kNone) {
        EXPECT_NE(error, one.refusal);
      }
      asked[one.key].merge(take_asked());
    }
    // Groups and transactions are authorized one by one, and only if the client may not see all.
    if (!allow) continue;
    asked[ApiKey::kListGroups].merge(asked_with({{security::kDescribeTheCluster, Bytes(kClusterResource)}},
                                                [&] { client().ask<ListGroupsResponse>(ListGroupsRequest{}, 5); }));
    // The same for topics that Metadata creates, or that are deleted.
    asked[ApiKey::kMetadata].merge(asked_with({{security::kCreateInCluster, Bytes(kClusterResource)}}, [&] {
      MetadataRequest metadata;
      metadata.allow_auto_topic_creation = true;
      metadata.topics.emplace().emplace_back().name = "another";
      client().ask<MetadataResponse>(metadata, 9);
    }));
    asked[ApiKey::kDeleteTopics].merge(
        asked_with({{security::kDeleteInCluster, Bytes(kClusterResource)}, {security::kDeleteTopic, "t"}}, [&] {
          DeleteTopicsRequest deletion;
          deletion.topics.emplace_back().name = "t";
          EXPECT_EQ(client().ask<DeleteTopicsResponse>(deletion, 6).responses.at(0).error_code,
                    ErrorCode::kTopicAuthorizationFailed);
        }));
  }
  for (const ApiEntry& entry : api_registry()) {
    security::Permissions all;
    for (auto [resource, operation] : asked[entry.key]) {
      const security::Permission one{static_cast<AclOperation>(operation), static_cast<AclResourceType>(resource)};
      all.add(one);
    }
    EXPECT_EQ(all.to_string(), entry.permissions.to_string()) << api_name(entry.key);
  }
}

TEST_P(AuthorizerTest, TopicsThatMayNotBeSeenAreLeftOutOfMetadata) {
  authorizer_.exceptions = {{security::kDescribeTopic, "t"}};
  MetadataRequest all;
  all.topics.reset();
  auto response = client().ask<MetadataResponse>(all, 12);
  std::set<Bytes> names;
  for (const auto& topic : response.topics) names.insert(topic.name.value_or(""));
  EXPECT_FALSE(names.contains("t"));
  EXPECT_TRUE(names.contains("doomed"));

  // A request by id returns no name, and one by name no id.
  MetadataRequest by_id;
  by_id.topics.emplace().emplace_back().topic_id = topic_id("t");
  by_id.topics->back().name.reset();
  response = client().ask<MetadataResponse>(by_id, 12);
  EXPECT_EQ(response.topics.at(0).error_code, ErrorCode::kTopicAuthorizationFailed);
  EXPECT_FALSE(response.topics.at(0).name.has_value());
  EXPECT_EQ(response.topics.at(0).topic_id, topic_id("t"));
  MetadataRequest by_name;
  by_name.topics.emplace().emplace_back().name = "t";
  response = client().ask<MetadataResponse>(by_name, 12);
  EXPECT_EQ(response.topics.at(0).error_code, ErrorCode::kTopicAuthorizationFailed);
  EXPECT_TRUE(response.topics.at(0).topic_id.is_zero());
}

TEST_P(AuthorizerTest, WhoMayNotCreateATopicDoesNotCreateIt) {
  authorizer_.exceptions = {{security::kCreateInCluster, Bytes(kClusterResource)}, {security::kCreateTopic, "new"}};
  MetadataRequest request;
  request.allow_auto_topic_creation = true;
  request.topics.emplace().emplace_back().name = "new";
  request.topics->emplace_back().name = "other";
  auto response = client().ask<MetadataResponse>(request, 9);
  EXPECT_EQ(response.topics.at(0).error_code, ErrorCode::kTopicAuthorizationFailed);
  EXPECT_EQ(response.topics.at(1).error_code, ErrorCode::kNone);
  EXPECT_EQ(node().topic("new"), nullptr);
  EXPECT_NE(node().topic("other"), nullptr);

  CreateTopicsRequest creation;
  for (ByteView name : {"new", "twice", "twice", "fine"}) {
    auto& topic = creation.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = 1;
    topic.replication_factor = 1;
  }
  std::map<Bytes, ErrorCode> errors;
  for (const auto& topic : client().ask<CreateTopicsResponse>(creation, 7).topics)
    errors[topic.name] = topic.error_code;
  EXPECT_EQ(errors["new"], ErrorCode::kTopicAuthorizationFailed);
  EXPECT_EQ(errors["twice"], ErrorCode::kInvalidRequest);
  EXPECT_EQ(errors["fine"], ErrorCode::kNone);
  EXPECT_EQ(node().topic("new"), nullptr);
}

TEST_P(AuthorizerTest, AuthorizedOperationsAreTheAuthorizers) {
  authorizer_.exceptions = {{security::kAlterTopic, "t"}, {security::kDeleteTopic, "t"}};
  MetadataRequest request;
  request.include_topic_authorized_operations = true;
  request.topics.emplace().emplace_back().name = "t";
  auto operations = client().ask<MetadataResponse>(request, 9).topics.at(0).topic_authorized_operations;
  EXPECT_EQ(operations, supported_operations(AclResourceType::kTopic) & ~acl_operation_bit(AclOperation::kAlter) &
                            ~acl_operation_bit(AclOperation::kDelete));
  DescribeClusterRequest cluster;
  cluster.include_cluster_authorized_operations = true;
  EXPECT_EQ(client().ask<DescribeClusterResponse>(cluster, 2).cluster_authorized_operations,
            supported_operations(AclResourceType::kCluster));
  authorizer_.exceptions = {{security::kDescribeTheCluster, Bytes(kClusterResource)}};
  EXPECT_EQ(client().ask<DescribeClusterResponse>(cluster, 2).cluster_authorized_operations, 0);
}

TEST_P(AuthorizerTest, OffsetsOfForbiddenTopicsAreNotCommitted) {
  authorizer_.exceptions = {{security::kReadTopic, "doomed"}};
  OffsetCommitRequest request;
  request.group_id = "g";
  for (ByteView name : {"doomed", "t"}) {
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.partitions.emplace_back().committed_offset = 5;
  }
  auto response = client().ask<OffsetCommitResponse>(request, 8);
  EXPECT_EQ(response.topics.at(0).partitions.at(0).error_code, ErrorCode::kTopicAuthorizationFailed);
  EXPECT_EQ(response.topics.at(1).partitions.at(0).error_code, ErrorCode::kNone);
}

}  // namespace
}  // namespace milena::broker::broker_test
