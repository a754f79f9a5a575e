// The log of the cluster's metadata, __cluster_metadata-0, as a quorum of one keeps it: what is in it at start, how a new
// epoch begins, how records get into it. Functions over a PartitionLog, which its caller owns.
// Source: Kafka's KafkaRaftClient and RecordsBatchReader for what must be there when Kafka itself starts on it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "log/file_cache.h"
#include "log/partition_log.h"
#include "log/snapshot_file.h"
#include "metadata/replayer.h"

namespace milena {

struct MetadataLog {
  std::unique_ptr<PartitionLog> log;
  // Everything that is in the snapshot and the log, up to its end.
  MetadataReplayer replayed;
  // The epoch that begins with this start.
  int32_t epoch = 0;
  // The level of kraft.version.
  int16_t kraft_version = 0;
};

// Opens the log in `directory` (that of log.dirs), recovers and replays it, and begins the next epoch: quorum-state is
// written, and a LeaderChange record appended. Neither is synced yet: sync_quorum_state and the log's own sync do that.
Result<MetadataLog> open_metadata_log(FileCache& files, const Clock& clock, const std::string& directory,
                                      int32_t node_id);

// The metadata in a snapshot or in bootstrap.checkpoint.
Result<MetadataRecords> decode_snapshot_records(const SnapshotFile& snapshot);

// Blocking; on any thread.
Status sync_quorum_state(FileSystem& files, const std::string& directory);

// The records of one decision, written as the level of metadata.version in force wants them: one batch, or several where
// they need not hold together. The offset of the last one.
Result<int64_t> append_metadata_records(PartitionLog& log, int32_t epoch, const MetadataRecords& records, bool atomic,
                                        int16_t metadata_version, int64_t now_ms);

}  // namespace milena
