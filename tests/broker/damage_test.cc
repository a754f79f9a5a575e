// Damaged and unreadable files of one partition affect only that partition, and as little of it as possible.
#include <filesystem>
#include <fstream>

#include "broker/failing_files.h"
#include "broker/node_fixture.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/describe_log_dirs.h"

namespace milena::broker::broker_test {
namespace {

class DamageTest : public NodeFixture {
 protected:
  static constexpr int kBatches = 12;

  DamageTest() { node().use_files(files_); }

  std::string file(ByteView name) const {
    return const_cast<DamageTest*>(this)->node().directory() + "/data/t-0/" + std::string(name);
  }
  // Five batches to a segment.
  void fill() {
    ASSERT_NO_FATAL_FAILURE(create_topic("t", 1, {{"segment.bytes", "1048576"}, {"retention.ms", "-1"}}));
    for (int i = 0; i < kBatches; i++) ASSERT_NO_FATAL_FAILURE(produce_at(i));
    ASSERT_FALSE(std::filesystem::exists(file("00000000000000000001.log")));
    ASSERT_TRUE(std::filesystem::exists(file("00000000000000000005.log")));
  }
  void produce_at(int i) {
    ASSERT_EQ(produce_batch("t", 0, batch_of({value(i)}, 1000 + i)).error_code, ErrorCode::kNone);
  }
  void overwrite(const std::string& path, size_t at, ByteView with) {
    std::fstream out(path, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(at));
    out.write(with.data(), static_cast<std::streamsize>(with.size()));
    ASSERT_TRUE(out.good());
  }
  static std::string value(int i) { return std::string(200'000, static_cast<char>('a' + i)); }
  static size_t batch_bytes() { return batch_of({value(0)}, 1000).size(); }
  // The number of the batch at the offset.
  int value_at(int64_t offset) {
    auto values = values_from("t", 0, offset);
    return values.empty() ? -1 : values.front()[0] - 'a';
  }
  std::vector<bool> partitions_on_second() {
    std::vector<bool> all;
    for (int32_t p = 0; p < 4; p++) {
      all.push_back(node().partition("t", p).directory()->path() == node().directory() + "/second");
    }
    EXPECT_TRUE(std::find(all.begin(), all.end(), true) != all.end());
    return all;
  }
  ErrorCode delete_records(int64_t offset) {
    DeleteRecordsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.partitions.push_back({0, offset});
    return client().ask<DeleteRecordsResponse>(request, 2).topics[0].partitions[0].error_code;
  }

  FailingFiles files_;
};
INSTANTIATE_TEST_SUITE_P(Shards, DamageTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(DamageTest, ABatchOfSizeZeroFailsItsReadsAndNothingElse) {
  fill();
  restart();
  overwrite(file("00000000000000000000.log"), 2 * batch_bytes() + 8, ByteView("\0\0\0\0", 4));
  for (int round = 0; round < 2; round++) {
    EXPECT_EQ(fetch("t", 0, 2).error_code, ErrorCode::kCorruptMessage);
    EXPECT_EQ(list_offset("t", 0, 1002).error_code, ErrorCode::kCorruptMessage);
    EXPECT_EQ(value_at(10), 10);
    EXPECT_EQ(list_offset("t", 0, -1).offset, kBatches + round);
    EXPECT_EQ(list_offset("t", 0, 1010).offset, 10);
    produce_at(kBatches + round);
    node().advance(600'000);  // retention checks it
    EXPECT_EQ(fetch("t", 0, 2).error_code, ErrorCode::kCorruptMessage);
    restart();
  }
  EXPECT_EQ(delete_records(5), ErrorCode::kNone);
  EXPECT_EQ(value_at(5), 5);
}

TEST_P(DamageTest, FilesThatMayNotBeOpenedAreTheirPartitionsAffair) {
  fill();
  create_topic("other");
  produce("other", 0, {"a"});
  client_gone();
  node().stop();
  files_.fail(FailingFiles::Call::kOpen, "/t-0/00000", ErrorKind::kDenied);
  start();
  EXPECT_EQ(fetch("t", 0, 0).error_code, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(produce("t", 0, {"b"}).error_code, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(values_from("other", 0, 0), std::vector<std::string>{"a"});
  files_.mend();
  restart();
  EXPECT_EQ(value_at(0), 0);
}

TEST_P(DamageTest, ADanglingLinkIsItsPartitionsAffair) {
  fill();
  client_gone();
  node().stop();
  const std::string active = file("00000000000000000010.log");
  ASSERT_TRUE(std::filesystem::exists(active));
  std::filesystem::rename(active, node().directory() + "/away");
  std::filesystem::create_symlink(node().directory() + "/nowhere", active);
  start();
  EXPECT_EQ(fetch("t", 0, 0).error_code, ErrorCode::kKafkaStorageError);
  create_topic("other");
  EXPECT_EQ(produce("other", 0, {"a"}).error_code, ErrorCode::kNone);
  client_gone();
  node().stop();
  std::filesystem::rename(node().directory() + "/away", active);
  start();
  EXPECT_EQ(value_at(11), 11);
}

TEST_P(DamageTest, AnAppendWhoseSyncCannotBePreparedIsNotAcknowledged) {
  node().set("log.dirs", node().directory() + "/data," + node().directory() + "/second");
  restart();
  create_topic("t", 4, {{"flush.messages", "1"}});
  for (int32_t p = 0; p < 4; p++) EXPECT_EQ(produce("t", p, {"a"}).error_code, ErrorCode::kNone);
  int32_t victim = 0;
  while (node().partition("t", victim).directory()->path() != node().directory() + "/second")
    ASSERT_LT(++victim, 4);
  // The log and its epochs are written and open, but a sync cannot open them.
  node().partition("t", victim).set_leader_epoch(7);
  files_.fail(FailingFiles::Call::kOpen, "/second/t-" + std::to_string(victim) + "/leader-epoch-checkpoint$");
  const std::vector<bool> on_second = partitions_on_second();
  EXPECT_EQ(produce("t", victim, {"b"}).error_code, ErrorCode::kKafkaStorageError);
  for (int32_t p = 0; p < 4; p++)
    EXPECT_EQ(fetch("t", p, 0).error_code != ErrorCode::kNone, on_second[static_cast<size_t>(p)]);
}

TEST_P(DamageTest, ADiskThatFailsUnderTheCleanersEyesTakesItsPartitionsAlone) {
  node().set("log.dirs", node().directory() + "/data," + node().directory() + "/second");
  node().set("log.cleaner.backoff.ms", "1000");
  restart();
  ASSERT_NO_FATAL_FAILURE(create_topic(
      "t", 4,
      {{"cleanup.policy", "compact"}, {"segment.bytes", "1048576"}, {"min.cleanable.dirty.ratio", "0.01"}}));
  for (int i = 0; i < 6; i++) {
    for (int32_t p = 0; p < 4; p++) {
      RecordBatchBuilder builder;
      builder.append("k", value(i), node().clock().wall_ms());
      ASSERT_EQ(produce_batch("t", p, builder.build()).error_code, ErrorCode::kNone);
    }
  }
  restart();
  for (int32_t p = 0; p < 4; p++) EXPECT_EQ(fetch("t", p, 6).error_code, ErrorCode::kNone);
  files_.fail(FailingFiles::Call::kOpen, "/second/t-");
  files_.fail(FailingFiles::Call::kRead, "/second/t-");
  const std::vector<bool> on_second = partitions_on_second();
  for (int i = 0; i < 3; i++) node().advance(400'000);
  for (int32_t p = 0; p < 4; p++)
    EXPECT_EQ(fetch("t", p, 5).error_code != ErrorCode::kNone, on_second[static_cast<size_t>(p)]);
}

}  // namespace
}  // namespace milena::broker::broker_test
