// All messages of the generator, described field by field, so that tests can create content for each of them without
// the code under test. src/protocol/generator/catalog.py writes the tables.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "protocol/reader.h"
#include "protocol/writer.h"

namespace milena::testing {

enum class FieldType {
  kBool, kInt8, kInt16, kUint16, kInt32, kUint32, kInt64, kFloat64, kUuid, kString, kBytes, kRecords, kStruct,
};

struct VersionRange {
  int16_t low;
  int16_t high;
  constexpr bool has(int16_t version) const { return version >= low && version <= high; }
};

struct StructDescription;

struct FieldDescription {
  const char* name;
  FieldType type;
  bool array;
  VersionRange versions;
  VersionRange nullable;
  VersionRange tagged;
  uint32_t tag;
  int64_t default_number;
  bool default_null;
  const StructDescription* structure;
};

struct StructDescription {
  const char* name;
  std::span<const FieldDescription> fields;
};

// The result of reading bytes as a message and writing it again.
struct Recoded {
  bool read = false;        // the reader succeeded
  size_t left_over = 0;     // bytes behind the message
  Bytes bytes;              // written again
  bool equal = false;       // those bytes read back as an equal message
  bool honest = false;      // equal to a default message if and only if it has the same bytes
};

struct MessageDescription {
  const char* name;
  int16_t api_key;  // -1: not an API
  int16_t min_version;
  int16_t max_version;  // an unstable one included
  int16_t first_flexible_version;
  const StructDescription* root;
  Recoded (*recode)(ByteView bytes, int16_t version);
  Bytes (*write_default)(int16_t version);  // a default message

  bool flexible(int16_t version) const { return version >= first_flexible_version; }
};

template <class Message>
Recoded recode(ByteView bytes, int16_t version) {
  Recoded result;
  Message message;
  Reader reader(bytes);
  message.read(reader, version);
  result.read = reader.ok();
  result.left_over = reader.remaining();
  if (!result.read) return result;
  result.bytes = write_message(message, version);
  Message again;
  result.equal = read_message(result.bytes, version, again) && again == message;
  result.honest = (message == Message()) == (result.bytes == write_message(Message(), version));
  return result;
}

template <class Message>
Bytes write_default(int16_t version) {
  return write_message(Message(), version);
}

std::vector<MessageDescription> all_messages();

}  // namespace milena::testing
