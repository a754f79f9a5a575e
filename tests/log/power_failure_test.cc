// Synced records are there after a loss of power, and a compaction is either done or not, however often it is
// interrupted: on a disk that loses unsynced data.
#include <functional>

#include "base/forgetful_file_system.h"
#include "log/compaction_job.h"
#include "log_fixture.h"

namespace milena::log {
namespace {

using base_test::ForgetfulFileSystem;
using log_test::BatchSpec;

class PowerFailureTest : public testing::Test {
 protected:
  static constexpr const char* kDirectory = "/data/topic-0";

  PowerFailureTest() {
    config_.cleanup_delete = false;
    config_.cleanup_compact = true;
    config_.segment_bytes = 600;
    config_.index_interval_bytes = 1;
    config_.min_cleanable_dirty_ratio = 0;
    config_.delete_retention_ms = 0;
  }

  Result<std::unique_ptr<PartitionLog>> try_open(OpenState state) {
    return PartitionLog::open(files_, clock_, kDirectory, {"topic", 0}, std::make_shared<const LogConfig>(config_),
                              std::move(state));
  }
  void open(OpenState state = {}) {
    log_.reset();
    auto opened = try_open(std::move(state));
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    log_ = opened.take();
  }
  void put(const std::string& key, const std::string& value, int64_t producer_id = kNoProducerId,
           int32_t sequence = -1) {
    RecordBatchBuilder builder({.producer_id = producer_id,
                                .producer_epoch = static_cast<int16_t>(producer_id < 0 ? -1 : 0),
                                .base_sequence = sequence});
    builder.append(key, value, clock_.wall_ms());
    const Bytes batch = builder.build();
    auto outcome = log_->append_as_leader(ByteView(batch), 0, AppendOrigin::kClient);
    ASSERT_TRUE(outcome.ok() && outcome->error == ErrorCode::kNone);
    log_->set_high_watermark(log_->log_end_offset());
  }
  // Like LogCleaner.
  Status compact() {
    auto outlook = log_->compaction_outlook();
    if (!outlook) return outlook.error();
    auto job = log_->prepare_compaction(*outlook, 1 << 20, 0.9);
    if (!job) return job.error();
    Status done = run(**job);
    if (!done) (*job)->discard();
    return done;
  }
  Status run(CompactionJob& job) {
    while (true) {
      auto progress = job.step(1 << 20);
      if (!progress) return progress.error();
      if (*progress == CompactionJob::Progress::kDone) break;
      if (*progress == CompactionJob::Progress::kMore) continue;
      auto doomed = log_->install_compacted(job);
      if (!doomed) return doomed.error();
      if (!*doomed) return make_error(ErrorKind::kInvalid, "given up");
    }
    log_->finish_compaction(job);
    return ok_status();
  }

  // The calls from the given one on fail; -1: none.
  void fail_from(int call) {
    calls_ = 0;
    disk_.fails = [this, call](ByteView, const std::string&) { return calls_++ >= call && call >= 0; };
  }

  // Each remaining record, read by its own offset. A wrong index would lead elsewhere.
  std::map<std::string, std::string> last_values() {
    std::map<std::string, std::string> last;
    for (int64_t offset = log_->log_start_offset(); offset < log_->log_end_offset(); ++offset) {
      auto read = log_->read(offset, 1 << 20, log_->log_end_offset(), true);
      if (!read.ok() || read->error != ErrorCode::kNone) {
        ADD_FAILURE() << "offset " << offset << ": " << (read.ok() ? "" : read.error().message);
        break;
      }
      Bytes bytes = read->batches.flatten().value();
      BatchIterator batches(bytes);
      while (batches.next()) {
        EXPECT_TRUE(batches.batch().crc_ok());
        RecordIterator records(batches.batch());
        while (records.next()) last[Bytes(*records.record().key)] = Bytes(*records.record().value);
      }
    }
    return last;
  }

  // Each record that is there is found by its time, or one before it. The time index of another segment would lead
  // behind it.
  void expect_found_by_time() {
    auto read = log_->read(log_->log_start_offset(), 1 << 20, log_->log_end_offset(), true);
    ASSERT_TRUE(read.ok());
    const Bytes bytes = read->batches.flatten().value();
    BatchIterator batches(bytes);
    while (batches.next()) {
      const BatchHeader& header = batches.batch().header();
      if (header.record_count == 0) continue;
      auto found = log_->find_by_timestamp(header.max_timestamp);
      ASSERT_TRUE(found.ok() && *found) << header.base_offset;
      ASSERT_LE((*found)->offset, header.last_offset());
    }
  }

  static std::string time_index() { return std::string(kDirectory) + "/00000000000000000000.timeindex"; }
  // Four synced records, of which the first has the greatest timestamp.
  void put_the_newest_first() {
    ASSERT_TRUE(disk_.make_directories("/data").ok());
    config_.segment_bytes = 100'000;
    open();
    put("newest", "1");
    clock_.advance(-60'000);
    for (const char* key : {"a", "b", "c"}) put(key, "1");
    ASSERT_TRUE(log_->flush().ok());
  }
  void expect_time_index_synced() {
    const Bytes index = disk_.read_file(time_index()).value();
    ASSERT_FALSE(index.empty());
    disk_.lose_power(ForgetfulFileSystem::all_names, ForgetfulFileSystem::no_bytes);
    EXPECT_EQ(disk_.read_file(time_index()).value(), index);
  }

  // A completely synced log, and its records.
  void fill() {
    log_.reset();
    fail_from(-1);
    ASSERT_TRUE(disk_.remove_tree("/data").ok());
    ASSERT_TRUE(disk_.make_directories("/data").ok());
    open();
    for (int i = 0; i < 24; ++i) {
      put(i % 3 == 0 ? "k" : "u" + std::to_string(i), std::to_string(i));
      clock_.advance(-1000);  // what compaction removes has the greatest timestamps
    }
    clock_.advance(24 * 1000);
    ASSERT_TRUE(log_->roll().ok());
    ASSERT_TRUE(log_->flush().ok());
    disk_.settle();
    open({.recovery_point = log_->log_end_offset()});
    log_->set_high_watermark(log_->log_end_offset());
  }

  ForgetfulFileSystem disk_;
  FileCache files_{disk_, 64};
  ManualClock clock_{1'700'000'000'000};
  LogConfig config_;
  int calls_ = 0;
  std::unique_ptr<PartitionLog> log_;
};

// The removal of a producer snapshot lasts: other records may have been synced in the place of those it was taken of.
TEST_F(PowerFailureTest, the_snapshot_of_records_that_were_cut_off_does_not_come_back) {
  ASSERT_TRUE(disk_.make_directories("/data").ok());
  config_.segment_bytes = 100'000;
  open();
  for (int i = 0; i < 4; ++i) put("k", std::to_string(i), 7, i);
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  disk_.settle();
  open({.clean_shutdown = true, .recovery_point = 4, .high_watermark = 4});
  ASSERT_TRUE(log_->truncate_to(1).ok());
  for (int i = 0; i < 4; ++i) put("other", std::to_string(i), 9, i);
  ASSERT_TRUE(log_->flush().ok());
  disk_.lose_power(ForgetfulFileSystem::no_names, ForgetfulFileSystem::no_bytes);
  open({.recovery_point = 5});
  EXPECT_EQ(log_->log_end_offset(), 5);
  // The producers are read again, from the newest snapshot below the cut.
  ASSERT_TRUE(log_->truncate_to(4).ok());
  ASSERT_NE(log_->find_producer(9).value(), nullptr);
  EXPECT_EQ(log_->find_producer(7).value()->batch_count, 1);
}

TEST_F(PowerFailureTest, a_compaction_is_interrupted_and_so_is_what_puts_it_right) {
  fill();
  const auto expected = last_values();
  const int64_t end = log_->log_end_offset();
  fail_from(-1);
  ASSERT_TRUE(compact().ok());
  const int compaction_calls = calls_;
  ASSERT_EQ(last_values(), expected);
  for (int at = 0; at < compaction_calls; ++at) {
    for (int again = 0;; ++again) {
      fill();
      fail_from(at);
      (void)compact().ok();
      log_.reset();
      fail_from(again);
      bool opened = try_open({.recovery_point = end}).ok();
      fail_from(-1);
      open({.recovery_point = end});
      ASSERT_EQ(log_->log_end_offset(), end) << at << " " << again;
      ASSERT_EQ(last_values(), expected) << at << " " << again;
      ASSERT_NO_FATAL_FAILURE(expect_found_by_time()) << at << " " << again;
      if (opened) break;
    }
  }
}

// As if an interrupted install had left it. Readers check an entry of an offset index against the batch found there. A
// search by time does not notice: a segment's batches need not be in the order of their times.
TEST_F(PowerFailureTest, the_offset_index_of_a_compacted_segment_hides_nothing_of_the_old_one) {
  fill();
  const auto expected = last_values();
  const int64_t end = log_->log_end_offset();
  std::map<std::string, Bytes> old;
  const std::vector<std::string> names = disk_.list(kDirectory).value();
  for (const std::string& name : names)
    old[name] = disk_.read_file(std::string(kDirectory) + "/" + name).value();
  ASSERT_TRUE(compact().ok());
  const std::string index = "00000000000000000000.index";
  const Bytes compacted = disk_.read_file(std::string(kDirectory) + "/" + index).value();
  ASSERT_NE(compacted, old.at(index));
  ASSERT_FALSE(compacted.empty());
  log_.reset();
  ASSERT_TRUE(disk_.remove_tree(kDirectory).ok());
  ASSERT_TRUE(disk_.make_directories(kDirectory).ok());
  for (const auto& [name, content] : old) {
    const Bytes& bytes = name == index ? compacted : content;
    ASSERT_TRUE(disk_.write_file_atomically(std::string(kDirectory) + "/" + name, bytes).ok());
  }
  open({.clean_shutdown = true, .recovery_point = end, .high_watermark = end});
  EXPECT_EQ(last_values(), expected);
  for (int64_t offset = 0; offset < end; ++offset) {
    Bytes bytes = log_->read(offset, 1, end, true)->batches.flatten().value();
    BatchIterator batches(bytes);
    ASSERT_TRUE(batches.next());
    EXPECT_EQ(batches.batch().header().base_offset, offset);
  }
}

TEST_F(PowerFailureTest, a_compaction_during_which_the_power_fails_is_done_or_not) {
  fill();
  const auto expected = last_values();
  const int64_t end = log_->log_end_offset();
  fail_from(-1);
  ASSERT_TRUE(compact().ok());
  for (int at = calls_; at >= 0; --at) {
    for (size_t kept = 0;; ++kept) {
      fill();
      fail_from(at);
      (void)compact().ok();
      fail_from(-1);
      bool more = false;
      disk_.lose_power(
          [&](const std::string&, size_t changes) {
            more |= changes > kept;
            return kept;
          },
          ForgetfulFileSystem::no_bytes);
      open({.recovery_point = end});
      ASSERT_EQ(log_->log_end_offset(), end) << at << " " << kept;
      ASSERT_EQ(last_values(), expected) << at << " " << kept;
      if (!more) break;
    }
  }
}

// From then on the cleaner's checkpoint may cover the round.
TEST_F(PowerFailureTest, a_round_of_compaction_that_is_finished_is_on_the_disk) {
  fill();
  ASSERT_TRUE(compact().ok());
  const auto expected = last_values();
  const int64_t end = log_->log_end_offset();
  const uint64_t bytes = log_->size().value();
  log_.reset();
  disk_.lose_power();
  open({.recovery_point = end});
  EXPECT_EQ(log_->size().value(), bytes);
  EXPECT_EQ(last_values(), expected);
}

// One call fails, and the process goes on and cleans up.
TEST_F(PowerFailureTest, an_install_that_fails_leaves_nothing_that_is_taken_for_one_that_did_not) {
  fill();
  const auto expected = last_values();
  const int64_t end = log_->log_end_offset();
  for (int at = 0;; ++at) {
    fill();
    int renames = 0;
    disk_.fails = [&](ByteView call, const std::string&) { return call == "rename" && renames++ == at; };
    bool done = compact().ok();
    disk_.fails = nullptr;
    open({.recovery_point = end});
    ASSERT_EQ(log_->log_end_offset(), end) << at;
    ASSERT_EQ(last_values(), expected) << at;
    if (done) break;
  }
}

TEST_F(PowerFailureTest, a_piece_is_not_put_into_another_log_in_the_same_place) {
  fill();
  auto outlook = log_->compaction_outlook();
  ASSERT_TRUE(outlook.ok());
  auto job = log_->prepare_compaction(*outlook, 1 << 20, 0.9);
  ASSERT_TRUE(job.ok());
  while (true) {
    auto progress = (*job)->step(1 << 20);
    ASSERT_TRUE(progress.ok());
    if (*progress == CompactionJob::Progress::kPieceReady) break;
  }
  // Moved away and back: another object for the same directory, with other segments.
  ASSERT_TRUE(log_->truncate_fully_and_start_at(5).ok());
  open();
  for (int i = 0; i < 24; ++i) put("other" + std::to_string(i), "1");
  auto installed = log_->install_compacted(**job);
  ASSERT_TRUE(installed.ok());
  EXPECT_FALSE(installed->has_value());
}

TEST_F(PowerFailureTest, producers_outlive_their_batches) {
  config_.cleanup_compact = false;
  config_.cleanup_delete = true;
  ASSERT_TRUE(disk_.make_directories("/data").ok());
  open();
  put("a", "1", 7, 0);
  ASSERT_TRUE(log_->roll().ok());
  put("b", "1", 8, 0);
  ASSERT_TRUE(log_->flush().ok());
  ASSERT_EQ(log_->delete_records_before(1).value(), ErrorCode::kNone);
  auto doomed = log_->apply_retention();
  ASSERT_TRUE(doomed.ok() && !doomed->empty());
  ASSERT_TRUE(doomed->remove(disk_).ok());
  for (bool all_names : {true, false}) {
    if (all_names) disk_.lose_power(ForgetfulFileSystem::all_names, ForgetfulFileSystem::no_bytes);
    else disk_.lose_power();
    open({.recovery_point = 2, .log_start_offset = 1});
    auto seven = log_->find_producer(7);
    ASSERT_TRUE(seven.ok());
    ASSERT_NE(*seven, nullptr) << all_names;
    EXPECT_EQ((*seven)->last_batch()->last_sequence, 0);
  }
}

// A new partition with flush.messages=1: its directory must be synced before the acknowledgement.
TEST_F(PowerFailureTest, what_was_flushed_is_there_with_its_directory) {
  ASSERT_TRUE(disk_.make_directories("/data").ok());
  disk_.settle();
  open();
  ASSERT_TRUE(log_->set_topic_id({1, 2}).ok());
  put("a", "1");
  ASSERT_TRUE(log_->flush().ok());
  disk_.lose_power();
  open();
  EXPECT_EQ(log_->log_end_offset(), 1);
  auto id = log_->topic_id();
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(*id, (Uuid{1, 2}));
}

// Batches removed by a recovery stay away, though the log went on in another segment before anything was synced.
TEST_F(PowerFailureTest, what_was_cut_off_does_not_come_back) {
  ASSERT_TRUE(disk_.make_directories("/data").ok());
  open();
  put("a", "1");
  put("b", "1");
  ASSERT_TRUE(log_->flush().ok());
  const std::string path = std::string(kDirectory) + "/00000000000000000000.log";
  auto file = disk_.open(path, OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  const uint64_t good = (*file)->size().value();
  ASSERT_TRUE(
      (*file)->write_at(good, ByteView("the beginning of a batch, of which no more was written before the end")).ok());
  disk_.settle();
  open({.recovery_point = 2});
  ASSERT_TRUE(log_->roll().ok());
  disk_.lose_power();
  EXPECT_EQ(disk_.read_file(path)->size(), good);
}

// A clean stop truncates a preallocated file, even if all of its records were synced before.
TEST_F(PowerFailureTest, a_clean_stop_syncs_the_length_of_a_preallocated_file) {
  ASSERT_TRUE(disk_.make_directories("/data").ok());
  disk_.settle();
  config_.preallocate = true;
  open();
  put("a", "1");
  ASSERT_TRUE(log_->flush().ok());
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  const std::string path = std::string(kDirectory) + "/00000000000000000000.log";
  const uint64_t size = disk_.read_file(path)->size();
  ASSERT_LT(size, static_cast<uint64_t>(config_.segment_bytes));
  disk_.lose_power();
  EXPECT_EQ(disk_.read_file(path)->size(), size);
}

// Retention goes by the greatest timestamp, and after a clean stop nobody makes the time index again.
TEST_F(PowerFailureTest, a_clean_stop_syncs_the_time_index) {
  put_the_newest_first();
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  expect_time_index_synced();
}

// The same of a segment whose records were all synced before it was full.
TEST_F(PowerFailureTest, the_next_sync_takes_the_indexes_of_a_full_segment) {
  put_the_newest_first();
  ASSERT_TRUE(log_->roll().ok());
  EXPECT_EQ(log_->recovery_point(), 0);
  put("d", "1");
  ASSERT_TRUE(log_->flush().ok());
  EXPECT_EQ(log_->recovery_point(), 5);
  expect_time_index_synced();
}

// A kill comes before that sync, and the recovery begins behind the segment.
TEST_F(PowerFailureTest, the_next_start_syncs_the_indexes_of_a_full_segment) {
  put_the_newest_first();
  const int64_t checkpointed = log_->recovery_point();
  ASSERT_TRUE(log_->roll().ok());
  open({.recovery_point = checkpointed});
  put("d", "1");
  ASSERT_TRUE(log_->flush().ok());
  expect_time_index_synced();
}

// A sync under way at a roll does not reach beyond the full segment: it did not take its indexes.
TEST_F(PowerFailureTest, a_sync_that_began_before_a_roll_does_not_count_for_the_full_segment) {
  put_the_newest_first();
  put("d", "1");
  auto sync = log_->prepare_sync();
  ASSERT_TRUE(log_->roll().ok());
  ASSERT_TRUE(sync.ok() && sync->run(disk_).ok());
  log_->mark_flushed(*sync);
  EXPECT_EQ(log_->recovery_point(), 0);
  ASSERT_TRUE(log_->flush().ok());
  EXPECT_EQ(log_->recovery_point(), 5);
}

TEST_F(PowerFailureTest, a_time_index_that_was_lost_is_made_again) {
  put_the_newest_first();
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  ASSERT_TRUE((*disk_.open(time_index(), OpenMode::kReadWrite))->truncate(0).ok());
  open({.clean_shutdown = true, .recovery_point = 4, .high_watermark = 4});
  EXPECT_EQ(log_->find_max_timestamp().value()->offset, 0);
}

// The names of the last stop were lost: the newest snapshot is that of the stop before, below the log start offset.
TEST_F(PowerFailureTest, a_log_is_not_cut_at_the_snapshot_of_the_stop_before) {
  ASSERT_TRUE(disk_.make_directories("/data").ok());
  config_.segment_bytes = 100'000;
  open();
  put("a", "1");
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  disk_.settle();
  open({.clean_shutdown = true, .recovery_point = 1, .high_watermark = 1});
  for (const char* key : {"b", "c", "d"}) put(key, "1");
  ASSERT_EQ(log_->delete_records_before(2).value(), ErrorCode::kNone);
  ASSERT_TRUE(log_->flush().ok());
  ASSERT_TRUE(log_->close_cleanly(true).ok());  // everything was synced before
  disk_.lose_power(ForgetfulFileSystem::no_names, ForgetfulFileSystem::all_bytes);
  open({.clean_shutdown = true, .recovery_point = 4, .log_start_offset = 2, .high_watermark = 4});
  EXPECT_EQ(log_->log_end_offset(), 4);
  EXPECT_EQ(last_values(), (std::map<std::string, std::string>{{"c", "1"}, {"d", "1"}}));
}

// All records up to there were deleted, and the last of them had not been synced.
TEST_F(PowerFailureTest, a_log_that_restarts_at_its_start_offset_knows_its_producers) {
  ASSERT_TRUE(disk_.make_directories("/data").ok());
  disk_.settle();
  config_.segment_bytes = 100'000;
  open();
  put("a", "1", 7, 0);
  ASSERT_TRUE(log_->flush().ok());
  put("b", "1");
  ASSERT_EQ(log_->delete_records_before(2).value(), ErrorCode::kNone);
  disk_.lose_power();
  for (int64_t recovery_point : {1, 2}) {
    open({.recovery_point = recovery_point, .log_start_offset = 2});
    EXPECT_EQ(log_->log_end_offset(), 2);
    put("a", "1", 7, 0);  // again
    EXPECT_EQ(log_->log_end_offset(), 2);
    ASSERT_TRUE(log_->flush().ok());
    disk_.lose_power();
  }
}

// The newest producer snapshot, with the log's end in its name, was lost: records behind the one before are visible.
TEST_F(PowerFailureTest, an_end_that_is_found_to_be_further_is_the_high_watermark) {
  ASSERT_TRUE(disk_.make_directories("/data").ok());
  open();
  put("a", "1", 7, 0);
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  disk_.settle();
  open({.clean_shutdown = true, .recovery_point = 1, .high_watermark = 1});
  put("b", "1", 7, 1);
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  disk_.lose_power(ForgetfulFileSystem::no_names, ForgetfulFileSystem::all_bytes);
  open({.clean_shutdown = true, .recovery_point = 2, .high_watermark = 2});
  log_->set_high_watermark(log_->log_end_offset());
  ASSERT_TRUE(log_->read(0, 1 << 20, 2, true).ok());
  EXPECT_EQ(log_->log_end_offset(), 2);
  EXPECT_EQ(log_->high_watermark(), 2);
}

// A deletion of records does not mean that they are on the disk. Its own checkpoint may be lost.
TEST_F(PowerFailureTest, records_that_were_deleted_and_never_synced_are_checked_when_they_come_back) {
  ASSERT_TRUE(disk_.make_directories("/data").ok());
  config_.segment_bytes = 100'000;
  open();
  for (const char* key : {"a", "b", "c"}) put(key, "1");
  ASSERT_EQ(log_->delete_records_before(3).value(), ErrorCode::kNone);
  const int64_t recovery_point = log_->recovery_point();
  disk_.lose_power(ForgetfulFileSystem::all_names, ForgetfulFileSystem::all_bytes);
  const std::string path = std::string(kDirectory) + "/00000000000000000000.log";
  const uint64_t size = disk_.read_file(path)->size();
  auto file = disk_.open(path, OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->write_at(size - 3, ByteView("\0\0\0", 3)).ok());  // the last page was not written
  open({.recovery_point = recovery_point});
  EXPECT_EQ(last_values(), (std::map<std::string, std::string>{{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ(log_->log_end_offset(), 2);
}

// Segments removed by a truncation are back after a power failure only if nothing was synced since, and then not beside
// their replacements.
TEST_F(PowerFailureTest, segments_that_a_truncation_removed_do_not_come_back) {
  for (const bool synced : {true, false}) {
    SCOPED_TRACE(synced);
    fill();
    const int64_t cut = log_->active_segment_base_offset() - 3;
    ASSERT_TRUE(log_->truncate_to(cut).ok());
    config_.segment_bytes = 100'000;
    log_->set_config(std::make_shared<const LogConfig>(config_));
    for (int i = 0; i < 6; ++i) put("new" + std::to_string(i), "1");
    const int64_t end = log_->log_end_offset();
    if (synced) {
      ASSERT_TRUE(log_->flush().ok());
    }
    const int64_t recovery_point = log_->recovery_point();
    disk_.lose_power(ForgetfulFileSystem::no_names, ForgetfulFileSystem::all_bytes);
    open({.recovery_point = recovery_point});
    log_->set_high_watermark(log_->log_end_offset());
    EXPECT_EQ(log_->log_end_offset(), end);
    EXPECT_TRUE(last_values().contains("new5"));
    config_.segment_bytes = 600;
  }
}

}  // namespace
}  // namespace milena::log
