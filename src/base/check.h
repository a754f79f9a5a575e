// CHECK: an assertion about our own code. Always on; a broken one prints the values and aborts, because a broker
// that goes on after its own bug loses data later. Never for input: bad input has an ErrorCode or an Error.
#pragma once

#include <string>

#include <fmt/core.h>

namespace milena {

[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& message);

}  // namespace milena

// CHECK(a < b) or CHECK(a < b, "log {}: a={} b={}", name, a, b)
#define CHECK(condition, ...)                                                                          \
  do {                                                                                                 \
    if (!(condition)) [[unlikely]]                                                                     \
      ::milena::check_failed(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__));           \
  } while (false)
