// A fake replica holds the high watermark back: all responses must wait for it, as with real followers. All appended
// records are in the log all the time.
#include "broker/group_fixture.h"
#include "coordinator/group/java_string.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"

namespace milena::broker::broker_test {
namespace {

class HighWatermarkTest : public GroupFixture {
 protected:
  static constexpr int32_t kReplica = 2;

  void hold(ByteView topic, int32_t partition, int64_t at) {
    node().partition(topic, partition).set_replica_log_end_offset(kReplica, at);
    node().run();
  }
  void catch_up(ByteView topic, int32_t partition) {
    Partition& held = node().partition(topic, partition);
    hold(topic, partition, held.log()->log_end_offset());
  }
  // The group's partition of __consumer_offsets.
  static int32_t home_of(ByteView group) { return coordinator::coordinator_partition(group, 5); }
  void hold_group(ByteView group) {
    Partition& held = node().partition("__consumer_offsets", home_of(group));
    hold("__consumer_offsets", home_of(group), held.log()->log_end_offset());
  }
  void release_group(ByteView group) { catch_up("__consumer_offsets", home_of(group)); }
};
INSTANTIATE_TEST_SUITE_P(Shards, HighWatermarkTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(HighWatermarkTest, FetchEndsAtItAndWaitsForIt) {
  produce("t", 0, {"a"});
  hold("t", 0, 1);
  EXPECT_EQ(produce_batch("t", 0, batch_of({"b"}, 1), 9, 1).base_offset, 1);
  EXPECT_EQ(node().partition("t", 0).log()->log_end_offset(), 2);
  FetchOut out = fetch("t", 0, 0);
  EXPECT_EQ(records_of(out.records).values, std::vector<std::string>{"a"});
  EXPECT_EQ(out.high_watermark, 1);
  EXPECT_EQ(out.last_stable_offset, 1);
  // Beyond the high watermark, but in the log: nothing to read yet, and no error.
  EXPECT_EQ(fetch("t", 0, 1).error_code, ErrorCode::kNone);
  EXPECT_EQ(fetch("t", 0, 2).error_code, ErrorCode::kNone);
  EXPECT_EQ(fetch("t", 0, 3).error_code, ErrorCode::kOffsetOutOfRange);

  TestClient& reader = node().connect(1);
  reader.start(fetch_request("t", 0, 1, 30'000), kFetchVersion);
  EXPECT_FALSE(reader.has_answer());
  catch_up("t", 0);
  ASSERT_TRUE(reader.has_answer());
  EXPECT_EQ(records_of(only_partition(reader.take<FetchResponse>(kFetchVersion)).records).values,
            std::vector<std::string>{"b"});
}

TEST_P(HighWatermarkTest, FetchWithoutNewsTimesOut) {
  hold("t", 0, 0);
  produce_batch("t", 0, batch_of({"a"}, 1), 9, 1);
  TestClient& reader = node().connect(1);
  reader.start(fetch_request("t", 0, 0, 500), kFetchVersion);
  node().advance(499);
  EXPECT_FALSE(reader.has_answer());
  node().advance(1);
  ASSERT_TRUE(reader.has_answer());
  auto out = only_partition(reader.take<FetchResponse>(kFetchVersion));
  EXPECT_TRUE(records_of(out.records).values.empty());
  EXPECT_EQ(out.high_watermark, 0);
}

TEST_P(HighWatermarkTest, ItNeverGoesBack) {
  produce("t", 0, {"a", "b"});
  hold("t", 0, 1);
  EXPECT_EQ(fetch("t", 0, 0).high_watermark, 2);
  EXPECT_EQ(values_from("t", 0, 0).size(), 2u);
}

TEST_P(HighWatermarkTest, AcksAllWaitsForIt) {
  hold("t", 0, 0);
  Bytes batch = batch_of({"a", "b"}, 1);
  TestClient& writer = node().connect(1);
  writer.start(produce_request("t", 0, batch, 9, -1), 9);
  EXPECT_FALSE(writer.has_answer());
  hold("t", 0, 1);
  EXPECT_FALSE(writer.has_answer());
  hold("t", 0, 2);
  ASSERT_TRUE(writer.has_answer());
  auto out = only_partition(writer.take<ProduceResponse>(9));
  EXPECT_EQ(out.error_code, ErrorCode::kNone);
  EXPECT_EQ(out.base_offset, 0);
}

TEST_P(HighWatermarkTest, AcksAllTimesOut) {
  hold("t", 0, 0);
  Bytes batch = batch_of({"a"}, 1);
  TestClient& writer = node().connect(1);
  writer.start(produce_request("t", 0, batch, 9, -1), 9);
  node().advance(999);
  EXPECT_FALSE(writer.has_answer());
  node().advance(1);
  ASSERT_TRUE(writer.has_answer());
  EXPECT_EQ(only_partition(writer.take<ProduceResponse>(9)).error_code, ErrorCode::kRequestTimedOut);
  // It is in the log all the same, and visible when the replica has it.
  catch_up("t", 0);
  EXPECT_EQ(values_from("t", 0, 0), std::vector<std::string>{"a"});
}

TEST_P(HighWatermarkTest, OnePartitionsWaitHoldsTheWholeAnswer) {
  hold("t", 0, 0);
  Bytes batch = batch_of({"a"}, 1);
  ProduceRequest request = produce_request("t", 0, batch, 9, -1);
  for (int32_t p : {1, 2, 3}) request.topic_data[0].partition_data.push_back({p, batch});
  TestClient& writer = node().connect(1);
  writer.start(request, 9);
  EXPECT_FALSE(writer.has_answer());
  EXPECT_EQ(values_from("t", 3, 0), std::vector<std::string>{"a"});
  node().advance(1000);
  auto response = writer.take<ProduceResponse>(9);
  ASSERT_EQ(response.responses.size(), 1u);
  const auto& parts = response.responses[0].partition_responses;
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(parts[0].error_code, ErrorCode::kRequestTimedOut);
  for (size_t p : {1u, 2u, 3u}) EXPECT_EQ(parts[p].error_code, ErrorCode::kNone) << p;
}

TEST_P(HighWatermarkTest, ADuplicateWaitsToo) {
  Bytes batch = sequenced_batch({"a"}, 1, 500, 0, 0);
  hold("t", 0, 0);
  TestClient& writer = node().connect(1);
  writer.start(produce_request("t", 0, batch, 9, -1), 9);
  TestClient& retry = node().connect(2);
  retry.start(produce_request("t", 0, batch, 9, -1), 9);
  EXPECT_FALSE(writer.has_answer());
  EXPECT_FALSE(retry.has_answer());
  catch_up("t", 0);
  EXPECT_EQ(only_partition(writer.take<ProduceResponse>(9)).base_offset, 0);
  EXPECT_EQ(only_partition(retry.take<ProduceResponse>(9)).base_offset, 0);
  EXPECT_EQ(node().partition("t", 0).log()->log_end_offset(), 1);
}

TEST_P(HighWatermarkTest, WhoWaitsIsToldWhenThePartitionGoes) {
  hold("t", 0, 0);
  Bytes batch = batch_of({"a"}, 1);
  TestClient& writer = node().connect(1);
  writer.start(produce_request("t", 0, batch, 9, -1), 9);
  EXPECT_FALSE(writer.has_answer());
  DeleteTopicsRequest request;
  request.timeout_ms = 1000;
  request.topic_names = {"t"};
  client().ask<DeleteTopicsResponse>(request, 5);
  ASSERT_TRUE(writer.has_answer());
  EXPECT_EQ(only_partition(writer.take<ProduceResponse>(9)).error_code, ErrorCode::kNotLeaderOrFollower);
}

TEST_P(HighWatermarkTest, AReplicaThatLeavesNoLongerHoldsItBack) {
  hold("t", 0, 0);
  Bytes batch = batch_of({"a"}, 1);
  TestClient& writer = node().connect(1);
  writer.start(produce_request("t", 0, batch, 9, -1), 9);
  EXPECT_FALSE(writer.has_answer());
  node().partition("t", 0).remove_replica(kReplica);
  node().run();
  EXPECT_EQ(only_partition(writer.take<ProduceResponse>(9)).error_code, ErrorCode::kNone);
}

TEST_P(HighWatermarkTest, ListOffsetsEndsAtIt) {
  produce_batch("t", 0, batch_of({"a"}, 1000));
  hold("t", 0, 1);
  produce_batch("t", 0, batch_of({"b"}, 2000), 9, 1);
  EXPECT_EQ(list_offset("t", 0, -1).offset, 1);
  EXPECT_EQ(list_offset("t", 0, 1000).offset, 0);
  EXPECT_EQ(list_offset("t", 0, 1001).offset, -1);
  EXPECT_EQ(list_offset("t", 0, -3).offset, -1);
  catch_up("t", 0);
  EXPECT_EQ(list_offset("t", 0, -1).offset, 2);
  EXPECT_EQ(list_offset("t", 0, 1001).offset, 1);
  EXPECT_EQ(list_offset("t", 0, -3).offset, 1);
}

TEST_P(HighWatermarkTest, RecordsBeyondItAreNotDeleted) {
  produce("t", 0, {"a", "b"});
  hold("t", 0, 2);
  produce_batch("t", 0, batch_of({"c"}, 1), 9, 1);
  DeleteRecordsRequest request;
  request.topics.push_back({"t", {{0, 3}}});
  auto response = client().ask<DeleteRecordsResponse>(request, 2);
  EXPECT_EQ(response.topics[0].partitions[0].error_code, ErrorCode::kOffsetOutOfRange);
  request.topics[0].partitions[0].offset = -1;
  response = client().ask<DeleteRecordsResponse>(request, 2);
  EXPECT_EQ(response.topics[0].partitions[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(response.topics[0].partitions[0].low_watermark, 2);
}

TEST_P(HighWatermarkTest, ACommitIsAnsweredWhenTheReplicaHasIt) {
  commit("g", 0, 1);
  hold_group("g");
  TestClient& member = node().connect(1);
  member.start(commit_request("g", 0, 2), 9);
  EXPECT_FALSE(member.has_answer());
  release_group("g");
  ASSERT_TRUE(member.has_answer());
  EXPECT_EQ(error_of(member.take<OffsetCommitResponse>(9)), ErrorCode::kNone);
  EXPECT_EQ(committed("g", 0), 2);
}

TEST_P(HighWatermarkTest, ACommitTimesOut) {
  commit("g", 0, 1);
  hold_group("g");
  TestClient& member = node().connect(1);
  member.start(commit_request("g", 0, 2), 9);
  node().advance(4'999);
  EXPECT_FALSE(member.has_answer());
  node().advance(1);
  ASSERT_TRUE(member.has_answer());
  EXPECT_EQ(error_of(member.take<OffsetCommitResponse>(9)), ErrorCode::kCoordinatorNotAvailable);
}

TEST_P(HighWatermarkTest, NobodyReadsAnOffsetThatMayBeLostYet) {
  commit("g", 0, 1);
  hold_group("g");
  TestClient& member = node().connect(1);
  member.start(commit_request("g", 0, 2), 9);
  // Either the old one at once, or the new one when it is replicated; never the new one before.
  TestClient& reader = node().connect(2);
  reader.start(committed_request("g", 0), 9);
  if (reader.has_answer()) {
    EXPECT_EQ(offset_in(reader.take<OffsetFetchResponse>(9)), 1);
  } else {
    release_group("g");
    EXPECT_EQ(offset_in(reader.take<OffsetFetchResponse>(9)), 2);
  }
}

TEST_P(HighWatermarkTest, AnAssignmentIsGivenOutWhenTheReplicaHasIt) {
  commit("g", 0, 1);
  TestClient& one = node().connect(1);
  std::string member = new_member(one, "g");
  auto joined = one.ask<JoinGroupResponse>(join_request("g", member), kJoinVersion);
  hold_group("g");
  SyncGroupRequest sync = sync_request("g", member, joined.generation_id);
  sync.assignments.push_back({member, "mine"});
  one.start(sync, kSyncVersion);
  EXPECT_FALSE(one.has_answer());
  release_group("g");
  ASSERT_TRUE(one.has_answer());
  auto synced = one.take<SyncGroupResponse>(kSyncVersion);
  EXPECT_EQ(synced.error_code, ErrorCode::kNone);
  EXPECT_EQ(synced.assignment, "mine");
}

}  // namespace
}  // namespace milena::broker::broker_test
