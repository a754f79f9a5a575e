// Idempotence and transactions: a partition's state of its producers, over restarts and truncations.
#include "log_fixture.h"

namespace milena::log {
namespace {

using log_test::BatchSpec;
using log_test::make_batch;
using log_test::make_marker;
using log_test::slurp;
using log_test::spill;

class LogProducerTest : public log_test::LogTest {
 protected:
  AppendOutcome send(int32_t sequence, int records = 1, int16_t epoch = 0, int64_t id = 9, bool transactional = false) {
    return append({.records = records,
                   .producer_id = id,
                   .producer_epoch = epoch,
                   .sequence = sequence,
                   .transactional = transactional});
  }
  AppendOutcome mark(bool committed, int64_t id = 9, int16_t epoch = 0, int32_t coordinator_epoch = 0) {
    return append_raw(make_marker(id, epoch, committed, coordinator_epoch), 0, AppendOrigin::kMarker);
  }
  int64_t stable() {
    auto offset = log_->last_stable_offset();
    EXPECT_TRUE(offset.ok());
    return offset.value();
  }
};

TEST_F(LogProducerTest, duplicates_of_the_last_five_get_their_first_offset) {
  open();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(send(i * 2, 2).base_offset, i * 2);
  for (int i = 1; i < 6; ++i) {
    AppendOutcome again = send(i * 2, 2);
    EXPECT_EQ(again.error, ErrorCode::kNone);
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.base_offset, i * 2);
    EXPECT_EQ(again.last_offset, i * 2 + 1);
    EXPECT_GE(again.log_append_time, 0);  // the batch's own time, though the topic has CreateTime
  }
  EXPECT_EQ(send(0, 2).error, ErrorCode::kOutOfOrderSequenceNumber);  // the sixth is forgotten
  EXPECT_EQ(send(10, 1).error, ErrorCode::kOutOfOrderSequenceNumber);  // part of a batch
  EXPECT_EQ(log_->log_end_offset(), 12);
}

TEST_F(LogProducerTest, sequences_and_epochs) {
  open();
  EXPECT_EQ(send(5).error, ErrorCode::kNone);  // an unknown producer may begin anywhere
  EXPECT_EQ(send(7).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(6).error, ErrorCode::kNone);
  EXPECT_EQ(send(3, 1, 1).error, ErrorCode::kOutOfOrderSequenceNumber);  // a new epoch begins at 0
  EXPECT_EQ(send(0, 1, 1).error, ErrorCode::kNone);
  EXPECT_EQ(send(7, 1, 0).error, ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(send(1, 1, 1).error, ErrorCode::kNone);
  EXPECT_EQ(log_->find_producer(9).value()->epoch, 1);
  EXPECT_EQ(log_->find_producer(10).value(), nullptr);
}

TEST_F(LogProducerTest, sequences_wrap_to_zero) {
  open();
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  EXPECT_EQ(send(kMax - 1, 4).error, ErrorCode::kNone);  // kMax-1, kMax, 0, 1
  EXPECT_EQ(log_->find_producer(9).value()->last_sequence(), 1);
  EXPECT_TRUE(send(kMax - 1, 4).duplicate);
  EXPECT_EQ(send(2).error, ErrorCode::kNone);
  EXPECT_EQ(send(kMax, 1, 0, 10).error, ErrorCode::kNone);
  EXPECT_EQ(send(0, 1, 0, 10).error, ErrorCode::kNone);
}

TEST_F(LogProducerTest, coordinators_are_not_asked_for_sequences) {
  open();
  send(0);
  BatchSpec spec{.producer_id = 9, .producer_epoch = 0, .sequence = 40};
  EXPECT_EQ(append(spec, 0, AppendOrigin::kCoordinator).error, ErrorCode::kNone);
}

TEST_F(LogProducerTest, are_known_after_clean_restart_crash_and_lost_snapshots) {
  config_.segment_bytes = 400;
  open();
  for (int i = 0; i < 20; ++i) send(i);
  ASSERT_GT(log_->segment_count(), 3u);
  reopen_cleanly();
  EXPECT_TRUE(send(19).duplicate);
  EXPECT_EQ(send(18).error, ErrorCode::kOutOfOrderSequenceNumber);  // a snapshot keeps only the last batch
  EXPECT_EQ(send(20).base_offset, 20);
  reopen_after_crash(10);
  EXPECT_TRUE(send(20).duplicate);
  EXPECT_EQ(send(22).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(21).base_offset, 21);
  log_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(directory())) {
    if (entry.path().extension() == ".snapshot") spill(entry.path(), "not a snapshot");
  }
  reopen_after_crash(10);
  EXPECT_TRUE(send(21).duplicate);
  EXPECT_TRUE(send(17).duplicate);  // read from the records: five batches back
}

TEST_F(LogProducerTest, corrupt_snapshot_after_clean_shutdown) {
  open();
  for (int i = 0; i < 3; ++i) send(i);
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  log_.reset();
  Bytes snapshot = slurp(file(3, kSnapshotSuffix));
  ASSERT_EQ(snapshot.size(), 56u);
  for (size_t i = 0; i < snapshot.size(); ++i) {
    Bytes broken = snapshot;
    broken[i] ^= 1;
    spill(file(3, kSnapshotSuffix), broken);
    open({.clean_shutdown = true, .recovery_point = 3});
    ASSERT_TRUE(send(2).duplicate) << i;
    ASSERT_TRUE(send(0).duplicate) << i;
  }
}

// A stop that was killed in the middle, one that was not, and then the records are removed.
TEST_F(LogProducerTest, a_snapshot_that_a_crash_tore_is_written_again) {
  config_.retention_ms = -1;
  open();
  ASSERT_EQ(append({.producer_id = 1, .producer_epoch = 0, .sequence = 0}).error, ErrorCode::kNone);
  log_test::spill(file(1, kSnapshotSuffix), "");
  reopen_after_crash();
  reopen_cleanly();
  log_->set_high_watermark(1);
  ASSERT_EQ(log_->delete_records_before(1).value(), ErrorCode::kNone);
  auto doomed = log_->apply_retention();
  ASSERT_TRUE(doomed.ok() && doomed->remove(file_system_).ok());
  reopen_after_crash(1);
  const AppendOutcome again = append({.producer_id = 1, .producer_epoch = 0, .sequence = 0});
  EXPECT_TRUE(again.duplicate);
}

TEST_F(LogProducerTest, are_rewound_by_truncation) {
  config_.segment_bytes = 400;
  open();
  for (int i = 0; i < 12; ++i) send(i);
  ASSERT_TRUE(log_->truncate_to(7).ok());
  EXPECT_EQ(log_->log_end_offset(), 7);
  EXPECT_EQ(send(8).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_TRUE(send(6).duplicate);
  EXPECT_EQ(send(7).base_offset, 7);
  ASSERT_TRUE(log_->truncate_fully_and_start_at(100).ok());
  EXPECT_EQ(log_->find_producer(9).value(), nullptr);
  EXPECT_EQ(send(8).base_offset, 100);
}

TEST_F(LogProducerTest, expire_when_silent) {
  config_.max_producer_id_expiration_ms = 1000;
  open();
  send(0);
  clock_.advance(1001);
  ASSERT_TRUE(log_->expire_producers().ok());
  EXPECT_EQ(log_->find_producer(9).value(), nullptr);
  EXPECT_EQ(send(17).error, ErrorCode::kNone);
}

TEST_F(LogProducerTest, a_failed_append_leaves_no_trace) {
  open();
  Bytes two = make_batch({.producer_id = 9, .producer_epoch = 0, .sequence = 0}) +
              make_batch({.producer_id = 9, .producer_epoch = 0, .sequence = 5});
  EXPECT_EQ(append_raw(two).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(log_->find_producer(9).value(), nullptr);
  EXPECT_EQ(log_->log_end_offset(), 0);
}

// --- transactions ---

TEST_F(LogProducerTest, an_open_transaction_holds_the_last_stable_offset) {
  open();
  send(0, 2, 0, 1);
  send(0, 3, 0, 9, true);  // 2..4
  send(2, 1, 0, 1);        // 5
  log_->set_high_watermark(6);
  EXPECT_EQ(stable(), 2);
  EXPECT_EQ(mark(true).base_offset, 6);
  EXPECT_EQ(stable(), 2);  // the marker is not below the high watermark yet
  log_->set_high_watermark(7);
  EXPECT_EQ(stable(), 7);
  EXPECT_TRUE(log_->aborted_transactions(0, 7).value().empty());
  EXPECT_FALSE(std::filesystem::exists(file(0, kTxnIndexSuffix)));
}

TEST_F(LogProducerTest, aborted_transactions_are_told_to_readers) {
  open();
  send(0, 2, 0, 1, true);   // 0..1
  send(0, 1, 0, 2, true);   // 2
  mark(false, 2);           // 3
  send(0, 1, 0, 3);         // 4
  mark(false, 1);           // 5
  log_->set_high_watermark(6);
  auto all = log_->aborted_transactions(0, 6).value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0], (AbortedTransaction{2, 2, 3, 0}));
  EXPECT_EQ(all[1], (AbortedTransaction{1, 0, 5, 6}));
  EXPECT_EQ(log_->aborted_transactions(4, 6).value().size(), 1u);
  EXPECT_EQ(log_->aborted_transactions(0, 2).value().size(), 1u);
  EXPECT_EQ(slurp(file(0, kTxnIndexSuffix)).size(), 2 * kAbortedTransactionSize);

  reopen_cleanly();
  EXPECT_EQ(log_->aborted_transactions(0, 6).value(), all);
  reopen_after_crash();
  EXPECT_EQ(log_->aborted_transactions(0, 6).value(), all);
  ASSERT_TRUE(log_->truncate_to(5).ok());
  EXPECT_EQ(log_->aborted_transactions(0, 6).value().size(), 1u);
  log_->set_high_watermark(5);
  EXPECT_EQ(stable(), 0);  // the first one is open again
}

TEST_F(LogProducerTest, open_transactions_survive_restarts) {
  open();
  send(0, 2, 0, 9, true);
  log_->set_high_watermark(2);
  reopen_cleanly();
  log_->set_high_watermark(2);
  EXPECT_EQ(stable(), 0);
  reopen_after_crash();
  log_->set_high_watermark(2);
  EXPECT_EQ(stable(), 0);
  clock_.advance(config_.max_producer_id_expiration_ms * 2);
  ASSERT_TRUE(log_->expire_producers().ok());
  EXPECT_EQ(stable(), 0);
}

TEST_F(LogProducerTest, markers_are_checked) {
  open();
  send(0, 1, 3, 9, true);
  EXPECT_EQ(mark(true, 9, 2).error, ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(send(1, 1, 3, 9, false).error, ErrorCode::kInvalidTxnState);
  EXPECT_EQ(mark(true, 9, 3, 5).error, ErrorCode::kNone);
  EXPECT_EQ(mark(true, 9, 3, 4).error, ErrorCode::kTransactionCoordinatorFenced);
  EXPECT_EQ(mark(false, 9, 4, 5).error, ErrorCode::kNone);  // nothing open: an epoch bump, no abort
  EXPECT_TRUE(log_->aborted_transactions(0, 10).value().empty());
  EXPECT_EQ(send(1, 1, 4).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(0, 1, 4).error, ErrorCode::kNone);
}

}  // namespace
}  // namespace milena::log
