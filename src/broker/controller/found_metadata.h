// FoundMetadata: what the snapshots and the log of __cluster_metadata-0 hold, read before the start changes any file. A
// start that must not be, since a newer Kafka wrote the directory or since it belongs to a larger quorum, is refused on
// the strength of this. Functions over files.
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
  // Everything that is in the newest snapshot and in the log behind it.
  metadata::MetadataReplayer replayed;
  QuorumRecords quorum;
  // The snapshots that are there, oldest first, and how much of the log lies behind the newest.
  std::vector<MetadataSnapshotInfo> snapshots;
  uint64_t bytes_since_snapshot = 0;
  // Where the next record goes: behind the last whole batch, or behind the newest snapshot.
  int64_t end_offset = 0;
};

// Reads the log's directory, which need not be there. A torn tail is left out; opening the log cuts it off.
Result<FoundMetadata> read_metadata(FileSystem& files, const std::string& path);

}  // namespace milena::broker
