// The layout of all records of __consumer_offsets and __transaction_state: the key is its type (int16) and its fields,
// the value its version (int16) and its fields; a null value is a tombstone.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "coordinator/group/group_types.h"
#include "protocol/reader.h"
#include "protocol/writer.h"

namespace milena::coordinator {

template <class Message>
Bytes prefixed(int16_t prefix, const Message& message, int16_t version) {
  Bytes bytes;
  append_big_endian(bytes, prefix);
  return bytes + write_message(message, version);
}

template <class Key>
CoordinatorRecord make_tombstone(const Key& key) {
  return {prefixed(Key::kType, key, 0), std::nullopt};
}

template <class Key, class Value>
CoordinatorRecord make_record(const Key& key, const Value& value, int16_t version) {
  return {prefixed(Key::kType, key, 0), prefixed(version, value, version)};
}

template <class Key>
bool parse_record_key(Reader& reader, Key& key) {
  key.read(reader, 0);
  return reader.ok() && reader.remaining() == 0;
}

// Bytes behind the last field are ignored, as in Kafka.
template <class Value>
bool parse_record_value(ByteView bytes, Value& value) {
  Reader reader(bytes);
  const int16_t version = reader.read_int16();
  if (!reader.ok() || version < Value::kMinVersion || version > Value::kMaxVersion) return false;
  value.read(reader, version);
  return reader.ok();
}

}  // namespace milena::coordinator
