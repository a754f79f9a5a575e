// Some work is as large as a client likes, and may need more memory than there is. fits_into_memory runs such work:
// only the work fails, and the client loses its connection. It must not run anything that may not be left half done.
// whole_or_not runs that: on failure the process ends, as if it had been killed.
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

// Not noexcept: a simulated process dies by an exception.
template <class Work>
auto whole_or_not(Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const std::bad_alloc&) {
    std::abort();
  }
}

}  // namespace milena
