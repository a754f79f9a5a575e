// Administration of the cluster as a whole: DescribeCluster, DescribeQuorum, UpdateFeatures, voters, brokers,
// reassignments and elections; and the controller's own listener.
#include <algorithm>

#include "broker/api_registry.h"
#include "broker/node_fixture.h"
#include "protocol/messages/add_raft_voter.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_quorum.h"
#include "protocol/messages/elect_leaders.h"
#include "protocol/messages/list_partition_reassignments.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/remove_raft_voter.h"
#include "protocol/messages/unregister_broker.h"
#include "protocol/messages/update_features.h"

namespace milena::broker::broker_test {
namespace {

constexpr int8_t kBrokerEndpoints = 1, kControllerEndpoints = 2;

class ClusterTest : public NodeFixture {
 protected:
  void SetUp() override {
    node().set("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093");
    node().set("controller.listener.names", "CONTROLLER");
    start();
  }
  TestClient& controller_client() { return node().connect(0, "CONTROLLER"); }

  static ApiVersionsResponse api_versions(TestClient& client, int16_t version = 4) {
    ApiVersionsRequest request;
    request.client_software_name = "test";
    request.client_software_version = "1";
    return client.ask<ApiVersionsResponse>(request, version);
  }
  static bool offers(const ApiVersionsResponse& response, ApiKey key) {
    return std::any_of(response.api_keys.begin(), response.api_keys.end(),
                       [key](const auto& api) { return api.api_key == static_cast<int16_t>(key); });
  }
  static DescribeClusterResponse describe_cluster(TestClient& client, int8_t type, int16_t version = 2) {
    DescribeClusterRequest request;
    request.endpoint_type = type;
    request.include_cluster_authorized_operations = true;
    return client.ask<DescribeClusterResponse>(request, version);
  }
  static DescribeQuorumResponse describe_quorum(TestClient& client, ByteView topic, std::vector<int32_t> partitions,
                                                int16_t version = 2) {
    DescribeQuorumRequest request;
    auto& asked = request.topics.emplace_back();
    asked.topic_name = topic;
    for (int32_t partition : partitions) asked.partitions.push_back({partition});
    return client.ask<DescribeQuorumResponse>(request, version);
  }
  ErrorCode update_feature(ByteView feature, int16_t level, int8_t type) {
    UpdateFeaturesRequest request;
    auto& update = request.feature_updates.emplace_back();
    update.feature = feature;
    update.max_version_level = level;
    update.upgrade_type = type;
    return client().ask<UpdateFeaturesResponse>(request, 2).error_code;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, ClusterTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(ClusterTest, EachListenerHasItsOwnRequests) {
  TestClient& controller = controller_client();
  ApiVersionsResponse of_broker = api_versions(client());
  ApiVersionsResponse of_controller = api_versions(controller);
  for (ApiKey key :
       {ApiKey::kProduce, ApiKey::kMetadata, ApiKey::kListGroups, ApiKey::kDescribeTopicPartitions}) {
    EXPECT_TRUE(offers(of_broker, key)) << api_name(key);
    EXPECT_FALSE(offers(of_controller, key)) << api_name(key);
  }
  for (ApiKey key :
       {ApiKey::kEnvelope, ApiKey::kBrokerRegistration, ApiKey::kBrokerHeartbeat, ApiKey::kAlterPartition}) {
    EXPECT_FALSE(offers(of_broker, key)) << api_name(key);
    EXPECT_TRUE(offers(of_controller, key)) << api_name(key);
  }
  for (ApiKey key : {ApiKey::kFetch, ApiKey::kCreateTopics, ApiKey::kDescribeCluster, ApiKey::kDescribeQuorum,
                     ApiKey::kUpdateFeatures, ApiKey::kSaslHandshake, ApiKey::kElectLeaders}) {
    EXPECT_TRUE(offers(of_broker, key)) << api_name(key);
    EXPECT_TRUE(offers(of_controller, key)) << api_name(key);
  }
  // Topics can be created there.
  CreateTopicsRequest creation;
  auto& topic = creation.topics.emplace_back();
  topic.name = "made";
  topic.num_partitions = 2;
  topic.replication_factor = 1;
  EXPECT_EQ(controller.ask<CreateTopicsResponse>(creation, 7).topics.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(produce("made", 1, {"x"}).error_code, ErrorCode::kNone);
  // An API that is not offered closes the connection.
  controller.start(MetadataRequest{}, 12);
  EXPECT_TRUE(controller.closed());
}

TEST_P(ClusterTest, FeaturesInApiVersions) {
  for (TestClient* each : {&client(), &controller_client()}) {
    ApiVersionsResponse all = api_versions(*each);
    EXPECT_EQ(all.supported_features.size(), 7u);
    EXPECT_EQ(all.finalized_features.size(), 6u);
    EXPECT_GE(all.finalized_features_epoch, 0);
    // Version 3 cannot read a range that begins with 0.
    ApiVersionsResponse old = api_versions(*each, 3);
    ASSERT_EQ(old.supported_features.size(), 1u);
    EXPECT_EQ(old.supported_features[0].name, "metadata.version");
    EXPECT_EQ(old.finalized_features.size(), 6u);
  }
}

TEST_P(ClusterTest, DescribeClusterOfBothKinds) {
  TestClient& controller = controller_client();
  DescribeClusterResponse brokers = describe_cluster(client(), kBrokerEndpoints);
  EXPECT_EQ(brokers.error_code, ErrorCode::kNone);
  EXPECT_EQ(brokers.endpoint_type, kBrokerEndpoints);
  EXPECT_EQ(brokers.cluster_authorized_operations, 8096);
  ASSERT_EQ(brokers.brokers.size(), 1u);
  EXPECT_FALSE(brokers.brokers[0].is_fenced);
  DescribeClusterResponse controllers = describe_cluster(controller, kControllerEndpoints);
  EXPECT_EQ(controllers.error_code, ErrorCode::kNone);
  EXPECT_EQ(controllers.endpoint_type, kControllerEndpoints);
  EXPECT_EQ(controllers.cluster_id, brokers.cluster_id);
  EXPECT_EQ(controllers.brokers.size(), 1u);

  EXPECT_EQ(describe_cluster(client(), kControllerEndpoints).error_code, ErrorCode::kMismatchedEndpointType);
  EXPECT_EQ(describe_cluster(controller, kBrokerEndpoints, 1).error_code, ErrorCode::kMismatchedEndpointType);
  EXPECT_EQ(describe_cluster(controller, kBrokerEndpoints, 0).error_code, ErrorCode::kInvalidRequest);
  for (int8_t unknown : {0, 3, -1}) {
    DescribeClusterResponse response = describe_cluster(client(), unknown);
    EXPECT_EQ(response.error_code, ErrorCode::kUnsupportedEndpointType);
    EXPECT_EQ(response.controller_id, -1);
    EXPECT_TRUE(response.brokers.empty());
  }
}

TEST_P(ClusterTest, TheQuorumIsThisNode) {
  for (int16_t version = 0; version <= 2; version++) {
    DescribeQuorumResponse response = describe_quorum(client(), "__cluster_metadata", {0}, version);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    const auto& partition = response.topics.at(0).partitions.at(0);
    EXPECT_EQ(partition.error_code, ErrorCode::kNone);
    EXPECT_EQ(partition.leader_id, 1);
    EXPECT_EQ(partition.leader_epoch, 1);
    EXPECT_GT(partition.high_watermark, 0);
    ASSERT_EQ(partition.current_voters.size(), 1u);
    EXPECT_EQ(partition.current_voters[0].replica_id, 1);
    EXPECT_EQ(partition.current_voters[0].log_end_offset, partition.high_watermark);
    EXPECT_TRUE(partition.observers.empty());
    if (version < 2) continue;
    ASSERT_EQ(response.nodes.size(), 1u);
    ASSERT_EQ(response.nodes[0].listeners.size(), 1u);
    EXPECT_EQ(response.nodes[0].listeners[0].name, "CONTROLLER");
    EXPECT_EQ(response.nodes[0].listeners[0].port, 9093);
  }
  restart();
  EXPECT_EQ(describe_quorum(client(), "__cluster_metadata", {0}).topics.at(0).partitions.at(0).leader_epoch, 2);
  for (const auto& [topic, partitions] : std::vector<std::pair<ByteView, std::vector<int32_t>>>{
           {"other", {0}}, {"__cluster_metadata", {1}}, {"__cluster_metadata", {0, 1}}}) {
    DescribeQuorumResponse response = describe_quorum(client(), topic, partitions);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    ASSERT_EQ(response.topics.at(0).partitions.size(), partitions.size());
    EXPECT_EQ(response.topics[0].partitions[0].error_code, ErrorCode::kUnknownTopicOrPartition);
  }
  EXPECT_TRUE(client().ask<DescribeQuorumResponse>(DescribeQuorumRequest{}, 2).topics.empty());
}

TEST_P(ClusterTest, FeatureLevelsArePutIntoTheLog) {
  constexpr int8_t kUp = 1, kDown = 2;
  int64_t epoch = api_versions(client()).finalized_features_epoch;
  EXPECT_EQ(update_feature("group.version", 0, kDown), ErrorCode::kNone);
  EXPECT_EQ(update_feature("transaction.version", 1, kDown), ErrorCode::kNone);
  EXPECT_EQ(update_feature("metadata.version", 29, kDown), ErrorCode::kInvalidUpdateVersion);
  EXPECT_GT(api_versions(client()).finalized_features_epoch, epoch);
  for (bool after_restart : {false, true}) {
    if (after_restart) restart();
    const metadata::MetadataImage& image = node().node().shard(0).image();
    EXPECT_EQ(image.feature_level("group.version"), 0);
    EXPECT_EQ(image.feature_level("transaction.version"), 1);
    EXPECT_EQ(image.metadata_version(), 30);
  }
  EXPECT_EQ(update_feature("group.version", 1, kUp), ErrorCode::kNone);
  EXPECT_EQ(node().node().shard(0).image().feature_level("group.version"), 1);
}

TEST_P(ClusterTest, AQuorumOfOneStaysSo) {
  AddRaftVoterRequest add;
  add.cluster_id.reset();
  add.voter_id = 2;
  add.voter_directory_id = Uuid{0, 77};
  add.listeners.push_back({"CONTROLLER", "localhost", 9});
  for (int16_t version : {0, 1}) {
    EXPECT_EQ(client().ask<AddRaftVoterResponse>(add, version).error_code, ErrorCode::kUnsupportedVersion);
  }
  RemoveRaftVoterRequest remove;
  remove.cluster_id.reset();
  remove.voter_id = 2;
  remove.voter_directory_id = Uuid{0, 77};
  EXPECT_EQ(client().ask<RemoveRaftVoterResponse>(remove, 0).error_code, ErrorCode::kUnsupportedVersion);
  add.cluster_id = "another";
  EXPECT_EQ(client().ask<AddRaftVoterResponse>(add, 1).error_code, ErrorCode::kInconsistentClusterId);
  remove.cluster_id = "another";
  EXPECT_EQ(client().ask<RemoveRaftVoterResponse>(remove, 0).error_code, ErrorCode::kInconsistentClusterId);
  add.cluster_id.reset();
  add.listeners.clear();
  EXPECT_EQ(client().ask<AddRaftVoterResponse>(add, 1).error_code, ErrorCode::kInvalidRequest);
  add.listeners.push_back({"nonsense", "localhost", 9});
  EXPECT_EQ(client().ask<AddRaftVoterResponse>(add, 1).error_code, ErrorCode::kInvalidRequest);
  add.listeners.push_back({"controller", "localhost", 9});
  EXPECT_EQ(client().ask<AddRaftVoterResponse>(add, 1).error_code, ErrorCode::kUnsupportedVersion);
  remove.cluster_id.reset();
  remove.voter_directory_id = {};
  EXPECT_EQ(client().ask<RemoveRaftVoterResponse>(remove, 0).error_code, ErrorCode::kInvalidRequest);
}

// The request of `kafka-features upgrade --release-version`.
TEST_P(ClusterTest, TheVotersCanBePutIntoTheLog) {
  constexpr int8_t kUp = 1, kDown = 2;
  auto voter = [this] {
    return describe_quorum(client(), "__cluster_metadata", {0}).topics.at(0).partitions.at(0).current_voters.at(0);
  };
  auto finalized = [this] {
    int16_t level = 0;
    for (const auto& feature : api_versions(client()).finalized_features) {
      if (feature.name == "kraft.version") level = feature.max_version_level;
    }
    return level;
  };
  EXPECT_EQ(update_feature("kraft.version", 0, kUp), ErrorCode::kNone);
  EXPECT_EQ(finalized(), 0);
  EXPECT_TRUE(voter().replica_directory_id.is_zero());
  EXPECT_EQ(update_feature("kraft.version", 1, kUp), ErrorCode::kNone);
  create_topic("t");
  for (int start = 0; start < 3; start++) {
    if (start == 1) restart();
    if (start == 2) kill_and_start();
    EXPECT_EQ(finalized(), 1);
    EXPECT_FALSE(voter().replica_directory_id.is_zero());
    EXPECT_EQ(update_feature("kraft.version", 1, kUp), ErrorCode::kNone);
    EXPECT_EQ(update_feature("kraft.version", 0, kDown), ErrorCode::kInvalidUpdateVersion);
    AddRaftVoterRequest add;
    add.cluster_id.reset();
    add.voter_id = 1;
    add.voter_directory_id = Uuid{0, 77};
    add.listeners.push_back({"CONTROLLER", "localhost", 9});
    EXPECT_EQ(client().ask<AddRaftVoterResponse>(add, 1).error_code, ErrorCode::kDuplicateVoter);
    add.voter_id = 2;
    EXPECT_EQ(client().ask<AddRaftVoterResponse>(add, 1).error_code, ErrorCode::kRequestTimedOut);
    RemoveRaftVoterRequest remove;
    remove.cluster_id.reset();
    remove.voter_id = 1;
    remove.voter_directory_id = voter().replica_directory_id;
    EXPECT_EQ(client().ask<RemoveRaftVoterResponse>(remove, 0).error_code, ErrorCode::kVoterNotFound);
  }
}

TEST_P(ClusterTest, BrokersElectionsAndReassignments) {
  create_topic("t", 2);
  UnregisterBrokerRequest unregister;
  unregister.broker_id = 9;
  EXPECT_EQ(client().ask<UnregisterBrokerResponse>(unregister, 0).error_code, ErrorCode::kBrokerIdNotRegistered);
  unregister.broker_id = 1;
  EXPECT_EQ(client().ask<UnregisterBrokerResponse>(unregister, 0).error_code, ErrorCode::kNone);
  EXPECT_EQ(produce("t", 0, {"x"}).error_code, ErrorCode::kNone);

  ElectLeadersRequest election;
  election.topic_partitions->push_back({"t", {0, 1, 2}});
  for (int16_t version = 0; version <= 2; version++) {
    auto response = client().ask<ElectLeadersResponse>(election, version);
    ASSERT_EQ(response.replica_election_results.size(), 1u);
    const auto& results = response.replica_election_results[0].partition_result;
    ASSERT_EQ(results.size(), 3u);
    EXPECT_EQ(results[0].error_code, ErrorCode::kElectionNotNeeded);
    EXPECT_EQ(results[2].error_code, ErrorCode::kUnknownTopicOrPartition);
  }
  AlterPartitionReassignmentsRequest move;
  move.topics.push_back({"t", {{0, std::vector<int32_t>{1}}, {1, std::vector<int32_t>{2}}, {1, std::nullopt}}});
  for (int16_t version : {0, 1}) {
    auto response = client().ask<AlterPartitionReassignmentsResponse>(move, version);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    const auto& results = response.responses.at(0).partitions;
    ASSERT_EQ(results.size(), 3u);
    EXPECT_EQ(results[0].error_code, ErrorCode::kNone);
    EXPECT_EQ(results[1].error_code, ErrorCode::kInvalidReplicaAssignment);
    EXPECT_EQ(results[2].error_code, ErrorCode::kNoReassignmentInProgress);
  }
  ListPartitionReassignmentsRequest list;
  EXPECT_TRUE(client().ask<ListPartitionReassignmentsResponse>(list, 0).topics.empty());
  list.topics.emplace().push_back({"t", {0, 9}});
  EXPECT_TRUE(client().ask<ListPartitionReassignmentsResponse>(list, 0).topics.empty());
}

}  // namespace
}  // namespace milena::broker::broker_test
