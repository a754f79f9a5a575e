// The main program of the node simulators: run many seeds, replay one, search for a planted bug. Each history runs
// apart (sim/apart.h). Controlled by the environment: MILENA_FIRST, MILENA_SEEDS, MILENA_FAILURES, MILENA_SEED,
// MILENA_WHOLE, MILENA_LOG, MILENA_PLANTED.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/apart.h"

namespace milena::sim {

template <class Plan>
struct Histories {
  Plan (*plan_of)(uint64_t seed);
  ApartResult (*run)(const Plan& plan, bool with_log);

  std::string failure_of(const Plan& plan) const { return run(plan, false).failure; }

  void replay(uint64_t seed, bool whole) const {
    Plan plan = plan_of(seed);
    ApartResult result = run(plan, whole);
    if (!result.failure.empty() && !whole) {
      const size_t before = plan.steps.size();
      plan = shrink_steps<Plan>(std::move(plan), result.failure, [this](const Plan& one) { return failure_of(one); });
      result = run(plan, std::getenv("MILENA_LOG") != nullptr);
      std::cout << "seed " << seed << " with " << plan.steps.size() << " of its " << before << " steps\n";
    }
    std::cout << result.history;
    std::cout << "seed " << seed << ": " << (result.failure.empty() ? "nothing is wrong" : result.failure) << std::endl;
  }

  // Runs seeds and expects no failures. Returns the sums of their counts; `usual` is the default number of seeds.
  std::vector<size_t> expect_nothing_wrong(uint64_t usual) const {
    const uint64_t first = number_or("MILENA_FIRST", 1), seeds = number_or("MILENA_SEEDS", usual);
    // Stops after so many failures; a single one is shortened and shown.
    const uint64_t enough = number_or("MILENA_FAILURES", 1);
    std::vector<size_t> sums;
    uint64_t failures = 0;
    for (uint64_t seed = first; seed < first + seeds && failures < enough; seed++) {
      const ApartResult result = run(plan_of(seed), false);
      sums.resize(std::max(sums.size(), result.counts.size()));
      for (size_t i = 0; i < result.counts.size(); i++) sums[i] += result.counts[i];
      if (result.failure.empty()) continue;
      failures++;
      ADD_FAILURE() << "seed " << seed << ": " << result.failure;
      if (enough == 1) replay(seed, false);
    }
    std::cout << seeds << " seeds: ";
    return sums;
  }

  // Expects that each bug, or the chosen one, is found: by a seed that fails with the bug and not without it.
  template <class Bug>
  void expect_found(Bug& planted, std::string_view wanted, std::string_view (*name_of)(Bug)) const {
    const uint64_t first = number_or("MILENA_FIRST", 1), seeds = number_or("MILENA_SEEDS", 10'000);
    for (int number = 1; number < static_cast<int>(Bug::kCount); number++) {
      const auto bug = static_cast<Bug>(number);
      if (wanted != "all" && wanted != name_of(bug)) continue;
      std::string found;
      uint64_t seed = first;
      for (; found.empty() && seed < first + seeds; seed++) {
        planted = bug;
        found = failure_of(plan_of(seed));
        planted = Bug::kNone;
        if (!found.empty() && !failure_of(plan_of(seed)).empty()) found.clear();
      }
      EXPECT_FALSE(found.empty()) << name_of(bug) << " is not found";
      std::cout << name_of(bug) << " at seed " << seed - 1 << ": " << found << std::endl;
    }
  }

  // The seed of MILENA_SEED, with the bug of MILENA_PLANTED.
  template <class Bug>
  void replay_wanted(Bug& planted, std::string_view (*name_of)(Bug)) const {
    const char* wanted = std::getenv("MILENA_PLANTED");
    for (int number = 1; wanted != nullptr && number < static_cast<int>(Bug::kCount); number++) {
      if (wanted == name_of(static_cast<Bug>(number))) planted = static_cast<Bug>(number);
    }
    replay(number_or("MILENA_SEED", 1), number_or("MILENA_WHOLE", 0) != 0);
    planted = Bug::kNone;
  }
};

}  // namespace milena::sim
