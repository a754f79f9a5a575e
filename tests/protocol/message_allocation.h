// The largest single allocation of this thread since it was last set to zero. A program that uses it gets operator new replaced.
#pragma once

#include <cstddef>

namespace milena::testing {

extern thread_local size_t largest_allocation;

}  // namespace milena::testing
