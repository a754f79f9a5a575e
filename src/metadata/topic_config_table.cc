// The table of topic configs: names, types, defaults, limits and broker settings of Kafka 4.3.1 (as its
// LogConfig prints them); the documentation is ours.
#include <algorithm>
#include <array>

#include "metadata/topic_config.h"

namespace milena {
namespace {

constexpr ByteView kMaxLong = "9223372036854775807";

constexpr ConfigRule boolean(ByteView name, ByteView documentation) {
  return {
      .name = name, .type = ConfigType::kBoolean, .default_value = "false", .documentation = documentation};
}
constexpr ConfigRule number(ByteView name, ConfigType type, ByteView default_value, double min,
                            ByteView documentation) {
  return {.name = name,
          .type = type,
          .default_value = default_value,
          .check = ConfigCheck::kRange,
          .min = min,
          .documentation = documentation};
}
constexpr ConfigRule words(ByteView name, ConfigType type, ByteView default_value, ByteView valid,
                           ByteView documentation) {
  return {.name = name,
          .type = type,
          .default_value = default_value,
          .check = ConfigCheck::kOneOf,
          .valid = valid,
          .documentation = documentation};
}
constexpr ConfigRule throttled(ByteView name, ByteView documentation) {
  return {.name = name,
          .type = ConfigType::kList,
          .default_value = "",
          .check = ConfigCheck::kThrottledReplicas,
          .documentation = documentation};
}

// The broker settings that topic configs follow.
constexpr ConfigSynonym kSegmentBytes[]{{"log.segment.bytes", SynonymUnit::kSame, "1073741824"}};
constexpr ConfigSynonym kSegmentMs[]{{"log.roll.ms"}, {"log.roll.hours", SynonymUnit::kHours, "168"}};
constexpr ConfigSynonym kSegmentJitterMs[]{{"log.roll.jitter.ms"},
                                           {"log.roll.jitter.hours", SynonymUnit::kHours, "0"}};
constexpr ConfigSynonym kSegmentIndexBytes[]{{"log.index.size.max.bytes", SynonymUnit::kSame, "10485760"}};
constexpr ConfigSynonym kFlushMessages[]{{"log.flush.interval.messages", SynonymUnit::kSame, kMaxLong}};
constexpr ConfigSynonym kFlushMs[]{{"log.flush.interval.ms"},
                                   {"log.flush.scheduler.interval.ms", SynonymUnit::kSame, kMaxLong}};
constexpr ConfigSynonym kRetentionBytes[]{{"log.retention.bytes", SynonymUnit::kSame, "-1"}};
constexpr ConfigSynonym kRetentionMs[]{{"log.retention.ms"},
                                       {"log.retention.minutes", SynonymUnit::kMinutes},
                                       {"log.retention.hours", SynonymUnit::kHours, "168"}};
constexpr ConfigSynonym kMaxMessageBytes[]{{"message.max.bytes", SynonymUnit::kSame, "1048588"}};
constexpr ConfigSynonym kIndexIntervalBytes[]{{"log.index.interval.bytes", SynonymUnit::kSame, "4096"}};
constexpr ConfigSynonym kDeleteRetentionMs[]{
    {"log.cleaner.delete.retention.ms", SynonymUnit::kSame, "86400000"}};
constexpr ConfigSynonym kMinCompactionLagMs[]{{"log.cleaner.min.compaction.lag.ms", SynonymUnit::kSame, "0"}};
constexpr ConfigSynonym kMaxCompactionLagMs[]{
    {"log.cleaner.max.compaction.lag.ms", SynonymUnit::kSame, kMaxLong}};
constexpr ConfigSynonym kFileDeleteDelayMs[]{{"log.segment.delete.delay.ms", SynonymUnit::kSame, "60000"}};
constexpr ConfigSynonym kMinCleanableRatio[]{{"log.cleaner.min.cleanable.ratio", SynonymUnit::kSame, "0.5"}};
constexpr ConfigSynonym kCleanupPolicy[]{{"log.cleanup.policy", SynonymUnit::kSame, "delete"}};
constexpr ConfigSynonym kUnclean[]{{"unclean.leader.election.enable", SynonymUnit::kSame, "false"}};
constexpr ConfigSynonym kMinInsync[]{{"min.insync.replicas", SynonymUnit::kSame, "1"}};
constexpr ConfigSynonym kCompressionType[]{{"compression.type", SynonymUnit::kSame, "producer"}};
constexpr ConfigSynonym kGzipLevel[]{{"compression.gzip.level", SynonymUnit::kSame, "-1"}};
constexpr ConfigSynonym kLz4Level[]{{"compression.lz4.level", SynonymUnit::kSame, "9"}};
constexpr ConfigSynonym kZstdLevel[]{{"compression.zstd.level", SynonymUnit::kSame, "3"}};
constexpr ConfigSynonym kPreallocate[]{{"log.preallocate", SynonymUnit::kSame, "false"}};
constexpr ConfigSynonym kTimestampType[]{{"log.message.timestamp.type", SynonymUnit::kSame, "CreateTime"}};
constexpr ConfigSynonym kTimestampBefore[]{
    {"log.message.timestamp.before.max.ms", SynonymUnit::kSame, kMaxLong}};
constexpr ConfigSynonym kTimestampAfter[]{
    {"log.message.timestamp.after.max.ms", SynonymUnit::kSame, "3600000"}};
constexpr ConfigSynonym kLocalRetentionMs[]{{"log.local.retention.ms", SynonymUnit::kSame, "-2"}};
constexpr ConfigSynonym kLocalRetentionBytes[]{{"log.local.retention.bytes", SynonymUnit::kSame, "-2"}};

constexpr TopicConfigDef kDefs[]{
    {number("segment.bytes", ConfigType::kInt, "1073741824", 1 << 20,
            "Size at which the log goes on in a new segment file. Retention and compaction work on whole "
            "segments, so smaller ones "
            "give finer control and more files."),
     kSegmentBytes},
    {number("segment.ms", ConfigType::kLong, "604800000", 1,
            "Age at which a segment is closed even if it is not full, so that retention and compaction can "
            "reach its records."),
     kSegmentMs},
    {number("segment.jitter.ms", ConfigType::kLong, "0", 0,
            "Largest random time by which segment.ms is shortened, so that the segments of many partitions "
            "do not roll at once."),
     kSegmentJitterMs},
    {number("segment.index.bytes", ConfigType::kInt, "10485760", 4,
            "Largest size of a segment's offset index. A segment whose index is full is closed."),
     kSegmentIndexBytes},
    {number("flush.messages", ConfigType::kLong, kMaxLong, 1,
            "Number of records after which the log is forced to the disk. 1 forces after every record. "
            "Replication is usually the "
            "cheaper way to durability."),
     kFlushMessages},
    {number("flush.ms", ConfigType::kLong, kMaxLong, 0,
            "Time after which records that were appended are forced to the disk."),
     kFlushMs},
    {{.name = "retention.bytes",
      .type = ConfigType::kLong,
      .default_value = "-1",
      .documentation = "Size up to which a partition may grow before its oldest segments are deleted, where "
                       "cleanup.policy has "
                       "delete; -1 for no limit. It counts for each partition, not for the topic."},
     kRetentionBytes},
    {number("retention.ms", ConfigType::kLong, "604800000", -1,
            "Time for which records are kept at least before their segment is deleted, where cleanup.policy "
            "has delete; -1 for ever."),
     kRetentionMs},
    {number("max.message.bytes", ConfigType::kInt, "1048588", 0,
            "Largest record batch that is accepted, measured after compression."),
     kMaxMessageBytes},
    {number("index.interval.bytes", ConfigType::kInt, "4096", 0,
            "How many bytes of records lie between two entries of the index. Fewer make reads land closer, "
            "and the index larger."),
     kIndexIntervalBytes},
    {number("delete.retention.ms", ConfigType::kLong, "86400000", 0,
            "How long the marks of deleted keys are kept in a compacted topic: the time in which a consumer "
            "that began at the first "
            "offset has to get to the end to see them all."),
     kDeleteRetentionMs},
    {number("min.compaction.lag.ms", ConfigType::kLong, "0", 0, "Age below which a record is not compacted."),
     kMinCompactionLagMs},
    {number("max.compaction.lag.ms", ConfigType::kLong, kMaxLong, 1,
            "Age after which a record of a compacted topic has to be compacted, however little there is to "
            "gain."),
     kMaxCompactionLagMs},
    {number("file.delete.delay.ms", ConfigType::kLong, "60000", 0,
            "How long the files of a deleted segment stay on the disk, for those who still read them."),
     kFileDeleteDelayMs},
    {{.name = "min.cleanable.dirty.ratio",
      .type = ConfigType::kDouble,
      .default_value = "0.5",
      .check = ConfigCheck::kRange,
      .min = 0,
      .max = 1,
      .documentation = "Share of a compacted log that has to be not yet compacted before the cleaner takes "
                       "it up, between 0 and 1. "
                       "Higher means rarer and cheaper cleaning, and more space for old values of a key."},
     kMinCleanableRatio},
    {words("cleanup.policy", ConfigType::kList, "delete", "compact, delete",
           "What happens to old segments: delete removes them by time and size, compact keeps the last "
           "record of every key, both "
           "together do both. An empty list keeps everything."),
     kCleanupPolicy},
    {boolean("unclean.leader.election.enable",
             "Whether a replica that was not in sync may become leader when no other is left, at the price "
             "of lost records."),
     kUnclean},
    {number("min.insync.replicas", ConfigType::kInt, "1", 1,
            "How many replicas, the leader among them, have to be in sync for a write with acks=all to be "
            "accepted; with fewer, "
            "producers get an error."),
     kMinInsync},
    {words("compression.type", ConfigType::kString, "producer",
           "uncompressed, zstd, lz4, snappy, gzip, producer",
           "The compression in which batches are stored; producer keeps the one in which they came."),
     kCompressionType},
    {{.name = "compression.gzip.level",
      .type = ConfigType::kInt,
      .default_value = "-1",
      .check = ConfigCheck::kRangeOrMinusOne,
      .min = 1,
      .max = 9,
      .documentation =
          "Level of compression where compression.type is gzip; -1 for the library's own default."},
     kGzipLevel},
    {{.name = "compression.lz4.level",
      .type = ConfigType::kInt,
      .default_value = "9",
      .check = ConfigCheck::kRange,
      .min = 1,
      .max = 17,
      .documentation = "Level of compression where compression.type is lz4."},
     kLz4Level},
    {{.name = "compression.zstd.level",
      .type = ConfigType::kInt,
      .default_value = "3",
      .check = ConfigCheck::kRange,
      .min = -131072,
      .max = 22,
      .documentation = "Level of compression where compression.type is zstd."},
     kZstdLevel},
    {boolean("preallocate", "Whether a new segment file is given its full size on the disk at once."),
     kPreallocate},
    {words("message.timestamp.type", ConfigType::kString, "CreateTime", "CreateTime, LogAppendTime",
           "Which time a record carries: the producer's, or that of its arrival at the broker."),
     kTimestampType},
    {number("message.timestamp.before.max.ms", ConfigType::kLong, kMaxLong, 0,
            "How far in the past a record's timestamp may lie. Records beyond are refused; without effect "
            "under LogAppendTime."),
     kTimestampBefore},
    {number("message.timestamp.after.max.ms", ConfigType::kLong, "3600000", 0,
            "How far in the future a record's timestamp may lie. Records beyond are refused; without effect "
            "under LogAppendTime."),
     kTimestampAfter},
    {throttled("leader.replication.throttled.replicas",
               "Replicas whose replication is slowed down at the leader: * for all, or a list of "
               "partition:broker pairs."),
     {}},
    {throttled("follower.replication.throttled.replicas",
               "Replicas whose replication is slowed down at the follower: * for all, or a list of "
               "partition:broker pairs."),
     {}},
    {boolean("remote.storage.enable", "Whether closed segments are also kept in tiered storage."), {}},
    {number(
         "local.retention.ms", ConfigType::kLong, "-2", -2,
         "With tiered storage: time for which segments stay on the local disk; -2 for that of retention.ms."),
     kLocalRetentionMs},
    {number("local.retention.bytes", ConfigType::kLong, "-2", -2,
            "With tiered storage: size that a partition may have on the local disk; -2 for that of "
            "retention.bytes."),
     kLocalRetentionBytes},
    {boolean("remote.log.copy.disable",
             "With tiered storage: stops the copying of further segments; what was copied stays readable."),
     {}},
    {boolean("remote.log.delete.on.disable",
             "Whether the copies are deleted when tiered storage is switched off for the topic."),
     {}},
    // Kafka's way around the lower limit of segment.bytes, for tests.
    {{.name = "internal.segment.bytes",
      .type = ConfigType::kInt,
      .documentation = "Size at which the log goes on in a new segment file, without the lower limit of "
                       "segment.bytes. For tests."},
     {},
     true},
};

constexpr size_t kHiddenCount = 1;
constexpr size_t kVisibleCount = std::size(kDefs) - kHiddenCount;

std::array<const TopicConfigDef*, kVisibleCount> by_name() {
  std::array<const TopicConfigDef*, kVisibleCount> sorted{};
  size_t count = 0;
  for (const TopicConfigDef& def : kDefs) {
    if (!def.hidden) sorted.at(count++) = &def;
  }
  std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->def.name < b->def.name; });
  return sorted;
}

}  // namespace

std::span<const TopicConfigDef> topic_config_defs() {
  return kDefs;
}

std::span<const TopicConfigDef* const> topic_configs_by_name() {
  static const auto sorted = by_name();
  return sorted;
}

const TopicConfigDef* find_topic_config(ByteView name) {
  const auto visible = topic_configs_by_name();
  const auto found =
      std::lower_bound(visible.begin(), visible.end(), name,
                       [](const auto* config, ByteView wanted) { return config->def.name < wanted; });
  if (found != visible.end() && (*found)->def.name == name) return *found;
  for (const TopicConfigDef& config : kDefs) {
    if (config.hidden && config.def.name == name) return &config;
  }
  return nullptr;
}

}  // namespace milena
