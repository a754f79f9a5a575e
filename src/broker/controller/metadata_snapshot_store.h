// The snapshots of __cluster_metadata-0 as files: "<end offset>-<epoch>.checkpoint" in the log's directory. A snapshot
// holds the state of the cluster after all records below its end offset, so that a start reads it and then the log's
// tail.
//
// Functions over files, any thread. metadata_snapshots.h decides when a snapshot is made and which files it makes
// obsolete. The bytes: log/snapshot_file.h. Source: Kafka's Snapshots, KafkaRaftLog, RecordsSnapshotWriter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/payload.h"
#include "base/result.h"
#include "log/snapshot_file.h"
#include "metadata/replayer.h"

namespace milena::broker {

struct MetadataSnapshotId {
  int64_t end_offset = -1;  // the first offset that is not in it
  int32_t epoch = -1;       // of the last record in it
  auto operator<=>(const MetadataSnapshotId&) const = default;
  std::string file_name() const { return log::snapshot_file_name(end_offset, epoch); }
};

struct MetadataSnapshotInfo {
  MetadataSnapshotId id;
  uint64_t bytes = 0;
  // The time when the last record in it was written.
  int64_t last_timestamp_ms = 0;
};

// The snapshots in the directory, oldest first.
Result<std::vector<MetadataSnapshotInfo>> list_metadata_snapshots(FileSystem& files, const std::string& directory);

// Removes unfinished files that a crash left.
Status remove_snapshot_leftovers(FileSystem& files, const std::string& directory);

// The metadata in a snapshot or in bootstrap.checkpoint.
Result<metadata::MetadataRecords> decode_snapshot_records(const log::SnapshotFile& snapshot);

// Replays a snapshot into an empty replayer. `controls` receives its control records about the quorum (KIP-853).
Status load_metadata_snapshot(FileSystem& files, const std::string& directory, const MetadataSnapshotId& id,
                              metadata::MetadataReplayer& replayed,
                              std::vector<log::SnapshotFile::Control>* controls = nullptr);

// Makes a snapshot from files alone: the previous snapshot, and the log after it. Made on the log's shard, run on a
// worker, so it uses no image that the shards change.
struct MetadataSnapshotJob {
  std::string directory;
  std::optional<MetadataSnapshotId> base;
  Payload log;  // whole batches from the base's end (or 0) to the id's
  MetadataSnapshotId id;

  // The snapshot gets its name once it is completely on the disk.
  Result<MetadataSnapshotInfo> run(FileSystem& files) const;
};

}  // namespace milena::broker
