// The entries of a segment's two indexes (Kafka's OffsetIndex and TimeIndex), big-endian, offsets relative to the
// segment's base:
//   .index      8 bytes: i32 last offset of a batch, i32 position of that batch in the .log
//   .timeindex 12 bytes: i64 greatest timestamp of the segment so far, i32 last offset of the batch that has it
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace milena::log {

constexpr size_t kOffsetIndexEntrySize = 8;
constexpr size_t kTimeIndexEntrySize = 12;

struct OffsetIndexEntry {
  static constexpr size_t kSize = kOffsetIndexEntrySize;
  int32_t relative_offset = 0;
  int32_t position = 0;

  bool operator==(const OffsetIndexEntry&) const = default;
  void write(char* to) const {
    store_big_endian(to, relative_offset);
    store_big_endian(to + 4, position);
  }
  static OffsetIndexEntry read(const char* from) {
    return {load_big_endian<int32_t>(from), load_big_endian<int32_t>(from + 4)};
  }
};

struct TimeIndexEntry {
  static constexpr size_t kSize = kTimeIndexEntrySize;
  int64_t timestamp = -1;
  int32_t relative_offset = 0;

  bool operator==(const TimeIndexEntry&) const = default;
  void write(char* to) const {
    store_big_endian(to, timestamp);
    store_big_endian(to + 8, relative_offset);
  }
  static TimeIndexEntry read(const char* from) {
    return {load_big_endian<int64_t>(from), load_big_endian<int32_t>(from + 8)};
  }
};

}  // namespace milena::log
