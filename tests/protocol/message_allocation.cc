#include "protocol/message_allocation.h"

#include <cstdint>
#include <cstdlib>
#include <new>

thread_local size_t milena::allocation::largest_allocation = 0;
thread_local size_t milena::allocation::too_large_allocation = SIZE_MAX;

void* operator new(size_t size) {
  if (size > milena::allocation::largest_allocation) milena::allocation::largest_allocation = size;
  void* memory = size < milena::allocation::too_large_allocation ? std::malloc(size == 0 ? 1 : size) : nullptr;
  if (memory != nullptr) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
