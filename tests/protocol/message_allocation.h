// Counts this thread's allocations. It replaces the program's operator new.
#pragma once

#include <cstddef>

namespace milena::allocation {

// The largest single allocation since it was last set to zero.
extern thread_local size_t largest_allocation;
// From this size on there is no memory.
extern thread_local size_t too_large_allocation;

// For as long as it lives.
class ScarceMemory {
 public:
  explicit ScarceMemory(size_t too_large) { too_large_allocation = too_large; }
  ~ScarceMemory() { too_large_allocation = static_cast<size_t>(-1); }
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;
};

}  // namespace milena::allocation
