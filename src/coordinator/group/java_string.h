// Properties of Java's String that are visible to Kafka's users: the partition of a group comes from String.hashCode,
// and limits "in characters" count UTF-16 units. Pure functions; each invalid byte of UTF-8 counts one unit, as Java's
// decoder puts U+FFFD there.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace milena::coordinator {

// Calls `unit` with every UTF-16 unit of the text.
template <class Unit>
void for_each_utf16_unit(ByteView text, Unit unit) {
  size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<uint8_t>(text[at]);
    const size_t size = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3
                      : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
    uint32_t point = size < 2 ? lead : lead & (0xFF >> (size + 1));
    bool whole = size > 0 && at + size <= text.size();
    for (size_t i = 1; whole && i < size; ++i) {
      const auto next = static_cast<uint8_t>(text[at + i]);
      whole = (next & 0xC0) == 0x80;
      point = point << 6 | (next & 0x3F);
    }
    if (!whole) {
      unit(static_cast<uint16_t>(0xFFFD));
      ++at;
      continue;
    }
    if (point >= 0x10000) {
      unit(static_cast<uint16_t>(0xD800 + ((point - 0x10000) >> 10)));
      unit(static_cast<uint16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
    } else {
      unit(static_cast<uint16_t>(point));
    }
    at += size;
  }
}

inline size_t utf16_length(ByteView text) {
  size_t length = 0;
  for_each_utf16_unit(text, [&](uint16_t) { ++length; });
  return length;
}

inline int32_t java_hash_code(ByteView text) {
  uint32_t hash = 0;
  for_each_utf16_unit(text, [&](uint16_t unit) { hash = 31 * hash + unit; });
  return static_cast<int32_t>(hash);
}

// The partition of an internal topic for a key: org.apache.kafka.common.utils.Utils.abs(hashCode) % count, where the
// absolute value of the smallest integer is 0. Keys: group id, transactional id, `group:topicId:partition`.
inline int32_t coordinator_partition(ByteView key, int32_t partition_count) {
  const int32_t hash = java_hash_code(key);
  if (hash == INT32_MIN) return 0;
  return (hash < 0 ? -hash : hash) % partition_count;
}

}  // namespace milena::coordinator
