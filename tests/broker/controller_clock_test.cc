// The clock of the controller, estimated from the batches of the metadata log.
#include "broker/cluster/controller_clock.h"

#include <gtest/gtest.h>

namespace milena::broker {
namespace {

constexpr int64_t kStart_ms = 1'700'000'000'000;

// Fetches one behind the other, each answered after 100 ms. The wall and the steady clock go alike.
struct Fetches {
  ControllerClock clock;
  int64_t now_ms = kStart_ms;

  void fetch(std::optional<int64_t> timestamp_ms, bool whole = true) {
    clock.sent(now_ms);
    now_ms += 100;
    clock.answered(timestamp_ms, whole, now_ms, now_ms - kStart_ms);
  }
  int64_t ahead_ms() const { return clock.ahead_ms(now_ms, now_ms - kStart_ms); }
};

TEST(ControllerClock, SeesWhatCannotBeOneClock) {
  for (int64_t off_ms : {int64_t{0}, int64_t{5000}, int64_t{-5000}, int64_t{86'400'000}, int64_t{-86'400'000}}) {
    Fetches fetches;
    fetches.fetch(std::nullopt);
    fetches.fetch(fetches.now_ms + 50 + off_ms);  // written in the middle of it
    const int64_t certain_ms = off_ms == 0 ? 0 : off_ms > 0 ? off_ms - 50 : off_ms + 150;
    EXPECT_EQ(fetches.ahead_ms(), certain_ms);
  }
}

TEST(ControllerClock, TakesNothingFromOldBatches) {
  Fetches fetches;
  fetches.fetch(kStart_ms - 86'400'000);  // the first fetch brings what was written before
  EXPECT_EQ(fetches.ahead_ms(), 0);
  fetches.fetch(kStart_ms - 86'400'000, false);  // this one is after a whole one: the clock is behind
  EXPECT_NE(fetches.ahead_ms(), 0);
  fetches.fetch(kStart_ms);  // and this one after one that left something: what it brings may be old
  EXPECT_EQ(fetches.ahead_ms(), -86'400'000);
  fetches.clock.lost();
  fetches.fetch(1);
  EXPECT_EQ(fetches.ahead_ms(), -86'400'000);
  fetches.fetch(-1);  // a batch without a time
  EXPECT_EQ(fetches.ahead_ms(), -86'400'000);
  fetches.fetch(fetches.now_ms);
  EXPECT_EQ(fetches.ahead_ms(), 0);
}

// A change of this machine's clock is seen at once, to the right time as to a wrong one.
TEST(ControllerClock, FollowsThisMachinesOwnClock) {
  Fetches fetches;
  fetches.fetch(std::nullopt);
  fetches.fetch(fetches.now_ms + 100 + 5000);
  const int64_t steady_ms = fetches.now_ms - kStart_ms;
  EXPECT_EQ(fetches.clock.ahead_ms(fetches.now_ms, steady_ms), 5000);
  EXPECT_EQ(fetches.clock.ahead_ms(fetches.now_ms + 5000, steady_ms), 0);
  EXPECT_EQ(fetches.clock.ahead_ms(fetches.now_ms + 9000, steady_ms), -4000);
}

}  // namespace
}  // namespace milena::broker
