// ListOffsets, DeleteRecords and OffsetForLeaderEpoch.
#include "broker/node_fixture.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/offset_for_leader_epoch.h"

namespace milena::broker::broker_test {
namespace {

class OffsetsTest : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    create_topic("t", 2);
  }
  DeleteRecordsResponse::DeleteRecordsPartitionResult delete_before(ByteView name, int32_t partition, int64_t offset) {
    DeleteRecordsRequest request;
    request.topics.push_back({name, {{partition, offset}}});
    auto response = client().ask<DeleteRecordsResponse>(request, 2);
    if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
      ADD_FAILURE() << "not the answer for one partition";
      return {};
    }
    return response.topics[0].partitions[0];
  }
  OffsetForLeaderEpochResponse::EpochEndOffset end_of_epoch(int32_t epoch, int32_t current_epoch = -1) {
    OffsetForLeaderEpochRequest request;
    request.replica_id = -1;
    request.topics.push_back({"t", {{0, current_epoch, epoch}}});
    auto response = client().ask<OffsetForLeaderEpochResponse>(request, 4);
    if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
      ADD_FAILURE() << "not the answer for one partition";
      return {};
    }
    return response.topics[0].partitions[0];
  }
  int32_t leader_epoch() { return node().partition("t", 0).leader_epoch(); }
};
INSTANTIATE_TEST_SUITE_P(Shards, OffsetsTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(OffsetsTest, APartitionNamedTwiceLosesRecordsOnce) {
  produce("t", 0, {"a", "b", "c"});
  DeleteRecordsRequest request;
  request.topics.push_back({"t", {{0, 3}, {7, 0}, {0, 1}}});
  request.topics.push_back({"t", {{0, 2}}});
  request.topics.push_back({"nothing of it", {}});
  auto response = client().ask<DeleteRecordsResponse>(request, 2);
  ASSERT_EQ(response.topics.size(), 1u);
  ASSERT_EQ(response.topics[0].partitions.size(), 2u);
  EXPECT_EQ(response.topics[0].partitions[0].low_watermark, 2) << "the last one counts";
  EXPECT_EQ(response.topics[0].partitions[1].error_code, ErrorCode::kUnknownTopicOrPartition);
}

TEST_P(OffsetsTest, SpecialTimestamps) {
  produce_batch("t", 0, batch_of({"a"}, 1000));
  produce_batch("t", 0, batch_of({"b", "c"}, 5000));
  produce_batch("t", 0, batch_of({"d"}, 3000));
  ASSERT_EQ(delete_before("t", 0, 1).error_code, ErrorCode::kNone);

  EXPECT_EQ(list_offset("t", 0, -1).offset, 4);
  EXPECT_EQ(list_offset("t", 0, -1).timestamp, -1);
  EXPECT_EQ(list_offset("t", 0, -1).leader_epoch, leader_epoch());
  EXPECT_EQ(list_offset("t", 0, -2).offset, 1);
  auto greatest = list_offset("t", 0, -3);
  EXPECT_EQ(greatest.offset, 1);
  EXPECT_EQ(greatest.timestamp, 5000);
  EXPECT_EQ(list_offset("t", 0, -4).offset, 1);
  EXPECT_EQ(list_offset("t", 0, -5).offset, -1);
  EXPECT_EQ(list_offset("t", 0, -5).error_code, ErrorCode::kNone);
  EXPECT_EQ(list_offset("t", 0, -6).offset, -1);
  EXPECT_EQ(list_offset("t", 0, -7).error_code, ErrorCode::kUnsupportedVersion);
}

TEST_P(OffsetsTest, SpecialTimestampsOfAnEmptyPartition) {
  EXPECT_EQ(list_offset("t", 1, -1).offset, 0);
  EXPECT_EQ(list_offset("t", 1, -2).offset, 0);
  EXPECT_EQ(list_offset("t", 1, -3).offset, -1);
  EXPECT_EQ(list_offset("t", 1, 0).offset, -1);
}

TEST_P(OffsetsTest, SpecialTimestampsNeedTheirVersions) {
  for (auto [timestamp, first] : {std::pair<int64_t, int16_t>{-3, 7}, {-4, 8}, {-5, 9}, {-6, 11}}) {
    EXPECT_EQ(list_offset("t", 0, timestamp, static_cast<int16_t>(first - 1)).error_code,
              ErrorCode::kUnsupportedVersion) << timestamp;
    EXPECT_EQ(list_offset("t", 0, timestamp, first).error_code, ErrorCode::kNone) << timestamp;
  }
}

TEST_P(OffsetsTest, TimesFindTheFirstRecordAtOrBehindThem) {
  produce_batch("t", 0, batch_of({"a"}, 1000));
  produce_batch("t", 0, batch_of({"b"}, 2000));
  produce_batch("t", 0, batch_of({"c"}, 3000));
  for (int16_t version = 1; version <= 11; version++) {
    for (auto [time, offset, found] : {std::tuple<int64_t, int64_t, int64_t>{0, 0, 1000}, {1000, 0, 1000},
                                       {1001, 1, 2000}, {3000, 2, 3000}, {3001, -1, -1}}) {
      auto out = list_offset("t", 0, time, version);
      EXPECT_EQ(out.error_code, ErrorCode::kNone);
      EXPECT_EQ(out.offset, offset) << time;
      EXPECT_EQ(out.timestamp, found) << time;
    }
  }
}

TEST_P(OffsetsTest, Version0AnswersAList) {
  produce_batch("t", 0, batch_of({"a", "b"}, 1000));
  ListOffsetsRequest request;
  request.replica_id = -1;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  ListOffsetsRequest::ListOffsetsPartition asked;
  asked.timestamp = -1;
  asked.max_num_offsets = 10;
  topic.partitions.push_back(asked);
  auto response = client().ask<ListOffsetsResponse>(request, 0);
  EXPECT_EQ(response.topics.at(0).partitions.at(0).old_style_offsets, (std::vector<int64_t>{2, 0}));
}

TEST_P(OffsetsTest, UnknownAndRepeatedPartitions) {
  EXPECT_EQ(list_offset("nowhere", 0, -1).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(list_offset("t", 2, -1).error_code, ErrorCode::kUnknownTopicOrPartition);
  ListOffsetsRequest request;
  request.replica_id = -1;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partitions.resize(2);
  auto response = client().ask<ListOffsetsResponse>(request, 7);
  ASSERT_EQ(response.topics.at(0).partitions.size(), 2u);
  for (const auto& one : response.topics[0].partitions) EXPECT_EQ(one.error_code, ErrorCode::kInvalidRequest);
}

TEST_P(OffsetsTest, DeletedRecordsAreGoneForGood) {
  produce("t", 0, {"a", "b", "c", "d"});
  auto out = delete_before("t", 0, 2);
  EXPECT_EQ(out.error_code, ErrorCode::kNone);
  EXPECT_EQ(out.low_watermark, 2);
  EXPECT_EQ(fetch("t", 0, 1).error_code, ErrorCode::kOffsetOutOfRange);
  FetchOut left = fetch("t", 0, 2);
  EXPECT_EQ(left.log_start_offset, 2);
  EXPECT_EQ(delete_before("t", 0, 1).low_watermark, 2);  // never back
  EXPECT_EQ(delete_before("t", 0, 5).error_code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(delete_before("t", 0, -2).error_code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(delete_before("t", 7, 1).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(delete_before("nowhere", 0, 1).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(produce("t", 0, {"e"}).log_start_offset, 2);
  restart();
  EXPECT_EQ(list_offset("t", 0, -2).offset, 2);
  EXPECT_EQ(delete_before("t", 0, -1).low_watermark, 5);
  EXPECT_EQ(list_offset("t", 0, -2).offset, 5);
  node().advance(60'000);  // the checkpoint of log start offsets is written
  kill_and_start();
  EXPECT_EQ(list_offset("t", 0, -2).offset, 5);
  EXPECT_EQ(produce("t", 0, {"f"}).base_offset, 5);
}

TEST_P(OffsetsTest, ACompactedTopicKeepsItsRecords) {
  create_topic("compacted", 1, {{"cleanup.policy", "compact"}});
  EXPECT_EQ(delete_before("compacted", 0, 0).error_code, ErrorCode::kPolicyViolation);
}

// Only a topic that is just compacted keeps its records, as in Kafka.
TEST_P(OffsetsTest, RecordsOfATopicWithoutACleanupPolicyAreDeletedOnRequest) {
  create_topic("none", 1, {{"cleanup.policy", ""}});
  produce("none", 0, {"a", "b"});
  const auto deleted = delete_before("none", 0, 1);
  EXPECT_EQ(deleted.error_code, ErrorCode::kNone);
  EXPECT_EQ(deleted.low_watermark, 1);
}

TEST_P(OffsetsTest, EpochsOfTheLog) {
  int32_t first = leader_epoch();
  produce("t", 0, {"a", "b"});
  EXPECT_EQ(end_of_epoch(first).end_offset, 2);
  EXPECT_EQ(end_of_epoch(first).leader_epoch, first);
  EXPECT_EQ(end_of_epoch(first + 5).end_offset, -1);
  EXPECT_EQ(end_of_epoch(first + 5).leader_epoch, -1);
  EXPECT_EQ(end_of_epoch(first, first).error_code, ErrorCode::kNone);
  EXPECT_EQ(end_of_epoch(first, first + 1).error_code, ErrorCode::kUnknownLeaderEpoch);
}

TEST_P(OffsetsTest, ACleanRestartKeepsTheEpochAndAKillRaisesIt) {
  int32_t first = leader_epoch();
  produce("t", 0, {"a", "b"});
  restart();
  EXPECT_EQ(leader_epoch(), first);
  produce("t", 0, {"c"});
  EXPECT_EQ(end_of_epoch(first).end_offset, 3);
  kill_and_start();
  EXPECT_EQ(leader_epoch(), first + 1);
  produce("t", 0, {"d"});
  EXPECT_EQ(end_of_epoch(first).end_offset, 3);
  EXPECT_EQ(end_of_epoch(first).leader_epoch, first);
  EXPECT_EQ(end_of_epoch(first + 1).end_offset, 4);
  EXPECT_EQ(end_of_epoch(first, first).error_code, ErrorCode::kFencedLeaderEpoch);
  // An old client gets an error and looks up the leader.
  FetchRequest request = fetch_request("t", 0, 0);
  request.topics[0].partitions[0].current_leader_epoch = first;
  EXPECT_EQ(only_partition(client().ask<FetchResponse>(request, 12)).error_code, ErrorCode::kFencedLeaderEpoch);
  // From version 16 on it gets the leader at once.
  request.topics[0].topic = {};
  request.topics[0].topic_id = topic_id("t");
  FetchResponse told = client().ask<FetchResponse>(request, 16);
  EXPECT_EQ(only_partition(told).error_code, ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(only_partition(told).current_leader.leader_id, 1);
  EXPECT_EQ(only_partition(told).current_leader.leader_epoch, first + 1);
  ASSERT_EQ(told.node_endpoints.size(), 1u);
  EXPECT_EQ(told.node_endpoints[0].node_id, 1);
  EXPECT_EQ(told.node_endpoints[0].port, 9092);
  // Batches have the epoch of their append.
  Bytes stored = fetch("t", 0, 3).records->flatten().value();
  EXPECT_EQ(RecordBatchView::parse(stored)->header().partition_leader_epoch, first + 1);
}

}  // namespace
}  // namespace milena::broker::broker_test
