#include "broker/replica/partition_leader.h"

#include <gtest/gtest.h>

#include "broker/node_fixture.h"

namespace milena::broker::broker_test {
namespace {

constexpr int64_t kMaxLag_ms = 30'000;

// Broker 1 leads, 2 and 3 follow; all three are active, with epochs 101, 102 and 103.
class PartitionLeaderTest : public testing::Test {
 protected:
  PartitionLeaderTest() {
    metadata::ImageDelta delta;
    for (int32_t id = 1; id <= 3; id++) {
      RegisterBrokerRecord broker;
      broker.broker_id = id;
      broker.broker_epoch = 100 + id;
      broker.fenced = false;
      EXPECT_TRUE(metadata_.apply(broker, delta).ok());
    }
    partition_.leader = 1;
    partition_.leader_epoch = 5;
    partition_.partition_epoch = 7;
    const int32_t all[] = {1, 2, 3};
    partition_.replicas.assign(all);
    partition_.isr.assign(all);
  }
  void fence(int32_t id, int8_t fenced = 1) {
    BrokerRegistrationChangeRecord change;
    change.broker_id = id;
    change.broker_epoch = 100 + id;
    change.fenced = fenced;
    metadata::ImageDelta delta;
    ASSERT_TRUE(metadata_.apply(change, delta).ok());
  }
  void set_in_sync(std::vector<int32_t> ids) {
    partition_.isr.assign(ids);
    partition_.partition_epoch++;
  }
  PartitionLeader leader() {
    PartitionLeader made(1, partition_, 0);
    made.set_epoch_start(10);
    return made;
  }

  metadata::MetadataImage metadata_;
  metadata::PartitionImage partition_;
};

// It had reached the high watermark, and then its process ended: it is not fenced yet.
TEST_F(PartitionLeaderTest, OneThatFetchesNoMoreLeavesTheSetOnce) {
  PartitionLeader one = leader();
  one.note_fetch(2, 102, 20, 20, 1);
  one.note_fetch(3, 103, 20, 20, 1);
  one.note_fetch(2, 102, 21, 21, 40'000);
  EXPECT_FALSE(one.propose(metadata_, 20, 21, 40'001, kMaxLag_ms, false)) << "laggards are looked for now and then";
  ASSERT_TRUE(one.propose(metadata_, 20, 21, 40'002, kMaxLag_ms));
  one.on_answer(ErrorCode::kNone, {1, 2}, 5, 8);
  EXPECT_FALSE(one.propose(metadata_, 20, 21, 40'003, kMaxLag_ms)) << "it has not fetched since";
  one.note_fetch(3, 103, 20, 21, 40'004);
  auto wanted = one.propose(metadata_, 20, 21, 40'005, kMaxLag_ms);
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->new_isr, (std::vector<int32_t>{1, 2, 3}));
}

TEST_F(PartitionLeaderTest, NothingIsSettledBeforeAllInSyncHaveShownThemselves) {
  PartitionLeader one = leader();
  EXPECT_EQ(one.settled_end(metadata_, 20, 0, kMaxLag_ms), -1);
  one.note_fetch(2, 102, 15, 20, 1);
  EXPECT_EQ(one.settled_end(metadata_, 20, 1, kMaxLag_ms), -1);
  one.note_fetch(3, 103, 12, 20, 1);
  EXPECT_EQ(one.settled_end(metadata_, 20, 1, kMaxLag_ms), 12);
  EXPECT_FALSE(one.note_fetch(9, 1, 20, 20, 1)) << "none of the replicas";
}

TEST_F(PartitionLeaderTest, WhoFallsBehindLeavesTheSetWhenTheControllerSaysSo) {
  PartitionLeader one = leader();
  one.note_fetch(2, 102, 20, 20, 1000);
  one.note_fetch(3, 103, 12, 20, 1000);
  EXPECT_FALSE(one.propose(metadata_, 12, 20, 1000, kMaxLag_ms));
  one.note_fetch(2, 102, 20, 20, 40'000);
  auto wanted = one.propose(metadata_, 12, 20, 40'000, kMaxLag_ms);
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->new_isr, (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(wanted->partition_epoch, 7);
  EXPECT_EQ(one.settled_end(metadata_, 20, 40'000, kMaxLag_ms), 12) << "it counts until then";
  EXPECT_FALSE(one.propose(metadata_, 12, 20, 40'000, kMaxLag_ms)) << "one change at a time";
  EXPECT_FALSE(one.on_answer(ErrorCode::kNone, {1, 2}, 5, 8));
  EXPECT_EQ(one.in_sync_count(), 2u);
  EXPECT_EQ(one.settled_end(metadata_, 20, 40'000, kMaxLag_ms), 20);
}

TEST_F(PartitionLeaderTest, WhoHasCaughtUpCountsBeforeTheControllerSaysSo) {
  set_in_sync({1, 2});
  PartitionLeader one = leader();
  one.note_fetch(2, 102, 20, 20, 40'000);
  one.note_fetch(3, 103, 9, 20, 40'000);
  EXPECT_FALSE(one.propose(metadata_, 8, 20, 40'000, kMaxLag_ms)) << "not as far as this epoch's beginning";
  one.note_fetch(3, 103, 19, 21, 40'001);
  one.note_fetch(2, 102, 21, 21, 40'001);
  EXPECT_FALSE(one.propose(metadata_, 20, 21, 40'001, kMaxLag_ms)) << "behind the high watermark";
  one.note_fetch(3, 103, 20, 21, 40'002);
  auto wanted = one.propose(metadata_, 20, 21, 40'002, kMaxLag_ms);
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->new_isr, (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(wanted->new_isr_with_epochs.back().broker_epoch, 103);
  EXPECT_EQ(one.settled_end(metadata_, 21, 100'000, kMaxLag_ms), 20);
  EXPECT_EQ(one.in_sync_count(), 2u);
}

TEST_F(PartitionLeaderTest, WhoMustNotJoinDoesNot) {
  set_in_sync({1, 2});
  PartitionLeader one = leader();
  one.note_fetch(2, 102, 20, 20, 1);
  one.note_fetch(3, 99, 20, 20, 1);
  EXPECT_FALSE(one.propose(metadata_, 20, 20, 1, kMaxLag_ms)) << "a process of before";
  one.note_fetch(3, 103, 20, 20, 1);
  fence(3);
  EXPECT_FALSE(one.propose(metadata_, 20, 20, 1, kMaxLag_ms));
}

// A broker follows before it is unfenced, and its next fetch may wait for records.
TEST_F(PartitionLeaderTest, OneThatFetchedWhileFencedJoinsWhenItServes) {
  set_in_sync({1, 2});
  for (const int64_t epoch : {int64_t{103}, int64_t{-1}}) {
    PartitionLeader one = leader();
    one.note_fetch(2, 102, 20, 20, 1);
    fence(3);
    one.note_fetch(3, epoch, 20, 20, 1);
    EXPECT_FALSE(one.propose(metadata_, 20, 20, 1, kMaxLag_ms));
    fence(3, -1);
    auto wanted = one.propose(metadata_, 20, 20, 2, kMaxLag_ms);
    EXPECT_EQ(wanted.has_value(), epoch == 103) << "without an epoch it may be another process";
    if (wanted) {
      EXPECT_EQ(wanted->new_isr, (std::vector<int32_t>{1, 2, 3}));
    }
  }
}

TEST_F(PartitionLeaderTest, AFetchDoesNotCountForTheNextProcess) {
  set_in_sync({1, 2});
  PartitionLeader one = leader();
  one.note_fetch(2, 102, 20, 20, 1);
  fence(3);
  one.note_fetch(3, 103, 20, 20, 1);
  EXPECT_FALSE(one.propose(metadata_, 20, 20, 1, kMaxLag_ms));
  RegisterBrokerRecord next;
  next.broker_id = 3;
  next.broker_epoch = 200;
  next.fenced = false;
  metadata::ImageDelta delta;
  ASSERT_TRUE(metadata_.apply(next, delta).ok());
  EXPECT_FALSE(one.propose(metadata_, 20, 20, 2, kMaxLag_ms));
  one.note_fetch(3, 200, 20, 20, 3);
  EXPECT_TRUE(one.propose(metadata_, 20, 20, 3, kMaxLag_ms));
}

// At the end of a reassignment the controller takes the change and begins the next leader epoch with it. Broker 3 is in
// sync then, and what it lacks is not settled, though the leader has not heard of that epoch.
TEST_F(PartitionLeaderTest, WhoIsInSyncFromTheNextEpochOnCountsAtOnce) {
  set_in_sync({1, 2});
  PartitionLeader one = leader();
  one.note_fetch(2, 102, 20, 20, 40'000);
  one.note_fetch(3, 103, 15, 20, 40'000);
  ASSERT_TRUE(one.propose(metadata_, 15, 20, 40'000, kMaxLag_ms));
  EXPECT_FALSE(one.on_answer(ErrorCode::kNone, {1, 3}, 6, 9));
  EXPECT_EQ(one.settled_end(metadata_, 20, 80'000, kMaxLag_ms), 15);
}

TEST_F(PartitionLeaderTest, AnAnswerThatSaysNothingIsAskedForAgain) {
  set_in_sync({1, 2});
  PartitionLeader one = leader();
  one.note_fetch(2, 102, 20, 20, 1);
  one.note_fetch(3, 103, 20, 20, 1);
  ASSERT_TRUE(one.propose(metadata_, 20, 20, 1, kMaxLag_ms));
  EXPECT_TRUE(one.on_answer(ErrorCode::kNotController, {}, 5, 8));
  EXPECT_TRUE(one.change_under_way());
  EXPECT_FALSE(one.on_answer(ErrorCode::kInvalidUpdateVersion, {}, 5, 8));
  EXPECT_TRUE(one.change_under_way()) << "until the metadata has come";
  set_in_sync({1, 2, 3});
  one.update(partition_, 2);
  EXPECT_FALSE(one.change_under_way());
  EXPECT_EQ(one.in_sync_count(), 3u);
}

TEST_F(PartitionLeaderTest, AnUncleanLeaderSaysThatItHasRecovered) {
  set_in_sync({1});
  partition_.leader_recovery_state = 1;
  PartitionLeader one = leader();
  auto wanted = one.propose(metadata_, 10, 20, 1, kMaxLag_ms);
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->new_isr, (std::vector<int32_t>{1}));
  EXPECT_EQ(wanted->leader_recovery_state, 0);
}

}  // namespace
}  // namespace milena::broker::broker_test
