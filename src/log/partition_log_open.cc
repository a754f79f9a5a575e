// Opening a log: the files in its directory, and its end. After Kafka's LogLoader.
#include <algorithm>
#include <set>

#include "base/log.h"
#include "log/partition_log.h"
#include "log/planted_storage_bugs.h"

namespace milena::log {

Result<std::unique_ptr<PartitionLog>> PartitionLog::open(FileCache& files, const Clock& clock, std::string directory,
                                                         TopicPartition name, std::shared_ptr<const LogConfig> config,
                                                         OpenState state) {
  CHECK(config != nullptr);
  std::unique_ptr<PartitionLog> log(
      new PartitionLog(files, clock, std::move(directory), std::move(name), std::move(config)));
  RETURN_IF_ERROR(log->load(state));
  return log;
}

Status PartitionLog::load(const OpenState& state) {
  RETURN_IF_ERROR(load_names(true));
  bool created = segments_.empty();
  // The previous process may have been stopped before a sync.
  parent_dirty_ = created || !state.clean_shutdown;
  directory_dirty_ |= parent_dirty_;
  if (created) {
    int64_t base = std::max<int64_t>(state.log_start_offset, 0);
    RETURN_IF_ERROR(begin_segment(base));
  }
  log_start_offset_ = std::max(state.log_start_offset, segments_.front()->base_offset());
  if (created) {
    log_end_offset_ = active().base_offset();
  } else if (state.clean_shutdown) {
    RETURN_IF_ERROR(find_clean_end(state.recovery_point));
  } else {
    RETURN_IF_ERROR(recover(state));
  }
  if (log_start_offset_ > log_end_offset_) {
    log_warn("{}: ends at {}, below its start offset {}: restarting it there", directory_, log_end_offset_,
             log_start_offset_);
    return restart_with_producers();
  }
  if (producers_ == nullptr) unloaded_producers_end_ = log_end_offset_;
  recovery_point_ = std::min(std::clamp<int64_t>(state.recovery_point, 0, log_end_offset_), unsynced_full_);
  // Whether the records of a gap were below it is not known.
  set_high_watermark(std::min(state.high_watermark, gap_.value_or(INT64_MAX)));
  // A checkpoint beyond the log's end is of records lost in a crash, or of another log: new records there are dirty.
  const bool beyond = state.first_dirty_offset > log_end_offset_ && !MILENA_STORAGE_BUG(kDirtyOffsetBeyondEnd);
  first_dirty_ = beyond ? 0 : state.first_dirty_offset;
  return created ? ok_status() : remove_stray_snapshots();
}

Status PartitionLog::load_names(bool allow_leftovers) {
  Result<std::vector<std::string>> names = file_system().list(directory_);
  if (!names && names.error().kind == ErrorKind::kNotFound) {
    directory_dirty_ = true;
    return file_system().make_directories(directory_);
  }
  RETURN_IF_ERROR(names);
  std::vector<SegmentFileName> files;
  for (const std::string& name : *names) {
    if (name.ends_with(kDeletedSuffix) || name.ends_with(kCleanedSuffix) || name.ends_with(kSwapSuffix)) {
      CHECK(allow_leftovers, "{} is still in {}", name, directory_);
      RETURN_IF_ERROR(finish_leftovers(*names));
      return load_names(false);
    }
    if (name == kLeaderEpochFile) has_epoch_file_ = true;
    if (std::optional<SegmentFileName> file = parse_segment_file_name(name)) files.push_back(*file);
  }
  return load_segment_files(files);
}

Status PartitionLog::load_segment_files(const std::vector<SegmentFileName>& files) {
  for (const SegmentFileName& file : files) {
    if (file.suffix == kSnapshotSuffix) snapshots_.push_back(file.offset);
    if (file.suffix != kLogSuffix) continue;
    segments_.push_back(std::make_unique<Segment>(files_, directory_, file.offset, config_->index_interval_bytes));
    segments_.back()->set_created_ms(clock_.wall_ms());
  }
  std::sort(snapshots_.begin(), snapshots_.end());
  std::sort(segments_.begin(), segments_.end(),
            [](const auto& a, const auto& b) { return a->base_offset() < b->base_offset(); });
  for (const SegmentFileName& file : files) {
    bool is_index = file.suffix == kIndexSuffix || file.suffix == kTimeIndexSuffix || file.suffix == kTxnIndexSuffix;
    if (!is_index) continue;
    auto segment = std::find_if(segments_.begin(), segments_.end(),
                                [&](const auto& s) { return s->base_offset() == file.offset; });
    if (segment == segments_.end()) {
      RETURN_IF_ERROR(file_system().remove(path_of(segment_file_name(file.offset, file.suffix))));
    } else if (file.suffix == kTxnIndexSuffix) {
      (*segment)->set_has_txn_index();
    }
  }
  return ok_status();
}

// A crash may have left files of a deletion or of a compaction. Files being deleted are removed; a compaction whose
// output was complete (.swap, and no .cleaned at or below it) replaces the segments it was made from. The .cleaned
// files show which .swap files are incomplete, so they are removed after those: this may be interrupted, too.
Status PartitionLog::finish_leftovers(const std::vector<std::string>& names) {
  constexpr int64_t kNone = INT64_MAX;
  int64_t min_cleaned = kNone;
  std::vector<std::string> swaps;
  std::vector<std::string> done_with;
  for (const std::string& name : names) {
    std::optional<SegmentFileName> file = parse_segment_file_name(name);
    if (name.ends_with(kCleanedSuffix) && file) min_cleaned = std::min(min_cleaned, file->offset);
    if (name.ends_with(kSwapSuffix)) swaps.push_back(name);
    if (name.ends_with(kDeletedSuffix) || name.ends_with(kCleanedSuffix)) done_with.push_back(name);
    if (MILENA_STORAGE_BUG(kCleanedGoesFirst) && name.ends_with(kCleanedSuffix)) {
      RETURN_IF_ERROR(file_system().remove(path_of(name)));
    }
  }
  int64_t from = kNone;
  int64_t to = -1;
  std::vector<std::string> keep;
  for (const std::string& name : swaps) {
    std::optional<SegmentFileName> file = parse_segment_file_name(name);
    if (!file || file->offset >= min_cleaned) {
      RETURN_IF_ERROR(file_system().remove(path_of(name)));
      continue;
    }
    keep.push_back(name);
  }
  for (const std::string& name : done_with) RETURN_IF_ERROR(file_system().remove(path_of(name)));
  for (const std::string& name : keep) {
    if (!name.ends_with(".log.swap")) continue;
    std::optional<SegmentFileName> file = parse_segment_file_name(name);
    auto opened = file_system().open(path_of(name), OpenMode::kRead);
    RETURN_IF_ERROR(opened);
    Result<uint64_t> bytes = (*opened)->size();
    RETURN_IF_ERROR(bytes);
    BatchScanner batches(*opened, 0, static_cast<uint32_t>(std::min<uint64_t>(*bytes, INT32_MAX)), 64 << 10);
    from = std::min(from, file->offset);
    to = std::max(to, file->offset + 1);
    while (true) {
      Result<bool> more = batches.next();
      RETURN_IF_ERROR(more);
      if (!*more) break;
      to = std::max(to, batches.header().next_offset());
    }
  }
  for (const std::string& name : names) {
    std::optional<SegmentFileName> file = parse_segment_file_name(name);
    bool of_segment = file && (file->suffix == kLogSuffix || file->suffix == kIndexSuffix ||
                               file->suffix == kTimeIndexSuffix || file->suffix == kTxnIndexSuffix);
    if (of_segment && file->offset >= from && file->offset < to) RETURN_IF_ERROR(file_system().remove(path_of(name)));
  }
  // The .log files first: until a segment's .log has its name, the next try may remove its other files above.
  std::stable_partition(keep.begin(), keep.end(), [](const std::string& name) { return name.ends_with(".log.swap"); });
  for (const std::string& name : keep) {
    std::string live = name.substr(0, name.size() - kSwapSuffix.size());
    RETURN_IF_ERROR(file_system().rename(path_of(name), path_of(live)));
  }
  return ok_status();
}

// A clean shutdown leaves a producer snapshot at the log's end, so its name has the end offset and no file need be
// opened. confirm_end() checks the segment itself before the first read or append.
Status PartitionLog::find_clean_end(int64_t recovery_point) {
  end_confirmed_ = false;
  // After a power failure the names may be those of the stop before: records beyond them were synced, or deleted.
  const int64_t least = MILENA_STORAGE_BUG(kOldSnapshotIsEnd) ? 0 : std::max(recovery_point, log_start_offset_);
  if (!snapshots_.empty() && snapshots_.back() > active().base_offset() && snapshots_.back() >= least) {
    log_end_offset_ = snapshots_.back();
    return ok_status();
  }
  Result<int64_t> end = active().next_offset();
  end_confirmed_ = true;
  if (!end && end.error().kind == ErrorKind::kCorrupt)
    return accept_damage(std::max(recovery_point, active().base_offset()), end.error().message);
  RETURN_IF_ERROR(end);
  log_end_offset_ = *end;
  return ok_status();
}

// After a clean stop everything was on the disk, so an unreadable batch was damaged since. It stays, and only its
// readers get an error, as with Kafka, which does not look: a cut would also remove all records behind it. Only a torn
// end, or one that the stop did not know, is removed.
Status PartitionLog::accept_damage(int64_t said, const std::string& fault) {
  Result<Segment::WholePart> whole = active().whole_part();
  RETURN_IF_ERROR(whole);
  Result<uint32_t> bytes = active().size();
  RETURN_IF_ERROR(bytes);
  if (MILENA_STORAGE_BUG(kDamageIsCut)) return recover(OpenState{.recovery_point = active().base_offset()});
  const bool cut = *bytes > whole->bytes && (whole->torn || whole->next_offset >= said);
  log_end_offset_ = cut || *bytes == whole->bytes ? whole->next_offset : said;
  log_warn("{} was shut down cleanly with end offset {}, but: {}; {}, it ends at {}", directory_, said, fault,
           cut ? "its incomplete end is cut off" : "the damaged bytes are kept", log_end_offset_);
  if (cut) RETURN_IF_ERROR(active().truncate(whole->bytes, log_end_offset_));
  RETURN_IF_ERROR(active().rebuild_indexes());
  recent_.clear();
  producers_.reset();
  unloaded_producers_end_ = log_end_offset_;
  return forget_epochs_from(log_end_offset_);
}

Status PartitionLog::confirm_end() {
  if (end_confirmed_) return ok_status();
  end_confirmed_ = true;
  int64_t said = log_end_offset_;
  Result<int64_t> end = active().next_offset();
  if (end && *end == said) return ok_status();
  if (!end && end.error().kind != ErrorKind::kCorrupt) return end.error();
  recovery_point_ = std::min(recovery_point_, active().base_offset());
  RETURN_IF_ERROR(accept_damage(said, end ? "its last batch ends at " + std::to_string(*end) : end.error().message));
  if (log_start_offset_ > log_end_offset_) return restart_with_producers();
  // If the high watermark covered the whole log, it covers the unknown end, too.
  if (high_watermark_ >= said) set_high_watermark(log_end_offset_);
  clamp_offsets();
  RETURN_IF_ERROR(remove_stray_snapshots());
  check_offsets();
  return ok_status();
}

// All records that are left are below the log start offset. Their producers are kept: they may send a batch again.
Status PartitionLog::restart_with_producers() {
  if (MILENA_STORAGE_BUG(kRestartForgetsProducers)) return truncate_fully_and_start_at(log_start_offset_);
  if (producers_ == nullptr) unloaded_producers_end_ = log_end_offset_;
  Result<ProducerState*> known = producers();
  RETURN_IF_ERROR(known);
  ProducerState kept(**known);
  for (const auto& [first_offset, producer_id] : kept.open_transactions_before(INT64_MAX))
    kept.close_transaction(producer_id);
  RETURN_IF_ERROR(truncate_fully_and_start_at(log_start_offset_));
  if (kept.to_snapshot().empty()) return ok_status();
  RETURN_IF_ERROR(write_snapshot(log_start_offset_, kept));
  carried_snapshot_unsynced_ = true;
  return ok_status();
}

Status PartitionLog::remove_snapshots_beyond(int64_t offset) {
  for (; !snapshots_.empty() && snapshots_.back() > offset; snapshots_.pop_back()) {
    RETURN_IF_ERROR(file_system().remove(path_of(segment_file_name(snapshots_.back(), kSnapshotSuffix))));
    directory_dirty_ = true;
  }
  return ok_status();
}

// Snapshots are kept at the base offsets of segments and at the newest offset; those beyond the end are of lost
// records.
Status PartitionLog::remove_stray_snapshots() {
  std::set<int64_t> bases;
  for (const auto& segment : segments_) bases.insert(segment->base_offset());
  std::vector<int64_t> kept;
  bool any_beyond = false;
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    int64_t offset = snapshots_[i];
    bool newest = i + 1 == snapshots_.size() || snapshots_[i + 1] > log_end_offset_;
    if (offset <= log_end_offset_ && (newest || bases.contains(offset))) {
      kept.push_back(offset);
      continue;
    }
    RETURN_IF_ERROR(file_system().remove(path_of(segment_file_name(offset, kSnapshotSuffix))));
    any_beyond |= offset > log_end_offset_;
  }
  snapshots_ = std::move(kept);
  return any_beyond ? forget_removed_snapshots() : ok_status();
}

// Snapshots of records that are no longer there. If a power failure brought one back below a later recovery point, it
// would be taken for one of the records that took their place.
Status PartitionLog::forget_removed_snapshots() {
  return file_system().sync_directory(directory_);
}

}  // namespace milena::log
