// The guards of transactions (KIP-890): no batch is written to a transaction that is unknown to its coordinator.
#include "log_fixture.h"

namespace milena::log {
namespace {

using log_test::make_batch;
using log_test::make_marker;

class LogVerificationTest : public log_test::LogTest {
 protected:
  void SetUp() override {
    config_.verify_transactions = true;
    open();
  }
  // 0 if the transaction is open here.
  uint64_t start(int32_t first_sequence = 0, int16_t epoch = 0, bool supports_epoch_bump = false) {
    auto started = log_->start_verification(9, epoch, first_sequence, supports_epoch_bump);
    EXPECT_TRUE(started.ok());
    EXPECT_EQ(started->error, ErrorCode::kNone);
    return started->guard;
  }
  ErrorCode send(uint64_t guard, int32_t sequence, int16_t epoch = 0,
                 AppendOrigin origin = AppendOrigin::kClient) {
    AppendChecks checks = origin;
    checks.guard = guard;
    Bytes batch = make_batch(
        {.records = 1, .producer_id = 9, .producer_epoch = epoch, .sequence = sequence, .transactional = true});
    auto outcome = log_->append_as_leader(batch, 0, checks);
    EXPECT_TRUE(outcome.ok());
    return outcome->error;
  }
  ErrorCode mark(int16_t epoch, int16_t transaction_version = 0, bool committed = true) {
    AppendChecks checks = AppendOrigin::kMarker;
    checks.transaction_version = transaction_version;
    return log_->append_as_leader(make_marker(9, epoch, committed, 0), 0, checks)->error;
  }
};

TEST_F(LogVerificationTest, the_first_batch_shows_a_guard_and_the_next_ones_need_none) {
  EXPECT_EQ(send(0, 0), ErrorCode::kInvalidTxnState);
  uint64_t guard = start();
  EXPECT_NE(guard, 0u);
  EXPECT_EQ(start(), guard);  // a repeated call returns the same guard
  EXPECT_EQ(send(guard + 1, 0), ErrorCode::kInvalidTxnState);
  EXPECT_EQ(send(guard, 0), ErrorCode::kNone);
  EXPECT_EQ(start(1), 0u);
  EXPECT_EQ(send(0, 1), ErrorCode::kNone);
}

TEST_F(LogVerificationTest, a_guard_is_void_after_a_marker) {
  uint64_t guard = start();
  EXPECT_EQ(mark(0), ErrorCode::kNone);
  EXPECT_EQ(send(guard, 0), ErrorCode::kInvalidTxnState);
  uint64_t fresh = start();
  EXPECT_NE(fresh, guard);
  EXPECT_EQ(send(fresh, 0), ErrorCode::kNone);
}

TEST_F(LogVerificationTest, a_guard_for_an_epoch_of_its_own_outlives_that_epochs_marker) {
  uint64_t guard = start(0, 3, true);
  EXPECT_EQ(mark(3, 2), ErrorCode::kNone);  // a repeated end of the previous transaction
  EXPECT_EQ(send(guard, 0, 3), ErrorCode::kNone);
}

TEST_F(LogVerificationTest, an_older_epoch_is_not_verified) {
  EXPECT_EQ(send(start(0, 5), 0, 5), ErrorCode::kNone);
  EXPECT_EQ(log_->start_verification(9, 4, 0, false)->error, ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(send(0, 0, 4), ErrorCode::kInvalidProducerEpoch);
  // A transaction of another epoch is another one.
  EXPECT_NE(start(0, 6), 0u);
}

TEST_F(LogVerificationTest, a_later_batch_does_not_overtake_the_one_that_is_verified) {
  uint64_t guard = start(0);
  EXPECT_EQ(start(4), guard);
  EXPECT_EQ(send(guard, 4), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(guard, 0), ErrorCode::kNone);
}

TEST_F(LogVerificationTest, with_an_epoch_for_each_transaction_every_one_begins_at_zero) {
  EXPECT_EQ(send(start(7, 0, true), 7), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(start(0, 0, true), 0), ErrorCode::kNone);
}

TEST_F(LogVerificationTest, coordinators_show_guards_too) {
  EXPECT_EQ(send(0, -1, 0, AppendOrigin::kCoordinator), ErrorCode::kInvalidTxnState);
  EXPECT_EQ(send(start(-1), -1, 0, AppendOrigin::kCoordinator), ErrorCode::kNone);
}

TEST_F(LogVerificationTest, what_is_not_asked_for_long_is_forgotten) {
  uint64_t guard = start();
  clock_.advance(config_.max_producer_id_expiration_ms + 1);
  ASSERT_TRUE(log_->expire_producers().ok());
  EXPECT_EQ(send(guard, 0), ErrorCode::kInvalidTxnState);
}

// KIP-1228: a marker with the epoch of the open transaction is a late one of an older transaction.
TEST_F(LogVerificationTest, markers_of_the_second_protocol_have_a_larger_epoch) {
  EXPECT_EQ(send(start(0, 1), 0, 1), ErrorCode::kNone);
  EXPECT_EQ(mark(1, 2), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(mark(2, 2), ErrorCode::kNone);
  EXPECT_EQ(mark(2, 2), ErrorCode::kNone);  // the same again
  EXPECT_EQ(mark(1, 2), ErrorCode::kInvalidProducerEpoch);
  // The last epoch cannot be bumped.
  EXPECT_EQ(send(start(0, INT16_MAX), 0, INT16_MAX), ErrorCode::kNone);
  EXPECT_EQ(mark(INT16_MAX, 2), ErrorCode::kNone);
}

}  // namespace
}  // namespace milena::log
