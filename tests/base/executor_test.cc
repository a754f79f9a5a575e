#include "base/executor.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/manual_executor.h"

namespace milena {
namespace {

TEST(Executor, IsCurrentInItsOwnTurnAlone) {
  ManualClock clock;
  ManualExecutor one(clock), other(clock);
  bool own = false, others = true;
  one.post([&] {
    own = one.is_current();
    others = other.is_current();
  });
  one.run_turn();
  EXPECT_TRUE(own);
  EXPECT_FALSE(others);
}

TEST(Executor, IsCurrentForWhoeverHoldsItWhileNoThreadRunsIt) {
  ManualClock clock;
  ManualExecutor executor(clock);
  EXPECT_TRUE(executor.is_current());
  executor.run_turn();
  EXPECT_TRUE(executor.is_current()) << "the turn is over";
}

TEST(Executor, IsNotCurrentOnAnotherThreadDuringATurn) {
  ManualClock clock;
  ManualExecutor executor(clock);
  bool elsewhere = true;
  executor.post([&] { std::thread([&] { elsewhere = executor.is_current(); }).join(); });
  executor.run_turn();
  EXPECT_FALSE(elsewhere);
}

TEST(Executor, GivesItsTurnBackToTheTurnAroundIt) {
  ManualClock clock;
  ManualExecutor outer(clock), inner(clock);
  bool inner_in_inner = false, outer_in_inner = true, outer_after = false;
  inner.post([&] {
    inner_in_inner = inner.is_current();
    outer_in_inner = outer.is_current();
  });
  outer.post([&] {
    inner.run_turn();
    outer_after = outer.is_current();
  });
  outer.run_turn();
  EXPECT_TRUE(inner_in_inner);
  EXPECT_FALSE(outer_in_inner);
  EXPECT_TRUE(outer_after);
}

}  // namespace
}  // namespace milena
