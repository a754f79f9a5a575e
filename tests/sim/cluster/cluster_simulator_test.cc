// Runs seeds from MILENA_FIRST (1) on; script/test runs some. To run more of them, or one with its shortened history:
//   MILENA_SEEDS=10000 build/*/tests/sim/cluster/test_cluster_sim --gtest_filter='ClusterSimulator.WhatMustHoldHolds'
//   MILENA_SEED=17 build/*/tests/sim/cluster/test_cluster_sim --gtest_filter='ClusterSimulator.Replay'
// MILENA_WHOLE=1 replays all of the steps, with the brokers' own log.
#include "sim/cluster/cluster_simulator.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "log/planted_storage_bugs.h"
#include "metadata/planted_replication_bugs.h"
#include "sim/seeds.h"

namespace milena::sim {
namespace {

ClusterPlan plan_of(uint64_t seed) {
  ClusterPlan plan = ClusterPlan::of(seed);
  std::erase_if(plan.steps, [](const ClusterStep& step) { return left_out(name_of(step.kind)); });
  return plan;
}

ApartResult run(const ClusterPlan& plan, bool with_log) {
  return run_apart(
      [&](const OnLine& on_line, std::vector<size_t>& counts) {
        ClusterSimulator simulator(plan, on_line);
        std::string failure = simulator.run();
        counts = {simulator.acknowledged(), simulator.settled(), simulator.deaths(), simulator.elections(),
                  simulator.given(),        simulator.ended(),   simulator.commits()};
        add_reached(metadata::planted_replication_bugs, counts);
        add_reached(log::planted_replica_bugs, counts);
        return failure;
      },
      with_log);
}

constexpr Histories<ClusterPlan> kHistories{plan_of, run};

TEST(ClusterSimulator, WhatMustHoldHolds) {
  std::vector<size_t> sums = kHistories.expect_nothing_wrong(150);
  sums.resize(7);
  std::cout << sums[0] << " records acknowledged by all, " << sums[1] << " settled, " << sums[2] << " deaths, "
            << sums[3] << " elections, " << sums[4] << " records read, " << sums[5] << " transactions committed, "
            << sums[6] << " offsets committed\n";
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

std::string_view name_of(log::PlantedReplicaBug bug) {
  static constexpr std::string_view kNames[] = {"kNone",
#define MILENA_NAME(name) #name,
                                                MILENA_PLANTED_REPLICA_BUGS_LIST(MILENA_NAME)
#undef MILENA_NAME
  };
  return kNames[static_cast<size_t>(bug)];
}

TEST(ClusterSimulator, PlantedBugsAreFound) {
  const char* wanted = std::getenv("MILENA_PLANTED");
  if (wanted == nullptr) GTEST_SKIP() << "MILENA_PLANTED tells which, or all: some take minutes";
  constexpr auto kReplicaBugs = static_cast<size_t>(log::PlantedReplicaBug::kCount);
  kHistories.expect_found(metadata::planted_replication_bugs, wanted, name_of, kReplicaBugs);
  kHistories.expect_found(log::planted_replica_bugs, wanted, name_of);
}

TEST(ClusterSimulator, Replay) {
  if (std::getenv("MILENA_SEED") == nullptr) GTEST_SKIP() << "MILENA_SEED tells which";
  kHistories.replay_wanted(metadata::planted_replication_bugs, name_of);
}

}  // namespace
}  // namespace milena::sim
