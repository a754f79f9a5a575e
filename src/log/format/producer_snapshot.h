// The .snapshot file: the state of a log's producers at the offset in the file's name (Kafka's ProducerSnapshot
// record): i16 version 1, u32 CRC-32C of what follows, i32 count, then 46 bytes for each producer:
//   i64 producer id, i16 epoch, i32 last sequence, i64 last offset, i32 offset delta, i64 timestamp,
//   i32 coordinator epoch, i64 first offset of the open transaction (-1 none)
// Only the last batch of each producer is kept.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace milena::log {

struct ProducerSnapshotEntry {
  int64_t producer_id = -1;
  int16_t epoch = -1;
  int32_t last_sequence = -1;
  int64_t last_offset = -1;
  int32_t offset_delta = 0;
  int64_t timestamp = -1;
  int32_t coordinator_epoch = -1;
  int64_t current_txn_first_offset = -1;

  bool operator==(const ProducerSnapshotEntry&) const = default;
};

Bytes encode_producer_snapshot(const std::vector<ProducerSnapshotEntry>& entries);
// kCorrupt unless the file is whole and its checksum right.
Result<std::vector<ProducerSnapshotEntry>> decode_producer_snapshot(ByteView file);

}  // namespace milena::log
