// Seeds are run from MILENA_FIRST (1) on, by script/test some of them. More of them, and one with its
// history, made shorter:
//   MILENA_SEEDS=10000 build/*/tests/sim/node/test_node_sim --gtest_filter='NodeSimulator.WhatMustHoldHolds'
//   MILENA_SEED=17 build/*/tests/sim/node/test_node_sim --gtest_filter='NodeSimulator.Replay'
// MILENA_WHOLE=1 replays all of the steps, with the broker's own log.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "log/planted_storage_bugs.h"
#include "sim/apart.h"
#include "sim/node/node_runner.h"

namespace milena::sim {
namespace {

// MILENA_WITHOUT=Rot,Fill leaves those steps out of every history: to look behind what is known.
Plan plan_of(uint64_t seed) {
  Plan plan = Plan::of(seed);
  if (left_out("PowerOff")) plan.power = false;
  std::erase_if(plan.steps, [](const Step& step) { return left_out(name_of(step.kind)); });
  std::erase_if(plan.topic_settings, [](const auto& one) { return left_out(one.first); });
  return plan;
}

void replay(uint64_t seed, bool whole) {
  Plan plan = plan_of(seed);
  Verdict verdict = run_apart(plan, whole);
  if (!verdict.ok() && !whole) {
    const size_t before = plan.steps.size();
    plan = shrink(std::move(plan), verdict.failure);
    verdict = run_apart(plan, std::getenv("MILENA_LOG") != nullptr);
    std::cout << "seed " << seed << " with " << plan.steps.size() << " of its " << before << " steps\n";
  }
  std::cout << verdict.history;
  std::cout << "seed " << seed << ": " << (verdict.ok() ? "nothing is wrong" : verdict.failure) << std::endl;
}

TEST(NodeSimulator, WhatMustHoldHolds) {
  const uint64_t first = number_or("MILENA_FIRST", 1), seeds = number_or("MILENA_SEEDS", 300);
  // How many failures are gathered before it is enough; each is made shorter and shown.
  const uint64_t enough = number_or("MILENA_FAILURES", 1);
  Verdict sum;
  uint64_t failures = 0;
  for (uint64_t seed = first; seed < first + seeds && failures < enough; seed++) {
    const Verdict verdict = run_apart(plan_of(seed));
    sum.acknowledged += verdict.acknowledged;
    sum.deaths += verdict.deaths;
    sum.records_read += verdict.records_read;
    sum.transactions += verdict.transactions;
    sum.disk_calls += verdict.disk_calls;
    if (verdict.ok()) continue;
    failures++;
    ADD_FAILURE() << "seed " << seed << ": " << verdict.failure;
    if (enough == 1) replay(seed, false);
  }
  std::cout << seeds << " seeds: " << sum.acknowledged << " records acknowledged, " << sum.transactions
            << " transactions, " << sum.deaths << " deaths, " << sum.records_read << " records read, "
            << sum.disk_calls << " calls to the disk\n";
}

TEST(NodeSimulator, SameSeedSameStory) {
  for (uint64_t seed : {3, 7, 11}) {
    const Verdict one = run_apart(Plan::of(seed)), other = run_apart(Plan::of(seed));
    EXPECT_EQ(one.history, other.history);
    EXPECT_EQ(one.disk_calls, other.disk_calls);
  }
}

std::string_view name_of(PlantedStorageBug bug) {
  static constexpr std::string_view kNames[] = {"kNone",
#define MILENA_NAME(name) #name,
                                                MILENA_PLANTED_STORAGE_BUGS_LIST(MILENA_NAME)
#undef MILENA_NAME
  };
  return kNames[static_cast<size_t>(bug)];
}

// A seed counts that fails with the bug and not without it.
TEST(NodeSimulator, PlantedBugsAreFound) {
  const char* wanted = std::getenv("MILENA_PLANTED");
  if (wanted == nullptr) GTEST_SKIP() << "MILENA_PLANTED tells which, or all: some take minutes";
  const uint64_t first = number_or("MILENA_FIRST", 1), seeds = number_or("MILENA_SEEDS", 10'000);
  for (int bug = 1; bug < static_cast<int>(PlantedStorageBug::kCount); bug++) {
    const auto planted = static_cast<PlantedStorageBug>(bug);
    if (wanted != std::string_view("all") && wanted != name_of(planted)) continue;
    std::string found;
    uint64_t seed = first;
    for (; found.empty() && seed < first + seeds; seed++) {
      planted_storage_bug = planted;
      found = run_apart(plan_of(seed)).failure;
      planted_storage_bug = PlantedStorageBug::kNone;
      if (!found.empty() && !run_apart(plan_of(seed)).ok()) found.clear();
    }
    EXPECT_FALSE(found.empty()) << name_of(planted) << " is not found";
    std::cout << name_of(planted) << " at seed " << seed - 1 << ": " << found << std::endl;
  }
}

TEST(NodeSimulator, Replay) {
  if (std::getenv("MILENA_SEED") == nullptr) GTEST_SKIP() << "MILENA_SEED tells which";
  const char* wanted = std::getenv("MILENA_PLANTED");
  for (int bug = 1; wanted != nullptr && bug < static_cast<int>(PlantedStorageBug::kCount); bug++) {
    if (wanted == name_of(static_cast<PlantedStorageBug>(bug)))
      planted_storage_bug = static_cast<PlantedStorageBug>(bug);
  }
  replay(number_or("MILENA_SEED", 1), number_or("MILENA_WHOLE", 0) != 0);
  planted_storage_bug = PlantedStorageBug::kNone;
}

}  // namespace
}  // namespace milena::sim
