// Kafka's text checkpoints (CheckpointFile): line 1 the format's version 0, line 2 the number of entries, then one
// entry a line. Two kinds: offsets of partitions ("topic partition offset", OffsetCheckpointFile) and leader epochs
// ("epoch start offset", LeaderEpochCheckpointFile).
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/topic_partition.h"

namespace milena::log {

using OffsetCheckpoint = std::map<TopicPartition, int64_t>;

Bytes encode_offset_checkpoint(const OffsetCheckpoint& offsets);
Result<OffsetCheckpoint> decode_offset_checkpoint(ByteView file);

struct EpochEntry {
  int32_t epoch = 0;
  int64_t start_offset = 0;
  bool operator==(const EpochEntry&) const = default;
};

Bytes encode_epoch_checkpoint(const std::vector<EpochEntry>& entries);
// kCorrupt also if epochs or offsets do not increase.
Result<std::vector<EpochEntry>> decode_epoch_checkpoint(ByteView file);

}  // namespace milena::log
