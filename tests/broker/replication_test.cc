// Three nodes as one cluster: how it forms, how records are replicated, and what becomes of them when a node is lost.
#include "broker/cluster_harness.h"
#include "broker/replica/partition.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/metadata.h"

namespace milena::broker_test {
namespace {

class ReplicationTest : public testing::Test {
 protected:
  void SetUp() override {
    cluster_ = std::make_unique<ClusterHarness>(3);
    ASSERT_NO_FATAL_FAILURE(cluster_->start_all());
  }
  ClusterHarness& cluster() { return *cluster_; }

  // Sends, and lets time go on until there is an answer.
  template <class Response, class Request>
  Response ask(int node, const Request& request, int16_t version) {
    TestClient& client = cluster().node(node).connect();
    client.start(request, version);
    EXPECT_TRUE(cluster().until([&] { return client.has_answer(); })) << "no answer from node " << node;
    return client.take<Response>(version);
  }

  void create_topic(int by, ByteView name, const std::vector<int32_t>& replicas, const char* min_in_sync = "1") {
    CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.assignments.push_back({0, replicas});
    topic.configs.push_back({"min.insync.replicas", min_in_sync});
    auto response = ask<CreateTopicsResponse>(by, request, 7);
    ASSERT_EQ(response.topics.at(0).error_code, ErrorCode::kNone) << response.topics[0].error_message.value_or("");
  }
  const PartitionImage* image(int node, ByteView name) {
    return cluster().node(node).node().shard(0).image().find_partition(name, 0);
  }
  Partition* replica(int node, ByteView name) {
    const TopicImage* topic = cluster().node(node).topic(name);
    return topic == nullptr ? nullptr : cluster().node(node).node().shard(0).find_replica({topic->id, 0});
  }
  int64_t end_at(int node, ByteView name) {
    Partition* partition = replica(node, name);
    return partition == nullptr ? -1 : partition->log_end_offset();
  }
  std::vector<int32_t> in_sync(int node, ByteView name) {
    std::vector<int32_t> ids = image(node, name)->isr.to_vector();
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  ErrorCode produce(int node, ByteView name, const std::string& value) {
    ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 5000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = name;
    const Bytes batch = batch_of({value}, cluster().clock().wall_ms());
    topic.partition_data.push_back({0, ByteView(batch)});
    return ask<ProduceResponse>(node, request, 9).responses.at(0).partition_responses.at(0).error_code;
  }
  std::vector<std::string> values(int node, ByteView name) {
    auto response = ask<FetchResponse>(node, fetch_request(name), 12);
    return records_of(response.responses.at(0).partitions.at(0).records).values;
  }
  static FetchRequest fetch_request(ByteView name) {
    FetchRequest request;
    request.max_bytes = 50 << 20;
    auto& topic = request.topics.emplace_back();
    topic.topic = name;
    FetchRequest::FetchPartition asked;
    asked.partition_max_bytes = 1 << 20;
    topic.partitions.push_back(asked);
    return request;
  }

 private:
  std::unique_ptr<ClusterHarness> cluster_;
};

TEST_F(ReplicationTest, EachNodeTellsOfAll) {
  for (int node = 1; node <= 3; node++) {
    MetadataRequest request;
    auto response = ask<MetadataResponse>(node, request, 12);
    ASSERT_EQ(response.brokers.size(), 3u) << node;
    EXPECT_EQ(response.brokers[2].node_id, 3);
    EXPECT_EQ(response.brokers[2].port, 9203);
  }
}

TEST_F(ReplicationTest, ATopicIsMadeThroughABrokerAndReplicated) {
  create_topic(3, "t", {2, 3, 1});
  ASSERT_NE(image(3, "t"), nullptr) << "whoever made a topic may use it at once";
  EXPECT_EQ(image(3, "t")->leader, 2);
  EXPECT_EQ(produce(2, "t", "a"), ErrorCode::kNone);
  EXPECT_EQ(produce(2, "t", "b"), ErrorCode::kNone);
  for (int node = 1; node <= 3; node++) EXPECT_EQ(end_at(node, "t"), 2) << node;
  EXPECT_EQ(produce(1, "t", "c"), ErrorCode::kNotLeaderOrFollower);
  // The followers hear of the high watermark, too.
  EXPECT_TRUE(cluster().until([&] { return replica(1, "t")->high_watermark() == 2; }));
  EXPECT_TRUE(cluster().until([&] { return replica(3, "t")->high_watermark() == 2; }));
}

TEST_F(ReplicationTest, AnAcknowledgementWaitsForTheReplicasInSync) {
  create_topic(1, "t", {1, 2, 3});
  ASSERT_TRUE(cluster().until([&] { return replica(3, "t") != nullptr; }));
  EXPECT_EQ(produce(1, "t", "a"), ErrorCode::kNone);
  cluster().kill(3);
  // The controller noticed that the connection of the heartbeats is closed.
  const int64_t before_ms = cluster().clock().steady_ms();
  EXPECT_EQ(produce(1, "t", "b"), ErrorCode::kNone);
  EXPECT_LT(cluster().clock().steady_ms() - before_ms, 1000);
  EXPECT_EQ(in_sync(1, "t"), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(end_at(2, "t"), 2);
}

TEST_F(ReplicationTest, AnotherReplicaLeadsWhenTheLeaderIsLost) {
  create_topic(1, "t", {3, 2, 1}, "2");
  EXPECT_EQ(produce(3, "t", "a"), ErrorCode::kNone);
  cluster().kill(3);
  ASSERT_TRUE(cluster().until([&] { return image(2, "t")->leader == 2; }, 1000));
  EXPECT_EQ(produce(2, "t", "b"), ErrorCode::kNone);
  EXPECT_EQ(values(2, "t"), (std::vector<std::string>{"a", "b"}));

  ASSERT_NO_FATAL_FAILURE(cluster().start(3));
  ASSERT_TRUE(cluster().until([&] { return in_sync(1, "t") == std::vector<int32_t>{1, 2, 3}; }));
  EXPECT_EQ(end_at(3, "t"), 2);
  EXPECT_EQ(produce(2, "t", "c"), ErrorCode::kNone);
  EXPECT_EQ(end_at(3, "t"), 3);
}

TEST_F(ReplicationTest, TooFewReplicasInSyncRefuseRecords) {
  create_topic(1, "t", {1, 2}, "2");
  EXPECT_EQ(produce(1, "t", "a"), ErrorCode::kNone);
  cluster().kill(2);
  ASSERT_TRUE(cluster().until([&] { return in_sync(1, "t") == std::vector<int32_t>{1}; }, 1000));
  EXPECT_EQ(produce(1, "t", "b"), ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(values(1, "t"), (std::vector<std::string>{"a"}));
}

TEST_F(ReplicationTest, ARecordThatOnlyTheLostLeaderHadGoes) {
  create_topic(1, "t", {3, 2, 1});
  EXPECT_EQ(produce(3, "t", "a"), ErrorCode::kNone);
  // Appended, and lost before anybody fetched it.
  Partition* leader = replica(3, "t");
  leader->append_as_leader(Payload(batch_of({"lost"}, cluster().clock().wall_ms())), AppendOrigin::kClient);
  ASSERT_EQ(leader->log_end_offset(), 2);
  cluster().kill(3);
  ASSERT_TRUE(cluster().until([&] { return image(2, "t")->leader == 2; }, 1000));
  EXPECT_EQ(produce(2, "t", "b"), ErrorCode::kNone);
  ASSERT_NO_FATAL_FAILURE(cluster().start(3));
  ASSERT_TRUE(cluster().until([&] { return in_sync(1, "t") == std::vector<int32_t>{1, 2, 3}; }));
  EXPECT_EQ(end_at(3, "t"), 2);
  cluster().kill(2);
  ASSERT_TRUE(cluster().until([&] { return image(1, "t")->leader != 2; }, 1000));
  const int now = image(1, "t")->leader;
  EXPECT_EQ(values(now, "t"), (std::vector<std::string>{"a", "b"}));
}

TEST_F(ReplicationTest, ASilentBrokerIsFencedAfterItsSession) {
  create_topic(1, "t", {1, 2, 3});
  EXPECT_EQ(produce(1, "t", "a"), ErrorCode::kNone);
  const MetadataImage& metadata = cluster().node(1).node().shard(0).image();
  cluster().advance(20'000);
  for (int id = 1; id <= 3; id++) EXPECT_FALSE(metadata.find_broker(id)->fenced) << id;
  cluster().pause(3);
  cluster().advance(8'000);
  EXPECT_FALSE(metadata.find_broker(3)->fenced);
  cluster().advance(3'000);
  EXPECT_TRUE(metadata.find_broker(3)->fenced);
  EXPECT_EQ(in_sync(1, "t"), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(produce(1, "t", "b"), ErrorCode::kNone);
  cluster().resume(3);
  EXPECT_TRUE(cluster().until([&] { return in_sync(1, "t") == std::vector<int32_t>{1, 2, 3}; }));
  EXPECT_EQ(end_at(3, "t"), 2);
}

TEST_F(ReplicationTest, ProducerIdsAreOfOneCluster) {
  std::set<int64_t> ids;
  for (int node = 1; node <= 3; node++) {
    InitProducerIdRequest request;
    request.transactional_id.reset();
    auto response = ask<InitProducerIdResponse>(node, request, 4);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    ids.insert(response.producer_id);
  }
  EXPECT_EQ(ids.size(), 3u);
}

}  // namespace
}  // namespace milena::broker_test
