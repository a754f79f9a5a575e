#include "config/topic_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/config_values.h"

namespace milena::config {
namespace {

// The layers of set values, without the defaults.
constexpr std::array kSetLayers{ConfigSource::kDynamicBroker, ConfigSource::kDynamicDefaultBroker,
                                ConfigSource::kStaticBroker};

std::optional<Bytes> in_topic_unit(const ConfigSynonym& synonym, Bytes value) {
  if (synonym.unit == SynonymUnit::kSame) return value;
  const std::optional<int64_t> amount = parse_integer_of(ConfigType::kInt, value);
  if (!amount) return std::nullopt;
  if (*amount < 0) return "-1";
  return fmt::format("{}", *amount * (synonym.unit == SynonymUnit::kHours ? 3'600'000 : 60'000));
}

std::optional<Bytes> default_of(const ConfigSynonym& synonym, const BrokerSettings& broker) {
  if (std::optional<Bytes> value = broker(ConfigSource::kDefault, synonym.name)) return value;
  if (synonym.default_value.empty()) return std::nullopt;
  return Bytes(synonym.default_value);
}

// The broker's effective value of a topic config: the most specific setting that is set, whatever its layer.
Bytes broker_value(const TopicConfigDef& config, const BrokerSettings& broker) {
  for (const ConfigSynonym& synonym : config.synonyms) {
    for (const ConfigSource layer : kSetLayers) {
      std::optional<Bytes> value = broker(layer, synonym.name);
      if (value) value = in_topic_unit(synonym, std::move(*value));
      if (value && !config_complaint(config.def, *value)) return std::move(*value);
    }
  }
  return Bytes(default_text(config.def));
}

Bytes effective_value(const TopicConfigDef& config, const ConfigMap& overrides,
                      const BrokerSettings& broker) {
  if (const auto own = overrides.find(config.def.name); own != overrides.end()) {
    if (!config_complaint(config.def, own->second)) return own->second;
  }
  return broker_value(config, broker);
}

int64_t whole(ByteView name, const ConfigMap& overrides, const BrokerSettings& broker) {
  const TopicConfigDef& config = *find_topic_config(name);
  return parse_integer_of(config.def.type, effective_value(config, overrides, broker)).value_or(0);
}

std::optional<ConfigError> check_together(const ConfigMap& overrides, const BrokerSettings& broker) {
  const int64_t min_lag = whole("min.compaction.lag.ms", overrides, broker);
  const int64_t max_lag = whole("max.compaction.lag.ms", overrides, broker);
  if (min_lag > max_lag) {
    return ConfigError{fmt::format(
        "conflict topic config setting min.compaction.lag.ms ({}) > max.compaction.lag.ms ({})", min_lag, max_lag)};
  }
  const auto remote = overrides.find("remote.storage.enable");
  if (remote != overrides.end() && parse_boolean(remote->second) == true) {
    return ConfigError{
        "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."};
  }
  return std::nullopt;
}

ConfigError unknown_name(ByteView name) {
  return {fmt::format("Unknown topic config name: {}", name)};
}

TopicCompression compression_of(ByteView text) {
  static constexpr std::array<std::pair<ByteView, TopicCompression>, 6> kCompressionNames{{
      {"producer", TopicCompression::kProducer},
      {"uncompressed", TopicCompression::kUncompressed},
      {"gzip", TopicCompression::kGzip},
      {"snappy", TopicCompression::kSnappy},
      {"lz4", TopicCompression::kLz4},
      {"zstd", TopicCompression::kZstd},
  }};
  for (const auto& [name, compression] : kCompressionNames) {
    if (name == trim_blanks(text)) return compression;
  }
  return TopicCompression::kProducer;
}

// The configs that a response shows, in overrides or not.
std::vector<const TopicConfigDef*> shown(const ConfigMap& overrides) {
  const auto visible = topic_configs_by_name();
  std::vector<const TopicConfigDef*> configs(visible.begin(), visible.end());
  for (const TopicConfigDef& config : topic_config_defs()) {
    if (config.hidden() && overrides.contains(config.def.name)) configs.push_back(&config);
  }
  std::sort(configs.begin(), configs.end(), [](auto* a, auto* b) { return ByteView(a->def.name) < b->def.name; });
  return configs;
}

// Kafka's ConfigHelper.configSynonyms: all set values, layer by layer, from the first entry of the primary name on.
std::vector<DescribedConfig::Synonym> broker_synonyms(const TopicConfigDef& config,
                                                      const BrokerSettings& broker) {
  std::vector<DescribedConfig::Synonym> found;
  if (config.synonyms.empty()) return found;
  for (const ConfigSource layer : kSetLayers) {
    for (const ConfigSynonym& synonym : config.synonyms) {
      if (auto value = broker(layer, synonym.name))
        found.push_back({Bytes(synonym.name), std::move(*value), layer});
    }
  }
  for (const ConfigSynonym& synonym : config.synonyms) {
    if (auto value = default_of(synonym, broker))
      found.push_back({Bytes(synonym.name), std::move(*value), ConfigSource::kDefault});
  }
  const auto primary = std::find_if(found.begin(), found.end(), [&](const auto& each) {
    return each.name == config.synonyms.front().name;
  });
  found.erase(found.begin(), primary);
  return found;
}

}  // namespace

std::optional<Bytes> no_broker_settings(ConfigSource, ByteView) {
  return std::nullopt;
}

std::optional<ConfigError> validate_topic_config(ByteView name, ByteView value) {
  const TopicConfigDef* config = find_topic_config(name);
  if (config == nullptr) return unknown_name(name);
  if (std::optional<Bytes> message = config_complaint(config->def, value))
    return ConfigError{std::move(*message)};
  return std::nullopt;
}

std::optional<ConfigError> validate_topic_configs(const ConfigMap& overrides, const BrokerSettings& broker) {
  for (const auto& [name, value] : overrides) {
    if (find_topic_config(name) == nullptr) return unknown_name(name);
  }
  for (const TopicConfigDef& config : topic_config_defs()) {
    const auto set = overrides.find(config.def.name);
    if (set == overrides.end()) continue;
    if (std::optional<Bytes> message = config_complaint(config.def, set->second))
      return ConfigError{std::move(*message)};
  }
  return check_together(overrides, broker);
}

TopicConfig resolve_topic_config(const ConfigMap& overrides, const BrokerSettings& broker) {
  const auto text = [&](ByteView name) {
    return effective_value(*find_topic_config(name), overrides, broker);
  };
  const auto long_of = [&](ByteView name) { return whole(name, overrides, broker); };
  const auto int_of = [&](ByteView name) { return static_cast<int32_t>(whole(name, overrides, broker)); };
  const auto bool_of = [&](ByteView name) { return parse_boolean(text(name)).value_or(false); };

  TopicConfig config;
  const Bytes policy_text = text("cleanup.policy");
  const std::vector<ByteView> policy = split_list(policy_text);
  config.cleanup_delete = std::find(policy.begin(), policy.end(), "delete") != policy.end();
  config.cleanup_compact = std::find(policy.begin(), policy.end(), "compact") != policy.end();
  config.compression = compression_of(text("compression.type"));
  config.compression_gzip_level = int_of("compression.gzip.level");
  config.compression_lz4_level = int_of("compression.lz4.level");
  config.compression_zstd_level = int_of("compression.zstd.level");
  config.delete_retention_ms = long_of("delete.retention.ms");
  config.file_delete_delay_ms = long_of("file.delete.delay.ms");
  config.flush_messages = long_of("flush.messages");
  config.flush_ms = long_of("flush.ms");
  config.index_interval_bytes = int_of("index.interval.bytes");
  config.local_retention_bytes = long_of("local.retention.bytes");
  config.local_retention_ms = long_of("local.retention.ms");
  config.max_compaction_lag_ms = long_of("max.compaction.lag.ms");
  config.max_message_bytes = int_of("max.message.bytes");
  config.message_timestamp_after_max_ms = long_of("message.timestamp.after.max.ms");
  config.message_timestamp_before_max_ms = long_of("message.timestamp.before.max.ms");
  config.log_append_time = trim_blanks(text("message.timestamp.type")) == "LogAppendTime";
  config.min_cleanable_dirty_ratio = parse_double(text("min.cleanable.dirty.ratio")).value_or(0.5);
  config.min_compaction_lag_ms = long_of("min.compaction.lag.ms");
  config.min_insync_replicas = int_of("min.insync.replicas");
  config.preallocate = bool_of("preallocate");
  config.retention_bytes = long_of("retention.bytes");
  config.retention_ms = long_of("retention.ms");
  config.segment_bytes = int_of("segment.bytes");
  if (overrides.contains("internal.segment.bytes")) config.segment_bytes = int_of("internal.segment.bytes");
  config.segment_index_bytes = int_of("segment.index.bytes");
  config.segment_jitter_ms = long_of("segment.jitter.ms");
  config.segment_ms = long_of("segment.ms");
  config.unclean_leader_election = bool_of("unclean.leader.election.enable");
  return config;
}

std::vector<DescribedConfig> describe_topic_configs(const ConfigMap& overrides,
                                                    const BrokerSettings& broker) {
  std::vector<DescribedConfig> described;
  for (const TopicConfigDef* config : shown(overrides)) {
    DescribedConfig& one = described.emplace_back();
    one.def = &config->def;
    one.name = config->def.name;
    one.value = canonical_config_value(config->def, effective_value(*config, overrides, broker));
    one.synonyms = broker_synonyms(*config, broker);
    if (overrides.contains(config->def.name)) {
      one.synonyms.insert(one.synonyms.begin(),
                          {Bytes(config->def.name), one.value, ConfigSource::kDynamicTopic});
    }
    take_source_of_first_synonym(one);
  }
  return described;
}

std::vector<DescribedConfig> effective_topic_configs(const ConfigMap& overrides,
                                                     const BrokerSettings& broker) {
  // Kafka's KafkaConfigSchema: layer before synonym.
  const auto from_broker = [&broker](const TopicConfigDef& config, DescribedConfig& one) {
    for (const ConfigSource layer : kSetLayers) {
      for (const ConfigSynonym& synonym : config.synonyms) {
        std::optional<Bytes> value = broker(layer, synonym.name);
        if (value) value = in_topic_unit(synonym, std::move(*value));
        if (!value) continue;
        one.value = std::move(*value);
        one.source = layer;
        return;
      }
    }
    one.value = Bytes(default_text(config.def));
  };
  std::vector<DescribedConfig> effective;
  for (const TopicConfigDef* config : shown(overrides)) {
    DescribedConfig& one = effective.emplace_back();
    one.def = &config->def;
    one.name = config->def.name;
    if (const auto own = overrides.find(config->def.name); own != overrides.end()) {
      one.value = own->second;
      one.source = ConfigSource::kDynamicTopic;
    } else {
      from_broker(*config, one);
    }
  }
  return effective;
}

}  // namespace milena::config
