// Bytes and strings are the same thing on Kafka's wire: a length and that many octets. So one pair of types serves
// both, and nothing is converted on the way from a frame to a map key.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace milena {

// A view of bytes or text that it does not own. To keep them longer than their owner lives, copy them into Bytes.
using ByteView = std::string_view;
// Owned bytes or text.
using Bytes = std::string;

// Kafka writes every fixed-width integer big-endian, on the wire and on disk.
template <class T>
inline T load_big_endian(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
  return value;
}

template <class T>
inline void store_big_endian(char* to, T value) {
  if constexpr (sizeof(T) == 2) value = static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4) value = static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8) value = static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
  std::memcpy(to, &value, sizeof(T));
}

template <class T>
inline void append_big_endian(Bytes& to, T value) {
  char raw[sizeof(T)];
  store_big_endian(raw, value);
  to.append(raw, sizeof(T));
}

}  // namespace milena
