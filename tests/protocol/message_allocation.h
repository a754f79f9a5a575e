// Counts this thread's allocations. It replaces the program's operator new.
#pragma once

#include <cstddef>

namespace milena::allocation {

// The largest single allocation since it was last set to zero.
extern thread_local size_t largest_allocation;
// Allocations of at least this size fail.
extern thread_local size_t too_large_allocation;

// Limits memory during its lifetime.
class ScarceMemory {
 public:
  explicit ScarceMemory(size_t too_large) { too_large_allocation = too_large; }
  ~ScarceMemory() { too_large_allocation = static_cast<size_t>(-1); }
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;
};

}  // namespace milena::allocation
