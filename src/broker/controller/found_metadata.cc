#include "broker/controller/found_metadata.h"

#include <algorithm>
#include <optional>

#include "log/batch_scanner.h"
#include "log/format/file_names.h"

namespace milena::broker {
namespace {

constexpr size_t kScanWindow_bytes = 256 << 10;

// Base offsets of the log's segments, in order.
Result<std::vector<int64_t>> list_segments(FileSystem& files, const std::string& path) {
  std::vector<int64_t> bases;
  auto names = files.list(path);
  if (!names && names.error().kind == ErrorKind::kNotFound) return bases;
  RETURN_IF_ERROR(names);
  for (const std::string& name : *names) {
    std::optional<log::SegmentFileName> file = log::parse_segment_file_name(name);
    if (file && file->suffix == log::kLogSuffix) bases.push_back(file->offset);
  }
  std::sort(bases.begin(), bases.end());
  return bases;
}

// Replays the newest snapshot, if there is one.
Status read_snapshot(FileSystem& files, const std::string& path, FoundMetadata& found) {
  if (found.snapshots.empty()) return ok_status();
  const MetadataSnapshotId& id = found.snapshots.back().id;
  std::vector<log::SnapshotFile::Control> controls;
  RETURN_IF_ERROR(load_metadata_snapshot(files, path, id, found.replayed, &controls));
  for (const log::SnapshotFile::Control& control : controls) {
    RETURN_IF_ERROR(add_quorum_record(control.type, control.value, found.quorum));
  }
  found.end_offset = id.end_offset;
  return ok_status();
}

Status replay_batch(const RecordBatchView& batch, FoundMetadata& found) {
  const BatchHeader& header = batch.header();
  found.end_offset = header.next_offset();
  found.bytes_since_snapshot += batch.bytes().size();
  if (header.is_control()) {
    RETURN_IF_ERROR(add_quorum_batch(batch, found.quorum));
    found.replayed.skip_to(header.last_offset(), header.partition_leader_epoch);
    return ok_status();
  }
  auto records = metadata::decode_metadata_batch(batch);
  RETURN_IF_ERROR(records);
  metadata::ImageDelta delta;
  return found.replayed.replay(records.take(), header.last_offset(), header.partition_leader_epoch, delta);
}

// Returns false if the log ends in this segment: its end is torn, or records before it are missing.
Result<bool> read_segment(FileSystem& files, const std::string& file_name, FoundMetadata& found) {
  auto file = files.open(file_name, OpenMode::kRead);
  RETURN_IF_ERROR(file);
  auto bytes = (*file)->size();
  RETURN_IF_ERROR(bytes);
  log::BatchScanner batches(*file, 0, static_cast<uint32_t>(std::min<uint64_t>(*bytes, INT32_MAX)), kScanWindow_bytes);
  while (true) {
    auto more = batches.next();
    if (!more && more.error().kind == ErrorKind::kCorrupt) return false;
    RETURN_IF_ERROR(more);
    if (!*more) return true;
    if (batches.header().last_offset() < found.end_offset) continue;
    // The end of the segment before was lost with the power: PartitionLog::cut_at_gap().
    if (batches.header().base_offset > found.end_offset) return false;
    auto view = batches.view();
    RETURN_IF_ERROR(view);
    auto batch = RecordBatchView::parse(*view);
    if (!batch || !batch->crc_ok()) return false;
    RETURN_IF_ERROR(replay_batch(*batch, found));
  }
}

}  // namespace

Result<FoundMetadata> read_metadata(FileSystem& files, const std::string& path) {
  FoundMetadata found;
  auto snapshots = list_metadata_snapshots(files, path);
  RETURN_IF_ERROR(snapshots);
  found.snapshots = snapshots.take();
  RETURN_IF_ERROR(read_snapshot(files, path, found));
  auto bases = list_segments(files, path);
  RETURN_IF_ERROR(bases);
  if (!bases->empty() && bases->front() > found.end_offset) {
    return make_error(ErrorKind::kCorrupt,
                      "{} begins at offset {}, and no snapshot in it reaches that offset; restore the missing "
                      ".checkpoint file from a backup",
                      path, bases->front());
  }
  for (size_t i = 0; i < bases->size(); i++) {
    // All of it is in the snapshot.
    if (i + 1 < bases->size() && (*bases)[i + 1] <= found.end_offset) continue;
    auto whole = read_segment(files, path + "/" + log::segment_file_name((*bases)[i], log::kLogSuffix), found);
    RETURN_IF_ERROR(whole);
    if (!*whole) break;
  }
  return found;
}

}  // namespace milena::broker
