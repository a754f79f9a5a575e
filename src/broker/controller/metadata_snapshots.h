// MetadataSnapshots: decides when a snapshot of the metadata log is due, has a worker make it, and deletes old
// snapshots and the log before the oldest one kept.
//
// A part of MetadataRuntime, on its shard. For a snapshot, the loop only collects slices of the log's files. An idle
// node is never woken: the interval counts from the first record after the newest snapshot. Source: Kafka's
// SnapshotGenerator (metadata.log.max.record.bytes.between.snapshots, metadata.log.max.snapshot.interval.ms) and
// KafkaRaftLog.maybeClean (metadata.max.retention.bytes, .ms).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "broker/controller/metadata_snapshot_store.h"
#include "log/partition_log.h"

namespace milena::broker {

class ShardContext;

class MetadataSnapshots {
 public:
  // `known` are the existing snapshots, `bytes_since` the size of the log after the newest.
  MetadataSnapshots(ShardContext& home, log::PartitionLog& log, std::vector<MetadataSnapshotInfo> known,
                    uint64_t bytes_since);

  // On the home shard. `bytes` of records were committed: the log's high watermark covers them.
  void on_committed(uint64_t bytes);
  // The log begins anew behind the newest of `known`, which was fetched.
  void begin_anew(std::vector<MetadataSnapshotInfo> known) {
    known_ = std::move(known);
    bytes_since_ = 0;
  }
  void stop() { stopped_ = true; }

  const std::vector<MetadataSnapshotInfo>& known() const { return known_; }

 private:
  void take_if_due();
  void arm_timer();
  void begin();
  Status finish(const MetadataSnapshotInfo& made);
  Status prune();
  bool too_much() const;

  ShardContext& home_;
  log::PartitionLog& log_;
  std::vector<MetadataSnapshotInfo> known_;  // oldest first
  uint64_t bytes_since_;                     // of committed records after the newest snapshot
  bool timer_armed_ = false;
  bool interval_over_ = false;
  bool running_ = false;
  bool stopped_ = false;
};

}  // namespace milena::broker
