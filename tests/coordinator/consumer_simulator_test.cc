#include <gtest/gtest.h>

#include "coordinator/consumer_simulator.h"

namespace milena {
namespace {

constexpr int kSteps = 120;

TEST(ConsumerSimulator, NothingIsOwnedTwiceAndNoGroupIsStuck) {
  size_t heartbeats = 0;
  size_t revocations = 0;
  for (uint32_t seed = 1; seed <= 600; ++seed) {
    ConsumerSimulator simulator(seed);
    bool fine = true;
    for (int i = 0; i < kSteps && fine; ++i) fine = simulator.step();
    if (fine) fine = simulator.settle();
    heartbeats += simulator.heartbeats();
    revocations += simulator.revocations();
    ASSERT_TRUE(fine) << "seed " << seed << ": " << simulator.failure() << "\n" << simulator.history();
  }
  // That all this did not pass for want of anything happening.
  EXPECT_GT(heartbeats, 100'000u);
  EXPECT_GT(revocations, 1'000u);
}

class PlantedMistake : public testing::TestWithParam<Mistake> {};

TEST_P(PlantedMistake, IsFound) {
  for (uint32_t seed = 1; seed <= 10'000; ++seed) {
    ConsumerSimulator simulator(seed, GetParam());
    bool fine = true;
    for (int i = 0; i < kSteps && fine; ++i) fine = simulator.step();
    if (fine) fine = simulator.settle();
    if (!fine) {
      RecordProperty("seed", static_cast<int>(seed));
      return;
    }
  }
  FAIL() << "none of 10,000 seeds finds it";
}

INSTANTIATE_TEST_SUITE_P(, PlantedMistake,
                         testing::Values(Mistake::kForgetsTombstones, Mistake::kForgetsMember, Mistake::kForgetsRegex,
                                         Mistake::kForgetsLastRecord, Mistake::kTargetsTooLittle, Mistake::kTargetsTwice,
                                         Mistake::kEpochGoesBack, Mistake::kBelievesEverythingGivenBack,
                                         Mistake::kNeverExpires, Mistake::kMissesMetadata,
                                         Mistake::kAnswersWhatIsNotWritten));

}  // namespace
}  // namespace milena
