// xxHash32, which lz4 frames use for their header's checksum byte. For the few bytes of a header: short and plain.
#pragma once

#include <bit>
#include <cstdint>

#include "base/bytes.h"

namespace milena::codecs {

inline uint32_t load_little_endian_32(const char* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof(value));
  static_assert(std::endian::native == std::endian::little);
  return value;
}

// With seed 0.
inline uint32_t xxhash32(ByteView bytes) {
  constexpr uint32_t kPrime1 = 2654435761u, kPrime2 = 2246822519u, kPrime3 = 3266489917u, kPrime4 = 668265263u,
                     kPrime5 = 374761393u;
  uint32_t hash = kPrime5;
  const auto size = static_cast<uint32_t>(bytes.size());
  if (bytes.size() >= 16) {
    uint32_t lanes[4] = {kPrime1 + kPrime2, kPrime2, 0, 0u - kPrime1};
    for (; bytes.size() >= 16; bytes.remove_prefix(16)) {
      for (size_t i = 0; i < 4; i++) {
        lanes[i] = std::rotl(lanes[i] + load_little_endian_32(bytes.data() + 4 * i) * kPrime2, 13) * kPrime1;
      }
    }
    hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
  }
  hash += size;
  for (; bytes.size() >= 4; bytes.remove_prefix(4)) {
    hash = std::rotl(hash + load_little_endian_32(bytes.data()) * kPrime3, 17) * kPrime4;
  }
  for (const char c : bytes) hash = std::rotl(hash + static_cast<uint8_t>(c) * kPrime5, 11) * kPrime1;
  hash = (hash ^ hash >> 15) * kPrime2;
  hash = (hash ^ hash >> 13) * kPrime3;
  return hash ^ hash >> 16;
}

}  // namespace milena::codecs
