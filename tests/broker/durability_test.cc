// Acknowledged records around deletions, syncs and kills.
#include <filesystem>
#include <fstream>

#include "broker/failing_files.h"
#include "broker/node_fixture.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/incremental_alter_configs.h"

namespace milena::broker::broker_test {
namespace {

class DurabilityTest : public NodeFixture {
 protected:
  void delete_topic(ByteView name) {
    DeleteTopicsRequest request;
    request.timeout_ms = 1000;
    request.topic_names.push_back(name);
    auto response = client().ask<DeleteTopicsResponse>(request, 4);
    ASSERT_EQ(response.responses.size(), 1u);
    ASSERT_EQ(response.responses[0].error_code, ErrorCode::kNone);
  }
  void delete_records(ByteView name, int64_t offset) {
    DeleteRecordsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.partitions.push_back({0, offset});
    auto response = client().ask<DeleteRecordsResponse>(request, 2);
    ASSERT_EQ(response.topics[0].partitions[0].error_code, ErrorCode::kNone);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, DurabilityTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(DurabilityTest, ACheckpointOfADeletedTopicIsNotTakenForItsSuccessor) {
  create_topic("t");
  for (int i = 0; i < 10; i++) produce("t", 0, {"old"});
  delete_records("t", 8);
  node().advance(6000);  // the checkpoints are written
  delete_topic("t");
  create_topic("t");
  produce("t", 0, {"a", "b"});
  kill_and_start();
  EXPECT_EQ(values_from("t", 0, 0), (std::vector<std::string>{"a", "b"}));
}

TEST_P(DurabilityTest, ADirectoryOfADeletedTopicIsNotTakenForItsSuccessor) {
  create_topic("t");
  produce("t", 0, {"old"});
  std::filesystem::path live = node().directory() + "/data/t-0", aside = node().directory() + "/saved";
  std::filesystem::copy(live, aside, std::filesystem::copy_options::recursive);
  delete_topic("t");
  create_topic("t");
  node().kill();
  std::filesystem::remove_all(live);
  std::filesystem::rename(aside, live);  // as if the crash had been before the directory was moved
  start();
  restart();
  EXPECT_TRUE(values_from("t", 0, 0).empty());
  produce("t", 0, {"new"});
  kill_and_start();
  EXPECT_EQ(values_from("t", 0, 0), std::vector<std::string>{"new"});
}

// The machine failed while the directory was new: its topic id was only partly written.
TEST_P(DurabilityTest, ATornPartitionMetadataDoesNotTakeThePartitionOffline) {
  create_topic("t");
  produce("t", 0, {"unsynced"});
  const std::filesystem::path directory = node().directory() + "/data/t-0";
  for (const std::string& torn : {std::string(), std::string("version: 0\ntopic_id: ab"), std::string(43, '\0'),
                                  "version" + std::string(36, '\0')}) {
    client_gone();
    node().kill();
    std::ofstream(directory / "partition.metadata", std::ios::trunc) << torn;
    start();
    EXPECT_TRUE(values_from("t", 0, 0).empty());
    produce("t", 0, {"new"});
    kill_and_start();
    EXPECT_EQ(values_from("t", 0, 0), std::vector<std::string>{"new"});
  }
}

TEST_P(DurabilityTest, AcknowledgedIsSyncedWhereTheTopicAsksForIt) {
  create_topic("t", 1, {{"flush.messages", "1"}});
  for (int i = 0; i < 3; i++) {
    produce_batch("t", 0, batch_of({"a"}, 1), 9, i % 2 ? 1 : -1);
    log::PartitionLog* log = node().partition("t", 0).log();
    EXPECT_EQ(log->recovery_point(), log->log_end_offset());
  }
}

TEST_P(DurabilityTest, NobodyReadsWhatIsToBeSyncedFirst) {
  create_topic("t", 1, {{"flush.messages", "2"}});
  Partition& partition = node().partition("t", 0);
  const auto append = [&](const std::vector<std::string>& values) {
    Payload batch;
    batch.append(batch_of(values, node().clock().wall_ms()));
    EXPECT_EQ(partition.append_as_leader(batch, log::AppendOrigin::kClient).error, ErrorCode::kNone);
  };
  append({"a"});
  EXPECT_EQ(partition.high_watermark(), 1);
  append({"b", "c"});
  EXPECT_EQ(partition.high_watermark(), 1);
  node().run();
  EXPECT_EQ(partition.high_watermark(), 3);
  EXPECT_EQ(partition.log()->recovery_point(), 3);
}

TEST_P(DurabilityTest, RecordsAreSyncedAfterFlushMsWithoutAnother) {
  create_topic("t", 2, {{"flush.ms", "1000"}});
  for (int32_t p = 0; p < 2; p++) produce("t", p, {"a"});
  node().advance(1000);  // the time of syncs begins again
  node().advance(10);
  for (int32_t p = 0; p < 2; p++) produce("t", p, {"b"});
  log::PartitionLog* logs[] = {node().partition("t", 0).log(), node().partition("t", 1).log()};
  for (log::PartitionLog* log : logs) EXPECT_TRUE(log->has_unflushed());
  node().advance(900);
  for (log::PartitionLog* log : logs) EXPECT_TRUE(log->has_unflushed());
  node().advance(100);
  for (log::PartitionLog* log : logs) EXPECT_FALSE(log->has_unflushed());
}

TEST_P(DurabilityTest, WhatIsOwedASyncAtAKillIsSyncedAndShownAfterIt) {
  create_topic("t", 1, {{"flush.messages", "2"}});
  for (int i = 0; i < 3; i++) produce("t", 0, {"a"});
  for (bool clean : {false, true}) {
    if (clean) restart();
    else kill_and_start();
    EXPECT_EQ(values_from("t", 0, 0).size(), 3u);
    EXPECT_EQ(list_offset("t", 0, -1).offset, 3);
    EXPECT_FALSE(node().partition("t", 0).log()->has_unflushed());
  }
}

TEST_P(DurabilityTest, WhatIsOwedASyncAtAKillIsSyncedAfterFlushMs) {
  create_topic("t", 1, {{"flush.ms", "1000"}});
  for (int i = 0; i < 3; i++) produce("t", 0, {"a"});
  kill_and_start();
  EXPECT_TRUE(node().partition("t", 0).log()->has_unflushed());
  node().advance(1000);
  EXPECT_FALSE(node().partition("t", 0).log()->has_unflushed());
}

TEST_P(DurabilityTest, ALostRecoveryPointCheckpointBringsNothingBack) {
  create_topic("t");
  for (int i = 0; i < 10; i++) produce("t", 0, {"v" + std::to_string(i)});
  delete_records("t", 6);
  client_gone();
  node().stop();
  ASSERT_TRUE(std::filesystem::remove(node().directory() + "/data/recovery-point-offset-checkpoint"));
  start();
  EXPECT_FALSE(node().partition("t", 0).known_empty());
  for (int round = 0; round < 3; round++) {
    restart();  // the checkpoints are rewritten, in the first round from logs not opened yet
    EXPECT_EQ(list_offset("t", 0, -2).offset, 6);
    EXPECT_EQ(values_from("t", 0, 6).size(), 4u);
  }
}

TEST_P(DurabilityTest, APartitionThatIsOfflineAtAStopKeepsItsOffsets) {
  for (int round = 0; round < 2; round++) {
    const std::string name = "t" + std::to_string(round);
    create_topic(name);
    for (int i = 0; i < 10; i++) produce(name, 0, {"v" + std::to_string(i)});
    delete_records(name, 6);
    if (round == 1) node().advance(6000);  // the checkpoints are written before, too
    node().partition(name, 0).take_offline(make_error(ErrorKind::kCorrupt, "made to fail"));
    node().advance(6000);
    restart();
    EXPECT_EQ(list_offset(name, 0, -2).offset, 6);
    EXPECT_EQ(list_offset(name, 0, -1).offset, 10);
    EXPECT_EQ(values_from(name, 0, 6).size(), 4u);
  }
}

TEST_P(DurabilityTest, ATornEndUnderTheMarkOfACleanStopIsNotedBeforeTheFirstRead) {
  create_topic("t");
  for (int i = 0; i < 9; i++) produce("t", 0, {"v"});
  client_gone();
  node().stop();
  const std::string log = node().directory() + "/data/t-0/00000000000000000000.log";
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 3);
  start();
  EXPECT_EQ(list_offset("t", 0, -1).offset, 8);
  EXPECT_EQ(fetch("t", 0, 9).error_code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(fetch("t", 0, 8).high_watermark, 8);
}

// Ten thousand syncs of files take minutes on a busy disk.
TEST_P(DurabilityTest, AStopSyncsManyLogsAtOnce) {
  constexpr int32_t kPartitions = 600;
  if (node().shard_count() > 1) GTEST_SKIP() << "each shard decides for itself";
  FailingFiles files;
  client_gone();
  node().stop();
  node().use_files(files);
  start();
  create_topic("t", kPartitions);
  for (bool together : {true, false}) {
    for (int32_t p = 0; p < kPartitions; p++) produce("t", p, {"a"});
    if (!together) files.fail(FailingFiles::Call::kSyncEverything, "/data", ErrorKind::kUnsupported);
    files.forget_counts();
    client_gone();
    node().stop();
    EXPECT_GE(files.count(FailingFiles::Call::kSyncEverything), 1);
    const int syncs = files.count(FailingFiles::Call::kSync);
    EXPECT_EQ(syncs < kPartitions / 2, together) << syncs;
    start();
    for (int32_t p = 0; p < kPartitions; p++) {
      const log::PartitionLog* log = node().partition("t", p).log();
      EXPECT_EQ(log->recovery_point(), together ? 1 : 2) << p;
    }
  }
  client_gone();
  node().stop();  // before the files are removed
}

TEST_P(DurabilityTest, AMetadataLogThatFailsEndsTheNode) {
  FailingFiles files;
  client_gone();
  node().stop();
  node().use_files(files);
  start();
  for (auto call : {FailingFiles::Call::kWrite, FailingFiles::Call::kSync}) {
    EXPECT_EXIT(
        {
          files.fail(call, "__cluster_metadata-0/0");
          create_topic("t");
        },
        testing::ExitedWithCode(1), "");
  }
  client_gone();
  node().kill();  // before the files are removed
}

TEST_P(DurabilityTest, AShorterFlushMsIsHeededAtOnce) {
  create_topic("t", 1, {{"flush.ms", "1000000"}});
  produce("t", 0, {"a"});
  log::PartitionLog* log = node().partition("t", 0).log();
  EXPECT_TRUE(log->has_unflushed());
  IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = 2;
  resource.resource_name = "t";
  auto& config = resource.configs.emplace_back();
  config.name = "flush.ms";
  config.value = "500";
  auto response = client().ask<IncrementalAlterConfigsResponse>(request, 1);
  ASSERT_EQ(response.responses[0].error_code, ErrorCode::kNone);
  node().advance(500);
  EXPECT_FALSE(log->has_unflushed());
}

TEST_P(DurabilityTest, WithoutDescriptorsAPartitionStays) {
  create_topic("t");
  produce("t", 0, {"a"});
  node().partition("t", 0).take_offline(make_error(ErrorKind::kExhausted, "too many open files"));
  EXPECT_EQ(produce("t", 0, {"b"}).error_code, ErrorCode::kNone);
  EXPECT_EQ(values_from("t", 0, 0), (std::vector<std::string>{"a", "b"}));
}

TEST_P(DurabilityTest, APartitionNumberAtTheEdgeIsUnknown) {
  create_topic("t");
  EXPECT_EQ(fetch("t", INT32_MIN, 0).error_code, ErrorCode::kUnknownTopicOrPartition);
}

}  // namespace
}  // namespace milena::broker::broker_test
