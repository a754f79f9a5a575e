// Opening again: after a clean shutdown, after a crash at any byte, with files missing or broken.
#include "log_fixture.h"

namespace milena::log {
namespace {

using log_test::BatchSpec;
using log_test::make_batch;
using log_test::slurp;
using log_test::spill;

class LogRecoveryTest : public log_test::LogTest {};

TEST_F(LogRecoveryTest, a_clean_log_opens_without_opening_files) {
  open();
  for (int i = 0; i < 10; ++i) append({.records = 3});
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  log_.reset();
  int before = file_system_.calls;
  open({.clean_shutdown = true, .recovery_point = 30, .high_watermark = 30});
  EXPECT_EQ(file_system_.calls - before, 1);  // the directory's listing
  ASSERT_TRUE(log_->assign_epoch(0, 30).ok());  // a broker that leads again: already known
  EXPECT_EQ(files_.open_files(), 0u);
  EXPECT_EQ(log_->log_end_offset(), 30);
  EXPECT_EQ(log_->high_watermark(), 30);
  EXPECT_EQ(log_->recovery_point(), 30);
  EXPECT_EQ(values_from(0).size(), 30u);
  EXPECT_EQ(append({}).base_offset, 30);
  EXPECT_EQ(log_->latest_epoch().value(), 0);
}

// A start after a crash opens every log: whatever each of them writes or removes is done ten thousand times.
TEST_F(LogRecoveryTest, recovery_replaces_nothing_that_is_right) {
  open();
  append({.records = 3});
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  log_.reset();
  open({.clean_shutdown = true, .recovery_point = 3, .high_watermark = 3});
  append({.records = 3});
  log_.reset();
  const std::string epoch_file = directory() + "/" + std::string(kLeaderEpochFile);
  const Bytes epochs = slurp(epoch_file);
  const Bytes times = slurp(file(0, kTimeIndexSuffix));
  ASSERT_FALSE(times.empty());
  open({.recovery_point = 3});
  ASSERT_TRUE(log_->assign_epoch(5, 6).ok());  // a leader without records yet
  EXPECT_EQ(log_->latest_epoch().value(), 5);
  EXPECT_EQ(slurp(epoch_file), epochs);
  EXPECT_EQ(slurp(file(0, kTimeIndexSuffix)), times);
  EXPECT_TRUE(file_system_.exists(file(3, kSnapshotSuffix)));
  // Its first record shows it.
  append({}, 5);
  EXPECT_NE(slurp(epoch_file), epochs);
  reopen_after_crash();
  EXPECT_EQ(log_->latest_epoch().value(), 5);
  EXPECT_EQ(values_from(0).size(), 7u);
}

TEST_F(LogRecoveryTest, an_empty_log_opens_again) {
  open();
  reopen_cleanly();
  EXPECT_EQ(log_->log_end_offset(), 0);
  reopen_after_crash();
  EXPECT_EQ(log_->log_end_offset(), 0);
  EXPECT_EQ(append({}).base_offset, 0);
}

TEST_F(LogRecoveryTest, torn_tail_at_every_byte_of_the_last_batch) {
  open();
  append({.records = 2});
  append({.records = 2});
  uint64_t whole = slurp(file(0, kLogSuffix)).size();
  append({.records = 2, .padding = 20});
  log_.reset();
  Bytes full = slurp(file(0, kLogSuffix));
  for (uint64_t cut = whole; cut < full.size(); ++cut) {
    spill(file(0, kLogSuffix), full.substr(0, cut));
    reopen_after_crash();
    ASSERT_EQ(log_->log_end_offset(), 4) << cut;
    ASSERT_EQ(slurp(file(0, kLogSuffix)).size(), whole);
    ASSERT_EQ(append({}).base_offset, 4);
    ASSERT_EQ(values_from(0).size(), 5u);
  }
}

// The power took the end of a segment that was not synced, at the end of a batch, and left the next one. A replica that
// fetches from a leader gets everything from there on again; any other log keeps what is left.
class LogGapTest : public LogRecoveryTest {
 protected:
  // Offsets 0 to 3, two in a segment.
  void SetUp() override {
    LogRecoveryTest::SetUp();
    config_.segment_bytes = 200;
    open();
    for (int i = 0; i < 4; ++i) append({.padding = 20});
    log_.reset();
    one_ = slurp(file(0, kLogSuffix)).size() / 2;
    ASSERT_TRUE(std::filesystem::exists(file(2, kLogSuffix)));
  }

  // After the failure, as a log that recovery found.
  void lose_all_but(int batches, int64_t recovery_point = 0) {
    spill(file(0, kLogSuffix), slurp(file(0, kLogSuffix)).substr(0, batches * one_));
    reopen_after_crash(recovery_point);
  }

  uint64_t one_ = 0;  // bytes of a batch
};

TEST_F(LogGapTest, a_follower_fetches_again_from_there) {
  for (const int left : {1, 0}) {
    lose_all_but(left);
    ASSERT_EQ(log_->log_end_offset(), 4);
    ASSERT_EQ(log_->gap(), left);
    EXPECT_LE(log_->high_watermark(), left);
    ASSERT_TRUE(log_->cut_at_gap().ok());
    EXPECT_EQ(log_->log_end_offset(), left);
    EXPECT_FALSE(std::filesystem::exists(file(2, kLogSuffix)));
    // The records of the gap come again, and are no gap.
    for (int64_t offset = left; offset < 4; offset++) {
      ASSERT_TRUE(
          log_->append_as_follower(make_batch({.padding = 20, .base_offset = offset, .leader_epoch = 0})).ok());
    }
    ASSERT_TRUE(log_->cut_at_gap().ok());
    EXPECT_EQ(values_from(0).size(), 4u);
    log_.reset();
  }
}

// As a leader's, followers could never reach its end.
TEST_F(LogGapTest, an_empty_segment_behind_it_is_removed) {
  for (const bool compacts : {true, false}) {
    config_.cleanup_compact = compacts;
    spill(file(2, kLogSuffix), "");
    lose_all_but(1);
    EXPECT_EQ(log_->log_end_offset(), compacts ? 2 : 1);
    EXPECT_EQ(std::filesystem::exists(file(2, kLogSuffix)), compacts);
    log_.reset();
  }
  // Also several.
  for (const int64_t base : {2, 4, 7}) spill(file(base, kLogSuffix), "");
  reopen_after_crash();
  for (const int64_t base : {2, 4, 7}) EXPECT_FALSE(std::filesystem::exists(file(base, kLogSuffix))) << base;
  EXPECT_EQ(append({}).base_offset, 1);
  EXPECT_EQ(values_from(0).size(), 2u);
}

TEST_F(LogGapTest, a_second_failure_finds_it_again) {
  lose_all_but(1);
  reopen_after_crash();
  ASSERT_TRUE(log_->cut_at_gap().ok());
  EXPECT_EQ(log_->log_end_offset(), 1);
}

TEST_F(LogGapTest, a_log_that_was_led_keeps_what_is_behind) {
  lose_all_but(1);
  EXPECT_EQ(append({}).base_offset, 4);
  ASSERT_TRUE(log_->cut_at_gap().ok());
  EXPECT_EQ(values_from(0).size(), 4u);
  reopen_after_crash();
  ASSERT_TRUE(log_->assign_epoch(7, log_->log_end_offset()).ok());
  ASSERT_TRUE(log_->cut_at_gap().ok());
  EXPECT_EQ(values_from(0).size(), 4u);
}

TEST_F(LogGapTest, below_the_log_start_offset_nothing_is_missing) {
  spill(file(0, kLogSuffix), slurp(file(0, kLogSuffix)).substr(0, one_));
  open({.log_start_offset = 2});
  EXPECT_EQ(log_->gap(), std::nullopt);
  EXPECT_EQ(log_->log_end_offset(), 4);
}

TEST_F(LogGapTest, below_the_recovery_point_compaction_made_it) {
  lose_all_but(1, 2);
  ASSERT_TRUE(log_->cut_at_gap().ok());
  EXPECT_EQ(log_->log_end_offset(), 4);
}

// A follower was given batches with gaps between them, which compaction has left at its leader.
TEST_F(LogGapTest, a_gap_of_the_leaders_log_comes_again) {
  log_.reset();
  std::filesystem::remove_all(directory());
  open();
  const auto fetched = [this](int64_t offset) {
    return log_->append_as_follower(make_batch({.padding = 20, .base_offset = offset, .leader_epoch = 0})).ok();
  };
  for (const int64_t offset : {0, 5, 10, 15}) ASSERT_TRUE(fetched(offset));
  ASSERT_TRUE(std::filesystem::exists(file(10, kLogSuffix)));
  for (int failures = 0; failures < 2; failures++) {
    reopen_after_crash();
    EXPECT_EQ(log_->log_end_offset(), 16);
    ASSERT_TRUE(log_->cut_at_gap().ok());
    EXPECT_EQ(log_->log_end_offset(), 6);
    for (const int64_t offset : {10, 15}) ASSERT_TRUE(fetched(offset));
  }
}

TEST_F(LogRecoveryTest, a_changed_byte_anywhere_in_the_last_batch) {
  open();
  append({.records = 2});
  uint64_t start = slurp(file(0, kLogSuffix)).size();
  append({.records = 2});
  log_.reset();
  Bytes full = slurp(file(0, kLogSuffix));
  for (uint64_t at = start; at < full.size(); ++at) {
    bool outside_crc = at - start >= 12 && at - start < 16;  // the leader epoch
    Bytes broken = full;
    broken[at] = static_cast<char>(broken[at] ^ 0x80);
    spill(file(0, kLogSuffix), broken);
    open({});
    // The base offset is outside the checksum too; with its top bit set it is negative, other bits leave a gap.
    bool gap = at > start && at - start < 8;
    if (outside_crc || gap) continue;
    ASSERT_EQ(log_->log_end_offset(), 2) << at - start;
  }
}

TEST_F(LogRecoveryTest, zeros_behind_the_last_batch_are_cut) {
  open();
  append({.records = 2});
  log_.reset();
  Bytes full = slurp(file(0, kLogSuffix));
  for (size_t zeros : {1, 11, 60, 61, 5000, 300'000}) {
    spill(file(0, kLogSuffix), full + Bytes(zeros, '\0'));
    reopen_after_crash();
    ASSERT_EQ(log_->log_end_offset(), 2);
    ASSERT_EQ(slurp(file(0, kLogSuffix)).size(), full.size());
  }
}

TEST_F(LogRecoveryTest, a_cut_in_the_middle_drops_what_follows) {
  config_.segment_bytes = 400;
  open();
  for (int i = 0; i < 6; ++i) append({.padding = 150}, i / 2);
  ASSERT_EQ(log_->segment_count(), 6u / 2 + 3);
  int64_t second = 1;
  log_.reset();
  Bytes bytes = slurp(file(second, kLogSuffix));
  bytes[bytes.size() - 1] ^= 1;
  spill(file(second, kLogSuffix), bytes);
  reopen_after_crash();
  EXPECT_EQ(log_->log_end_offset(), 1);
  EXPECT_EQ(log_->segment_count(), 2u);
  EXPECT_FALSE(std::filesystem::exists(file(3, kLogSuffix)));
  EXPECT_FALSE(std::filesystem::exists(file(3, kSnapshotSuffix)));
  EXPECT_EQ(log_->latest_epoch().value(), 0);
  EXPECT_EQ(append({}).base_offset, 1);
}

TEST_F(LogRecoveryTest, zeros_behind_a_full_segment_cost_nothing_that_follows) {
  config_.segment_bytes = 500;
  open();
  for (int i = 0; i < 30; ++i) append({.records = 2, .padding = 20});
  ASSERT_GE(log_->segment_count(), 3u);
  const std::vector<std::string> all = values_from(0);
  log_.reset();
  const Bytes first = slurp(file(0, kLogSuffix));
  spill(file(0, kLogSuffix), first + Bytes(300, '\0'));
  reopen_after_crash();
  EXPECT_EQ(values_from(0), all);
  EXPECT_EQ(slurp(file(0, kLogSuffix)), first);
  EXPECT_EQ(append({}).base_offset, 60);
}

TEST_F(LogRecoveryTest, below_the_recovery_point_checksums_are_not_read_again) {
  open();
  for (int i = 0; i < 4; ++i) append({});
  log_.reset();
  Bytes bytes = slurp(file(0, kLogSuffix));
  uint64_t size = bytes.size() / 4;
  bytes[size - 1] ^= 1;
  spill(file(0, kLogSuffix), bytes);
  reopen_after_crash(1);
  EXPECT_EQ(log_->log_end_offset(), 4);
  reopen_after_crash(0);
  EXPECT_EQ(log_->log_end_offset(), 0);
}

TEST_F(LogRecoveryTest, lost_or_broken_indexes_are_rebuilt) {
  config_.segment_bytes = 4000;
  config_.index_interval_bytes = 100;
  open();
  for (int i = 0; i < 60; ++i) append({.timestamp = kNow + i, .padding = 100});
  ASSERT_GT(log_->segment_count(), 2u);
  int64_t end = log_->log_end_offset();
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  log_.reset();
  Bytes index = slurp(file(0, kIndexSuffix));
  Bytes times = slurp(file(0, kTimeIndexSuffix));
  ASSERT_GT(index.size(), 100u);

  auto reopen = [&] { open({.clean_shutdown = true, .recovery_point = end}); };
  auto expect_whole = [&](const char* what) {
    EXPECT_EQ(values_from(7).size(), static_cast<size_t>(end - 7)) << what;
    EXPECT_EQ(log_->find_by_timestamp(kNow + 13).value()->offset, 13) << what;
    EXPECT_EQ(slurp(file(0, kIndexSuffix)), index) << what;
    log_.reset();
  };
  std::filesystem::remove(file(0, kIndexSuffix));
  reopen();
  expect_whole("no index");
  std::filesystem::remove(file(0, kTimeIndexSuffix));
  reopen();
  expect_whole("no time index");
  spill(file(0, kIndexSuffix), index.substr(0, index.size() - 3));
  reopen();
  expect_whole("torn entry");
  spill(file(0, kIndexSuffix), index + Bytes(4096, '\0'));
  reopen();
  expect_whole("preallocated");
  spill(file(0, kTimeIndexSuffix), times + Bytes(12 * 100, '\0'));
  reopen();
  expect_whole("preallocated times");
}

TEST_F(LogRecoveryTest, an_index_without_a_log_goes) {
  open();
  append({});
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  log_.reset();
  spill(file(77, kIndexSuffix), "12345678");
  spill(file(77, kTxnIndexSuffix), "x");
  reopen_after_crash();
  EXPECT_FALSE(std::filesystem::exists(file(77, kIndexSuffix)));
  EXPECT_FALSE(std::filesystem::exists(file(77, kTxnIndexSuffix)));
}

TEST_F(LogRecoveryTest, a_snapshot_that_promises_too_much_is_not_believed) {
  open();
  for (int i = 0; i < 3; ++i) append({});
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  log_.reset();
  Bytes bytes = slurp(file(0, kLogSuffix));
  spill(file(0, kLogSuffix), bytes.substr(0, bytes.size() - 5));
  open({.clean_shutdown = true, .recovery_point = 3, .high_watermark = 3});
  EXPECT_EQ(values_from(0).size(), 2u);
  EXPECT_EQ(log_->log_end_offset(), 2);
  EXPECT_EQ(log_->high_watermark(), 2);
  EXPECT_EQ(append({}).base_offset, 2);
}

TEST_F(LogRecoveryTest, unfinished_deletion_and_compaction) {
  config_.segment_bytes = 400;
  open();
  for (int i = 0; i < 6; ++i) append({.padding = 120, .prefix = std::to_string(i)});
  ASSERT_EQ(log_->segment_count(), 3u);
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  log_.reset();
  // A compaction that had merged the first two segments, with its output complete.
  Bytes merged = slurp(file(0, kLogSuffix)) + slurp(file(2, kLogSuffix));
  Bytes batch = merged.substr(0, merged.size() / 4);
  spill(file(0, ".log.swap"), merged.substr(merged.size() / 4));
  spill(file(0, ".index.swap"), "");
  spill(file(9, ".log.deleted"), "x");
  spill(file(4, ".log.cleaned"), batch);
  reopen_after_crash();
  EXPECT_EQ(log_->segment_count(), 2u);
  EXPECT_EQ(log_->log_end_offset(), 6);
  auto records = records_from(0);
  ASSERT_EQ(records.size(), 5u);
  EXPECT_EQ(records[0].first, 1);
  EXPECT_FALSE(std::filesystem::exists(file(9, ".log.deleted")));
  EXPECT_FALSE(std::filesystem::exists(file(4, ".log.cleaned")));
  EXPECT_FALSE(std::filesystem::exists(file(2, kLogSuffix)));
}

TEST_F(LogRecoveryTest, a_start_offset_beyond_the_end_starts_anew) {
  open();
  append({});
  log_.reset();
  open({.log_start_offset = 10});
  EXPECT_EQ(log_->log_start_offset(), 10);
  EXPECT_EQ(log_->log_end_offset(), 10);
  EXPECT_EQ(append({}).base_offset, 10);
}

TEST_F(LogRecoveryTest, progress_is_told) {
  open();
  for (int i = 0; i < 10; ++i) append({.padding = 1000});
  log_.reset();
  uint64_t done = 0;
  uint64_t total = 0;
  OpenState state;
  state.progress = [&](uint64_t d, uint64_t t) { done = d; total = t; };
  open(state);
  EXPECT_EQ(done, total);
  EXPECT_GT(total, 10'000u);
}

// The disk fails, or the process dies, at every call in turn: acknowledged records are there afterwards, in order, and
// producers go on where they were.
TEST_F(LogRecoveryTest, nothing_acknowledged_is_lost_wherever_it_stops) {
  config_.segment_bytes = 600;
  config_.index_interval_bytes = 100;
  bool reached_end = false;
  for (int stop = 0; !reached_end; ++stop) {
    std::filesystem::remove_all(directory());
    file_system_.calls = 0;
    file_system_.fail_from = stop;
    int64_t acknowledged = 0;
    int64_t recovery_point = 0;
    auto work = [&]() -> Status {
      auto opened = PartitionLog::open(files_, clock_, directory(), {"topic", 0},
                                       std::make_shared<const LogConfig>(config_), {});
      if (!opened) return opened.error();
      log_ = opened.take();
      for (int i = 0; i < 14; ++i) {
        Bytes batch = make_batch({.padding = 60, .producer_id = 5, .producer_epoch = 0, .sequence = i});
        auto outcome = log_->append_as_leader(batch, i / 4, AppendOrigin::kClient);
        if (!outcome) return outcome.error();
        EXPECT_EQ(outcome->base_offset, i);
        acknowledged = i + 1;
        if (i == 9) RETURN_IF_ERROR(log_->flush());
        recovery_point = log_->recovery_point();
      }
      RETURN_IF_ERROR(log_->close_cleanly(true));
      return ok_status();
    };
    reached_end = work().ok();
    file_system_.fail_from = INT32_MAX;
    if (std::filesystem::exists(directory())) {
      reopen_after_crash(recovery_point);
      ASSERT_GE(log_->log_end_offset(), acknowledged) << "stopped at call " << stop;
      ASSERT_LE(log_->log_end_offset(), acknowledged + 1);
      ASSERT_EQ(values_from(0).size(), static_cast<size_t>(log_->log_end_offset()));
      if (acknowledged > 0) {
        ASSERT_GE(log_->latest_epoch()->value(), (acknowledged - 1) / 4);
        BatchSpec last{.padding = 60, .producer_id = 5, .producer_epoch = 0,
                       .sequence = static_cast<int32_t>(acknowledged - 1)};
        ASSERT_TRUE(append(last, 9).duplicate) << "stopped at call " << stop;
      }
      BatchSpec next{.padding = 60, .producer_id = 5, .producer_epoch = 0,
                     .sequence = static_cast<int32_t>(log_->log_end_offset())};
      ASSERT_EQ(append(next, 9).error, ErrorCode::kNone);
    }
    log_.reset();
  }
}

}  // namespace
}  // namespace milena::log
