// Fetch without sessions: limits, waiting, isolation, epochs, old versions.
#include "broker/node_fixture.h"
#include "protocol/records/control_records.h"

namespace milena::broker::broker_test {
namespace {

class FetchTest : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    create_topic("t", 4);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, FetchTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(FetchTest, EveryVersionGivesTheRecords) {
  produce("t", 0, {"a", "b"});
  for (int16_t version = 4; version <= 18; version++) {
    FetchRequest request = fetch_request("t", 0, 0);
    if (version >= 13) request.topics[0].topic_id = topic_id("t");
    auto out = only_partition(client().ask<FetchResponse>(request, version));
    EXPECT_EQ(out.error_code, ErrorCode::kNone) << version;
    EXPECT_EQ(out.high_watermark, 2);
    EXPECT_EQ(out.last_stable_offset, 2);
    EXPECT_EQ(records_of(out.records).values, (std::vector<std::string>{"a", "b"})) << version;
  }
}

TEST_P(FetchTest, VersionsBeforeMagic2GetOldMessages) {
  produce("t", 0, {"abc"});
  for (int16_t version = 0; version <= 3; version++) {
    auto out = only_partition(client().ask<FetchResponse>(fetch_request("t", 0, 0), version));
    EXPECT_EQ(out.error_code, ErrorCode::kNone) << version;
    Bytes bytes = out.records->flatten().value();
    ASSERT_GT(bytes.size(), kBatchMagicPosition) << version;
    EXPECT_EQ(bytes[kBatchMagicPosition], version < 2 ? 0 : 1);
    EXPECT_TRUE(bytes.ends_with("abc"));
  }
}

TEST_P(FetchTest, ALongPollIsWokenByAProduce) {
  TestClient& reader = node().connect(2);
  reader.start(fetch_request("t", 1, 0, 30'000), kFetchVersion);
  EXPECT_FALSE(reader.has_answer());
  node().advance(29'999);
  EXPECT_FALSE(reader.has_answer());
  produce("t", 2, {"another partition"});
  EXPECT_FALSE(reader.has_answer());
  produce("t", 1, {"now"});
  ASSERT_TRUE(reader.has_answer());
  auto out = only_partition(reader.take<FetchResponse>(kFetchVersion));
  EXPECT_EQ(records_of(out.records).values, std::vector<std::string>{"now"});
  EXPECT_EQ(node().partition("t", 1).waiters().size(), 0u);
}

TEST_P(FetchTest, ALongPollEndsWhenItsTimeIsUp) {
  TestClient& reader = node().connect(2);
  reader.start(fetch_request("t", 1, 0, 500), kFetchVersion);
  node().advance(499);
  EXPECT_FALSE(reader.has_answer());
  node().advance(1);
  ASSERT_TRUE(reader.has_answer());
  auto out = only_partition(reader.take<FetchResponse>(kFetchVersion));
  EXPECT_EQ(out.error_code, ErrorCode::kNone);
  EXPECT_EQ(out.high_watermark, 0);
  EXPECT_EQ(node().partition("t", 1).waiters().size(), 0u);
}

TEST_P(FetchTest, APartitionThatIsNamedAgainCountsOnce) {
  produce("t", 1, {"a", "b"});
  FetchRequest request = fetch_request("t", 1, 0, 30'000);
  auto& partitions = request.topics[0].partitions;
  for (int i = 0; i < 999; i++) partitions.push_back(partitions[0]);
  partitions.back().fetch_offset = 2;
  TestClient& reader = node().connect(2);
  reader.start(request, kFetchVersion);
  EXPECT_FALSE(reader.has_answer());
  EXPECT_EQ(node().partition("t", 1).waiters().size(), 1u);
  produce("t", 1, {"c"});
  ASSERT_TRUE(reader.has_answer());
  auto out = only_partition(reader.take<FetchResponse>(kFetchVersion));
  EXPECT_EQ(records_of(out.records).values, std::vector<std::string>{"c"});
}

TEST_P(FetchTest, WaitsUntilThereAreEnoughBytes) {
  Bytes batch = batch_of({std::string(100, 'x')}, 1);
  FetchRequest request = fetch_request("t", 1, 0, 30'000);
  request.min_bytes = static_cast<int32_t>(3 * batch.size());
  TestClient& reader = node().connect(1);
  reader.start(request, kFetchVersion);
  produce_batch("t", 1, batch);
  produce_batch("t", 1, batch);
  EXPECT_FALSE(reader.has_answer());
  produce_batch("t", 1, batch);
  ASSERT_TRUE(reader.has_answer());
  EXPECT_EQ(records_of(only_partition(reader.take<FetchResponse>(kFetchVersion)).records).values.size(), 3u);
  // Less than fetch.min.bytes at the timeout: returns what there is.
  request.topics[0].partitions[0].fetch_offset = 1;
  reader.start(request, kFetchVersion);
  EXPECT_FALSE(reader.has_answer());
  node().advance(30'000);
  ASSERT_TRUE(reader.has_answer());
  EXPECT_EQ(records_of(only_partition(reader.take<FetchResponse>(kFetchVersion)).records).values.size(), 2u);
}

TEST_P(FetchTest, BytesOfAllPartitionsCountTogether) {
  Bytes batch = batch_of({std::string(100, 'x')}, 1);
  FetchRequest request = fetch_request("t", 0, 0, 30'000);
  request.min_bytes = static_cast<int32_t>(2 * batch.size());
  for (int32_t p : {1, 2, 3}) {
    request.topics[0].partitions.push_back(request.topics[0].partitions[0]);
    request.topics[0].partitions.back().partition = p;
  }
  TestClient& reader = node().connect(1);
  reader.start(request, kFetchVersion);
  produce_batch("t", 1, batch);
  EXPECT_FALSE(reader.has_answer());
  produce_batch("t", 3, batch);
  ASSERT_TRUE(reader.has_answer());
  auto response = reader.take<FetchResponse>(kFetchVersion);
  ASSERT_EQ(response.responses.size(), 1u);
  ASSERT_EQ(response.responses[0].partitions.size(), 4u);
  EXPECT_EQ(response.responses[0].partitions[1].records->size(), batch.size());
  EXPECT_EQ(response.responses[0].partitions[2].records.value_or(Payload()).size(), 0u);
  EXPECT_EQ(response.responses[0].partitions[3].records->size(), batch.size());
}

TEST_P(FetchTest, LimitsOfPartitionAndRequestHoldAndTheFirstBatchIsWhole) {
  Bytes batch = batch_of({std::string(1000, 'x')}, 1);
  for (int i = 0; i < 5; i++) produce_batch("t", 0, batch);
  for (int i = 0; i < 5; i++) produce_batch("t", 1, batch);

  FetchRequest request = fetch_request("t", 0, 0);
  request.topics[0].partitions[0].partition_max_bytes = static_cast<int32_t>(2 * batch.size());
  auto out = only_partition(client().ask<FetchResponse>(request, kFetchVersion));
  EXPECT_EQ(records_of(out.records).values.size(), 2u);

  request.topics[0].partitions[0].partition_max_bytes = 1;
  out = only_partition(client().ask<FetchResponse>(request, kFetchVersion));
  EXPECT_EQ(out.records->size(), batch.size());

  // That only applies to the first partition with data.
  request = fetch_request("t", 0, 0);
  request.max_bytes = 1;
  request.topics[0].partitions.push_back(request.topics[0].partitions[0]);
  request.topics[0].partitions[1].partition = 1;
  auto response = client().ask<FetchResponse>(request, kFetchVersion);
  size_t with_data = 0;
  for (const auto& partition : response.responses[0].partitions) {
    if (partition.records && !partition.records->empty()) {
      with_data++;
      EXPECT_EQ(partition.records->size(), batch.size());
    }
  }
  EXPECT_EQ(with_data, 1u);

  request.max_bytes = static_cast<int32_t>(6 * batch.size());
  response = client().ask<FetchResponse>(request, kFetchVersion);
  uint64_t total = 0;
  for (const auto& partition : response.responses[0].partitions) {
    total += partition.records.value_or(Payload()).size();
  }
  EXPECT_LE(total, 6 * batch.size());
  EXPECT_GE(total, 5 * batch.size());
}

TEST_P(FetchTest, OffsetsOutsideTheLog) {
  produce("t", 0, {"a", "b"});
  EXPECT_EQ(fetch("t", 0, 2).error_code, ErrorCode::kNone);
  EXPECT_EQ(fetch("t", 0, 3).error_code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(fetch("t", 0, -1).error_code, ErrorCode::kOffsetOutOfRange);
  // An error is returned at once.
  auto out = only_partition(client().ask<FetchResponse>(fetch_request("t", 0, 99, 60'000), kFetchVersion));
  EXPECT_EQ(out.error_code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(out.high_watermark, -1);
}

TEST_P(FetchTest, UnknownPartitionsAreSaidAtOnce) {
  EXPECT_EQ(fetch("nowhere", 0, 0).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(fetch("t", 9, 0).error_code, ErrorCode::kUnknownTopicOrPartition);
  FetchRequest request = fetch_request("t", 0, 0, 60'000);
  request.topics[0].topic_id = Uuid{3, 3};
  auto out = only_partition(client().ask<FetchResponse>(request, 13));
  EXPECT_EQ(out.error_code, ErrorCode::kUnknownTopicId);
}

TEST_P(FetchTest, LeaderEpochsOfTheClient) {
  produce("t", 0, {"a"});
  FetchRequest request = fetch_request("t", 0, 0);
  auto& asked = request.topics[0].partitions[0];
  int32_t epoch = node().partition("t", 0).leader_epoch();
  asked.current_leader_epoch = epoch;
  EXPECT_EQ(only_partition(client().ask<FetchResponse>(request, 12)).error_code, ErrorCode::kNone);
  asked.current_leader_epoch = epoch + 1;
  EXPECT_EQ(only_partition(client().ask<FetchResponse>(request, 12)).error_code, ErrorCode::kUnknownLeaderEpoch);
  // A client that read further in this epoch than the log ever had.
  asked.current_leader_epoch = epoch;
  asked.last_fetched_epoch = epoch;
  asked.fetch_offset = 7;
  auto out = only_partition(client().ask<FetchResponse>(request, 12));
  EXPECT_EQ(out.error_code, ErrorCode::kNone);
  EXPECT_EQ(out.diverging_epoch.epoch, epoch);
  EXPECT_EQ(out.diverging_epoch.end_offset, 1);
}

TEST_P(FetchTest, ReadCommittedEndsBeforeAnOpenTransaction) {
  // The transaction is written directly into the log, without a coordinator.
  produce("t", 0, {"plain"});
  BatchOptions options;
  options.producer_id = 77;
  options.producer_epoch = 0;
  options.base_sequence = 0;
  options.transactional = true;
  Partition& partition = node().partition("t", 0);
  log::AppendChecks checks = log::AppendOrigin::kCoordinator;
  checks.guard = partition.start_verification(77, 0, 0, false).guard;
  auto appended = partition.append_as_leader(Payload(batch_of({"open"}, 1, options)), checks);
  ASSERT_EQ(appended.error, ErrorCode::kNone);
  produce("t", 0, {"behind"});

  FetchRequest request = fetch_request("t", 0, 0);
  auto uncommitted = only_partition(client().ask<FetchResponse>(request, kFetchVersion));
  EXPECT_EQ(records_of(uncommitted.records).values, (std::vector<std::string>{"plain", "open", "behind"}));
  EXPECT_EQ(uncommitted.last_stable_offset, 1);
  EXPECT_FALSE(uncommitted.aborted_transactions.has_value());
  request.isolation_level = 1;
  auto committed = only_partition(client().ask<FetchResponse>(request, kFetchVersion));
  EXPECT_EQ(records_of(committed.records).values, std::vector<std::string>{"plain"});
  EXPECT_EQ(committed.high_watermark, 3);
  ASSERT_TRUE(committed.aborted_transactions.has_value());
  EXPECT_TRUE(committed.aborted_transactions->empty());

  // A read_committed consumer waits for the marker, and gets the aborted transactions with it.
  TestClient& reader = node().connect(1);
  FetchRequest waiting = fetch_request("t", 0, 1, 10'000);
  waiting.isolation_level = 1;
  reader.start(waiting, kFetchVersion);
  EXPECT_FALSE(reader.has_answer());
  Bytes marker = build_end_transaction_batch(0, 0, 1, 77, 0, EndTransactionMarker{.committed = false});
  ASSERT_EQ(partition.append_as_leader(Payload(marker), log::AppendOrigin::kMarker).error, ErrorCode::kNone);
  node().run();
  ASSERT_TRUE(reader.has_answer());
  auto aborted = only_partition(reader.take<FetchResponse>(kFetchVersion));
  EXPECT_EQ(aborted.last_stable_offset, 4);
  ASSERT_TRUE(aborted.aborted_transactions.has_value());
  ASSERT_EQ(aborted.aborted_transactions->size(), 1u);
  EXPECT_EQ((*aborted.aborted_transactions)[0].producer_id, 77);
  EXPECT_EQ((*aborted.aborted_transactions)[0].first_offset, 1);
}

TEST_P(FetchTest, ZstdIsNotForClientsThatCannotReadIt) {
  create_topic("zstd", 1, {{"compression.type", "zstd"}});
  produce("zstd", 0, {"a"});
  EXPECT_EQ(only_partition(client().ask<FetchResponse>(fetch_request("zstd", 0, 0), 9)).error_code,
            ErrorCode::kUnsupportedCompressionType);
  EXPECT_EQ(only_partition(client().ask<FetchResponse>(fetch_request("zstd", 0, 0), 10)).error_code, ErrorCode::kNone);
}

TEST_P(FetchTest, NobodyMayPretendToBeAReplica) {
  FetchRequest request = fetch_request("t", 0, 0);
  request.replica_id = 2;
  EXPECT_EQ(only_partition(client().ask<FetchResponse>(request, 12)).error_code, ErrorCode::kNotLeaderOrFollower);
}

}  // namespace
}  // namespace milena::broker::broker_test
