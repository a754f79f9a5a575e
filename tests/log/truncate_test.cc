// Following a leader, truncation, removal of old records: retention, DeleteRecords, lookups by time and epoch.
#include "log_fixture.h"

namespace milena::log {
namespace {

using log_test::make_batch;
using log_test::slurp;

class LogFollowTest : public log_test::LogTest {};

TEST_F(LogFollowTest, appends_verbatim) {
  open();
  Bytes batches = make_batch({.records = 3, .base_offset = 0, .leader_epoch = 1}) +
                  make_batch({.records = 2, .base_offset = 3, .leader_epoch = 1}) +
                  make_batch({.records = 1, .base_offset = 9, .leader_epoch = 4});  // a gap, as after compaction
  auto outcome = log_->append_as_follower(batches + batches.substr(0, 30));
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->base_offset, 0);
  EXPECT_EQ(outcome->last_offset, 9);
  EXPECT_EQ(slurp(file(0, kLogSuffix)), batches);
  EXPECT_EQ(log_->epoch_end_offset(1).value(), (EpochEndOffset{1, 9}));
  EXPECT_EQ(log_->epoch_end_offset(2).value(), (EpochEndOffset{1, 9}));
  EXPECT_EQ(log_->epoch_end_offset(4).value(), (EpochEndOffset{4, 10}));
  EXPECT_EQ(log_->epoch_end_offset(5).value(), std::nullopt);
  EXPECT_EQ(log_->epoch_end_offset(0).value(), (EpochEndOffset{0, 0}));
  EXPECT_EQ(log_->read(6, 1000, 10, true)->base_offset, 9);
  EXPECT_FALSE(log_->append_as_follower(make_batch({.base_offset = 9})).ok());
  EXPECT_FALSE(log_->append_as_follower(make_batch({.base_offset = 10}) + Bytes(100, '\0')).ok());
  EXPECT_EQ(log_->log_end_offset(), 10);
}

TEST_F(LogFollowTest, spreads_one_fetch_over_segments) {
  config_.segment_bytes = 500;
  open();
  Bytes batches;
  for (int i = 0; i < 10; ++i) batches += make_batch({.padding = 100, .base_offset = i, .leader_epoch = 0});
  ASSERT_TRUE(log_->append_as_follower(batches).ok());
  EXPECT_EQ(log_->log_end_offset(), 10);
  EXPECT_GT(log_->segment_count(), 2u);
  EXPECT_EQ(values_from(0).size(), 10u);
}

TEST_F(LogFollowTest, offsets_too_far_for_one_segment_begin_another) {
  open();
  int64_t far = int64_t{3} << 32;
  ASSERT_TRUE(log_->append_as_follower(make_batch({.base_offset = 5, .leader_epoch = 0}) +
                                       make_batch({.base_offset = far, .leader_epoch = 0})).ok());
  EXPECT_EQ(log_->segment_count(), 2u);
  EXPECT_EQ(log_->active_segment_base_offset(), far);
  EXPECT_EQ(log_->read(6, 1000, far + 1, true)->base_offset, far);
  reopen_after_crash();
  EXPECT_EQ(log_->log_end_offset(), far + 1);
}

TEST_F(LogFollowTest, truncation_takes_records_indexes_and_epochs_back) {
  config_.segment_bytes = 1000;
  config_.index_interval_bytes = 50;
  open();
  for (int i = 0; i < 30; ++i) append({.timestamp = kNow + i, .padding = 60}, i / 5);
  log_->set_high_watermark(30);
  ASSERT_TRUE(log_->flush().ok());
  for (int64_t offset : {29, 22, 14, 13, 3}) {
    ASSERT_TRUE(log_->truncate_to(offset).ok());
    EXPECT_EQ(log_->log_end_offset(), offset);
    EXPECT_EQ(log_->high_watermark(), offset);
    EXPECT_EQ(log_->recovery_point(), offset);
    EXPECT_EQ(log_->latest_epoch().value(), (offset - 1) / 5);
    EXPECT_EQ(values_from(0).size(), static_cast<size_t>(offset));
    EXPECT_EQ(log_->find_max_timestamp().value()->offset, offset - 1);
    EXPECT_EQ(log_->find_by_timestamp(kNow + offset).value(), std::nullopt);
  }
  EXPECT_EQ(append({}, 9).base_offset, 3);
  ASSERT_TRUE(log_->truncate_to(100).ok());
  EXPECT_EQ(log_->log_end_offset(), 4);
  reopen_cleanly();
  EXPECT_EQ(log_->log_end_offset(), 4);
  EXPECT_EQ(log_->epoch_of(3).value(), 9);
  ASSERT_TRUE(log_->truncate_to(0).ok());
  EXPECT_EQ(append({}, 10).base_offset, 0);
}

TEST_F(LogFollowTest, a_sync_from_before_a_truncation_does_not_count) {
  open();
  append({});
  append({});
  auto sync = log_->prepare_sync();
  ASSERT_TRUE(sync.ok() && sync->run(file_system_).ok());
  ASSERT_TRUE(log_->truncate_to(1).ok());
  append({});
  log_->mark_flushed(*sync);
  EXPECT_EQ(log_->recovery_point(), 0);
  ASSERT_TRUE(log_->flush().ok());
  EXPECT_EQ(log_->recovery_point(), 2);
  EXPECT_TRUE(log_->prepare_sync()->empty());
}

TEST_F(LogFollowTest, starts_anew_at_an_offset) {
  open();
  append({}, 3);
  ASSERT_TRUE(log_->truncate_fully_and_start_at(50).ok());
  EXPECT_EQ(log_->log_start_offset(), 50);
  EXPECT_EQ(log_->log_end_offset(), 50);
  EXPECT_EQ(log_->high_watermark(), 50);
  EXPECT_EQ(log_->latest_epoch().value(), std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(file(0, kLogSuffix)));
  EXPECT_EQ(append({}, 3).base_offset, 50);
  reopen_after_crash(50);
  EXPECT_EQ(log_->log_start_offset(), 50);
  EXPECT_EQ(log_->log_end_offset(), 51);
}

TEST_F(LogFollowTest, flush_settings) {
  config_.flush_messages = 3;
  config_.flush_ms = 1000;
  open();
  append({.records = 2});
  EXPECT_FALSE(log_->flush_due());
  append({});
  EXPECT_TRUE(log_->flush_due());
  ASSERT_TRUE(log_->flush().ok());
  EXPECT_FALSE(log_->flush_due());
  append({});
  clock_.advance(999);
  EXPECT_FALSE(log_->flush_due());
  clock_.advance(1);
  EXPECT_TRUE(log_->flush_due());
  ASSERT_TRUE(log_->roll().ok());
  append({});
  auto sync = log_->prepare_sync_of_full_segments();
  ASSERT_TRUE(sync.ok());
  EXPECT_EQ(sync->offset(), 4);
  ASSERT_TRUE(sync->run(file_system_).ok());
  log_->mark_flushed(*sync);
  EXPECT_EQ(log_->recovery_point(), 4);
}

class LogRetentionTest : public log_test::LogTest {};

TEST_F(LogRetentionTest, by_size_and_never_beyond_the_high_watermark) {
  config_.segment_bytes = 500;
  config_.retention_bytes = 1000;
  config_.retention_ms = -1;
  open();
  for (int i = 0; i < 20; ++i) append({.padding = 150}, i / 10);
  uint64_t before = log_->size().value();
  EXPECT_TRUE(log_->apply_retention()->empty());
  log_->set_high_watermark(20);
  auto doomed = log_->apply_retention();
  ASSERT_TRUE(doomed.ok());
  EXPECT_LT(log_->size().value(), before);
  EXPECT_GE(log_->size().value(), 1000u);
  EXPECT_LT(log_->size().value(), 1000u + 500);
  EXPECT_EQ(values_from(log_->log_start_offset()).size(), static_cast<size_t>(20 - log_->log_start_offset()));
  EXPECT_EQ(log_->epoch_of(0).value(), std::nullopt);
  EXPECT_TRUE(std::filesystem::exists(file(0, ".log.deleted")));
  ASSERT_TRUE(doomed->remove(file_system_).ok());
  EXPECT_FALSE(std::filesystem::exists(file(0, ".log.deleted")));
  EXPECT_FALSE(std::filesystem::exists(file(0, kIndexSuffix)));
  int64_t start = log_->log_start_offset();
  reopen_after_crash();
  EXPECT_EQ(log_->log_start_offset(), start);
}

TEST_F(LogRetentionTest, by_time_takes_the_active_segment_too) {
  config_.retention_ms = 1000;
  open();
  append({.timestamp = kNow});
  log_->set_high_watermark(1);
  clock_.advance(1000);
  EXPECT_TRUE(log_->apply_retention()->empty());
  clock_.advance(1);
  EXPECT_FALSE(log_->apply_retention()->empty());
  EXPECT_EQ(log_->log_start_offset(), 1);
  EXPECT_EQ(log_->log_end_offset(), 1);
  EXPECT_EQ(log_->segment_count(), 1u);
  EXPECT_TRUE(log_->apply_retention()->empty());
  EXPECT_EQ(append({}).base_offset, 1);
}

TEST_F(LogRetentionTest, deleted_records_are_out_of_range) {
  config_.segment_bytes = 500;
  config_.retention_ms = -1;
  open();
  for (int i = 0; i < 10; ++i) append({.records = 2, .padding = 70}, i);
  log_->set_high_watermark(12);
  EXPECT_EQ(log_->delete_records_before(13).value(), ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(log_->delete_records_before(7).value(), ErrorCode::kNone);
  EXPECT_EQ(log_->log_start_offset(), 7);
  EXPECT_EQ(log_->delete_records_before(3).value(), ErrorCode::kNone);
  EXPECT_EQ(log_->log_start_offset(), 7);
  EXPECT_EQ(log_->read(6, 1000, 12, true)->error, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(log_->read(7, 1000, 12, true)->base_offset, 6);  // the batch contains it, the client skips the rest
  EXPECT_EQ(log_->find_by_timestamp(0).value()->offset, 7);
  EXPECT_EQ(log_->epoch_of(7).value(), 3);
  size_t segments = log_->segment_count();
  EXPECT_FALSE(log_->apply_retention()->empty());
  EXPECT_LT(log_->segment_count(), segments);
  EXPECT_EQ(log_->log_start_offset(), 7);
  log_.reset();
  open({.log_start_offset = 7});
  EXPECT_EQ(log_->log_start_offset(), 7);
}

TEST_F(LogRetentionTest, compacted_logs_keep_everything) {
  config_.cleanup_delete = false;
  config_.cleanup_compact = true;
  config_.retention_ms = 0;
  config_.retention_bytes = 0;
  open();
  append({});
  log_->set_high_watermark(1);
  clock_.advance(10);
  EXPECT_TRUE(log_->apply_retention()->empty());
}

class LogTimeTest : public log_test::LogTest {};

TEST_F(LogTimeTest, finds_the_first_record_at_or_after) {
  config_.segment_bytes = 2000;
  config_.index_interval_bytes = 100;
  open();
  // Three records per batch, ten milliseconds apart; every second batch compressed.
  for (int i = 0; i < 40; ++i) {
    append({.records = 3,
            .timestamp = kNow + i * 30,
            .padding = 40,
            .timestamp_step = 10,
            .codec = i % 2 ? Codec::kLz4 : Codec::kNone}, 2);
  }
  ASSERT_GT(log_->segment_count(), 2u);
  for (bool reopened : {false, true}) {
    if (reopened) reopen_cleanly();
    for (int i = 0; i < 120; ++i) {
      auto found = log_->find_by_timestamp(kNow + i * 10 - 5).value();
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(found->offset, i);
      EXPECT_EQ(found->timestamp, kNow + i * 10);
      EXPECT_EQ(found->leader_epoch, 2);
    }
    EXPECT_EQ(log_->find_by_timestamp(kNow + 1191).value(), std::nullopt);
    EXPECT_EQ(log_->find_max_timestamp().value()->offset, 119);
  }
}

TEST_F(LogTimeTest, out_of_order_times) {
  config_.index_interval_bytes = 50;
  open();
  EXPECT_EQ(log_->find_max_timestamp().value(), std::nullopt);
  for (int64_t ms : {50, 10, 90, 20, 90, 5, 70}) append({.timestamp = kNow + ms});
  EXPECT_EQ(log_->find_by_timestamp(kNow).value()->offset, 0);
  EXPECT_EQ(log_->find_by_timestamp(kNow + 51).value()->offset, 2);
  EXPECT_EQ(log_->find_max_timestamp().value()->offset, 2);
  EXPECT_EQ(log_->find_by_timestamp(kNow + 91).value(), std::nullopt);
}

}  // namespace
}  // namespace milena::log
