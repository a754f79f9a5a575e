#include "protocol/message_allocation.h"

#include <cstdlib>
#include <new>

thread_local size_t milena::testing::largest_allocation = 0;

void* operator new(size_t size) {
  if (size > milena::testing::largest_allocation) milena::testing::largest_allocation = size;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
