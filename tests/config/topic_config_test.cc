#include "config/topic_config.h"

#include "metadata/layered_settings.h"
#include "metadata/metadata_fixture.h"

namespace milena::config {
namespace {

namespace testing = milena::metadata::testing;
using Synonyms = std::vector<std::pair<Bytes, ConfigSource>>;

bool accepts(ByteView name, ByteView value) {
  return !validate_topic_config(name, value);
}

// Kafka 4.3.1's response to CreateTopics with one config.
TEST(TopicConfig, AcceptsWhatKafkaAccepts) {
  for (const auto& [name, value] :
       std::vector<std::pair<ByteView, ByteView>>{{"cleanup.policy", ""},
                                                  {"cleanup.policy", "delete,compact"},
                                                  {"cleanup.policy", "delete,delete"},
                                                  {"cleanup.policy", " delete , compact "},
                                                  {"compression.type", " gzip "},
                                                  {"compression.gzip.level", "-1"},
                                                  {"compression.zstd.level", "0"},
                                                  {"segment.bytes", "1048576"},
                                                  {"preallocate", "TRUE"},
                                                  {"preallocate", " true "},
                                                  {"min.cleanable.dirty.ratio", "1e-1"},
                                                  {"min.cleanable.dirty.ratio", "0.5f"},
                                                  {"min.cleanable.dirty.ratio", "NaN"},
                                                  {"retention.ms", " 5 "},
                                                  {"retention.ms", "+5"},
                                                  {"message.timestamp.type", "LogAppendTime"},
                                                  {"leader.replication.throttled.replicas", "*"},
                                                  {"leader.replication.throttled.replicas", "0:1,1:1"},
                                                  {"leader.replication.throttled.replicas", ""},
                                                  {"leader.replication.throttled.replicas", "1:2,"},
                                                  {"min.insync.replicas", "5"},
                                                  {"retention.bytes", "-5"},
                                                  {"local.retention.ms", "-1"},
                                                  {"remote.storage.enable", "false"},
                                                  {"remote.log.copy.disable", "true"},
                                                  {"segment.jitter.ms", "9999999999999"},
                                                  {"internal.segment.bytes", "0"}}) {
    EXPECT_TRUE(accepts(name, value)) << name << "=" << value;
  }
}

TEST(TopicConfig, RefusesWhatKafkaRefuses) {
  for (const auto& [name, value] :
       std::vector<std::pair<ByteView, ByteView>>{{"nope", "1"},
                                                  {"", "1"},
                                                  {"message.format.version", "2.8"},
                                                  {"message.downconversion.enable", "false"},
                                                  {"message.timestamp.difference.max.ms", "5"},
                                                  {"errors.deadletterqueue.group.enable", "true"},
                                                  {"retention.ms", "x"},
                                                  {"retention.ms", "-2"},
                                                  {"retention.ms", ""},
                                                  {"retention.ms", "0x10"},
                                                  {"cleanup.policy", "foo"},
                                                  {"cleanup.policy", "none"},
                                                  {"cleanup.policy", "delete,,compact"},
                                                  {"cleanup.policy", "delete,"},
                                                  {"compression.type", "GZIP"},
                                                  {"compression.type", "none"},
                                                  {"compression.type", ""},
                                                  {"compression.gzip.level", "0"},
                                                  {"compression.gzip.level", "10"},
                                                  {"compression.lz4.level", "0"},
                                                  {"compression.lz4.level", "18"},
                                                  {"compression.zstd.level", "23"},
                                                  {"segment.bytes", "1000"},
                                                  {"segment.bytes", "99999999999"},
                                                  {"preallocate", "yes"},
                                                  {"preallocate", ""},
                                                  {"min.cleanable.dirty.ratio", "1.5"},
                                                  {"min.cleanable.dirty.ratio", "-0.1"},
                                                  {"min.cleanable.dirty.ratio", "x"},
                                                  {"min.cleanable.dirty.ratio", "1e400"},
                                                  {"message.timestamp.type", "foo"},
                                                  {"leader.replication.throttled.replicas", "x"},
                                                  {"leader.replication.throttled.replicas", "0:1,*"},
                                                  {"leader.replication.throttled.replicas", "-1:2"},
                                                  {"leader.replication.throttled.replicas", "1:2:3"},
                                                  {"leader.replication.throttled.replicas", "1:"},
                                                  {"min.insync.replicas", "0"},
                                                  {"flush.messages", "0"},
                                                  {"local.retention.bytes", "-3"},
                                                  {"max.message.bytes", "-1"},
                                                  {"max.message.bytes", "2147483648"},
                                                  {"segment.ms", "0"},
                                                  {"segment.index.bytes", "3"},
                                                  {"max.compaction.lag.ms", "0"},
                                                  {"index.interval.bytes", "-1"},
                                                  {"min.compaction.lag.ms", "-1"},
                                                  {"file.delete.delay.ms", "-1"}}) {
    EXPECT_FALSE(accepts(name, value)) << name << "=" << value;
  }
}

TEST(TopicConfig, MessagesTellNameValueAndReason) {
  const auto message = [](ByteView name, ByteView value) {
    return validate_topic_config(name, value)->message;
  };
  EXPECT_EQ(message("retention.ms", "-2"),
            "Invalid value -2 for configuration retention.ms: Value must be at least -1");
  EXPECT_EQ(message("retention.ms", "x"),
            "Invalid value x for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(message("cleanup.policy", "foo"),
            "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete");
  EXPECT_EQ(message("compression.gzip.level", "0"),
            "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1");
  EXPECT_EQ(message("nope", "1"), "Unknown topic config name: nope");
}

TEST(TopicConfig, ChecksConfigsTogether) {
  const auto refused = [](const ConfigMap& configs, const BrokerSettings& broker = no_broker_settings) {
    return validate_topic_configs(configs, broker).has_value();
  };
  EXPECT_TRUE(refused({{"min.compaction.lag.ms", "10"}, {"max.compaction.lag.ms", "5"}}));
  EXPECT_FALSE(refused({{"min.compaction.lag.ms", "5"}, {"max.compaction.lag.ms", "5"}}));
  EXPECT_TRUE(refused({{"remote.storage.enable", "true"}}));
  EXPECT_FALSE(refused({{"local.retention.ms", "10"}, {"retention.ms", "5"}}));
  EXPECT_TRUE(refused(
      {{"min.compaction.lag.ms", "10"}}, [](ConfigSource layer, ByteView name) -> std::optional<Bytes> {
        if (layer == ConfigSource::kStaticBroker && name == "log.cleaner.max.compaction.lag.ms") return "7";
        return std::nullopt;
      }));
  // Names before values.
  EXPECT_EQ(
      validate_topic_configs({{"nope", "x"}, {"a", "y"}, {"retention.ms", "z"}}, no_broker_settings)->message,
      "Unknown topic config name: a");
}

TEST(TopicConfig, TheTableIsWhole) {
  EXPECT_EQ(topic_configs_by_name().size(), 33u);
  for (const TopicConfigDef& config : topic_config_defs()) {
    EXPECT_FALSE(ByteView(config.def.documentation).empty()) << config.def.name;
    if (config.hidden()) continue;
    EXPECT_TRUE(accepts(config.def.name, config.def.default_value)) << config.def.name;
  }
}

TEST(TopicConfig, DefaultsOfTheStructAreThoseOfTheTable) {
  EXPECT_EQ(resolve_topic_config({}, no_broker_settings), TopicConfig());
}

TEST(TopicConfig, ResolvesTopicBeforeBroker) {
  const BrokerSettings broker = [](ConfigSource layer, ByteView name) -> std::optional<Bytes> {
    if (layer == ConfigSource::kStaticBroker && name == "log.retention.hours") return "10";
    if (layer == ConfigSource::kStaticBroker && name == "message.max.bytes") return "2000";
    if (layer == ConfigSource::kDynamicDefaultBroker && name == "message.max.bytes") return "3000";
    if (layer == ConfigSource::kStaticBroker && name == "log.roll.hours") return "garbage";
    return std::nullopt;
  };
  const TopicConfig config = resolve_topic_config({{"cleanup.policy", "compact"},
                                                   {"compression.type", "zstd"},
                                                   {"message.timestamp.type", "LogAppendTime"},
                                                   {"segment.bytes", "no"}},
                                                  broker);
  EXPECT_TRUE(config.cleanup_compact);
  EXPECT_FALSE(config.cleanup_delete);
  EXPECT_EQ(config.compression, TopicCompression::kZstd);
  EXPECT_TRUE(config.log_append_time);
  EXPECT_EQ(config.retention_ms, 36'000'000);
  EXPECT_EQ(config.max_message_bytes, 3000);
  EXPECT_EQ(config.segment_ms, 604'800'000);
  EXPECT_EQ(config.segment_bytes, 1 << 30);
  EXPECT_EQ(resolve_topic_config({{"internal.segment.bytes", "100"}}, broker).segment_bytes, 100);
  EXPECT_EQ(
      resolve_topic_config({},
                           [](ConfigSource layer, ByteView name) -> std::optional<Bytes> {
                             if (layer == ConfigSource::kStaticBroker && name == "log.retention.minutes")
                               return "-1";
                             return std::nullopt;
                           })
          .retention_ms,
      -1);
}

const DescribedConfig& named(const std::vector<DescribedConfig>& all, ByteView name) {
  for (const DescribedConfig& each : all) {
    if (each.name == name) return each;
  }
  ADD_FAILURE() << "no " << name;
  return all.front();
}

Synonyms synonyms(const DescribedConfig& config) {
  Synonyms list;
  for (const auto& each : config.synonyms)
    list.emplace_back(each.name + "=" + each.value.value_or("null"), each.source);
  return list;
}

// Kafka 4.3.1's description of a topic with segment.ms=99999 with these settings.
TEST(TopicConfig, DescribesAsKafkaDoes) {
  metadata::MetadataImage image;
  testing::apply(image, {testing::config(metadata::ResourceType::kBroker, "1", "log.retention.bytes", "1000000"),
                         testing::config(metadata::ResourceType::kBroker, "", "log.segment.bytes", "1048577"),
                         testing::config(metadata::ResourceType::kBroker, "", "log.roll.jitter.ms", "5"),
                         testing::config(metadata::ResourceType::kBroker, "", "min.insync.replicas", "1")});
  Settings start;
  for (const auto& [name, value] : ConfigMap{{"log.retention.hours", "10"},    {"log.roll.hours", "5"},
                                             {"log.roll.jitter.hours", "1"},   {"log.flush.interval.ms", "100"},
                                             {"message.max.bytes", "2000000"}, {"min.insync.replicas", "1"}}) {
    ASSERT_TRUE(start.set(name, value).ok());
  }
  const BrokerSettings broker = metadata::layered_broker_settings(image, 1, &start);
  const auto all = describe_topic_configs({{"segment.ms", "99999"}, {"preallocate", " TRUE"}}, broker);
  EXPECT_EQ(all.size(), 33u);

  EXPECT_EQ(synonyms(named(all, "min.insync.replicas")),
            (Synonyms{{"min.insync.replicas=1", ConfigSource::kDynamicDefaultBroker},
                      {"min.insync.replicas=1", ConfigSource::kStaticBroker},
                      {"min.insync.replicas=1", ConfigSource::kDefault}}));
  EXPECT_EQ(named(all, "min.insync.replicas").source, ConfigSource::kDynamicDefaultBroker);
  EXPECT_EQ(synonyms(named(all, "segment.jitter.ms")),
            (Synonyms{{"log.roll.jitter.ms=5", ConfigSource::kDynamicDefaultBroker},
                      {"log.roll.jitter.hours=1", ConfigSource::kStaticBroker},
                      {"log.roll.jitter.hours=0", ConfigSource::kDefault}}));
  EXPECT_EQ(named(all, "segment.jitter.ms").value, "5");
  EXPECT_EQ(synonyms(named(all, "flush.ms")),
            (Synonyms{{"log.flush.interval.ms=100", ConfigSource::kStaticBroker},
                      {"log.flush.scheduler.interval.ms=9223372036854775807", ConfigSource::kDefault}}));
  // Only under another name: shown as a default.
  EXPECT_EQ(named(all, "retention.ms").value, "36000000");
  EXPECT_EQ(named(all, "retention.ms").source, ConfigSource::kDefault);
  EXPECT_TRUE(named(all, "retention.ms").synonyms.empty());
  EXPECT_EQ(synonyms(named(all, "segment.ms")),
            (Synonyms{{"segment.ms=99999", ConfigSource::kDynamicTopic}}));
  EXPECT_EQ(synonyms(named(all, "retention.bytes")),
            (Synonyms{{"log.retention.bytes=1000000", ConfigSource::kDynamicBroker},
                      {"log.retention.bytes=-1", ConfigSource::kDefault}}));
  EXPECT_EQ(synonyms(named(all, "preallocate")),
            (Synonyms{{"preallocate=true", ConfigSource::kDynamicTopic},
                      {"log.preallocate=false", ConfigSource::kDefault}}));
  EXPECT_TRUE(named(all, "remote.storage.enable").synonyms.empty());
  EXPECT_EQ(named(all, "remote.storage.enable").source, ConfigSource::kDefault);

  // CreateTopics returns the source even if the unit differs.
  const auto effective = effective_topic_configs({{"cleanup.policy", "compact"}}, broker);
  EXPECT_EQ(named(effective, "retention.ms").value, "36000000");
  EXPECT_EQ(named(effective, "retention.ms").source, ConfigSource::kStaticBroker);
  EXPECT_EQ(named(effective, "segment.ms").value, "18000000");
  EXPECT_EQ(named(effective, "segment.jitter.ms").source, ConfigSource::kDynamicDefaultBroker);
  EXPECT_EQ(named(effective, "cleanup.policy").source, ConfigSource::kDynamicTopic);
  EXPECT_EQ(named(effective, "flush.messages").source, ConfigSource::kDefault);
}

TEST(TopicConfig, ShowsHiddenConfigsOnlyWhereTheyAreSet) {
  EXPECT_EQ(describe_topic_configs({{"internal.segment.bytes", "100"}}, no_broker_settings).size(), 34u);
  EXPECT_EQ(effective_topic_configs({{"internal.segment.bytes", "100"}}, no_broker_settings).size(), 34u);
}

}  // namespace
}  // namespace milena::config
