// Topic configs of Kafka 4.3: one table, and everything derived from it: validation (CreateTopics, AlterConfigs),
// effective values (the log, Produce), and the answers of DescribeConfigs and CreateTopics.
//
// Pure functions over text: configs are stored and sent as text, and become typed in TopicConfig. The broker's own
// settings come in through BrokerSettings. Validation returns Kafka's error codes, with its information in the message.
// Source: Kafka's LogConfig, TopicConfig, ServerTopicConfigSynonyms, ConfigHelper, KafkaConfigSchema.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "config/config_def.h"
#include "config/described_config.h"
#include "config/settings.h"

namespace milena::config {

// The broker setting of that name at that layer (kDynamicBroker to kDefault); nullopt if the layer does not set it. The
// layer kDefault may omit settings without a default; for unknown ones the table below has the default.
using BrokerSettings = std::function<std::optional<Bytes>(ConfigSource layer, ByteView name)>;
// A broker with nothing set.
std::optional<Bytes> no_broker_settings(ConfigSource layer, ByteView name);

// How a broker setting's unit becomes the topic config's.
enum class SynonymUnit : uint8_t { kSame, kHours, kMinutes };
struct ConfigSynonym {
  ByteView name;
  SynonymUnit unit = SynonymUnit::kSame;
  // Kafka's broker's default; empty: null.
  ByteView default_value;
};

struct TopicConfigDef {
  ConfigDef def;
  std::span<const ConfigSynonym> synonyms;  // most specific first
  // Known, but shown only if set.
  bool hidden() const { return (def.marks & kConfigInternal) != 0; }
};

// In the order in which Kafka checks them.
std::span<const TopicConfigDef> topic_config_defs();
const TopicConfigDef* find_topic_config(ByteView name);

// The visible ones, by name.
std::span<const TopicConfigDef* const> topic_configs_by_name();

// nullopt: valid. `overrides` is everything that would be set on the topic afterwards; for the checks across configs,
// other values come from the broker. A null value in a request is refused before.
std::optional<ConfigError> validate_topic_configs(const ConfigMap& overrides, const BrokerSettings& broker);
// Validates one config, without the others.
std::optional<ConfigError> validate_topic_config(ByteView name, ByteView value);

// --- effective values

// The codec of stored batches; kProducer keeps the producer's.
enum class TopicCompression : uint8_t { kProducer, kUncompressed, kGzip, kSnappy, kLz4, kZstd };

struct TopicConfig {
  bool cleanup_delete = true;
  bool cleanup_compact = false;
  TopicCompression compression = TopicCompression::kProducer;
  int32_t compression_gzip_level = -1;
  int32_t compression_lz4_level = 9;
  int32_t compression_zstd_level = 3;
  int64_t delete_retention_ms = 86'400'000;
  int64_t file_delete_delay_ms = 60'000;
  int64_t flush_messages = std::numeric_limits<int64_t>::max();
  int64_t flush_ms = std::numeric_limits<int64_t>::max();
  int32_t index_interval_bytes = 4096;
  int64_t local_retention_bytes = -2;
  int64_t local_retention_ms = -2;
  int64_t max_compaction_lag_ms = std::numeric_limits<int64_t>::max();
  int32_t max_message_bytes = 1'048'588;
  int64_t message_timestamp_after_max_ms = 3'600'000;
  int64_t message_timestamp_before_max_ms = std::numeric_limits<int64_t>::max();
  bool log_append_time = false;  // message.timestamp.type
  double min_cleanable_dirty_ratio = 0.5;
  int64_t min_compaction_lag_ms = 0;
  int32_t min_insync_replicas = 1;
  bool preallocate = false;
  int64_t retention_bytes = -1;
  int64_t retention_ms = 604'800'000;
  int32_t segment_bytes = 1 << 30;
  int32_t segment_index_bytes = 10 << 20;
  int64_t segment_jitter_ms = 0;
  int64_t segment_ms = 604'800'000;
  bool unclean_leader_election = false;

  bool operator==(const TopicConfig&) const = default;
};

// Values that do not parse (a foreign log may hold any text) fall back to the next layer.
TopicConfig resolve_topic_config(const ConfigMap& overrides, const BrokerSettings& broker);

// --- answers

// For DescribeConfigs of a topic: every visible config and those that are set, by name. No topic config is
// read-only or sensitive. As in Kafka, synonyms begin only where the first broker synonym has a value, and a
// config without them counts as a default.
std::vector<DescribedConfig> describe_topic_configs(const ConfigMap& overrides, const BrokerSettings& broker);
// For the response of CreateTopics v5+: the same without synonyms; the source is set even if a unit had to be
// converted.
std::vector<DescribedConfig> effective_topic_configs(const ConfigMap& overrides,
                                                     const BrokerSettings& broker);

}  // namespace milena::config
