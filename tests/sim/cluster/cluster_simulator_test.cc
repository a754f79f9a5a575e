// Runs seeds from MILENA_FIRST (1) on; script/test runs some. To run more of them, or one with its shortened history:
//   MILENA_SEEDS=10000 build/*/tests/sim/cluster/test_cluster_sim --gtest_filter='ClusterSimulator.WhatMustHoldHolds'
//   MILENA_SEED=17 build/*/tests/sim/cluster/test_cluster_sim --gtest_filter='ClusterSimulator.Replay'
// MILENA_WHOLE=1 replays all of the steps, with the brokers' own log.
#include "sim/cluster/cluster_simulator.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "metadata/planted_replication_bugs.h"
#include "sim/seeds.h"

namespace milena::sim {
namespace {

// Steps that the model does not judge well enough yet: only with MILENA_EVERYTHING=1.
bool not_yet(ClusterStepKind kind) {
  static const bool everything = number_or("MILENA_EVERYTHING", 0) != 0;
  switch (kind) {
    case ClusterStepKind::kPowerOff:
    case ClusterStepKind::kPowerOffAll:
    case ClusterStepKind::kReassign:
    case ClusterStepKind::kUnclean:
    case ClusterStepKind::kDeleteTopic:
    case ClusterStepKind::kDeleteRecords: return !everything;
    default: return false;
  }
}

ClusterPlan plan_of(uint64_t seed) {
  ClusterPlan plan = ClusterPlan::of(seed);
  std::erase_if(plan.steps,
                [](const ClusterStep& step) { return not_yet(step.kind) || left_out(name_of(step.kind)); });
  return plan;
}

ApartResult run(const ClusterPlan& plan, bool with_log) {
  return run_apart(
      [&](const OnLine& on_line, std::vector<size_t>& counts) {
        ClusterSimulator simulator(plan, on_line);
        std::string failure = simulator.run();
        counts = {simulator.acknowledged(), simulator.settled(), simulator.deaths(), simulator.elections()};
        return failure;
      },
      with_log);
}

constexpr Histories<ClusterPlan> kHistories{plan_of, run};

TEST(ClusterSimulator, WhatMustHoldHolds) {
  std::vector<size_t> sums = kHistories.expect_nothing_wrong(150);
  sums.resize(4);
  std::cout << sums[0] << " records acknowledged by all, " << sums[1] << " settled, " << sums[2] << " deaths, "
            << sums[3] << " elections\n";
}

TEST(ClusterSimulator, SameSeedSameStory) {
  for (uint64_t seed : {3, 7, 11}) EXPECT_EQ(run(plan_of(seed), false).history, run(plan_of(seed), false).history);
}

std::string_view name_of(metadata::PlantedReplicationBug bug) {
  static constexpr std::string_view kNames[] = {"kNone",
#define MILENA_NAME(name) #name,
                                                MILENA_PLANTED_REPLICATION_BUGS_LIST(MILENA_NAME)
#undef MILENA_NAME
  };
  return kNames[static_cast<size_t>(bug)];
}

TEST(ClusterSimulator, PlantedBugsAreFound) {
  const char* wanted = std::getenv("MILENA_PLANTED");
  if (wanted == nullptr) GTEST_SKIP() << "MILENA_PLANTED tells which, or all: some take minutes";
  kHistories.expect_found(metadata::planted_replication_bug, wanted, name_of);
}

TEST(ClusterSimulator, Replay) {
  if (std::getenv("MILENA_SEED") == nullptr) GTEST_SKIP() << "MILENA_SEED tells which";
  kHistories.replay_wanted(metadata::planted_replication_bug, name_of);
}

}  // namespace
}  // namespace milena::sim
