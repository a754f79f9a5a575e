// The subset of JSON in Kafka's state files (quorum-state, .kafka_cleanshutdown): objects, arrays, integers and
// strings. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace milena::log {

struct JsonValue {
  enum class Kind { kNull, kBool, kInteger, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  int64_t integer = 0;  // of a bool: 0 or 1
  std::string text;
  std::vector<JsonValue> array;
  std::map<std::string, JsonValue> members;

  // Null if there is no such member.
  const JsonValue* member(const std::string& name) const;
  // The member's value, or the default if it is missing or of another kind.
  int64_t integer_or(const std::string& name, int64_t fallback) const;
  std::string string_or(const std::string& name, std::string fallback) const;
};

// kCorrupt unless the whole text is one value, nested at most 16 deep. Numbers must be whole.
Result<JsonValue> parse_json(ByteView text);
// The text in quotes, escaped.
std::string json_string(ByteView text);

}  // namespace milena::log
