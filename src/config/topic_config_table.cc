// The table of topic configs: names, types, defaults, limits and broker settings of Kafka 4.3.1 (as its
// LogConfig prints them); the documentation is ours.
#include <algorithm>
#include <array>

#include "config/topic_config.h"

namespace milena::config {
namespace {

constexpr char kMaxLong[] = "9223372036854775807";
constexpr uint8_t kHonoured = kConfigHonoured;
using enum ConfigType;

// Topic configs can always be altered.
constexpr ConfigDef row(const char* name, ConfigType type, const char* default_value, const char* valid, uint8_t marks,
                        const char* documentation) {
  return {name, type, default_value, valid, ConfigScope::kClusterWide, marks, documentation};
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
    {row("segment.bytes", kInt, "1073741824", "[1048576,...]", kHonoured,
         "Size at which the log continues in a new segment file. Retention and compaction work on whole segments, so "
         "smaller ones give finer control and more files."),
     kSegmentBytes},
    {row("segment.ms", kLong, "604800000", "[1,...]", kHonoured,
         "Age at which a segment is closed even if it is not full, so that retention and compaction can reach "
         "its records."),
     kSegmentMs},
    {row("segment.jitter.ms", kLong, "0", "[0,...]", kHonoured,
         "Largest random time by which segment.ms is shortened, so that the segments of many partitions do not "
         "roll at once."),
     kSegmentJitterMs},
    {row("segment.index.bytes", kInt, "10485760", "[4,...]", kHonoured,
         "Largest size of a segment's offset index. A segment whose index is full is closed."),
     kSegmentIndexBytes},
    {row("flush.messages", kLong, kMaxLong, "[1,...]", kHonoured,
         "Number of records after which the log is synced to disk. 1 syncs after every record. Replication is usually "
         "the cheaper way to durability."),
     kFlushMessages},
    {row("flush.ms", kLong, kMaxLong, "[0,...]", kHonoured,
         "Time after which appended records are synced to disk."),
     kFlushMs},
    {row("retention.bytes", kLong, "-1", "", kHonoured,
         "Size up to which a partition may grow before its oldest segments are deleted, if cleanup.policy contains "
         "delete; -1 for no limit. The limit is for each partition, not for the topic."),
     kRetentionBytes},
    {row("retention.ms", kLong, "604800000", "[-1,...]", kHonoured,
         "Least time for which records are kept before their segment is deleted, if cleanup.policy contains delete; -1 "
         "for ever."),
     kRetentionMs},
    {row("max.message.bytes", kInt, "1048588", "[0,...]", kHonoured,
         "Largest record batch that is accepted, after compression."),
     kMaxMessageBytes},
    {row("index.interval.bytes", kInt, "4096", "[0,...]", kHonoured,
         "Number of bytes of records between two entries of the index. Fewer bytes make lookups more exact and the "
         "index larger."),
     kIndexIntervalBytes},
    {row("delete.retention.ms", kLong, "86400000", "[0,...]", kHonoured,
         "How long tombstones of deleted keys are kept in a compacted topic. A consumer that starts at offset 0 must "
         "reach the end within this time to see all of them."),
     kDeleteRetentionMs},
    {row("min.compaction.lag.ms", kLong, "0", "[0,...]", kHonoured,
         "Age below which a record is not compacted."),
     kMinCompactionLagMs},
    {row("max.compaction.lag.ms", kLong, kMaxLong, "[1,...]", kHonoured,
         "Age after which a record of a compacted topic must be compacted, however little there is to clean."),
     kMaxCompactionLagMs},
    {row("file.delete.delay.ms", kLong, "60000", "[0,...]", kHonoured,
         "How long the files of a deleted segment are kept for running reads."),
     kFileDeleteDelayMs},
    {row("min.cleanable.dirty.ratio", kDouble, "0.5", "[0,...,1]", kHonoured,
         "Least ratio, between 0 and 1, of the uncleaned part to the whole of a compacted log at which it is cleaned. "
         "A higher ratio means rarer and cheaper cleaning, and more space for old values of a key."),
     kMinCleanableRatio},
    {row("cleanup.policy", kList, "delete", "{compact, delete}", kHonoured,
         "Cleanup of old segments: delete removes them by time and size, compact keeps the last record of every key, "
         "both together do both. An empty list keeps everything."),
     kCleanupPolicy},
    {row("unclean.leader.election.enable", kBoolean, "false", "", kHonoured,
         "Whether a replica that is not in sync may become leader if no other is left; records may be lost."),
     kUnclean},
    {row("min.insync.replicas", kInt, "1", "[1,...]", kHonoured,
         "Number of replicas, including the leader, that must be in sync for a write with acks=all; with fewer, "
         "producers get an error."),
     kMinInsync},
    {row("compression.type", kString, "producer", "{uncompressed, zstd, lz4, snappy, gzip, producer}", kHonoured,
         "Compression of stored batches; producer keeps the producer's."),
     kCompressionType},
    {row("compression.gzip.level", kInt, "-1", "[1,...,9] or -1", kHonoured,
         "Compression level if compression.type is gzip; -1 for the library's own default."),
     kGzipLevel},
    {row("compression.lz4.level", kInt, "9", "[1,...,17]", kHonoured,
         "Compression level if compression.type is lz4."),
     kLz4Level},
    {row("compression.zstd.level", kInt, "3", "[-131072,...,22]", kHonoured,
         "Compression level if compression.type is zstd."),
     kZstdLevel},
    {row("preallocate", kBoolean, "false", "", kHonoured,
         "Whether a segment's full size is allocated on disk when it is created."),
     kPreallocate},
    {row("message.timestamp.type", kString, "CreateTime", "{CreateTime, LogAppendTime}", kHonoured,
         "The timestamp of a record: the producer's (CreateTime), or the broker's at arrival (LogAppendTime)."),
     kTimestampType},
    {row("message.timestamp.before.max.ms", kLong, kMaxLong, "[0,...]", kHonoured,
         "How far before the broker's time a record's timestamp may be. Older records are refused. It has no effect "
         "with LogAppendTime."),
     kTimestampBefore},
    {row("message.timestamp.after.max.ms", kLong, "3600000", "[0,...]", kHonoured,
         "How far after the broker's time a record's timestamp may be. Later records are refused. It has no effect "
         "with LogAppendTime."),
     kTimestampAfter},
    {row("leader.replication.throttled.replicas", kList, "", "throttled-replicas", kHonoured,
         "Replicas that are throttled at the leader: * for all, or a list of partition:broker pairs."),
     {}},
    {row("follower.replication.throttled.replicas", kList, "", "throttled-replicas", kHonoured,
         "Replicas that are throttled at the follower: * for all, or a list of partition:broker pairs."),
     {}},
    {row("remote.storage.enable", kBoolean, "false", "", 0,
         "Whether closed segments are also kept in tiered storage."),
     {}},
    {row("local.retention.ms", kLong, "-2", "[-2,...]", 0,
         "With tiered storage: time that segments stay on the local disk; -2 for that of retention.ms."),
     kLocalRetentionMs},
    {row("local.retention.bytes", kLong, "-2", "[-2,...]", 0,
         "With tiered storage: size that a partition may have on the local disk; -2 for that of "
         "retention.bytes."),
     kLocalRetentionBytes},
    {row("remote.log.copy.disable", kBoolean, "false", "", 0,
         "With tiered storage: stops the copying of further segments; copied segments stay readable."),
     {}},
    {row("remote.log.delete.on.disable", kBoolean, "false", "", 0,
         "Whether remote segments are deleted when tiered storage is disabled for the topic."),
     {}},
    // Kafka's way around the lower limit of segment.bytes, for tests.
    {row("internal.segment.bytes", kInt, nullptr, "", kHonoured | kConfigInternal,
         "Size at which the log continues in a new segment file, without the lower limit of segment.bytes. For tests."),
     {}},
};

constexpr size_t kHiddenCount = 1;
constexpr size_t kVisibleCount = std::size(kDefs) - kHiddenCount;

std::array<const TopicConfigDef*, kVisibleCount> by_name() {
  std::array<const TopicConfigDef*, kVisibleCount> sorted{};
  size_t count = 0;
  for (const TopicConfigDef& def : kDefs) {
    if (!def.hidden()) sorted.at(count++) = &def;
  }
  std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return ByteView(a->def.name) < b->def.name; });
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
                       [](const auto* config, ByteView wanted) { return ByteView(config->def.name) < wanted; });
  if (found != visible.end() && (*found)->def.name == name) return *found;
  for (const TopicConfigDef& config : kDefs) {
    if (config.hidden() && config.def.name == name) return &config;
  }
  return nullptr;
}

}  // namespace milena::config
