// Runs each simulated history in its own process, so that an abort or a hang is a failure like any other, and shortens
// failing ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace milena::sim {

struct ApartResult {
  std::string failure;  // empty: nothing was wrong
  std::string history;  // one line per event
  // Shows that a run did something.
  std::vector<size_t> counts;
};

using OnLine = std::function<void(const std::string&)>;

// `history` runs there: it reports its history a line at a time, and returns the fault. `with_log`: the broker's own
// log lines are part of the history.
ApartResult run_apart(const std::function<std::string(const OnLine&, std::vector<size_t>& counts)>& history,
                      bool with_log);

// A failure without its numbers, which change with every omitted step.
std::string kind_of_failure(const std::string& failure);

// Removes steps as long as the plan still fails in the same way. `run` returns the failure of a plan.
template <class Plan>
Plan shrink_steps(Plan plan, const std::string& failure, const std::function<std::string(const Plan&)>& run) {
  const std::string kind = kind_of_failure(failure);
  for (size_t size = std::max<size_t>(plan.steps.size() / 2, 1);; size /= 2) {
    bool shorter = false;
    for (size_t from = 0; from < plan.steps.size();) {
      Plan without = plan;
      auto first = without.steps.begin() + static_cast<std::ptrdiff_t>(from);
      without.steps.erase(first, first + static_cast<std::ptrdiff_t>(std::min(size, plan.steps.size() - from)));
      if (kind_of_failure(run(without)) == kind) {
        plan = std::move(without);
        shorter = true;
      } else {
        from += size;
      }
    }
    if (size == 1 && !shorter) return plan;
    if (size == 1) size = 2;
  }
}

// A setting of the run, from the environment.
uint64_t number_or(const char* name, uint64_t usual);
// With commas between.
bool is_in_list(std::string_view list, std::string_view name);
// Whether MILENA_WITHOUT names it.
bool left_out(std::string_view name);

}  // namespace milena::sim
