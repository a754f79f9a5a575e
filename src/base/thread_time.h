// Processor time that the calling thread has used, for those who are billed by it.
#pragma once

#include <cstdint>

namespace milena {

int64_t thread_cpu_ns();

}  // namespace milena
