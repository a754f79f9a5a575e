// The first rebalance of an empty group without a delay: members that start together are in the same generation.
#include <gtest/gtest.h>

#include "coordinator/shard_harness.h"

namespace milena::coordinator {
namespace {

// Without a configured delay a group waits some milliseconds: members that start with its first one are in its first
// generation.
TEST(JoinSilence, TwoThatStartAtTheSameMomentHaveOneRebalance) {
  ShardHarness h({.join_silence_ms = 5});
  const auto [one, t1] = h.join_new();
  h.advance(3);
  const AnswerToken asks = h.join({});
  h.advance(4);  // it has its id, but has not joined yet
  EXPECT_FALSE(h.answered(t1));
  const AnswerToken t2 = h.join({.member = h.answer<JoinGroupResponse>(asks).member_id});
  h.advance(10);
  EXPECT_EQ(h.answer<JoinGroupResponse>(t1).generation_id, 1);
  EXPECT_EQ(h.answer<JoinGroupResponse>(t2).generation_id, 1);
  EXPECT_EQ(h.answer<JoinGroupResponse>(t1).members.size(), 2u);
}

TEST(JoinSilence, TheSilenceIsShortAndHasAnEnd) {
  ShardHarness h({.join_silence_ms = 5});
  const auto [alone, t1] = h.join_new();
  h.advance(5);
  EXPECT_TRUE(h.answered(t1));
  const AnswerToken first = h.join_new({.group = "busy"}).second;
  for (int ms = 0; ms < 50; ms++) {
    EXPECT_FALSE(h.answered(first)) << ms;
    if (ms % 2 == 0) h.join_new({.group = "busy"});
    h.advance(1);
  }
  EXPECT_TRUE(h.answered(first));
  // A group that has members does not wait.
  h.join_new();
  EXPECT_TRUE(h.answered(h.join({.member = alone})));
}

}  // namespace
}  // namespace milena::coordinator
