// The bytes of one record <-> its fields. Inline and without allocation: produce validation runs this over every
// record that passes through the broker. The layout is in record_iterator.h, the checks are those of DefaultRecord.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/varint.h"

namespace milena {

struct RecordFields {
  int64_t timestamp_delta = 0;
  int32_t offset_delta = 0;
  // Negative: null.
  int32_t key_size = -1;
  int32_t value_size = -1;
  int32_t header_count = 0;
  const char* key = nullptr;
  const char* value = nullptr;
  // Behind the header count, to the record's end.
  const char* headers = nullptr;
};

// Moves over a length and that many bytes; a negative length is null and has none.
inline const char* pass_sized(const char* from, const char* end, int32_t& size, const char*& content) {
  from = read_varint(from, end, size);
  content = from;
  if (from == nullptr || size <= 0) return from;
  return size <= end - from ? from + size : nullptr;
}

inline const char* pass_headers(const char* from, const char* end, int32_t count) {
  for (; count > 0; count--) {
    int32_t key_size = 0, value_size = 0;
    const char* content = nullptr;
    from = pass_sized(from, end, key_size, content);
    if (from == nullptr || key_size < 0) return nullptr;
    from = pass_sized(from, end, value_size, content);
    if (from == nullptr) return nullptr;
  }
  return from;
}

// Reads a record's body, the bytes that its length field counts. False if they are not exactly one record.
[[gnu::always_inline]] inline bool read_record_fields(const char* from, const char* end, RecordFields& fields) {
  if (from == end) return false;
  from++;  // the attributes, all unused
  if ((from = read_varlong(from, end, fields.timestamp_delta)) == nullptr) return false;
  if ((from = read_varint(from, end, fields.offset_delta)) == nullptr) return false;
  if ((from = pass_sized(from, end, fields.key_size, fields.key)) == nullptr) return false;
  if ((from = pass_sized(from, end, fields.value_size, fields.value)) == nullptr) return false;
  if ((from = read_varint(from, end, fields.header_count)) == nullptr) return false;
  fields.headers = from;
  if (fields.header_count == 0) [[likely]] return from == end;
  if (fields.header_count < 0) return false;
  return pass_headers(from, end, fields.header_count) == end;
}

}  // namespace milena
