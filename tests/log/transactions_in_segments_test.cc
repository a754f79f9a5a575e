// Transactions over several segments: responses to readers after segments are removed by deletion, retention or a
// crash.
#include "log_fixture.h"

namespace milena::log {
namespace {

using log_test::make_marker;
using log_test::slurp;

class TransactionsInSegmentsTest : public log_test::LogTest {
 protected:
  void SetUp() override { config_.retention_ms = -1; }

  AppendOutcome send(int64_t id, int32_t sequence, bool transactional = true) {
    return settle(
        append({.producer_id = id, .producer_epoch = 0, .sequence = sequence, .transactional = transactional}));
  }
  AppendOutcome mark(bool committed, int64_t id) {
    return settle(append_raw(make_marker(id, 0, committed), 0, AppendOrigin::kMarker));
  }
  AppendOutcome settle(AppendOutcome outcome) {
    log_->set_high_watermark(log_->log_end_offset());
    return outcome;
  }
  void roll() { ASSERT_TRUE(log_->roll().ok()); }
  int64_t stable() { return log_->last_stable_offset().value(); }
  std::vector<AbortedTransaction> aborted(int64_t from, int64_t upper_bound) {
    return log_->aborted_transactions(from, upper_bound).value();
  }
  void delete_before(int64_t offset) {
    ASSERT_EQ(log_->delete_records_before(offset).value(), ErrorCode::kNone);
    auto doomed = log_->apply_retention();
    ASSERT_TRUE(doomed.ok());
    ASSERT_TRUE(doomed->remove(file_system_).ok());
  }
  bool has_txn_index(int64_t segment) const { return std::filesystem::exists(file(segment, kTxnIndexSuffix)); }

  // Segment 0: 0 of producer 1. Segment 1: 1 of producer 1, 2 and 3 of producer 2. Segment 4: 4 aborts 1, 5 without a
  // producer.
  void an_abort_over_three_segments() {
    open();
    send(1, 0);
    roll();
    send(1, 1);
    send(2, 0);
    mark(false, 2);
    roll();
    mark(false, 1);
    send(3, 0, false);
  }
};

TEST_F(TransactionsInSegmentsTest, an_abort_is_told_for_every_segment_it_touches) {
  an_abort_over_three_segments();
  const AbortedTransaction one{1, 0, 4, 5}, two{2, 2, 3, 0};
  EXPECT_EQ(aborted(0, 1), (std::vector{one}));  // its entry is two segments further
  EXPECT_EQ(aborted(1, 6), (std::vector{two, one}));
  EXPECT_EQ(aborted(3, 4), (std::vector{two, one}));
  EXPECT_EQ(aborted(4, 6), (std::vector{one}));
  EXPECT_TRUE(aborted(5, 6).empty());
  EXPECT_FALSE(has_txn_index(0));
  EXPECT_TRUE(has_txn_index(1));
  EXPECT_TRUE(has_txn_index(4));
}

// Recovery reads from the recovery point on: earlier aborts are only in the index.
// Like for a copy or a follower: many batches in one append. The transaction of producer 1 is open when that of 2 ends,
// so a reader that goes on from the entry of 2 must look for more.
TEST_F(TransactionsInSegmentsTest, an_abort_is_told_that_came_with_its_beginning_in_one_append) {
  open();
  send(1, 0);
  send(2, 0);
  mark(false, 2);
  mark(false, 1);
  const Bytes all = log_->read(0, 1 << 20, 4, true)->batches.flatten().value();
  const std::vector<AbortedTransaction> wanted = aborted(0, 2);
  ASSERT_EQ(wanted.size(), 2u);
  ASSERT_TRUE(log_->truncate_fully_and_start_at(0).ok());
  ASSERT_TRUE(log_->append_as_follower(all).ok());
  log_->set_high_watermark(4);
  EXPECT_EQ(aborted(0, 2), wanted);
  EXPECT_EQ(stable(), 4);
}

TEST_F(TransactionsInSegmentsTest, an_abort_is_on_the_disk_when_the_recovery_point_passes_it) {
  open();
  send(1, 0);
  mark(false, 1);
  ASSERT_TRUE(log_->flush().ok());
  EXPECT_TRUE(file_system_.synced.contains(file(0, kTxnIndexSuffix)));
  file_system_.synced.clear();
  send(2, 0);
  ASSERT_TRUE(log_->flush().ok());
  EXPECT_FALSE(file_system_.synced.contains(file(0, kTxnIndexSuffix)));  // nothing new in it
  mark(false, 2);
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  EXPECT_TRUE(file_system_.synced.contains(file(0, kTxnIndexSuffix)));
}

TEST_F(TransactionsInSegmentsTest, an_abort_is_told_when_its_first_segments_are_deleted) {
  an_abort_over_three_segments();
  delete_before(4);
  EXPECT_EQ(log_->segment_count(), 1u);
  EXPECT_FALSE(has_txn_index(1));
  const std::vector<AbortedTransaction> left{{1, 0, 4, 5}};
  EXPECT_EQ(aborted(4, 6), left);
  reopen_cleanly();
  log_->set_high_watermark(6);
  EXPECT_EQ(aborted(4, 6), left);
  EXPECT_EQ(stable(), 6);
  log_.reset();
  open({.log_start_offset = 4});
  log_->set_high_watermark(6);
  EXPECT_EQ(aborted(4, 6), left);  // read from the snapshot and the marker
  EXPECT_EQ(stable(), 6);
}

TEST_F(TransactionsInSegmentsTest, a_lost_index_is_written_again_by_recovery) {
  an_abort_over_three_segments();
  const std::vector<AbortedTransaction> all = aborted(0, 6);
  for (int64_t segment : {1, 4}) std::filesystem::remove(file(segment, kTxnIndexSuffix));
  reopen_after_crash();
  EXPECT_EQ(aborted(0, 6), all);
  EXPECT_EQ(slurp(file(1, kTxnIndexSuffix)).size(), kAbortedTransactionSize);
  EXPECT_EQ(slurp(file(4, kTxnIndexSuffix)).size(), kAbortedTransactionSize);
}

TEST_F(TransactionsInSegmentsTest, a_torn_marker_leaves_its_transaction_open) {
  an_abort_over_three_segments();
  const std::string last = file(4, kLogSuffix);
  log_.reset();
  std::filesystem::resize_file(last, 20);
  open();
  log_->set_high_watermark(log_->log_end_offset());
  EXPECT_EQ(log_->log_end_offset(), 4);
  EXPECT_EQ(stable(), 0);
  EXPECT_EQ(aborted(0, 4), (std::vector<AbortedTransaction>{{2, 2, 3, 0}}));
  EXPECT_EQ(mark(true, 1).error, ErrorCode::kNone);
  EXPECT_EQ(stable(), 5);
  EXPECT_EQ(aborted(0, 5).size(), 1u);
}

TEST_F(TransactionsInSegmentsTest, deleting_the_beginning_of_an_open_transaction_does_not_end_it) {
  open();
  send(1, 0);
  send(1, 1);
  send(2, 0, false);
  delete_before(2);
  EXPECT_EQ(log_->log_start_offset(), 2);
  EXPECT_EQ(stable(), 2);
  delete_before(3);  // everything
  EXPECT_EQ(stable(), 3);
  send(2, 1, false);
  EXPECT_EQ(stable(), 3);
  const int64_t start = log_->log_start_offset();
  log_.reset();
  open({.log_start_offset = start});
  log_->set_high_watermark(4);
  EXPECT_EQ(stable(), 3);
  EXPECT_EQ(mark(false, 1).base_offset, 4);
  EXPECT_EQ(stable(), 5);
  EXPECT_EQ(aborted(3, 5), (std::vector<AbortedTransaction>{{1, 0, 4, 5}}));
}

// UNKNOWN_PRODUCER_ID is never sent: a producer whose records are gone continues.
TEST_F(TransactionsInSegmentsTest, producers_outlive_their_records) {
  open();
  send(1, 0, false);
  send(1, 1, false);
  delete_before(2);
  EXPECT_EQ(log_->log_end_offset(), log_->log_start_offset());
  reopen_cleanly();
  EXPECT_EQ(send(1, 5, false).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_TRUE(send(1, 1, false).duplicate);
  log_.reset();
  open({.log_start_offset = 2});
  EXPECT_EQ(send(1, 5, false).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_TRUE(send(1, 1, false).duplicate);
  EXPECT_EQ(send(1, 2, false).error, ErrorCode::kNone);
}

// A power failure took what was in the snapshot; the records before it were still there to read their producer from.
TEST_F(TransactionsInSegmentsTest, producers_outlive_their_records_and_a_torn_snapshot) {
  open();
  send(1, 0, false);
  roll();
  send(2, 0, false);
  const std::string snapshot = file(1, kSnapshotSuffix);
  ASSERT_FALSE(slurp(snapshot).empty());
  log_.reset();
  log_test::spill(snapshot, "");
  open({.recovery_point = 2, .high_watermark = 2});
  delete_before(2);
  ASSERT_EQ(log_->segment_count(), 1u);
  EXPECT_FALSE(slurp(snapshot).empty());
  log_.reset();
  open({.recovery_point = 2, .log_start_offset = 2});
  EXPECT_TRUE(send(1, 0, false).duplicate);
  EXPECT_EQ(send(1, 1, false).error, ErrorCode::kNone);
}

// After a clean stop no snapshot is read before it is needed.
TEST_F(TransactionsInSegmentsTest, producers_outlive_their_records_and_a_torn_snapshot_after_a_clean_stop) {
  open();
  send(1, 0, false);
  roll();
  send(2, 0, false);
  ASSERT_TRUE(log_->close_cleanly(true).ok());
  log_.reset();
  log_test::spill(file(1, kSnapshotSuffix), "");
  log_test::spill(file(2, kSnapshotSuffix), "");
  open({.clean_shutdown = true, .recovery_point = 2, .high_watermark = 2});
  delete_before(1);
  ASSERT_EQ(log_->segment_count(), 1u);
  EXPECT_TRUE(send(1, 0, false).duplicate);
  EXPECT_TRUE(send(2, 0, false).duplicate);
}

// Retention renamed the files of two segments, and the power failure undid one of the renames.
TEST_F(TransactionsInSegmentsTest, producers_outlive_their_records_and_a_segment_that_is_back) {
  open();
  send(1, 0, false);
  roll();
  send(2, 0, false);
  roll();
  send(3, 0, false);
  const Bytes removed = slurp(file(1, kLogSuffix));
  delete_before(2);
  ASSERT_EQ(log_->segment_count(), 1u);
  log_.reset();
  ASSERT_FALSE(std::filesystem::exists(file(1, kSnapshotSuffix)));
  log_test::spill(file(1, kLogSuffix), removed);
  open({.recovery_point = 1, .log_start_offset = 2, .high_watermark = 3});
  EXPECT_TRUE(send(1, 0, false).duplicate);
  EXPECT_TRUE(send(2, 0, false).duplicate);
  EXPECT_EQ(send(1, 1, false).error, ErrorCode::kNone);
}

}  // namespace
}  // namespace milena::log
