// The log of the cluster's metadata, __cluster_metadata-0, as a quorum of one keeps it: its contents at start, the
// start of a new epoch, appends. Functions over a PartitionLog, which its caller owns. Source: Kafka's KafkaRaftClient
// and RecordsBatchReader, so that Kafka itself can start on the log.
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
  // The records of the snapshot and the log, up to its end.
  metadata::MetadataReplayer replayed;
  // The epoch that begins with this start.
  int32_t epoch = 0;
  // The level of kraft.version.
  int16_t kraft_version = 0;
  // The existing snapshots, oldest first, and the size of the log after the newest.
  std::vector<MetadataSnapshotInfo> snapshots;
  uint64_t bytes_since_snapshot = 0;
};

// Reads the contents of the log in `directory` (one of log.dirs) without changing a file. Returns an error unless it
// can be understood and `self` is the only voter of its quorum.
Result<FoundMetadata> find_metadata(FileSystem& files, const std::string& directory, const QuorumVoter& self);

// Opens and recovers the log from which `found` was read, and begins the next epoch: writes quorum-state, and appends a
// LeaderChange record. Neither is synced yet: sync_quorum_state and the log's own sync do that.
Result<MetadataLog> open_metadata_log(log::FileCache& files, const Clock& clock, const std::string& directory,
                                      int32_t node_id, const log::LogConfig& config, FoundMetadata found);

// Blocking; on any thread.
Status sync_quorum_state(FileSystem& files, const std::string& directory);

struct AppendedMetadata {
  int64_t last_offset = -1;
  uint64_t bytes = 0;
};

// Appends the records of one decision as one batch. If they need not be atomic they may be several batches; if one
// batch would be larger than Kafka's, they are several within a metadata transaction (KIP-868). `metadata_version` is
// the current level (0: not known yet), which determines the versions of the records.
Result<AppendedMetadata> append_metadata_records(log::PartitionLog& log, int32_t epoch,
                                                 const metadata::MetadataRecords& records, bool atomic,
                                                 int16_t metadata_version, int64_t now_ms);

}  // namespace milena::broker
