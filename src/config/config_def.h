// The definitions of all configs, one row each. Parsing, validation, DescribeConfigs and the reference page
// (docs/configuration.md) come from these rows: those of the broker here, those of topics, groups and client metrics in
// metadata/.
//
// Names, types, defaults, ranges and scopes are those that Apache Kafka 4.3.1 prints (KafkaConfig's ConfigDef and the
// like; compat/configs compares them). Where Milena's default differs, because one node must work without settings, the
// row has both.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace milena::config {

// The numbers are those of DescribeConfigs answers (ConfigType).
enum class ConfigType : int8_t {
  kBoolean = 1, kString = 2, kInt = 3, kShort = 4, kLong = 5, kDouble = 6, kList = 7, kClass = 8, kPassword = 9,
};

// How a setting may be altered while the broker runs, in Kafka's words.
enum class ConfigScope : int8_t { kReadOnly, kPerBroker, kClusterWide };

struct ConfigDef {
  const char* name;
  ConfigType type;
  const char* default_value;  // null: no value
  // "" anything; "[1,...]" or "[1,...,9]" a range, optionally followed by "or -1"; "{a, b}" one of these (for a list:
  // some of these), in any case if followed by "any case"; "non-empty"; "items" (a list without empty items);
  // "throttled-replicas", "offset-reset": kinds of text of their own.
  const char* valid;
  ConfigScope scope;
  uint8_t marks;
  const char* documentation;
  const char* kafka_default = nullptr;  // if it differs
};

// Marks.
constexpr uint8_t kConfigHonoured = 1;  // Milena supports it
constexpr uint8_t kConfigInternal = 2;  // shown by DescribeConfigs only when set
constexpr uint8_t kConfigNoEffect = 4;  // no effect: concerns the JVM or a part that Milena does not have

// All settings of the broker, ordered by name.
std::span<const ConfigDef> broker_configs();
// Null if there is none with this name.
const ConfigDef* find_broker_config(ByteView name);
// Position of a row in broker_configs().
size_t config_index(const ConfigDef& def);

// Checks the text against the row; the error has what was expected ("an integer of at least 1").
Status check_config_value(const ConfigDef& def, ByteView text);
// The same for clients: Kafka's message about the text, with the config's name in it; nothing if the text is valid.
std::optional<Bytes> config_complaint(const ConfigDef& def, ByteView text);
// The value as Kafka shows it after parsing: without blanks, a list without repetitions. Invalid text is returned
// unchanged.
Bytes canonical_config_value(const ConfigDef& def, ByteView text);
// An integer that fits kInt, kShort or kLong.
std::optional<int64_t> parse_integer_of(ConfigType type, ByteView text);
// "an integer of at least 1"
std::string describe_expected(const ConfigDef& def);

// A setting of earlier Kafka versions. The hint names the replacement.
struct RemovedConfig {
  const char* name;
  const char* hint;
};
const RemovedConfig* find_removed_config(ByteView name);

// The number of insertions, deletions and replacements between the two.
size_t edit_distance(ByteView a, ByteView b);
// The most similar known name; empty if none is similar.
std::string nearest_config_name(ByteView name);

const char* config_type_name(ConfigType type);
const char* config_scope_name(ConfigScope scope);

// The parts of the table, one per file, in any order.
std::span<const ConfigDef> config_rows_node();
std::span<const ConfigDef> config_rows_network();
std::span<const ConfigDef> config_rows_log();
std::span<const ConfigDef> config_rows_groups();
std::span<const ConfigDef> config_rows_security();
std::span<const ConfigDef> config_rows_operations();

}  // namespace milena::config
