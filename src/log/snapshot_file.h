// Files in KRaft's snapshot format: bootstrap.checkpoint of a log directory and the *.checkpoint snapshots of the
// metadata log (Kafka's BatchFileWriter, RecordsSnapshotWriter). Consecutive record batches, offsets from 0: a control
// batch SNAPSHOT_HEADER, data batches, a control batch SNAPSHOT_FOOTER
// src/metadata interprets the records' values. Stateless; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "protocol/records/control_records.h"

namespace milena::log {

inline constexpr ByteView kBootstrapCheckpointFile = "bootstrap.checkpoint";

struct SnapshotFile {
  struct Control {
    ControlRecordType type = ControlRecordType::kUnknown;
    Bytes value;
    bool operator==(const Control&) const = default;
  };

  int64_t last_contained_log_timestamp = 0;
  // Those between header and footer: KRAFT_VERSION, KRAFT_VOTERS.
  std::vector<Control> controls;
  // Values of the data records, in order.
  std::vector<Bytes> records;

  bool operator==(const SnapshotFile&) const = default;
};

// "00000000000000000042-0000000003.checkpoint": the offset the snapshot ends before, and that record's epoch.
std::string snapshot_file_name(int64_t end_offset, int32_t epoch);

Bytes encode_snapshot_file(const SnapshotFile& snapshot, int32_t leader_epoch, int64_t timestamp_ms);
// kCorrupt unless all batches are whole with right checksums, and the first and last are header and footer.
Result<SnapshotFile> decode_snapshot_file(ByteView file);

Status write_snapshot_file(FileSystem& file_system, const std::string& path, const SnapshotFile& snapshot,
                           int32_t leader_epoch, int64_t timestamp_ms, bool durable = true);
Result<SnapshotFile> read_snapshot_file(FileSystem& file_system, const std::string& path);

}  // namespace milena::log
