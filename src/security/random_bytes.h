// Bytes from a Random: keys, nonces, salts. Pure.
#pragma once

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/random.h"

namespace milena::security {

inline Bytes random_bytes(Random& random, size_t count) {
  Bytes bytes(count, '\0');
  for (size_t at = 0; at < count; at += sizeof(uint64_t)) {
    const uint64_t next = random.next();
    std::memcpy(bytes.data() + at, &next, std::min(sizeof(next), count - at));
  }
  return bytes;
}

}  // namespace milena::security
