// Responses of a follower, and of a broker without a replica: consumers may read from followers (KIP-392), debugging
// replicas may ask them for offsets, and a wrong epoch is reported before a wrong broker.
#include "broker/cluster_harness.h"
#include "broker/replica/partition.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/offset_for_leader_epoch.h"
#include "protocol/messages/produce.h"

namespace milena::broker::broker_test {
namespace {

constexpr ByteView kTopic = "t";
constexpr int kLeader = 1, kFollower = 2, kStranger = 3;
constexpr int16_t kWithRack = 12, kWithoutRack = 10;

class ReadFromFollowerTest : public testing::Test {
 protected:
  void SetUp() override {
    cluster_ = std::make_unique<ClusterHarness>(3);
    ASSERT_NO_FATAL_FAILURE(cluster_->start_all());
    CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = kTopic;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.assignments.push_back({0, {kLeader, kFollower}});
    ASSERT_EQ(ask<CreateTopicsResponse>(kLeader, request, 7).topics.at(0).error_code, ErrorCode::kNone);
    produce("one");
    ASSERT_TRUE(cluster_->until([&] { return fetch(kFollower, kWithRack, 0).high_watermark == 1; }));
  }
  template <class Response, class Request>
  Response ask(int node, const Request& request, int16_t version) {
    TestClient& client = cluster_->node(node).connect();
    client.start(request, version);
    EXPECT_TRUE(cluster_->until([&] { return client.has_answer(); })) << "no answer from node " << node;
    return client.take<Response>(version);
  }
  void produce(const std::string& value) {
    ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 5000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = kTopic;
    const Bytes batch = batch_of({value}, cluster_->clock().wall_ms());
    topic.partition_data.push_back({0, ByteView(batch)});
    auto response = ask<ProduceResponse>(kLeader, request, 9);
    ASSERT_EQ(response.responses.at(0).partition_responses.at(0).error_code, ErrorCode::kNone);
  }
  static FetchRequest fetch_request(int64_t offset, int32_t epoch, int32_t wait_ms) {
    FetchRequest request;
    request.max_wait_ms = wait_ms;
    request.min_bytes = 1;
    request.max_bytes = 1000;
    auto& topic = request.topics.emplace_back();
    topic.topic = kTopic;
    auto& partition = topic.partitions.emplace_back();
    partition.fetch_offset = offset;
    partition.current_leader_epoch = epoch;
    partition.partition_max_bytes = 1000;
    return request;
  }
  FetchResponse::PartitionData fetch(int node, int16_t version, int64_t offset, int32_t epoch = -1) {
    return ask<FetchResponse>(node, fetch_request(offset, epoch, 0), version).responses.at(0).partitions.at(0);
  }
  ErrorCode list_offsets(int node, int32_t replica, int32_t epoch = -1) {
    ListOffsetsRequest request;
    request.replica_id = replica;
    auto& topic = request.topics.emplace_back();
    topic.name = kTopic;
    auto& partition = topic.partitions.emplace_back();
    partition.timestamp = -2;
    partition.current_leader_epoch = epoch;
    return ask<ListOffsetsResponse>(node, request, 6).topics.at(0).partitions.at(0).error_code;
  }
  ErrorCode epoch_end(int node, int32_t epoch) {
    OffsetForLeaderEpochRequest request;
    auto& topic = request.topics.emplace_back();
    topic.topic = kTopic;
    auto& partition = topic.partitions.emplace_back();
    partition.current_leader_epoch = epoch;
    return ask<OffsetForLeaderEpochResponse>(node, request, 4).topics.at(0).partitions.at(0).error_code;
  }

  std::unique_ptr<ClusterHarness> cluster_;
};

TEST_F(ReadFromFollowerTest, ConsumersThatSayWhereTheyAreMay) {
  EXPECT_EQ(fetch(kFollower, kWithRack, 0).error_code, ErrorCode::kNone);
  EXPECT_EQ(fetch(kFollower, kWithRack, 0).high_watermark, 1);
  EXPECT_EQ(fetch(kFollower, kWithoutRack, 0).error_code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(fetch(kStranger, kWithRack, 0).error_code, ErrorCode::kNotLeaderOrFollower);
}

TEST_F(ReadFromFollowerTest, AFetchThatWaitsIsAnsweredWhenTheRecordCanBeRead) {
  TestClient& client = cluster_->node(kFollower).connect();
  client.start(fetch_request(1, -1, 60'000), kWithRack);
  cluster_->settle();
  ASSERT_FALSE(client.has_answer());
  const int64_t before_ms = cluster_->clock().steady_ms();
  produce("two");
  ASSERT_TRUE(cluster_->until([&] { return client.has_answer(); }));
  EXPECT_LT(cluster_->clock().steady_ms(), before_ms + 10'000);
  auto response = client.take<FetchResponse>(kWithRack);
  EXPECT_EQ(records_of(response.responses.at(0).partitions.at(0).records).values, std::vector<std::string>{"two"});
}

TEST_F(ReadFromFollowerTest, OffsetsAreToldToADebuggingReplica) {
  constexpr int32_t kConsumer = -1, kDebugging = -2;
  EXPECT_EQ(list_offsets(kFollower, kDebugging), ErrorCode::kNone);
  EXPECT_EQ(list_offsets(kFollower, kConsumer), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(list_offsets(kFollower, 3), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(list_offsets(kStranger, kDebugging), ErrorCode::kNotLeaderOrFollower);
}

TEST_F(ReadFromFollowerTest, ProducersAreDescribedByEachReplica) {
  DescribeProducersRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = kTopic;
  topic.partition_indexes = {0};
  const auto error = [&](int node) {
    return ask<DescribeProducersResponse>(node, request, 0).topics.at(0).partitions.at(0).error_code;
  };
  EXPECT_EQ(error(kLeader), ErrorCode::kNone);
  EXPECT_EQ(error(kFollower), ErrorCode::kNone);
  EXPECT_EQ(error(kStranger), ErrorCode::kNotLeaderOrFollower);
}

TEST_F(ReadFromFollowerTest, AWrongEpochIsSaidByFollowersToo) {
  constexpr int32_t kTooNew = 100;
  EXPECT_EQ(fetch(kFollower, kWithoutRack, 0, kTooNew).error_code, ErrorCode::kUnknownLeaderEpoch);
  EXPECT_EQ(fetch(kFollower, kWithRack, 0, kTooNew).error_code, ErrorCode::kUnknownLeaderEpoch);
  EXPECT_EQ(list_offsets(kFollower, -1, kTooNew), ErrorCode::kUnknownLeaderEpoch);
  EXPECT_EQ(epoch_end(kFollower, kTooNew), ErrorCode::kUnknownLeaderEpoch);
  EXPECT_EQ(epoch_end(kFollower, -1), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(epoch_end(kStranger, kTooNew), ErrorCode::kNotLeaderOrFollower);
}

}  // namespace
}  // namespace milena::broker::broker_test
