// Kafka's names of files and directories of a log (LogFileUtils, LocalLog).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/random.h"
#include "base/topic_partition.h"

namespace milena::log {

inline constexpr ByteView kLogSuffix = ".log";
inline constexpr ByteView kIndexSuffix = ".index";
inline constexpr ByteView kTimeIndexSuffix = ".timeindex";
inline constexpr ByteView kTxnIndexSuffix = ".txnindex";
inline constexpr ByteView kSnapshotSuffix = ".snapshot";
inline constexpr ByteView kDeletedSuffix = ".deleted";
inline constexpr ByteView kCleanedSuffix = ".cleaned";
inline constexpr ByteView kSwapSuffix = ".swap";
inline constexpr ByteView kLeaderEpochFile = "leader-epoch-checkpoint";
inline constexpr ByteView kPartitionMetadataFile = "partition.metadata";

// The offset as 20 decimal digits, and the suffix.
std::string segment_file_name(int64_t offset, ByteView suffix);

struct SegmentFileName {
  int64_t offset = 0;
  ByteView suffix;  // ".log", ".index.deleted", ...; a view into the name
};
// Nullopt for names that do not begin with 20 digits and a dot.
std::optional<SegmentFileName> parse_segment_file_name(ByteView name);

enum class DirectoryKind { kLive, kDelete, kStray, kFuture };

struct PartitionDirectoryName {
  TopicPartition partition;
  DirectoryKind kind = DirectoryKind::kLive;
};
// "topic-0", "topic-0.<32 hex>-delete" and the like. Nullopt for any other name.
std::optional<PartitionDirectoryName> parse_partition_directory(ByteView name);
// "topic-0.<32 hex>-delete". Kafka keeps the name within 255 bytes by cutting the topic, except for a future replica.
std::string renamed_partition_directory(const TopicPartition& partition, DirectoryKind kind, Random& random);

}  // namespace milena::log
