// Runs seeds from MILENA_FIRST (0) on. To replay a seed and print its history:
//   MILENA_SEED=17 build/*/tests/sim/test_sim --gtest_filter='TransactionSimulator.Replay' MILENA_SEEDS=10000 runs more
// of them; MILENA_PLANTED=name replays with a planted bug.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "coordinator/transaction/planted_bugs.h"
#include "sim/transaction_simulator.h"

namespace milena {

coordinator::PlantedBug coordinator::planted_bug = coordinator::PlantedBug::kNone;

namespace {

uint32_t seeds_or(uint32_t usual) {
  const char* wanted = std::getenv("MILENA_SEEDS");
  return wanted == nullptr ? usual : static_cast<uint32_t>(std::atol(wanted));
}

uint32_t first_seed() {
  const char* wanted = std::getenv("MILENA_FIRST");
  return wanted == nullptr ? 0 : static_cast<uint32_t>(std::atol(wanted));
}

void print_history(uint32_t seed) {
  TransactionSimulator again(seed, true);
  again.run();
  for (const std::string& line : again.history()) std::cout << line << '\n';
}

TEST(TransactionSimulator, WhatMustHoldHolds) {
  size_t committed = 0, aborted = 0, reloads = 0;
  for (uint32_t seed = first_seed(); seed < first_seed() + seeds_or(300); ++seed) {
    TransactionSimulator simulator(seed);
    const std::string failure = simulator.run();
    if (!failure.empty()) {
      print_history(seed);
      FAIL() << "seed " << seed << ": " << failure;
    }
    committed += simulator.committed();
    aborted += simulator.aborted();
    reloads += simulator.reloads();
  }
  // The simulator must have done something.
  EXPECT_GT(committed, seeds_or(300) * 20);
  EXPECT_GT(aborted, seeds_or(300) * 5);
  EXPECT_GT(reloads, seeds_or(300) * 5);
  std::cout << committed << " committed, " << aborted << " aborted, " << reloads << " reloads\n";
}

TEST(TransactionSimulator, SameSeedSameStory) {
  TransactionSimulator one(7, true), other(7, true);
  EXPECT_EQ(one.run(), other.run());
  EXPECT_EQ(one.history(), other.history());
}

TEST(TransactionSimulator, PlantedBugsAreFound) {
  for (int bug = 1; bug < static_cast<int>(coordinator::PlantedBug::kCount); ++bug) {
    coordinator::planted_bug = static_cast<coordinator::PlantedBug>(bug);
    std::string failure;
    uint32_t seed = 0;
    while (failure.empty() && seed < 10'000) failure = TransactionSimulator(seed++).run();
    EXPECT_FALSE(failure.empty()) << "bug " << bug << " is not found";
    std::cout << "bug " << bug << " after " << seed << " seeds: " << failure << '\n';
  }
  coordinator::planted_bug = coordinator::PlantedBug::kNone;
}

TEST(TransactionSimulator, Replay) {
  const char* seed = std::getenv("MILENA_SEED");
  if (seed == nullptr) GTEST_SKIP() << "MILENA_SEED tells which";
  if (const char* bug = std::getenv("MILENA_PLANTED"))
    coordinator::planted_bug = static_cast<coordinator::PlantedBug>(std::atoi(bug));
  print_history(static_cast<uint32_t>(std::atol(seed)));
  coordinator::planted_bug = coordinator::PlantedBug::kNone;
}

}  // namespace
}  // namespace milena
