// What was acknowledged, and what happens to it around deletions, syncs and kills.
#include <filesystem>
#include <fstream>

#include "broker/node_fixture.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/incremental_alter_configs.h"

namespace milena::broker_test {
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
  std::filesystem::rename(aside, live);  // as if the crash had come before the directory was moved
  start();
  restart();
  EXPECT_TRUE(values_from("t", 0, 0).empty());
  produce("t", 0, {"new"});
  kill_and_start();
  EXPECT_EQ(values_from("t", 0, 0), std::vector<std::string>{"new"});
}

// The machine failed while the directory was new: whose it is was not all written.
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
    PartitionLog* log = node().partition("t", 0).log();
    EXPECT_EQ(log->recovery_point(), log->log_end_offset());
  }
}

TEST_P(DurabilityTest, NobodyReadsWhatIsToBeSyncedFirst) {
  create_topic("t", 1, {{"flush.messages", "2"}});
  Partition& partition = node().partition("t", 0);
  const auto append = [&](const std::vector<std::string>& values) {
    Payload batch;
    batch.append(batch_of(values, node().clock().wall_ms()));
    EXPECT_EQ(partition.append_as_leader(batch, AppendOrigin::kClient).error, ErrorCode::kNone);
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
  node().advance(1000);  // what was synced at once begins anew
  node().advance(10);
  for (int32_t p = 0; p < 2; p++) produce("t", p, {"b"});
  PartitionLog* logs[] = {node().partition("t", 0).log(), node().partition("t", 1).log()};
  for (PartitionLog* log : logs) EXPECT_TRUE(log->has_unflushed());
  node().advance(900);
  for (PartitionLog* log : logs) EXPECT_TRUE(log->has_unflushed());
  node().advance(100);
  for (PartitionLog* log : logs) EXPECT_FALSE(log->has_unflushed());
}

TEST_P(DurabilityTest, AShorterFlushMsIsHeededAtOnce) {
  create_topic("t", 1, {{"flush.ms", "1000000"}});
  produce("t", 0, {"a"});
  PartitionLog* log = node().partition("t", 0).log();
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

TEST_P(DurabilityTest, APartitionNumberAtTheEdgeIsUnknown) {
  create_topic("t");
  EXPECT_EQ(fetch("t", INT32_MIN, 0).error_code, ErrorCode::kUnknownTopicOrPartition);
}

}  // namespace
}  // namespace milena::broker_test
