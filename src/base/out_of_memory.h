// What a client can make as large as it likes may be larger than the memory that is left. Such work is run through
// fits_into_memory: it fails alone, and whoever asked for it loses its connection. Nothing that must not be left half
// done may run in it. Such work is run through whole_or_not: the process ends, as if it had been killed.
#pragma once

#include <cstdlib>
#include <new>
#include <utility>

namespace milena {

template <class Work>
[[nodiscard]] bool fits_into_memory(Work&& work) {
  try {
    std::forward<Work>(work)();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// Not a noexcept function: a simulated process dies by an exception of its own.
template <class Work>
auto whole_or_not(Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const std::bad_alloc&) {
    std::abort();
  }
}

}  // namespace milena
