// What a client can make as large as it likes may be larger than the memory that is left. Such work is run through
// fits_into_memory: it fails alone, and whoever asked for it loses its connection. Nothing that must not be left half
// done may run in it; where that begins, functions are noexcept, and the process ends as if it had been killed.
#pragma once

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

}  // namespace milena
