// DescribedConfig: one config of a resource in responses of DescribeConfigs and CreateTopics. Values only; created by
// topic_config.h, broker_config.h, group_config.h and client_metrics_config.h. Source: Kafka's ConfigHelper,
// DescribeConfigsResponse.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/config_def.h"
#include "config/config_map.h"
#include "protocol/error_code.h"

namespace milena::config {

// Where a value comes from; the numbers are those of DescribeConfigs.
enum class ConfigSource : int8_t {
  kUnknown = 0,
  kDynamicTopic = 1,
  kDynamicBroker = 2,         // ConfigRecord(BROKER, "<id>")
  kDynamicDefaultBroker = 3,  // ConfigRecord(BROKER, "")
  kStaticBroker = 4,          // the settings file
  kDefault = 5,
  kDynamicBrokerLogger = 6,
  kClientMetrics = 7,
  kGroup = 8,
};

// An error in a resource's configs.
struct ConfigError {
  Bytes message;
  ErrorCode code = ErrorCode::kInvalidConfig;
};

struct DescribedConfig {
  struct Synonym {
    Bytes name;
    std::optional<Bytes> value;
    ConfigSource source = ConfigSource::kDefault;
  };
  // Null for an unknown name.
  const ConfigDef* def = nullptr;
  Bytes name;
  std::optional<Bytes> value;
  ConfigSource source = ConfigSource::kDefault;
  bool read_only = false;
  // The creator leaves the values out.
  bool sensitive = false;
  // Most specific first; the config itself if the resource sets it, then its fallbacks.
  std::vector<Synonym> synonyms;
};

// "" if there is none.
inline ByteView default_text(const ConfigDef& def) { return def.default_value == nullptr ? "" : def.default_value; }

// Kafka's DynamicConfig of a resource that has values of its own over defaults: `own` as text, else the first
// synonym's.
inline void take_source_of_first_synonym(DescribedConfig& config) {
  if (!config.synonyms.empty()) config.source = config.synonyms.front().source;
}

}  // namespace milena::config
