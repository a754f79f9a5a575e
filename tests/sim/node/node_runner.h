// Runs histories in processes of their own, so that one that aborts or hangs is a failure like any other, and
// makes a failing one shorter.
#pragma once

#include <string>
#include <vector>

#include "sim/node/node_story.h"

namespace milena::sim {

struct Verdict {
  std::string failure;  // empty: nothing was wrong
  std::string history;  // a line an event
  // So that a run can show that it did something.
  size_t acknowledged = 0;
  size_t deaths = 0;
  size_t records_read = 0;
  size_t transactions = 0;
  size_t disk_calls = 0;

  bool ok() const { return failure.empty(); }
};

// `with_log`: the broker's own log lines are part of the history.
Verdict run_apart(const Plan& plan, bool with_log = false);

// Leaves out steps as long as what is left fails in the same way.
Plan shrink(Plan plan, const std::string& failure);

}  // namespace milena::sim
