// ConfigRule: the definition of one config, and the check of one value against it (Kafka's ConfigDef: types,
// parsing, validators). Plain constants, made for static tables. Topic configs use it now; whatever else is
// described and altered can.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/config_def.h"

namespace milena {

enum class ConfigCheck : uint8_t {
  kNone,
  kRange,              // min and max, either may be open
  kRangeOrMinusOne,    // compression.gzip.level
  kOneOf,              // the words of `valid`; every entry for a list
  kThrottledReplicas,  // "*" or partition:broker pairs
};

struct ConfigRule {
  ByteView name;
  ConfigType type = ConfigType::kString;
  ByteView default_value;
  ConfigCheck check = ConfigCheck::kNone;
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  ByteView valid;  // "compact, delete"
  ByteView documentation;
};

// Why `value` is refused, with all that Kafka's message tells; nullopt if it is accepted.
std::optional<Bytes> check_config_rule(const ConfigRule& def, ByteView value);

// The value as Kafka shows it once it was parsed: without blanks, a list without repetitions. Text that is
// not of the type stays.
Bytes canonical_config_value(const ConfigRule& def, ByteView value);

// Parsing as Kafka does: blanks around are ignored, numbers are Java's. nullopt: not of that type.
std::optional<bool> parse_config_bool(ByteView text);
std::optional<int64_t> parse_config_int(ByteView text, ConfigType type);  // kInt, kShort or kLong
std::optional<double> parse_config_double(ByteView text);
// "a, b,c" -> a b c. Empty text is the empty list.
std::vector<ByteView> parse_config_list(ByteView text);

ByteView trim_config_value(ByteView text);

}  // namespace milena
