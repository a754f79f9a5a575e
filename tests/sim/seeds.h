// The main program of the node simulators: run many seeds, replay one, search for a planted bug. Each history runs
// apart (sim/apart.h). Controlled by the environment: MILENA_FIRST, MILENA_SEEDS, MILENA_FAILURES, MILENA_SEED,
// MILENA_WHOLE, MILENA_LOG, MILENA_PLANTED.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/planted_bug.h"
#include "sim/apart.h"

namespace milena::sim {

// The last of a history's counts: which switches of planted bugs it reached.
template <class Bug>
void add_reached(const PlantedBugs<Bug>& bugs, std::vector<size_t>& counts) {
  for (int bug = 0; bug < static_cast<int>(Bug::kCount); bug++)
    counts.push_back(bugs.reached(static_cast<Bug>(bug)) ? 1 : 0);
}

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

  // Each bug, or the one that is wanted, is found: a seed fails with it and not without it. Says of each how many of
  // the seeds that were run came by its switch, and in how many it made another story. MILENA_FAILURES: how many finds
  // are enough; MILENA_TELL: names the seeds that came by the switch and do not fail. `behind`: the number of counts
  // that follow those of these bugs.
  template <class Bug>
  void expect_found(PlantedBugs<Bug>& bugs, std::string_view wanted, std::string_view (*name_of)(Bug),
                    size_t behind = 0) const {
    const uint64_t first = number_or("MILENA_FIRST", 1), seeds = number_or("MILENA_SEEDS", 10'000);
    const uint64_t enough = number_or("MILENA_FAILURES", 1);
    const bool tells = std::getenv("MILENA_TELL") != nullptr;
    std::vector<Honest> honest;  // by seed, from the first on
    for (int number = 1; number < static_cast<int>(Bug::kCount); number++) {
      const auto bug = static_cast<Bug>(number);
      if (wanted != "all" && !is_in_list(wanted, name_of(bug))) continue;
      uint64_t runs = 0, reached = 0, altered = 0, found = 0;
      for (; found < enough && runs < seeds; runs++) {
        const uint64_t seed = first + runs;
        if (runs == honest.size()) honest.push_back(run_honestly<Bug>(seed, behind));
        const Honest& without = honest[runs];
        if (without.failed || !without.reached.at(static_cast<size_t>(bug))) continue;
        reached++;
        bugs.plant(bug);
        const ApartResult with = run(plan_of(seed), false);
        bugs.plant(Bug::kNone);
        const bool other = fingerprint<Bug>(with, behind) != without.fingerprint;
        altered += other ? 1 : 0;
        if (with.failure.empty() && tells)
          std::cout << "seed " << seed << (other ? ": another story" : ": the same story") << std::endl;
        if (with.failure.empty()) continue;
        found++;
        std::cout << name_of(bug) << " at seed " << seed << ": " << with.failure << std::endl;
      }
      EXPECT_GT(found, 0u) << name_of(bug) << " is not found";
      std::cout << name_of(bug) << ": " << runs << " seeds, reached in " << reached << ", another story in " << altered
                << ", found in " << found << std::endl;
    }
  }

  // The seed of MILENA_SEED, with the bug of MILENA_PLANTED.
  template <class Bug>
  void replay_wanted(PlantedBugs<Bug>& bugs, std::string_view (*name_of)(Bug)) const {
    const char* wanted = std::getenv("MILENA_PLANTED");
    for (int number = 1; wanted != nullptr && number < static_cast<int>(Bug::kCount); number++) {
      if (wanted == name_of(static_cast<Bug>(number))) bugs.plant(static_cast<Bug>(number));
    }
    replay(number_or("MILENA_SEED", 1), number_or("MILENA_WHOLE", 0) != 0);
    bugs.plant(Bug::kNone);
  }

 private:
  // A seed without a bug.
  struct Honest {
    bool failed = false;
    size_t fingerprint = 0;
    std::vector<bool> reached;  // by bug
  };
  template <class Bug>
  Honest run_honestly(uint64_t seed, size_t behind) const {
    const Plan plan = plan_of(seed);
    if (plan.steps.empty()) return {true, 0, {}};  // of another theme than the wanted one
    const ApartResult result = run(plan, false);
    Honest one{!result.failure.empty(), fingerprint<Bug>(result, behind), {}};
    const auto bugs = static_cast<size_t>(Bug::kCount);
    if (result.counts.size() >= bugs + behind) {
      const auto end = result.counts.end() - static_cast<std::ptrdiff_t>(behind);
      one.reached.assign(end - static_cast<std::ptrdiff_t>(bugs), end);
    } else {
      one.failed = true;
    }
    return one;
  }
  template <class Bug>
  static size_t fingerprint(const ApartResult& result, size_t behind) {
    std::string all = result.history;
    for (size_t i = 0; i + static_cast<size_t>(Bug::kCount) + behind < result.counts.size(); i++)
      all += "," + std::to_string(result.counts[i]);
    return std::hash<std::string>()(all);
  }
};

}  // namespace milena::sim
