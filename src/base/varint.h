// Kafka's variable-length integers (org.apache.kafka.common.utils.ByteUtils): seven bits a byte, least significant
// first. Records hold them zig-zag (varint, varlong), flexible messages unsigned.
// As in Kafka, a fifth (tenth) byte may not announce another one, and its bits beyond the type are dropped.
#pragma once

#include "base/bytes.h"

namespace milena {

constexpr size_t kMaxVarintSize = 5;
constexpr size_t kMaxVarlongSize = 10;

constexpr uint32_t zigzag_encode(int32_t value) {
  return (static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31);
}
constexpr uint64_t zigzag_encode(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
constexpr int32_t zigzag_decode(uint32_t value) {
  return static_cast<int32_t>((value >> 1) ^ (~(value & 1) + 1));
}
constexpr int64_t zigzag_decode(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

constexpr size_t unsigned_varint_size(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}
constexpr size_t varint_size(int32_t value) { return unsigned_varint_size(zigzag_encode(value)); }
constexpr size_t varlong_size(int64_t value) { return unsigned_varint_size(zigzag_encode(value)); }

// Writes into memory with room for kMaxVarlongSize bytes; returns the end of the written bytes.
inline char* write_unsigned_varlong(char* to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
  *to++ = static_cast<char>(value);
  return to;
}
inline char* write_unsigned_varint(char* to, uint32_t value) { return write_unsigned_varlong(to, value); }
inline char* write_varint(char* to, int32_t value) { return write_unsigned_varlong(to, zigzag_encode(value)); }
inline char* write_varlong(char* to, int64_t value) { return write_unsigned_varlong(to, zigzag_encode(value)); }

inline void append_unsigned_varlong(Bytes& to, uint64_t value) {
  char raw[kMaxVarlongSize];
  to.append(raw, static_cast<size_t>(write_unsigned_varlong(raw, value) - raw));
}
inline void append_unsigned_varint(Bytes& to, uint32_t value) { append_unsigned_varlong(to, value); }
inline void append_varint(Bytes& to, int32_t value) { append_unsigned_varlong(to, zigzag_encode(value)); }
inline void append_varlong(Bytes& to, int64_t value) { append_unsigned_varlong(to, zigzag_encode(value)); }

// The readers return the end of the number, or nullptr if it is cut off at `end` or too long. Nearly all numbers have
// one or two bytes, and three in the later records of a large batch, so these are read without a loop.
template <class T, size_t MaxSize>
inline const char* read_unsigned_number(const char* from, const char* end, T& value) {
  const auto byte_at = [from](size_t i) { return static_cast<T>(static_cast<uint8_t>(from[i])); };
  if (end - from >= 2) [[likely]] {
    if (byte_at(0) < 0x80) {
      value = byte_at(0);
      return from + 1;
    }
    if (byte_at(1) < 0x80) {
      value = (byte_at(0) & 0x7f) | byte_at(1) << 7;
      return from + 2;
    }
    if (end - from >= 3 && byte_at(2) < 0x80) {
      value = (byte_at(0) & 0x7f) | (byte_at(1) & 0x7f) << 7 | byte_at(2) << 14;
      return from + 3;
    }
  }
  const auto size = static_cast<size_t>(end - from) < MaxSize ? static_cast<size_t>(end - from) : MaxSize;
  T result = 0;
  for (size_t i = 0; i < size; i++) {
    result |= (byte_at(i) & 0x7f) << (7 * i);
    if (byte_at(i) < 0x80) {
      value = result;
      return from + i + 1;
    }
  }
  return nullptr;
}

inline const char* read_unsigned_varint(const char* from, const char* end, uint32_t& value) {
  return read_unsigned_number<uint32_t, kMaxVarintSize>(from, end, value);
}

inline const char* read_unsigned_varlong(const char* from, const char* end, uint64_t& value) {
  return read_unsigned_number<uint64_t, kMaxVarlongSize>(from, end, value);
}

inline const char* read_varint(const char* from, const char* end, int32_t& value) {
  uint32_t raw = 0;
  from = read_unsigned_varint(from, end, raw);
  value = zigzag_decode(raw);
  return from;
}

inline const char* read_varlong(const char* from, const char* end, int64_t& value) {
  uint64_t raw = 0;
  from = read_unsigned_varlong(from, end, raw);
  value = zigzag_decode(raw);
  return from;
}

}  // namespace milena
