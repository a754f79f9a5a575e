// Runs seeds from MILENA_FIRST (1) on; script/test runs some. To run all of them, to find each planted bug, or to run
// one seed with its history:
//   MILENA_SEEDS=10000 build/*/tests/sim/test_sim --gtest_filter='GroupSimulator.WhatMustHoldHolds'
//   MILENA_PLANTED=all build/*/tests/sim/test_sim --gtest_filter='GroupSimulator.PlantedBugsAreFound'
//   MILENA_SEED=17 build/*/tests/sim/test_sim --gtest_filter='GroupSimulator.Replay'
// MILENA_PLANTED=kLeaveKeepsEpoch looks for that one alone, or replays with it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "sim/group_simulator.h"

namespace milena {

coordinator::PlantedGroupBug coordinator::planted_group_bug = coordinator::PlantedGroupBug::kNone;

std::string_view coordinator::name_of(coordinator::PlantedGroupBug bug) {
  static constexpr std::string_view kNames[] = {"kNone",
#define MILENA_NAME(name) #name,
                                                MILENA_PLANTED_GROUP_BUGS(MILENA_NAME)
#undef MILENA_NAME
  };
  return kNames[static_cast<size_t>(bug)];
}

namespace {

constexpr uint32_t kEnough = 10'000;

uint32_t group_seeds() {
  const char* wanted = std::getenv("MILENA_SEEDS");
  return wanted == nullptr ? 150 : static_cast<uint32_t>(std::atol(wanted));
}

uint32_t first_group_seed() {
  const char* wanted = std::getenv("MILENA_FIRST");
  return wanted == nullptr ? 1 : static_cast<uint32_t>(std::atol(wanted));
}

TEST(GroupSimulator, WhatMustHoldHolds) {
  size_t heartbeats = 0, revocations = 0, commits = 0, losses = 0, largest = 0;
  for (uint32_t seed = first_group_seed(); seed < first_group_seed() + group_seeds(); ++seed) {
    GroupSimulator simulator(seed);
    const std::string failure = simulator.run();
    ASSERT_EQ(failure, "") << "seed " << seed << "\n" << simulator.history();
    heartbeats += simulator.heartbeats();
    revocations += simulator.revocations();
    commits += simulator.commits();
    losses += simulator.losses();
    largest = std::max(largest, simulator.largest_group());
  }
  // The simulator must have done something.
  EXPECT_GT(heartbeats, group_seeds() * 100);
  EXPECT_GT(revocations, group_seeds());
  EXPECT_GT(commits, group_seeds() * 3);
  EXPECT_GT(losses, group_seeds() / 10);
  std::cout << group_seeds() << " seeds: " << heartbeats << " heartbeats, " << revocations << " revocations, "
            << commits << " commits, " << losses << " losses of what was not replicated, groups of up to " << largest
            << " members\n";
}

TEST(GroupSimulator, SameSeedSameStory) {
  GroupSimulator one(7), other(7);
  EXPECT_EQ(one.run(), other.run());
  EXPECT_EQ(one.history(), other.history());
}

TEST(GroupSimulator, PlantedBugsAreFound) {
  const char* wanted = std::getenv("MILENA_PLANTED");
  if (wanted == nullptr) GTEST_SKIP() << "MILENA_PLANTED tells which, or all: some take minutes";
  for (int bug = 1; bug < static_cast<int>(coordinator::PlantedGroupBug::kCount); ++bug) {
    coordinator::planted_group_bug = static_cast<coordinator::PlantedGroupBug>(bug);
    if (wanted != std::string("all") && wanted != name_of(coordinator::planted_group_bug)) continue;
    std::string failure;
    uint32_t seed = 0;
    while (failure.empty() && seed < kEnough) failure = GroupSimulator(++seed).run();
    EXPECT_FALSE(failure.empty()) << name_of(coordinator::planted_group_bug) << " is not found";
    std::cout << name_of(coordinator::planted_group_bug) << " at seed " << seed << ": " << failure << std::endl;
  }
  coordinator::planted_group_bug = coordinator::PlantedGroupBug::kNone;
}

TEST(GroupSimulator, Replay) {
  const char* seed = std::getenv("MILENA_SEED");
  if (seed == nullptr) GTEST_SKIP() << "MILENA_SEED tells which";
  const char* wanted = std::getenv("MILENA_PLANTED");
  for (int bug = 1; wanted != nullptr && bug < static_cast<int>(coordinator::PlantedGroupBug::kCount); ++bug) {
    if (name_of(static_cast<coordinator::PlantedGroupBug>(bug)) == wanted)
      coordinator::planted_group_bug = static_cast<coordinator::PlantedGroupBug>(bug);
  }
  GroupSimulator simulator(static_cast<uint32_t>(std::atol(seed)));
  std::cout << simulator.run() << "\n" << simulator.history();
  coordinator::planted_group_bug = coordinator::PlantedGroupBug::kNone;
}

}  // namespace
}  // namespace milena
