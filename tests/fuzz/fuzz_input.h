// Splits a fuzzer's bytes into choices and content.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"

namespace milena::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  uint8_t choice() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return value;
  }
  uint16_t wide_choice() { return static_cast<uint16_t>(choice() << 8 | choice()); }
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
};

}  // namespace milena::fuzz
