// Appending and reading: offsets, epochs, slices, rolling, and the cost of reads.
#include "log_fixture.h"

namespace milena::log {
namespace {

using log_test::BatchSpec;
using log_test::make_batch;

class LogAppendTest : public log_test::LogTest {};

TEST_F(LogAppendTest, assigns_offsets_and_epoch_and_leaves_the_bytes_alone) {
  open();
  Bytes batch = make_batch({.records = 3});
  Bytes before = batch;
  AppendOutcome first = append_raw(batch, 7);
  EXPECT_EQ(batch, before);
  EXPECT_EQ(first.base_offset, 0);
  EXPECT_EQ(first.last_offset, 2);
  EXPECT_EQ(append_raw(batch, 7).base_offset, 3);
  EXPECT_EQ(log_->log_end_offset(), 6);
  EXPECT_EQ(log_->high_watermark(), 0);

  Bytes file = log_test::slurp(this->file(0, kLogSuffix));
  ASSERT_EQ(file.size(), batch.size() * 2);
  BatchIterator it(file);
  ASSERT_TRUE(it.next());
  ASSERT_TRUE(it.next());
  EXPECT_EQ(it.batch().header().base_offset, 3);
  EXPECT_EQ(it.batch().header().partition_leader_epoch, 7);
  EXPECT_TRUE(it.batch().crc_ok());
  EXPECT_EQ(log_->latest_epoch().value(), 7);
}

TEST_F(LogAppendTest, takes_several_batches_at_once_and_chains_of_chunks) {
  open();
  Bytes two = make_batch({.records = 2}) + make_batch({.records = 1});
  EXPECT_EQ(append_raw(two).last_offset, 2);
  Payload chain;
  chain.append(two.substr(0, 40));
  chain.append(two.substr(40));
  auto outcome = log_->append_as_leader(chain, 0, AppendOrigin::kClient);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->base_offset, 3);
  EXPECT_EQ(outcome->last_offset, 5);
  EXPECT_EQ(values_from(0), (std::vector<std::string>{"v0", "v1", "v0", "v0", "v1", "v0"}));
}

TEST_F(LogAppendTest, refuses_what_is_not_whole_batches_without_a_trace) {
  open();
  Bytes batch = make_batch({});
  EXPECT_EQ(append_raw(batch.substr(0, batch.size() - 1)).error, ErrorCode::kCorruptMessage);
  EXPECT_EQ(append_raw("").error, ErrorCode::kCorruptMessage);
  EXPECT_EQ(append_raw(batch + "x").error, ErrorCode::kCorruptMessage);
  EXPECT_EQ(log_->log_end_offset(), 0);
  EXPECT_EQ(log_test::slurp(file(0, kLogSuffix)).size(), 0u);
}

TEST_F(LogAppendTest, refuses_more_than_a_segment_holds) {
  config_.segment_bytes = 200;
  open();
  EXPECT_EQ(append({.padding = 300}).error, ErrorCode::kRecordListTooLarge);
  EXPECT_EQ(append({}).error, ErrorCode::kNone);
}

TEST_F(LogAppendTest, rolls_by_size_time_and_full_index) {
  config_.segment_bytes = 1000;
  config_.segment_ms = 10'000;
  open();
  append({.padding = 400});
  append({.padding = 400});
  EXPECT_EQ(log_->segment_count(), 1u);
  append({.padding = 400});
  EXPECT_EQ(log_->segment_count(), 2u);
  EXPECT_EQ(log_->active_segment_base_offset(), 2);
  // The records' own timestamps determine the age.
  append({.timestamp = kNow + 10'000});
  EXPECT_EQ(log_->segment_count(), 2u);
  append({.timestamp = kNow + 10'001});
  EXPECT_EQ(log_->segment_count(), 3u);

  config_.segment_bytes = 1 << 20;
  config_.segment_index_bytes = 24;  // three entries; of times two, since one is kept for rolling
  config_.index_interval_bytes = 10;
  log_->set_config(std::make_shared<const LogConfig>(config_));
  ASSERT_TRUE(log_->roll().ok());
  for (int i = 0; i < 8; ++i) append({.timestamp = kNow + 10'001});
  EXPECT_GT(log_->segment_count(), 5u);
  EXPECT_EQ(values_from(0).size(), 13u);
}

TEST_F(LogAppendTest, a_jitter_beyond_the_segments_time_does_not_roll_at_every_append) {
  config_.segment_jitter_ms = INT64_MAX;
  config_.segment_ms = 10'000;
  open();
  // Each segment has its own jitter between zero and the whole time; at the same moment none has expired.
  for (int i = 0; i < 20; ++i) append({});
  EXPECT_EQ(log_->segment_count(), 1u);
  append({.timestamp = kNow + 10'001});
  EXPECT_EQ(log_->segment_count(), 2u);
}

// Producers choose the timestamps.
TEST_F(LogAppendTest, timestamps_at_the_edge_are_no_age_of_their_own) {
  config_.segment_ms = 10'000;
  config_.retention_ms = 10'000;
  open();
  append({.timestamp = 0});
  append({.timestamp = INT64_MAX});
  append({.timestamp = INT64_MAX});
  EXPECT_EQ(log_->segment_count(), 2u);
  log_->set_high_watermark(log_->log_end_offset());
  ASSERT_TRUE(log_->apply_retention().ok());
  EXPECT_EQ(log_->log_start_offset(), 1) << "what is of the future is not old";
}

TEST_F(LogAppendTest, rolling_leaves_complete_indexes_and_a_snapshot) {
  config_.index_interval_bytes = 100;
  open();
  for (int i = 0; i < 5; ++i) append({.timestamp = kNow + i, .padding = 100});
  ASSERT_TRUE(log_->roll().ok());
  EXPECT_EQ(log_->active_segment_base_offset(), 5);
  Bytes index = log_test::slurp(file(0, kIndexSuffix));
  ASSERT_EQ(index.size(), 4 * kOffsetIndexEntrySize);  // none for the first batch
  EXPECT_EQ(OffsetIndexEntry::read(index.data()).relative_offset, 1);
  Bytes times = log_test::slurp(file(0, kTimeIndexSuffix));
  ASSERT_EQ(times.size(), 4 * kTimeIndexEntrySize);
  EXPECT_EQ(TimeIndexEntry::read(times.data() + 3 * kTimeIndexEntrySize), (TimeIndexEntry{kNow + 4, 4}));
  EXPECT_TRUE(std::filesystem::exists(file(5, kSnapshotSuffix)));
  ASSERT_TRUE(log_->roll().ok());  // the active segment is empty: no effect
  EXPECT_EQ(log_->segment_count(), 2u);
}

TEST_F(LogAppendTest, a_preallocated_segment_ends_where_its_records_do) {
  config_.preallocate = true;
  config_.segment_bytes = 100'000;
  open();
  append({.padding = 400});
  const uint64_t written = log_->size().value();
  EXPECT_EQ(log_test::slurp(file(0, kLogSuffix)).size(), 100'000u);
  EXPECT_LT(written, 1000u);
  ASSERT_TRUE(log_->roll().ok());
  EXPECT_EQ(log_test::slurp(file(0, kLogSuffix)).size(), written);
  append({.padding = 400});
  EXPECT_EQ(log_test::slurp(file(1, kLogSuffix)).size(), 100'000u);
  EXPECT_EQ(values_from(0).size(), 2u);

  reopen_after_crash();
  EXPECT_EQ(log_->log_end_offset(), 2);
  EXPECT_EQ(log_test::slurp(file(1, kLogSuffix)).size(), written);
  append({});
  ASSERT_TRUE(log_->roll().ok());
  append({});
  config_.preallocate = false;
  log_->set_config(std::make_shared<const LogConfig>(config_));
  reopen_cleanly();
  EXPECT_LT(log_test::slurp(file(3, kLogSuffix)).size(), 1000u);
  EXPECT_EQ(log_->log_end_offset(), 4);
  EXPECT_EQ(values_from(0).size(), 4u);
}

TEST_F(LogAppendTest, a_preallocated_segment_without_records_is_none_after_a_crash) {
  config_.preallocate = true;
  config_.segment_bytes = 100'000;
  open();
  EXPECT_EQ(log_test::slurp(file(0, kLogSuffix)).size(), 100'000u);
  reopen_after_crash();
  EXPECT_EQ(log_->log_end_offset(), 0);
  EXPECT_EQ(append({}).base_offset, 0);
  EXPECT_EQ(values_from(0).size(), 1u);
}

class LogReadTest : public log_test::LogTest {
 protected:
  ReadOutcome read(int64_t offset, uint64_t max_bytes, int64_t upper_bound, bool min_one = true) {
    auto outcome = log_->read(offset, max_bytes, upper_bound, min_one);
    EXPECT_TRUE(outcome.ok());
    return outcome.ok() ? *outcome : ReadOutcome{};
  }
};

TEST_F(LogReadTest, begins_with_the_batch_that_holds_the_offset) {
  open();
  for (int i = 0; i < 4; ++i) append({.records = 5});
  ReadOutcome outcome = read(7, 1 << 20, 20);
  EXPECT_EQ(outcome.base_offset, 5);
  EXPECT_EQ(outcome.next_offset, 20);
  EXPECT_EQ(outcome.batches.size(), 3 * make_batch({.records = 5}).size());
  ASSERT_EQ(outcome.batches.chunks().size(), 1u);
  EXPECT_TRUE(std::holds_alternative<FileSlice>(outcome.batches.chunks()[0]));
}

TEST_F(LogReadTest, stays_below_the_upper_bound) {
  open();
  uint64_t size = make_batch({.records = 5}).size();
  for (int i = 0; i < 4; ++i) append({.records = 5});
  EXPECT_EQ(read(0, 1 << 20, 10).batches.size(), 2 * size);
  EXPECT_EQ(read(0, 1 << 20, 12).batches.size(), 2 * size);  // a batch that reaches beyond is left out
  EXPECT_EQ(read(0, 1 << 20, 12).next_offset, 10);
  EXPECT_TRUE(read(10, 1 << 20, 10).batches.empty());
  EXPECT_TRUE(read(11, 1 << 20, 12).batches.empty());
  EXPECT_TRUE(read(20, 1 << 20, 20).batches.empty());
  EXPECT_EQ(read(20, 1 << 20, 20).error, ErrorCode::kNone);
  EXPECT_EQ(read(21, 1 << 20, 21).error, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(read(-1, 1 << 20, 20).error, ErrorCode::kOffsetOutOfRange);
}

TEST_F(LogReadTest, keeps_to_max_bytes_at_whole_batches) {
  open();
  uint64_t size = make_batch({.records = 5}).size();
  for (int i = 0; i < 4; ++i) append({.records = 5});
  ReadOutcome outcome = read(0, 2 * size + 10, 20);
  EXPECT_EQ(outcome.batches.size(), 2 * size);
  EXPECT_EQ(outcome.next_offset, 10);
  EXPECT_EQ(read(0, 2 * size, 20).batches.size(), 2 * size);
  EXPECT_EQ(read(0, 10, 20, true).batches.size(), size);
  EXPECT_FALSE(read(0, 10, 20, true).first_batch_cut);
  EXPECT_EQ(read(0, 10, 20, false).batches.size(), 10u);
  EXPECT_TRUE(read(0, 10, 20, false).first_batch_cut);
  EXPECT_TRUE(read(0, 0, 20, false).batches.empty());
}

TEST_F(LogReadTest, following_the_end_costs_no_call) {
  open();
  for (int i = 0; i < 300; ++i) append({.records = 2});
  int before = file_system_.calls;
  for (int64_t offset = 500; offset <= 600; ++offset) {
    ReadOutcome outcome = read(offset, 100, 600);
    EXPECT_EQ(outcome.batches.empty(), offset == 600);
  }
  EXPECT_EQ(file_system_.calls, before);
  // A read further back uses the files and finds the same.
  EXPECT_EQ(read(41, 1, 600).base_offset, 40);
  EXPECT_GT(file_system_.calls, before);
}

TEST_F(LogReadTest, waiting_at_the_end_of_a_log_at_rest_costs_no_call) {
  open();
  append({.records = 2});
  reopen_cleanly();
  int before = file_system_.calls;
  EXPECT_TRUE(read(2, 100, 2).batches.empty());
  EXPECT_EQ(file_system_.calls, before);
}

TEST_F(LogReadTest, finds_every_offset_in_old_segments_whatever_the_limit) {
  config_.segment_bytes = 3000;
  config_.index_interval_bytes = 200;
  open();
  std::vector<std::string> all;
  for (int i = 0; i < 200; ++i) {
    std::string prefix = std::to_string(i) + "/";
    append({.records = 1 + i % 4, .padding = static_cast<size_t>(i * 37 % 90), .prefix = prefix});
  }
  auto records = records_from(0);
  ASSERT_EQ(static_cast<int64_t>(records.size()), log_->log_end_offset());
  for (bool clean : {false, true}) {
    if (clean) reopen_cleanly();
    else reopen_after_crash(records.size() / 2);
    for (uint64_t max_bytes : {1, 100, 500, 100'000}) {
      for (size_t offset = 0; offset < records.size(); offset += 17) {
        auto tail = records_from(static_cast<int64_t>(offset), max_bytes);
        ASSERT_EQ(tail.size(), records.size() - offset) << offset;
        ASSERT_EQ(tail.front(), records[offset]);
        ASSERT_EQ(tail.back(), records.back());
      }
    }
  }
}

TEST_F(LogReadTest, slices_outlive_the_file) {
  config_.segment_bytes = 500;
  config_.retention_bytes = 0;
  open();
  append({.padding = 300});
  append({.padding = 300});
  log_->set_high_watermark(1);
  ReadOutcome outcome = read(0, 1 << 20, 1);
  auto doomed = log_->apply_retention();
  ASSERT_TRUE(doomed.ok());
  ASSERT_FALSE(doomed->empty());
  ASSERT_TRUE(doomed->remove(file_system_).ok());
  EXPECT_EQ(read(0, 1 << 20, 2).error, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(outcome.batches.flatten().value().size(), outcome.batches.size());
}

TEST_F(LogReadTest, works_with_a_single_cached_file) {
  FileCache tiny(file_system_, 1);
  config_.segment_bytes = 500;
  config_.index_interval_bytes = 50;
  auto opened = PartitionLog::open(tiny, clock_, directory(), {"topic", 0},
                                   std::make_shared<const LogConfig>(config_), {});
  ASSERT_TRUE(opened.ok());
  log_ = opened.take();
  for (int i = 0; i < 40; ++i) append({.padding = 100});
  EXPECT_EQ(values_from(0).size(), 40u);
  EXPECT_LE(tiny.open_files(), 1u);
  log_.reset();
  EXPECT_EQ(tiny.open_files(), 0u);
}

}  // namespace
}  // namespace milena::log
