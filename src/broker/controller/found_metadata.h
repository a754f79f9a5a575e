// FoundMetadata: the contents of the snapshots and the log of __cluster_metadata-0, read before the start changes any
// file. A start is refused if a newer Kafka wrote the directory or if it belongs to a larger quorum. Functions over
// files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "broker/controller/kraft_version.h"
#include "broker/controller/metadata_snapshot_store.h"
#include "metadata/replayer.h"

namespace milena::broker {

struct FoundMetadata {
  // The records of the newest snapshot and of the log after it.
  metadata::MetadataReplayer replayed;
  QuorumRecords quorum;
  // The existing snapshots, oldest first, and the size of the log after the newest.
  std::vector<MetadataSnapshotInfo> snapshots;
  uint64_t bytes_since_snapshot = 0;
  // The offset of the next record: after the last whole batch, or after the newest snapshot.
  int64_t end_offset = 0;
};

// Reads the log's directory, which may be missing. A torn tail is left out; opening the log cuts it off.
Result<FoundMetadata> read_metadata(FileSystem& files, const std::string& path);

}  // namespace milena::broker
