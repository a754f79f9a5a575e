// The log of the cluster's metadata, __cluster_metadata-0, as a quorum of one keeps it: what is in it at start, how a
// new epoch begins, how records get into it. Functions over a PartitionLog, which its caller owns. Source: Kafka's
// KafkaRaftClient and RecordsBatchReader for what must be there when Kafka itself starts on it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "broker/controller/found_metadata.h"
#include "broker/controller/metadata_snapshot_store.h"
#include "log/file_cache.h"
#include "log/partition_log.h"
#include "metadata/replayer.h"

namespace milena::broker {

struct MetadataLog {
  std::unique_ptr<log::PartitionLog> log;
  // Everything that is in the snapshot and the log, up to its end.
  metadata::MetadataReplayer replayed;
  // The epoch that begins with this start.
  int32_t epoch = 0;
  // The level of kraft.version.
  int16_t kraft_version = 0;
  // The snapshots that are there, oldest first, and how much of the log lies behind the newest.
  std::vector<MetadataSnapshotInfo> snapshots;
  uint64_t bytes_since_snapshot = 0;
};

// What the log in `directory` (that of log.dirs) holds, read without changing a file. An error unless it can be
// understood and `self` is the only voter of its quorum.
Result<FoundMetadata> find_metadata(FileSystem& files, const std::string& directory, const QuorumVoter& self);

// Opens and recovers the log of which `found` was read, and begins the next epoch: quorum-state is written, and a
// LeaderChange record appended. Neither is synced yet: sync_quorum_state and the log's own sync do that.
Result<MetadataLog> open_metadata_log(log::FileCache& files, const Clock& clock, const std::string& directory,
                                      int32_t node_id, const log::LogConfig& config, FoundMetadata found);

// Blocking; on any thread.
Status sync_quorum_state(FileSystem& files, const std::string& directory);

struct AppendedMetadata {
  int64_t last_offset = -1;
  uint64_t bytes = 0;
};

// The records of one decision: one batch; or several where they need not hold together, and where one would be larger
// than Kafka's batches are, then within a metadata transaction (KIP-868). `metadata_version` is the level in force (0:
// not known yet), which decides in which versions records are written.
Result<AppendedMetadata> append_metadata_records(log::PartitionLog& log, int32_t epoch,
                                                 const metadata::MetadataRecords& records, bool atomic,
                                                 int16_t metadata_version, int64_t now_ms);

}  // namespace milena::broker
