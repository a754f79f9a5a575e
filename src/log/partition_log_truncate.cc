// Removing records: at the end (a follower that was ahead of its leader) and at the start (retention, DeleteRecords).
#include <algorithm>

#include "base/log.h"
#include "base/saturating.h"
#include "log/partition_log.h"
#include "log/planted_storage_bugs.h"
#include "log/producer_snapshot_file.h"

namespace milena::log {
namespace {

constexpr size_t kCutSearchWindow = 64 << 10;

struct Cut {
  uint32_t position = 0;
  int64_t end = 0;  // of the log
};

// The batch at the offset is damaged, and so are perhaps some before it. A follower that could not be cut there would
// keep records that its leader does not have, and would be in sync with them one day: the cut is before the damage.
Result<Cut> cut_before_damage(Segment& segment, int64_t offset) {
  Result<BatchScanner> batches = segment.scan(0, kCutSearchWindow);
  RETURN_IF_ERROR(batches);
  Cut cut{0, segment.base_offset()};
  while (true) {
    Result<bool> more = batches->next();
    if (!more && more.error().kind != ErrorKind::kCorrupt) return more.error();
    if (!more || !*more || batches->header().last_offset() >= offset) return cut;
    cut = {batches->position() + batches->size(), batches->header().next_offset()};
  }
}

}  // namespace

Status PartitionLog::remove_segment_files(Segment& segment) {
  segment.close_files();
  for (const std::string& path : segment.paths()) RETURN_IF_ERROR(file_system().remove(path));
  return ok_status();
}

Status PartitionLog::truncate_to(int64_t offset) {
  RETURN_IF_ERROR(confirm_end());
  if (offset >= log_end_offset_) return forget_epochs_from(offset);
  CHECK(offset >= 0, "{}: {}", directory_, offset);
  if (offset < segments_.front()->base_offset()) return truncate_fully_and_start_at(offset);
  // Found before anything is removed: a log that cannot be read stays as it is.
  const size_t last = segment_index_of(offset);
  Cut cut{0, offset};
  Result<BatchPosition> found = locate(last, offset);
  if (found) {
    cut.position = found->position;
  } else {
    if (found.error().kind != ErrorKind::kCorrupt) return found.error();
    Result<Cut> before = cut_before_damage(*segments_[last], offset);
    RETURN_IF_ERROR(before);
    log_warn("{}: {}; what is behind offset {} goes, too", directory_, found.error().message, before->end);
    cut = *before;
    const int64_t least = std::min(offset, log_start_offset_);
    if (cut.end < least) return truncate_fully_and_start_at(least);
  }
  log_info("{}: truncating from {} to {}", directory_, log_end_offset_, cut.end);
  if (gap_ && cut.end <= *gap_) gap_.reset();
  truncations_ = new_mark();
  shape_ = new_mark();
  first_dirty_ = std::min(first_dirty_, cut.end);
  while (segments_.size() > last + 1) {
    RETURN_IF_ERROR(remove_segment_files(active()));
    segments_.pop_back();
    recent_.clear();
    directory_dirty_ = true;
  }
  recent_.clear();
  RETURN_IF_ERROR(active().truncate(cut.position, cut.end));
  log_end_offset_ = cut.end;
  clamp_offsets();
  return rewind_state(cut.end);
}

// Also removes an epoch that a leader began at its end, without records: the next leader does not have it.
Status PartitionLog::forget_epochs_from(int64_t offset) {
  Result<LeaderEpochCache*> cache = epochs();
  RETURN_IF_ERROR(cache);
  return (*cache)->truncate_from_end(offset) ? save_epochs() : ok_status();
}

// Epochs, snapshots and producer state as they were when the log ended at the offset.
Status PartitionLog::rewind_state(int64_t offset) {
  RETURN_IF_ERROR(remove_stray_snapshots());
  RETURN_IF_ERROR(forget_epochs_from(offset));
  // Loaded again when needed.
  unloaded_producers_end_ = producers_ == nullptr ? std::min(unloaded_producers_end_, offset) : offset;
  producers_.reset();
  check_offsets();
  return ok_status();
}

Status PartitionLog::truncate_fully_and_start_at(int64_t offset) {
  CHECK(offset >= 0, "{}: {}", directory_, offset);
  log_info("{}: restarting at {}", directory_, offset);
  gap_.reset();
  truncations_ = new_mark();
  shape_ = new_mark();
  first_dirty_ = offset;
  for (auto& segment : segments_) RETURN_IF_ERROR(remove_segment_files(*segment));
  for (int64_t snapshot : snapshots_) {
    RETURN_IF_ERROR(file_system().remove(path_of(segment_file_name(snapshot, kSnapshotSuffix))));
  }
  const bool any_snapshot = !snapshots_.empty();
  snapshots_.clear();
  if (any_snapshot) RETURN_IF_ERROR(forget_removed_snapshots());
  segments_.clear();
  RETURN_IF_ERROR(not_to_be_repeated(begin_segment(offset)));
  end_confirmed_ = true;
  log_start_offset_ = log_end_offset_ = offset;
  recovery_point_ = std::min(recovery_point_, offset);  // the old segments may be back after a power failure
  high_watermark_ = offset;
  unloaded_producers_end_ = offset;
  producers_.reset();
  check_offsets();
  epochs_ = std::make_unique<LeaderEpochCache>();
  return has_epoch_file_ ? save_epochs() : ok_status();
}

// --- old records ---

Status PartitionLog::raise_log_start(int64_t offset) {
  if (offset <= log_start_offset_) return ok_status();
  log_start_offset_ = offset;
  set_high_watermark(high_watermark_);
  // The recovery point stays. Its checkpoint may reach the disk before that of the log start offset, and then unsynced
  // records are there again.
  if (MILENA_STORAGE_BUG(kDeletedCountsAsSynced)) recovery_point_ = std::max(recovery_point_, offset);
  Result<LeaderEpochCache*> cache = epochs();
  RETURN_IF_ERROR(cache);
  return (*cache)->truncate_from_start(offset) ? save_epochs() : ok_status();
}

Result<ErrorCode> PartitionLog::delete_records_before(int64_t offset) {
  RETURN_IF_ERROR(confirm_end());
  if (offset < 0 || offset > high_watermark_) return ErrorCode::kOffsetOutOfRange;
  RETURN_IF_ERROR(raise_log_start(offset));
  return ErrorCode::kNone;
}

// Whether the front segment may be removed: it is below the log start offset, or too old, or the log is still above its
// size without it.
Result<bool> PartitionLog::passed_retention(size_t index, int64_t now, uint64_t& excess_bytes) {
  Segment& segment = *segments_[index];
  int64_t end = end_of_segment(index);
  Result<uint32_t> bytes = segment.size();
  RETURN_IF_ERROR(bytes);
  bool is_active = index + 1 == segments_.size();
  if (is_active && *bytes == 0) return false;
  if (end <= log_start_offset_ && !is_active) return true;
  if (!config_->cleanup_delete || (end > high_watermark_ && !MILENA_REPLICA_BUG(kRetentionOfUnsettled))) return false;
  if (config_->retention_bytes >= 0 && excess_bytes >= *bytes) {
    excess_bytes -= *bytes;
    return true;
  }
  if (config_->retention_ms < 0) return false;
  Result<Segment::MaxTimestamp> greatest = segment.max_timestamp();
  RETURN_IF_ERROR(greatest);
  // Records without a timestamp: the segment's age, as known to this process.
  int64_t last_ms = greatest->timestamp >= 0 ? greatest->timestamp : segment.created_ms();
  return subtract_saturating(now, last_ms) > config_->retention_ms;
}

Result<DoomedFiles> PartitionLog::apply_retention() {
  DoomedFiles doomed;
  RETURN_IF_ERROR(confirm_end());
  uint64_t excess_bytes = 0;
  if (config_->cleanup_delete && config_->retention_bytes >= 0) {
    Result<uint64_t> total = size();
    RETURN_IF_ERROR(total);
    uint64_t allowed = static_cast<uint64_t>(config_->retention_bytes);
    excess_bytes = *total > allowed ? *total - allowed : 0;
  }
  size_t passed = 0;
  while (passed < segments_.size()) {
    Result<bool> goes = passed_retention(passed, clock_.wall_ms(), excess_bytes);
    RETURN_IF_ERROR(goes);
    if (!*goes) break;
    ++passed;
  }
  if (passed == 0) return doomed;
  if (passed == segments_.size()) RETURN_IF_ERROR(roll());  // there is always an active one
  RETURN_IF_ERROR(sync_snapshot(segments_[passed]->base_offset()));
  for (size_t i = 0; i < passed; ++i) RETURN_IF_ERROR(doom_segment(*segments_[i], doomed));
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(passed));
  RETURN_IF_ERROR(raise_log_start(segments_.front()->base_offset()));
  log_info("{}: {} old segments removed, the log now starts at {}", directory_, passed, log_start_offset_);
  return doomed;
}

// Without the records, the snapshot is all that tells of their producers. It was written when the segment was rolled,
// and is on the disk by itself in most cases. One that a power failure tore is gone, and is written again.
Status PartitionLog::sync_snapshot(int64_t offset) {
  if (MILENA_STORAGE_BUG(kSnapshotNotSynced)) return ok_status();
  const std::string path = path_of(segment_file_name(offset, kSnapshotSuffix));
  bool whole = std::binary_search(snapshots_.begin(), snapshots_.end(), offset);
  if (whole && !MILENA_STORAGE_BUG(kSnapshotByName) && !MILENA_STORAGE_BUG(kTornSnapshotStays)) {
    // After a clean stop nobody has read it.
    const auto entries = read_producer_snapshot(file_system(), path);
    if (!entries && !is_lost_snapshot(entries.error())) return entries.error();
    whole = entries.ok();
  }
  if (!whole && MILENA_STORAGE_BUG(kLostSnapshotStaysLost)) return ok_status();
  if (!whole) RETURN_IF_ERROR(write_lost_snapshot(offset));
  auto file = file_system().open(path, OpenMode::kRead);
  RETURN_IF_ERROR(file);
  RETURN_IF_ERROR((*file)->sync());
  return file_system().sync_directory(directory_);
}

Status PartitionLog::doom_segment(Segment& segment, DoomedFiles& doomed) {
  shape_ = new_mark();
  RETURN_IF_ERROR(doom_segment_files(segment, doomed));
  auto snapshot = std::find(snapshots_.begin(), snapshots_.end(), segment.base_offset());
  if (snapshot == snapshots_.end()) return ok_status();
  std::string path = path_of(segment_file_name(*snapshot, kSnapshotSuffix));
  snapshots_.erase(snapshot);
  return doom_files({path}, doomed);
}

Status PartitionLog::doom_segment_files(Segment& segment, DoomedFiles& doomed) {
  segment.close_files();
  return doom_files(segment.paths(), doomed);
}

Status PartitionLog::doom_files(std::vector<std::string> paths, DoomedFiles& doomed) {
  for (std::string& path : paths) {
    std::string renamed = path + std::string(kDeletedSuffix);
    Status done = file_system().rename(path, renamed);
    if (!done && done.error().kind == ErrorKind::kNotFound) continue;
    RETURN_IF_ERROR(std::move(done));
    doomed.paths.push_back(std::move(renamed));
  }
  return ok_status();
}

}  // namespace milena::log
