// Runs seeds from MILENA_FIRST (1) on; script/test runs some. To run more of them, or one with its shortened history:
//   MILENA_SEEDS=10000 build/*/tests/sim/node/test_node_sim --gtest_filter='NodeSimulator.WhatMustHoldHolds'
//   MILENA_SEED=17 build/*/tests/sim/node/test_node_sim --gtest_filter='NodeSimulator.Replay'
// MILENA_WHOLE=1 replays all of the steps, with the broker's own log.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "log/planted_storage_bugs.h"
#include "sim/node/node_simulator.h"
#include "sim/seeds.h"

namespace milena::sim {
namespace {

// MILENA_WITHOUT=Rot,Fill leaves those steps out of every history: to look behind what is known. With MILENA_THEME only
// stories of that theme have steps.
Plan plan_of(uint64_t seed) {
  Plan plan = Plan::of(seed);
  const char* theme = std::getenv("MILENA_THEME");
  if (theme != nullptr && plan.theme != theme) plan.steps.clear();
  if (left_out("PowerOff")) plan.power = false;
  std::erase_if(plan.steps, [](const Step& step) { return left_out(name_of(step.kind)); });
  std::erase_if(plan.topic_settings, [](const auto& one) { return left_out(one.first); });
  return plan;
}

// Indexes of ApartResult::counts.
enum Count : size_t { kAcknowledged, kDeaths, kRecordsRead, kTransactions, kDiskCalls, kCounts };

ApartResult run(const Plan& plan, bool with_log) {
  return run_apart(
      [&](const OnLine& on_line, std::vector<size_t>& counts) {
        NodeSimulator simulator(plan, on_line);
        std::string failure = simulator.run();
        counts = {simulator.acknowledged(), simulator.deaths(), simulator.records_read(), simulator.transactions(),
                  simulator.disk_calls()};
        add_reached(log::planted_storage_bugs, counts);
        return failure;
      },
      with_log);
}

constexpr Histories<Plan> kHistories{plan_of, run};

TEST(NodeSimulator, WhatMustHoldHolds) {
  std::vector<size_t> sums = kHistories.expect_nothing_wrong(300);
  sums.resize(kCounts);
  std::cout << sums[kAcknowledged] << " records acknowledged, " << sums[kTransactions] << " transactions, "
            << sums[kDeaths] << " deaths, " << sums[kRecordsRead] << " records read, " << sums[kDiskCalls]
            << " calls to the disk\n";
}

TEST(NodeSimulator, SameSeedSameStory) {
  for (uint64_t seed : {3, 7, 11}) {
    const ApartResult one = run(Plan::of(seed), false), other = run(Plan::of(seed), false);
    EXPECT_EQ(one.history, other.history);
    EXPECT_EQ(one.counts.at(kDiskCalls), other.counts.at(kDiskCalls));
  }
}

std::string_view name_of(log::PlantedStorageBug bug) {
  static constexpr std::string_view kNames[] = {"kNone",
#define MILENA_NAME(name) #name,
                                                MILENA_PLANTED_STORAGE_BUGS_LIST(MILENA_NAME)
#undef MILENA_NAME
  };
  return kNames[static_cast<size_t>(bug)];
}

TEST(NodeSimulator, PlantedBugsAreFound) {
  const char* wanted = std::getenv("MILENA_PLANTED");
  if (wanted == nullptr) GTEST_SKIP() << "MILENA_PLANTED tells which, or all: some take minutes";
  kHistories.expect_found(log::planted_storage_bugs, wanted, name_of);
}

TEST(NodeSimulator, Replay) {
  if (std::getenv("MILENA_SEED") == nullptr) GTEST_SKIP() << "MILENA_SEED tells which";
  kHistories.replay_wanted(log::planted_storage_bugs, name_of);
}

}  // namespace
}  // namespace milena::sim
