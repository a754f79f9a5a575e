// The log directory as a whole: lock, identity, checkpoints, clean shutdown; and the small parts beside the log.
#include "log/log_directory.h"

#include "log/format/partition_metadata.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "base/forgetful_file_system.h"
#include "log/leader_epoch_cache.h"
#include "log/snapshot_file.h"
#include "log_fixture.h"

namespace milena::log {
namespace {

using log_test::slurp;
using log_test::spill;

class LogDirectoryTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<LogDirectory>> try_open() { return LogDirectory::open(posix_file_system(), path()); }
  std::unique_ptr<LogDirectory> open() {
    auto directory = try_open();
    EXPECT_TRUE(directory.ok()) << directory.error().message;
    if (!directory.ok()) return nullptr;
    EXPECT_TRUE((*directory)->take_into_use().ok());
    return directory.take();
  }
  std::string path() const { return temp_.path() + "/data"; }

  TempDirectory temp_;
};

TEST_F(LogDirectoryTest, is_held_by_one_at_a_time) {
  auto first = open();
  auto second = try_open();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::kExists);
  EXPECT_NE(second.error().message.find(path()), std::string::npos);
  first.reset();
  EXPECT_TRUE(try_open().ok());
}

// Kafka takes a POSIX record lock, which only shows from another process.
TEST_F(LogDirectoryTest, respects_and_is_respected_by_a_record_lock) {
  auto record_lock = [&] {
    int fd = ::open((path() + "/.lock").c_str(), O_RDWR | O_CREAT, 0644);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    return ::fcntl(fd, F_SETLK, &lock) == 0;
  };
  auto in_child = [](auto&& work) {
    pid_t child = ::fork();
    if (child == 0) ::_exit(work() ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  };
  {
    auto held = open();
    EXPECT_FALSE(in_child(record_lock));
  }
  EXPECT_TRUE(in_child(record_lock));
  ASSERT_TRUE(record_lock());
  EXPECT_TRUE(in_child([&] { return !try_open().ok(); }));
}

TEST_F(LogDirectoryTest, identity) {
  Uuid id = Uuid::random(system_random());
  {
    auto directory = open();
    EXPECT_FALSE(directory->meta_properties().has_value());
    EXPECT_TRUE(directory->check_identity("c1", 1).ok());
    ASSERT_TRUE(directory->write_meta_properties({1, "c1", 1, id}).ok());
    EXPECT_TRUE(directory->check_identity("c1", 1).ok());
  }
  auto directory = open();
  EXPECT_EQ(directory->meta_properties()->directory_id, id);
  EXPECT_TRUE(directory->check_identity(std::nullopt, std::nullopt).ok());
  Status other_cluster = directory->check_identity("c2", 1);
  ASSERT_FALSE(other_cluster.ok());
  EXPECT_NE(other_cluster.error().message.find("c1"), std::string::npos);
  Status other_node = directory->check_identity("c1", 5);
  ASSERT_FALSE(other_node.ok());
  EXPECT_NE(other_node.error().message.find("node.id=5"), std::string::npos);
  directory.reset();
  spill(path() + "/meta.properties", "version=1\n");
  EXPECT_FALSE(try_open().ok());
}

// A topic was deleted while its directory was away; a new one of its name must not begin where the old one ended.
TEST_F(LogDirectoryTest, what_checkpoints_say_of_partitions_that_are_gone_goes_from_the_files_too) {
  {
    auto directory = open();
    ASSERT_TRUE(directory->write_recovery_points({{{"gone", 0}, 5}, {{"here", 0}, 7}, {{"empty", 0}, 0}}).ok());
    ASSERT_TRUE(directory->write_log_start_offsets({{{"gone", 0}, 2}, {{"here", 0}, 3}}).ok());
    ASSERT_TRUE(directory->write_high_watermarks({{{"gone", 0}, 4}}).ok());
    ASSERT_TRUE(directory->write_first_dirty_offsets({{{"gone", 0}, 1}}).ok());
  }
  {
    auto directory = open();
    ASSERT_TRUE(directory->forget_strangers([](const TopicPartition& name) { return name.topic == "here"; }).ok());
    EXPECT_EQ(directory->find({"gone", 0}).log_start_offset, 0);
  }
  auto directory = open();
  const auto gone = directory->find({"gone", 0}), here = directory->find({"here", 0});
  EXPECT_FALSE(gone.known);
  EXPECT_EQ(gone.log_start_offset, 0);
  EXPECT_EQ(gone.high_watermark, 0);
  EXPECT_EQ(gone.first_dirty_offset, 0);
  EXPECT_EQ(here.recovery_point, 7);
  EXPECT_EQ(here.log_start_offset, 3);
  EXPECT_TRUE(directory->find({"empty", 0}).known);
}

TEST_F(LogDirectoryTest, checkpoints_and_the_clean_shutdown_mark) {
  {
    auto directory = open();
    EXPECT_FALSE(directory->clean_shutdown());
    ASSERT_TRUE(directory->write_recovery_points({{{"t", 0}, 5}}).ok());
    ASSERT_TRUE(directory->write_log_start_offsets({{{"t", 0}, 2}}).ok());
    ASSERT_TRUE(directory->write_high_watermarks({{{"t", 0}, 4}}, false).ok());
    ASSERT_TRUE(directory->write_clean_shutdown_mark(77).ok());
  }
  EXPECT_EQ(slurp(path() + "/.kafka_cleanshutdown"), R"({"version":0,"brokerEpoch":77})");
  {
    auto directory = open();
    auto found = directory->find({"t", 0});
    EXPECT_TRUE(found.clean_shutdown);
    EXPECT_EQ(found.recovery_point, 5);
    EXPECT_EQ(found.log_start_offset, 2);
    EXPECT_EQ(found.high_watermark, 4);
    EXPECT_EQ(directory->find({"t", 1}).recovery_point, 0);
  }
  auto directory = open();
  EXPECT_FALSE(directory->clean_shutdown());  // the mark was removed: a crash is detected from there on
  directory.reset();
  spill(path() + "/recovery-point-offset-checkpoint", "0\n7\n");
  EXPECT_TRUE(open()->recovery_points().empty());
}

// Otherwise a loss of power soon after the start would look like a clean stop.
TEST(LogDirectoryOnADisk, the_mark_of_a_clean_stop_does_not_come_back) {
  base_test::ForgetfulFileSystem disk;
  ASSERT_TRUE((*LogDirectory::open(disk, "/data"))->write_clean_shutdown_mark(5).ok());
  disk.settle();
  auto directory = LogDirectory::open(disk, "/data");
  ASSERT_TRUE((*directory)->clean_shutdown());
  ASSERT_TRUE((*directory)->take_into_use().ok());
  disk.lose_power();
  EXPECT_FALSE((*LogDirectory::open(disk, "/data"))->clean_shutdown());
}

TEST_F(LogDirectoryTest, is_left_as_it_was_found_until_it_is_taken_into_use) {
  { ASSERT_TRUE(try_open().ok()); }
  EXPECT_FALSE(std::filesystem::exists(path()));
  ASSERT_TRUE(open()->write_clean_shutdown_mark(5).ok());
  std::filesystem::remove(path() + "/.lock");
  for (int i = 0; i < 2; i++) EXPECT_TRUE((*try_open())->clean_shutdown());
  EXPECT_FALSE(std::filesystem::exists(path() + "/.lock"));
  EXPECT_TRUE(std::filesystem::exists(path() + "/.kafka_cleanshutdown"));
  open();
  EXPECT_TRUE(std::filesystem::exists(path() + "/.lock"));
  EXPECT_FALSE(std::filesystem::exists(path() + "/.kafka_cleanshutdown"));
}

// Kafka's checkpoints are empty until the first write, and it accepts empty ones.
TEST_F(LogDirectoryTest, empty_checkpoints_are_no_reason_for_a_warning) {
  open();
  for (const char* name : {"recovery-point-offset-checkpoint", "log-start-offset-checkpoint",
                           "replication-offset-checkpoint", "cleaner-offset-checkpoint"}) {
    spill(path() + "/" + name, "");
  }
  testing::internal::CaptureStdout();
  auto directory = open();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_TRUE(directory->recovery_points().empty());
  directory.reset();
  spill(path() + "/recovery-point-offset-checkpoint", "0\n");
  testing::internal::CaptureStdout();
  open();
  EXPECT_NE(testing::internal::GetCapturedStdout(), "");
}

TEST_F(LogDirectoryTest, partitions) {
  auto directory = open();
  for (const char* name : {"t-0", "t-1", "__cluster_metadata-0", "remote-log-index-cache"}) {
    std::filesystem::create_directory(path() + "/" + name);
  }
  const Uuid id{1, 2};
  spill(path() + "/t-1/partition.metadata", encode_partition_metadata(id));
  SeededRandom random(1);
  EXPECT_FALSE(directory->schedule_delete({"t", 1}, Uuid{3, 4}, random).ok());  // another topic of that name
  auto deleted = directory->schedule_delete({"t", 1}, id, random);
  ASSERT_TRUE(deleted.ok());
  EXPECT_TRUE(std::filesystem::exists(*deleted));
  auto found = directory->list_partitions();
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 3u);
  for (const PartitionDirectory& partition : *found) {
    EXPECT_EQ(partition.kind == DirectoryKind::kDelete, partition.partition == (TopicPartition{"t", 1}));
    EXPECT_TRUE(std::filesystem::exists(partition.path));
  }
  EXPECT_FALSE(directory->schedule_delete({"t", 1}, id, random).ok());
}

// Nothing of them was synced, and they may be of a topic of that name which is deleted. A clean stop knows its own.
TEST_F(LogDirectoryTest, records_without_a_name_make_way_after_a_failure) {
  const TopicPartition begun{"begun", 0}, unknown{"unknown", 0}, empty{"empty", 0};
  SeededRandom random(1);
  for (const bool clean : {true, false}) {
    if (clean) {
      auto before = open();
      spill(before->path() + "/recovery-point-offset-checkpoint", "0\n1\nbegun 0 1\n");
      ASSERT_TRUE(before->write_clean_shutdown_mark(7).ok());
    }
    auto directory = open();
    for (const TopicPartition* one : {&begun, &unknown, &empty}) {
      std::filesystem::create_directories(directory->partition_path(*one));
      RecordBatchBuilder batch;
      batch.append(std::nullopt, ByteView("x"), 5);
      spill(directory->partition_path(*one) + "/00000000000000000000.log", one == &empty ? Bytes() : batch.build());
      auto occupant = directory->make_way(*one, Uuid{1, 2}, random);
      ASSERT_TRUE(occupant.ok());
      EXPECT_EQ(*occupant, LogDirectory::Occupant::kUnnamed);
      const bool stays = one == &empty || (clean && one == &begun);
      EXPECT_EQ(std::filesystem::exists(directory->partition_path(*one)), stays) << one->topic << clean;
    }
  }
}

TEST(SnapshotFile, round_trip_and_every_cut) {
  SnapshotFile snapshot{
      123, {{ControlRecordType::kKraftVersion, Bytes("\0\0\0\1\0", 5)}}, {"one", "two", Bytes(1000, 'x')}};
  Bytes file = encode_snapshot_file(snapshot, 3, 1000);
  EXPECT_EQ(decode_snapshot_file(file).value(), snapshot);
  for (size_t size = 0; size < file.size(); ++size) EXPECT_FALSE(decode_snapshot_file(file.substr(0, size)).ok());
  EXPECT_FALSE(decode_snapshot_file(file + file).ok());
  for (size_t at = kBatchHeaderSize; at < file.size(); at += 7) {
    Bytes broken = file;
    broken[at] ^= 4;
    auto decoded = decode_snapshot_file(broken);
    EXPECT_FALSE(decoded.ok() && !(*decoded == snapshot)) << at;
  }
  EXPECT_EQ(snapshot_file_name(42, 3), "00000000000000000042-0000000003.checkpoint");
}

TEST(SnapshotFile, large_ones_have_several_batches) {
  SnapshotFile snapshot;
  for (int i = 0; i < 20; ++i) snapshot.records.push_back(Bytes(1 << 20, 'r'));
  EXPECT_EQ(decode_snapshot_file(encode_snapshot_file(snapshot, 0, 0)).value(), snapshot);
}

TEST(LeaderEpochCache, assign_and_lookup) {
  LeaderEpochCache cache;
  EXPECT_EQ(cache.end_offset_of(0, 10), std::nullopt);
  EXPECT_TRUE(cache.assign(2, 6));
  EXPECT_FALSE(cache.assign(2, 8));
  EXPECT_TRUE(cache.assign(3, 8));
  EXPECT_EQ(cache.end_offset_of(1, 10), (EpochEndOffset{1, 6}));
  EXPECT_EQ(cache.end_offset_of(2, 10), (EpochEndOffset{2, 8}));
  EXPECT_EQ(cache.end_offset_of(3, 10), (EpochEndOffset{3, 10}));
  EXPECT_EQ(cache.end_offset_of(4, 10), std::nullopt);
  EXPECT_EQ(cache.end_offset_of(-1, 10), std::nullopt);  // which is "no epoch"; any other is just an early one
  EXPECT_EQ(cache.end_offset_of(-2, 10), (EpochEndOffset{-2, 6}));
  EXPECT_EQ(cache.epoch_of(5), std::nullopt);
  EXPECT_EQ(cache.epoch_of(7), 2);
  // Entries that contradict a new one are removed.
  EXPECT_TRUE(cache.assign(4, 7));
  EXPECT_EQ(cache.entries(), (std::vector<EpochEntry>{{2, 6}, {4, 7}}));
  EXPECT_TRUE(cache.truncate_from_start(9));
  EXPECT_EQ(cache.entries(), (std::vector<EpochEntry>{{4, 9}}));
  EXPECT_FALSE(cache.truncate_from_end(10));
  EXPECT_TRUE(cache.truncate_from_end(9));
  EXPECT_TRUE(cache.entries().empty());
}

TEST(FileCache, closes_the_least_recently_used) {
  TempDirectory temp;
  FileCache cache(posix_file_system(), 2);
  FileCache::Slot a, b, c;
  ASSERT_TRUE(cache.open(a, temp.path() + "/a", OpenMode::kReadOrCreate).ok());
  ASSERT_TRUE(cache.open(b, temp.path() + "/b", OpenMode::kReadOrCreate).ok());
  EXPECT_NE(cache.find(a), nullptr);
  ASSERT_TRUE(cache.open(c, temp.path() + "/c", OpenMode::kReadOrCreate).ok());
  EXPECT_EQ(cache.find(b), nullptr);
  EXPECT_NE(cache.find(a), nullptr);
  EXPECT_NE(cache.find(c), nullptr);
  EXPECT_EQ(cache.open_files(), 2u);
  c.close();
  c.close();
  EXPECT_EQ(cache.open_files(), 1u);
}

}  // namespace
}  // namespace milena::log
