// The data of a cluster: reassignments, their throttles, and consumers that read from the nearest replica.
#include "broker/cluster_fixture.h"
#include "broker/full_files.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/list_partition_reassignments.h"
#include "protocol/messages/metadata.h"

namespace milena::broker::broker_test {
namespace {

class ClusterDataTest : public ClusterFixture {
 protected:
  void configure() override {
    for (int id = 1; id <= 3; id++) {
      cluster().node(id).set("broker.rack", std::string(1, static_cast<char>('a' + id - 1)));
      cluster().node(id).set("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector");
      cluster().node(id).set("replica.fetch.max.bytes", "65536");
    }
  }
  void reassign(ByteView topic, std::vector<int32_t> replicas) {
    AlterPartitionReassignmentsRequest request;
    request.topics.push_back({topic, {{0, std::move(replicas)}}});
    auto response = ask<AlterPartitionReassignmentsResponse>(2, request, 1);
    ASSERT_EQ(response.error_code, ErrorCode::kNone);
    ASSERT_EQ(response.responses.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  }
  size_t reassignments() {
    ListPartitionReassignmentsRequest request;
    request.topics.reset();
    return ask<ListPartitionReassignmentsResponse>(3, request, 0).topics.size();
  }
  void set_config(int node, int8_t type, ByteView resource, ByteView name, ByteView value) {
    IncrementalAlterConfigsRequest request;
    auto& one = request.resources.emplace_back();
    one.resource_type = type;
    one.resource_name = resource;
    auto& config = one.configs.emplace_back();
    config.name = name;
    config.config_operation = 0;
    config.value = value;
    auto response = ask<IncrementalAlterConfigsResponse>(node, request, 1);
    const auto& result = response.responses.at(0);
    ASSERT_EQ(result.error_code, ErrorCode::kNone) << result.error_message.value_or("");
  }
  FetchResponse::PartitionData fetch(int node, ByteView topic, ByteView rack, int64_t offset) {
    auto request = fetch_request(topic);
    request.topics[0].partitions[0].fetch_offset = offset;
    request.rack_id = rack;
    return ask<FetchResponse>(node, request, 12).responses.at(0).partitions.at(0);
  }
};

// Records that were acknowledged as deleted are not on the next leader.
TEST_F(ClusterDataTest, DeletedRecordsAreDeletedOnAllLiveReplicas) {
  create_topic(1, "t", {2, 3, 1});
  ASSERT_TRUE(cluster().until([&] { return replica(1, "t") != nullptr && replica(3, "t") != nullptr; }));
  for (int i = 0; i < 5; i++) ASSERT_EQ(produce(2, "t", std::to_string(i)), ErrorCode::kNone);
  const auto answer = delete_records(2, "t", 3);
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.low_watermark, 3);
  for (int node = 1; node <= 3; node++) EXPECT_EQ(replica(node, "t")->offsets().log_start_offset, 3) << node;
  // A replica of a dead broker is not waited for; one that is alive and does not fetch is, until the timeout.
  cluster().kill(3);
  ASSERT_TRUE(cluster().until([&] { return in_sync(2, "t") == std::vector<int32_t>{1, 2}; }, 5000));
  EXPECT_EQ(delete_records(2, "t", 4).low_watermark, 4);
}

// After a loss of power the leader's log may end before the start of a follower's. That follower would ask for the same
// again and again, without a pause.
TEST_F(ClusterDataTest, AFollowerIsCutBelowTheStartOfItsLog) {
  create_topic(1, "t", {2, 3});
  ASSERT_TRUE(cluster().until([&] { return replica(3, "t") != nullptr; }));
  for (int i = 0; i < 3; i++) ASSERT_EQ(produce(2, "t", std::to_string(i)), ErrorCode::kNone);
  EXPECT_EQ(delete_records(2, "t", 2).low_watermark, 2);
  ASSERT_EQ(replica(3, "t")->offsets().log_start_offset, 2);
  ASSERT_EQ(replica(3, "t")->truncate_to_leader(0, 1), ErrorCode::kNone);
  EXPECT_EQ(end_at(3, "t"), 1);
  EXPECT_TRUE(cluster().until([&] { return end_at(3, "t") == 3; }, 5000));
  EXPECT_EQ(replica(3, "t")->offsets().log_start_offset, 2);
}

// The follower's log ends before the start of the leader's, which is within a batch.
TEST_F(ClusterDataTest, AFollowerBeginsWithinABatch) {
  create_topic(1, "t", {2, 3});
  ASSERT_TRUE(cluster().until([&] { return replica(3, "t") != nullptr; }));
  cluster().kill(3);
  ASSERT_TRUE(cluster().until([&] { return in_sync(2, "t") == std::vector<int32_t>{2}; }, 5000));
  ASSERT_EQ(produce_all(2, "t", {"a", "b", "c", "d", "e"}), ErrorCode::kNone);
  EXPECT_EQ(delete_records(2, "t", 3).low_watermark, 3);
  ASSERT_NO_FATAL_FAILURE(cluster().start(3));
  EXPECT_TRUE(cluster().until([&] { return end_at(3, "t") == 5; }, 5000));
  EXPECT_TRUE(cluster().until([&] { return in_sync(2, "t") == std::vector<int32_t>{2, 3}; }, 5000));
  EXPECT_EQ(replica(3, "t")->offsets().log_start_offset, 3);
  cluster().kill(2);
  ASSERT_TRUE(cluster().until([&] { return image(3, "t")->leader == 3; }, 5000));
  const auto left = values(3, "t", 3);
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(left.back(), "e");
}

class FullFollowerTest : public ClusterFixture {
 protected:
  void configure() override { cluster().node(3).use_files(files_); }
  FullFiles files_;
};

// The reserve is for checkpoints and the metadata; replicated records would use it up.
TEST_F(FullFollowerTest, ReplicatedRecordsLeaveTheReserveAlone) {
  create_topic(1, "t", {2, 3});
  ASSERT_EQ(produce(2, "t", "a"), ErrorCode::kNone);
  ASSERT_TRUE(cluster().until([&] { return end_at(3, "t") == 1; }));
  files_.fill();
  ASSERT_TRUE(cluster().until([&] { return !files_.full(); }, 20'000)) << "checkpoints use the reserve";
  ASSERT_EQ(produce(2, "t", "b"), ErrorCode::kRequestTimedOut);
  EXPECT_TRUE(cluster().until([&] { return in_sync(2, "t") == std::vector<int32_t>{2}; }, 60'000));
  EXPECT_EQ(end_at(3, "t"), 1);
  files_.fill(FullFiles::Room::kPlenty);
  EXPECT_TRUE(cluster().until([&] { return in_sync(2, "t") == std::vector<int32_t>{2, 3}; }, 60'000));
  EXPECT_EQ(end_at(3, "t"), 2);
}

// The metadata is written into the reserve, and waits when that is full, too. No checkpoint comes first.
TEST_F(FullFollowerTest, TheMetadataLogOnAFullDiskDoesNotEndTheNode) {
  create_topic(1, "t", {2, 3});
  files_.fill(FullFiles::Room::kNone);
  create_topic(1, "late", {2});
  ASSERT_TRUE(cluster().until([&] { return cluster().node(2).topic("late") != nullptr; }));
  ASSERT_TRUE(cluster().until([&] { return files_.refused() > 0; }));
  cluster().advance(3'000);
  EXPECT_EQ(cluster().node(3).topic("late"), nullptr);
  files_.fill(FullFiles::Room::kReserve);
  EXPECT_TRUE(cluster().until([&] { return cluster().node(3).topic("late") != nullptr; }, 20'000));
  files_.fill(FullFiles::Room::kPlenty);
  ASSERT_EQ(produce(2, "t", "a"), ErrorCode::kNone);
  EXPECT_TRUE(cluster().until([&] { return end_at(3, "t") == 1 && in_sync(2, "t").size() == 2; }, 60'000));
}

TEST_F(ClusterDataTest, AReassignmentMovesTheData) {
  create_topic(1, "t", {1, 2});
  std::vector<std::string> all;
  for (int i = 0; i < 10; i++) {
    all.push_back(std::to_string(i));
    ASSERT_EQ(produce(1, "t", all.back()), ErrorCode::kNone);
  }
  ASSERT_NO_FATAL_FAILURE(reassign("t", {3, 2}));
  ASSERT_TRUE(cluster().until([&] { return image(1, "t")->replicas.to_vector() == std::vector<int32_t>{3, 2}; }, 5000));
  EXPECT_EQ(reassignments(), 0u);
  EXPECT_TRUE(cluster().until([&] { return replica(1, "t") == nullptr; }, 1000));
  const int leader = image(1, "t")->leader;
  EXPECT_EQ(values(leader, "t"), all);
  EXPECT_EQ(end_at(3, "t"), 10);
  EXPECT_EQ(produce(leader, "t", "more"), ErrorCode::kNone);
  EXPECT_EQ(end_at(2, "t"), 11);
  EXPECT_EQ(end_at(3, "t"), 11);
}

// 2 MB at 100 KB a second, on either side.
TEST_F(ClusterDataTest, ThrottledReplicasTakeTheirTime) {
  for (const std::string side : {"leader", "follower"}) {
    const std::string topic = "t-" + side;
    create_topic(1, topic, {1});
    for (int i = 0; i < 40; i++) ASSERT_EQ(produce(1, topic, std::string(50'000, 'x')), ErrorCode::kNone);
    const int limited = side == "leader" ? 1 : 2;
    set_config(limited, 4, std::to_string(limited), side + ".replication.throttled.rate", "100000");
    set_config(1, 2, topic, side + ".replication.throttled.replicas", side == "leader" ? "0:1" : "0:2");
    const int64_t before_ms = cluster().clock().steady_ms();
    ASSERT_NO_FATAL_FAILURE(reassign(topic, {1, 2}));
    EXPECT_EQ(reassignments(), 1u);
    ASSERT_TRUE(cluster().until([&] { return in_sync(1, topic).size() == 2; }, 60'000)) << side;
    const int64_t took_ms = cluster().clock().steady_ms() - before_ms;
    EXPECT_GT(took_ms, 8'000) << side;
    EXPECT_LT(took_ms, 40'000) << side;
    EXPECT_EQ(reassignments(), 0u);
    // In sync it is not throttled.
    const int64_t then_ms = cluster().clock().steady_ms();
    EXPECT_EQ(produce(1, topic, std::string(50'000, 'x')), ErrorCode::kNone);
    EXPECT_LT(cluster().clock().steady_ms() - then_ms, 1000) << side;
  }
}

TEST_F(ClusterDataTest, ConsumersReadFromTheReplicaInTheirRack) {
  create_topic(1, "t", {1, 2});
  ASSERT_EQ(produce(1, "t", "a"), ErrorCode::kNone);
  ASSERT_TRUE(cluster().until([&] { return replica(2, "t")->high_watermark() == 1; }));
  const auto told = fetch(1, "t", "b", 0);
  EXPECT_EQ(told.preferred_read_replica, 2);
  EXPECT_TRUE(records_of(told.records).values.empty());
  EXPECT_EQ(told.high_watermark, 1);
  for (const ByteView elsewhere : {"a", "c", ""}) {
    const auto served = fetch(1, "t", elsewhere, 0);
    EXPECT_EQ(served.preferred_read_replica, -1) << elsewhere;
    EXPECT_EQ(records_of(served.records).values, std::vector<std::string>{"a"}) << elsewhere;
  }
  const auto near = fetch(2, "t", "b", 0);
  EXPECT_EQ(near.error_code, ErrorCode::kNone);
  EXPECT_EQ(records_of(near.records).values, std::vector<std::string>{"a"});
  EXPECT_EQ(fetch(3, "t", "c", 0).error_code, ErrorCode::kNotLeaderOrFollower) << "no replica";

  // A waiting fetch is woken.
  TestClient& waiting = cluster().node(2).connect();
  auto request = fetch_request("t");
  request.topics[0].partitions[0].fetch_offset = 1;
  request.rack_id = "b";
  request.max_wait_ms = 20'000;
  request.min_bytes = 1;
  waiting.start(request, 12);
  cluster().advance(100);
  EXPECT_FALSE(waiting.has_answer());
  ASSERT_EQ(produce(1, "t", "b"), ErrorCode::kNone);
  ASSERT_TRUE(cluster().until([&] { return waiting.has_answer(); }, 1000));
  auto woken = waiting.take<FetchResponse>(12);
  EXPECT_EQ(records_of(woken.responses.at(0).partitions.at(0).records).values, std::vector<std::string>{"b"});
  // A follower out of sync is not returned.
  cluster().pause(2);
  cluster().advance(60'000);
  EXPECT_EQ(fetch(1, "t", "b", 0).preferred_read_replica, -1);
}

class ClusterOwnDefaultsTest : public ClusterFixture {
 protected:
  void configure() override {
    cluster().node(1).set("default.replication.factor", "2");
    cluster().node(2).set("num.partitions", "5");
  }
  const metadata::TopicImage& make_by_use(int node, ByteView name) {
    MetadataRequest request;
    request.topics.emplace().emplace_back().name = name;
    request.allow_auto_topic_creation = true;
    ask<MetadataResponse>(node, request, 9);
    EXPECT_TRUE(cluster().until([&] { return cluster().node(1).topic(name) != nullptr; }));
    return *cluster().node(1).topic(name);
  }
};

// The controller's defaults apply where the broker has none.
TEST_F(ClusterOwnDefaultsTest, ATopicOnFirstUseHasTheShapeThatItsBrokerWasTold) {
  const metadata::TopicImage& of_2 = make_by_use(2, "of-2");
  EXPECT_EQ(of_2.partition_count(), 5);
  EXPECT_EQ(of_2.partition(0)->replicas.size(), 2u);
  const metadata::TopicImage& of_3 = make_by_use(3, "of-3");
  EXPECT_EQ(of_3.partition_count(), 1);
  EXPECT_EQ(of_3.partition(0)->replicas.size(), 2u);
}

}  // namespace
}  // namespace milena::broker::broker_test
