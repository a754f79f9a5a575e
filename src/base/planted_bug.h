// PlantedBugs: which of a list of bugs on purpose is switched on, and which of the switches a history came by. Lists
// are in log/planted_storage_bugs.h and metadata/planted_replication_bugs.h; the tests' build alone has them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace milena {

// `Bug` is an enum from kNone to kCount. Simulators run in one thread at a time, other tests of the same build do not.
template <class Bug>
class PlantedBugs {
 public:
  void plant(Bug bug) { planted_.store(bug, std::memory_order_relaxed); }
  // At the place of its mend.
  bool is_here(Bug bug) {
    reached_[static_cast<size_t>(bug)].store(true, std::memory_order_relaxed);
    return planted_.load(std::memory_order_relaxed) == bug;
  }
  bool reached(Bug bug) const { return reached_[static_cast<size_t>(bug)].load(std::memory_order_relaxed); }

 private:
  std::atomic<Bug> planted_ = Bug::kNone;
  std::array<std::atomic<bool>, static_cast<size_t>(Bug::kCount)> reached_ = {};
};

}  // namespace milena
