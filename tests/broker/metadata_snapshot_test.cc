// Snapshots of the metadata log: when they are created, their contents, the segments that they replace, and starting
// from them.
#include <filesystem>
#include <fstream>

#include "broker/controller/metadata_log.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/node_fixture.h"
#include "metadata/record_codec.h"

namespace milena::broker::broker_test {
namespace {

class MetadataSnapshotTest : public NodeFixture {
 protected:
  void SetUp() override {}

  std::string log_directory() { return node().directory() + "/data/__cluster_metadata-0"; }
  std::vector<std::string> files_ending(const std::string& suffix) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(log_directory())) {
      if (std::string name = entry.path().filename(); name.ends_with(suffix)) found.push_back(name);
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  void create_topics(const std::string& prefix, int count) {
    for (int i = 0; i < count; i++) create_topic(prefix + std::to_string(i), 2, {{"retention.ms", "12345678"}});
  }
  // Records of that size in the log, one in the image: a config that is set again and again.
  void write_kilobytes(int count) {
    Shard& home = node().node().shard(0);
    for (int i = 0; i < count; i += 100) {
      metadata::ControllerEffects<std::monostate> effects;
      ConfigRecord record;
      record.resource_type = static_cast<int8_t>(metadata::ResourceType::kTopic);
      record.resource_name = "t0";
      record.name = "follower.replication.throttled.replicas";
      record.value = Bytes(1024, 'x');
      effects.records.assign(100, record);
      node().node().metadata().submit<std::monostate>(
          home, [effects](const metadata::Controller&) { return effects; }, [](std::monostate) {});
      node().run();
    }
  }
  const std::vector<MetadataSnapshotInfo>& known() { return node().node().metadata().snapshots().known(); }
};
INSTANTIATE_TEST_SUITE_P(Shards, MetadataSnapshotTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(MetadataSnapshotTest, IsMadeAfterSoManyBytesAndHoldsTheImage) {
  node().set("metadata.log.max.record.bytes.between.snapshots", "3000");
  start();
  create_topics("t", 20);
  ASSERT_FALSE(known().empty());
  EXPECT_EQ(files_ending(".checkpoint").size(), known().size());
  // The newest snapshot and the tail of the log give the image.
  metadata::MetadataReplayer replayed;
  ASSERT_TRUE(load_metadata_snapshot(posix_file_system(), log_directory(), known().back().id, replayed).ok());
  EXPECT_GE(replayed.image().topic_count(), 10u);
  EXPECT_NE(replayed.image().find_topic("t0"), nullptr);
  EXPECT_EQ(replayed.image().configs(metadata::ResourceType::kTopic, "t0").size(), 1u);

  Uuid id = topic_id("t19");
  for (bool clean : {true, false}) {
    if (clean) restart();
    else kill_and_start();
    EXPECT_EQ(node().node().shard(0).image().topic_count(), 20u);
    EXPECT_EQ(topic_id("t19"), id);
    produce("t19", 1, {"x"});
  }
  EXPECT_EQ(values_from("t19", 1, 0).size(), 2u);
}

// In several batches, each of which fits, and applied as one.
TEST_P(MetadataSnapshotTest, ADecisionLargerThanASegmentIsWritten) {
  node().set("metadata.log.segment.bytes", "8388608");
  start();
  create_topic("t0");
  metadata::ControllerEffects<std::monostate> effects;
  ConfigRecord record;
  record.resource_type = static_cast<int8_t>(metadata::ResourceType::kTopic);
  record.resource_name = "t0";
  record.name = "follower.replication.throttled.replicas";
  record.value = Bytes(100'000, 'x');
  effects.records.assign(90, record);
  bool done = false;
  node().node().metadata().submit<std::monostate>(
      node().node().shard(0), [&effects](const metadata::Controller&) { return effects; },
      [&done](std::monostate) { done = true; });
  node().run();
  EXPECT_TRUE(done);
  kill_and_start();
  EXPECT_EQ(node().node().shard(0).image().configs(metadata::ResourceType::kTopic, "t0").size(), 1u);
}

TEST_P(MetadataSnapshotTest, IsMadeWhenTheIntervalIsOver) {
  start();
  create_topics("t", 1);
  EXPECT_TRUE(known().empty());
  node().advance(3'600'000);
  ASSERT_EQ(known().size(), 1u);
  metadata::MetadataReplayer replayed;
  ASSERT_TRUE(load_metadata_snapshot(posix_file_system(), log_directory(), known().back().id, replayed).ok());
  EXPECT_TRUE(replayed.image() == node().node().shard(0).image());
  // No new records, no new snapshot.
  node().advance(10 * 3'600'000);
  EXPECT_EQ(known().size(), 1u);
}

TEST_P(MetadataSnapshotTest, OldOnesAndTheLogBeforeThemArePruned) {
  node().set("metadata.log.max.record.bytes.between.snapshots", "1000000");
  node().set("metadata.max.retention.bytes", "1500000");
  start();
  create_topics("t", 2);
  write_kilobytes(6000);
  node().advance(120'000);
  ASSERT_FALSE(known().empty());
  EXPECT_LE(known().size(), 2u);
  EXPECT_EQ(files_ending(".checkpoint").size(), known().size());
  EXPECT_TRUE(files_ending(".deleted").empty());
  EXPECT_NE(files_ending(".log").front(), "00000000000000000000.log");
  restart();
  EXPECT_EQ(node().node().shard(0).image().topic_count(), 2u);
}

TEST_P(MetadataSnapshotTest, HalfMadeOnesAreTakenAwayAndALaterOneThanTheLogBeginsItAnew) {
  node().set("metadata.log.max.record.bytes.between.snapshots", "3000");
  start();
  create_topics("t", 20);
  ASSERT_FALSE(known().empty());
  MetadataSnapshotId id = known().back().id;
  client_gone();
  node().stop();
  std::ofstream(log_directory() + "/00000000000000000900-0000000009.checkpoint.part") << "half";
  // A crash of the machine lost the log, not the snapshot.
  for (const std::string& name : files_ending(".log")) std::filesystem::resize_file(log_directory() + "/" + name, 0);
  start();
  EXPECT_TRUE(files_ending(".part").empty());
  EXPECT_GE(node().node().metadata().end_offset(), id.end_offset);
  EXPECT_NE(node().topic("t0"), nullptr);
  restart();
  EXPECT_NE(node().topic("t0"), nullptr);
}

TEST_P(MetadataSnapshotTest, ALogWithoutTheSnapshotThatItBeginsAtIsRefused) {
  node().set("metadata.log.max.record.bytes.between.snapshots", "1100000");
  node().set("metadata.max.retention.bytes", "100000");
  start();
  create_topics("t", 1);
  write_kilobytes(3000);
  client_gone();
  node().stop();
  ASSERT_NE(files_ending(".log").front(), "00000000000000000000.log");
  for (const std::string& name : files_ending(".checkpoint")) std::filesystem::remove(log_directory() + "/" + name);
  Status started = node().try_start();
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message.find("no snapshot"), std::string::npos) << started.error().message;
}

// --- decisions larger than a batch

class LargeDecisionTest : public testing::Test {
 protected:
  LargeDecisionTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "milena-metadata-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr, "{}", pattern);
    directory_ = pattern;
  }
  ~LargeDecisionTest() override { std::filesystem::remove_all(directory_); }

  Result<MetadataLog> open() {
    auto found = find_metadata(posix_file_system(), directory_, {1, {}});
    if (!found) return found.error();
    return open_metadata_log(files_, system_clock(), directory_, 1, log::LogConfig{}, found.take());
  }

  metadata::MetadataRecords megabytes(int count) {
    metadata::MetadataRecords records;
    for (int i = 0; i < count * 40; i++) {
      ConfigRecord record;
      record.resource_type = 2;
      record.resource_name = "t";
      record.name = "c" + std::to_string(i);
      record.value = Bytes(26'214, 'x');  // a string's length has 15 bits
      records.emplace_back(std::move(record));
    }
    return records;
  }

  std::string directory_;
  log::FileCache files_{posix_file_system(), 16};
};

TEST_F(LargeDecisionTest, IsCutIntoATransactionOfSeveralBatches) {
  {
    auto opened = open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    auto appended = append_metadata_records(*opened->log, opened->epoch, megabytes(20), true, 0, 1);
    ASSERT_TRUE(appended.ok());
    auto read = opened->log->read(1, 1 << 30, opened->log->log_end_offset(), true);
    ASSERT_TRUE(read.ok());
    Bytes bytes = read->batches.flatten().value();
    BatchIterator batches(bytes);
    size_t count = 0;
    for (; batches.next(); count++) EXPECT_LE(batches.batch().bytes().size(), 8u << 20);
    EXPECT_EQ(count, 3u);
    // An old level has no transactions: then one batch.
    ASSERT_TRUE(append_metadata_records(*opened->log, opened->epoch, megabytes(9), true, 7, 1).ok());
  }
  auto again = open();
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_FALSE(again->replayed.in_transaction());
  EXPECT_EQ(again->replayed.image().configs(metadata::ResourceType::kTopic, "t").size(), 800u);
}

TEST_F(LargeDecisionTest, HalfOfItIsNothing) {
  int64_t end = 0;
  {
    auto opened = open();
    ASSERT_TRUE(opened.ok());
    ASSERT_TRUE(append_metadata_records(*opened->log, opened->epoch, megabytes(20), true, 30, 1).ok());
    end = opened->log->log_end_offset();
    ASSERT_TRUE(opened->log->truncate_to(end - 3).ok());
  }
  auto again = open();
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_TRUE(again->replayed.in_transaction());
  EXPECT_TRUE(again->replayed.image().configs(metadata::ResourceType::kTopic, "t").empty());
}

// A failure of the machine took the unsynced end of a segment, and left the next one: decisions do not count where
// earlier ones are missing.
TEST_F(LargeDecisionTest, RecordsBehindAGapDoNotCount) {
  const auto decide = [](MetadataLog& opened, const std::string& name) {
    ConfigRecord record;
    record.resource_type = 2;
    record.resource_name = "t";
    record.name = name;
    record.value = "1";
    const auto appended = append_metadata_records(*opened.log, opened.epoch, {record}, true, 30, 1);
    return appended.ok() && opened.log->flush().ok();
  };
  std::filesystem::path segment;
  uint64_t whole = 0;
  int64_t end = 0;
  {
    auto opened = open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    ASSERT_TRUE(decide(*opened, "kept"));
    end = opened->log->log_end_offset();
    segment = std::filesystem::path(directory_) / "__cluster_metadata-0" / "00000000000000000000.log";
    whole = std::filesystem::file_size(segment);
    ASSERT_TRUE(decide(*opened, "lost"));
    ASSERT_TRUE(opened->log->roll().ok());
    ASSERT_TRUE(decide(*opened, "behind"));
  }
  std::filesystem::resize_file(segment, whole);
  auto again = open();
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->log->log_end_offset(), end + 1);  // with the change of the leader
  const auto configs = again->replayed.image().configs(metadata::ResourceType::kTopic, "t");
  EXPECT_EQ(configs.size(), 1u);
  EXPECT_TRUE(configs.contains("kept"));
}

}  // namespace
}  // namespace milena::broker::broker_test
