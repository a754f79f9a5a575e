// Recovering a log after a crash, and loading producer state and leader epochs, which are not always in memory.
#include <algorithm>
#include <map>
#include <utility>

#include "base/log.h"
#include "base/saturating.h"
#include "log/partition_log.h"
#include "log/planted_storage_bugs.h"
#include "log/producer_snapshot_file.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_iterator.h"

namespace milena::log {
namespace {

constexpr size_t kRecoveryWindow = 256 << 10;
constexpr size_t kReplayWindow = 64 << 10;
constexpr uint64_t kProgressStep = 64 << 20;

}  // namespace

// Reads the segments from the recovery point on, truncates the log at the first invalid batch, and rebuilds their
// indexes. Batches below the recovery point were synced, so only their headers are read.
Status PartitionLog::recover(const OpenState& state) {
  size_t first = segment_index_of(state.recovery_point);
  // The segment before may not have its right length yet, if it was preallocated.
  if (first > 0 && segments_[first]->base_offset() >= state.recovery_point && !MILENA_STORAGE_BUG(kTrimNotSynced)) {
    Result<int64_t> end = segments_[first - 1]->next_offset();
    if (!end && end.error().kind != ErrorKind::kCorrupt) return end.error();
    if (!end) --first;
  }
  int64_t start = segments_[first]->base_offset();
  // The crash may have come before the sync of what made the segment before full: its indexes, its length.
  const bool full_behind_point = first > 0 && start >= state.recovery_point;
  if (full_behind_point && !MILENA_STORAGE_BUG(kFullSegmentUnsynced))
    unsynced_full_ = segments_[first - 1]->base_offset();
  // Snapshots up to the recovery point are valid. Later ones may be torn, or of lost records.
  if (producers_ == nullptr) producers_ = std::make_unique<ProducerState>();
  RETURN_IF_ERROR(rebuild_producers(start));
  if (epochs_ == nullptr) RETURN_IF_ERROR(load_epochs());

  if (!MILENA_STORAGE_BUG(kTornSnapshotStays))
    RETURN_IF_ERROR(remove_snapshots_beyond(std::max(start, state.recovery_point)));

  uint64_t total_bytes = 0;
  for (size_t i = first; i < segments_.size(); ++i) {
    Result<uint32_t> bytes = segments_[i]->size();
    RETURN_IF_ERROR(bytes);
    total_bytes += *bytes;
  }
  uint64_t done_bytes = 0;
  log_end_offset_ = start;
  int64_t end_of_records = start;
  for (size_t i = first; i < segments_.size(); ++i) {
    // The removal of a segment was not synced, and the log continued in the one before it.
    if (segments_[i]->base_offset() < log_end_offset_ && segments_[i]->base_offset() >= state.recovery_point) {
      RETURN_IF_ERROR(drop_segments_behind(i - 1));
      break;
    }
    const int64_t base = segments_[i]->base_offset();
    // Compaction left these offsets without records, or the end of a segment was lost with the power while the name of
    // the next one was on the disk: nothing here tells which.
    const int64_t wanted = std::max(log_end_offset_, log_start_offset_);
    const bool begins = base > wanted && log_end_offset_ >= state.recovery_point && !gap_;
    if (begins && !MILENA_REPLICA_BUG(kGapIsBridged)) gap_ = wanted;
    log_end_offset_ = std::max(log_end_offset_, base);
    if (i > first) {
      RETURN_IF_ERROR(take_producer_snapshot());
      RETURN_IF_ERROR(remove_stray_snapshots());
    }
    Result<bool> whole = recover_segment(*segments_[i], state, done_bytes, total_bytes);
    RETURN_IF_ERROR(whole);
    if (log_end_offset_ > base) end_of_records = log_end_offset_;
    if (*whole) continue;
    // Nothing is missing before the next segment: the removed part is the rest of a preallocated file, whose truncation
    // at the roll was not synced.
    if (i + 1 < segments_.size() && segments_[i + 1]->base_offset() == log_end_offset_) continue;
    RETURN_IF_ERROR(drop_segments_behind(i));
  }
  if (state.progress) state.progress(total_bytes, total_bytes);
  RETURN_IF_ERROR(drop_empty_segment_behind(end_of_records, state));
  RETURN_IF_ERROR(remove_snapshots_beyond(log_end_offset_));
  recent_.clear();
  end_confirmed_ = true;
  bool trimmed = epochs_->truncate_from_end(log_end_offset_);
  return trimmed ? save_epochs() : ok_status();
}

// The power left the names of the last segments, and neither records in them nor those before. If this log is led, no
// follower could reach its end, where there is nothing to fetch. Where compaction may have made the gap the end stays:
// the offsets are not used again.
Status PartitionLog::drop_empty_segment_behind(int64_t end_of_records, const OpenState& state) {
  const bool empty_behind_gap = end_of_records < log_end_offset_ && log_end_offset_ == active().base_offset();
  const bool lost = end_of_records >= state.recovery_point && end_of_records >= log_start_offset_;
  if (!empty_behind_gap || !lost || config_->cleanup_compact || state.first_dirty_offset > 0) return ok_status();
  log_end_offset_ = end_of_records;
  if (gap_ == end_of_records) gap_.reset();
  size_t last = segments_.size() - 1;
  while (last > 0 && segments_[last]->base_offset() > end_of_records) --last;
  return drop_segments_behind(last);
}

Status PartitionLog::cut_at_gap() {
  if (!gap_) return ok_status();
  log_info("{}: no records from offset {} on, up to later ones; they are fetched again from there", directory_, *gap_);
  return truncate_to(*gap_);
}

// Removes the segments behind a cut.
Status PartitionLog::drop_segments_behind(size_t last) {
  while (segments_.size() > last + 1) {
    log_warn("{}: dropping segment {}, which does not follow offset {}", directory_, active().base_offset(),
             log_end_offset_);
    RETURN_IF_ERROR(remove_segment_files(active()));
    segments_.pop_back();
  }
  // The log may continue under the name of one of them.
  return MILENA_STORAGE_BUG(kCutNotSynced) ? ok_status() : file_system().sync_directory(directory_);
}

// False if the segment had to be truncated.
Result<bool> PartitionLog::recover_segment(Segment& segment, const OpenState& state, uint64_t& done_bytes,
                                           uint64_t total_bytes) {
  RETURN_IF_ERROR(segment.start_rebuild());
  Result<BatchScanner> batches = segment.scan(0, kRecoveryWindow);
  RETURN_IF_ERROR(batches);
  int64_t next_offset = segment.base_offset();
  uint32_t good_bytes = 0;
  std::string fault;
  bool epochs_changed = false;
  while (true) {
    Result<bool> more = batches->next();
    if (!more && more.error().kind != ErrorKind::kCorrupt) return more.error();
    if (!more) fault = more.error().message;
    if (!more || !*more) break;
    const BatchHeader& batch = batches->header();
    if (batch.base_offset < next_offset || !segment.fits(batch.last_offset())) {
      fault = "a batch with offset " + std::to_string(batch.base_offset) + " is not in order";
      break;
    }
    if (batch.last_offset() >= state.recovery_point) {
      Result<bool> crc_ok = batches->crc_ok();
      RETURN_IF_ERROR(crc_ok);
      if (!*crc_ok) {
        fault = "wrong checksum";
        break;
      }
    }
    RETURN_IF_ERROR(segment.add_batch(batch, batches->position()));
    RETURN_IF_ERROR(replay_producer(*batches, &segment));
    if (batch.partition_leader_epoch > epochs_->latest().value_or(-1)) {
      epochs_changed |= epochs_->assign(batch.partition_leader_epoch, batch.base_offset);
    }
    next_offset = batch.next_offset();
    good_bytes = batches->position() + batches->size();
    if (state.progress &&
        (done_bytes + good_bytes) / kProgressStep != (done_bytes + batches->position()) / kProgressStep) {
      state.progress(done_bytes + good_bytes, total_bytes);
    }
  }
  Result<uint32_t> bytes = segment.size();
  RETURN_IF_ERROR(bytes);
  done_bytes += *bytes;
  log_end_offset_ = std::max(log_end_offset_, next_offset);
  if (good_bytes < *bytes) {
    log_warn("{}: cutting {} bytes off segment {} behind offset {}: {}", directory_, *bytes - good_bytes,
             segment.base_offset(), next_offset, fault);
    RETURN_IF_ERROR(segment.truncate(good_bytes, next_offset));
  }
  // The active segment's are written as it grows, or at a stop.
  if (&segment != &active()) RETURN_IF_ERROR(segment.save_indexes(true));
  if (epochs_changed) RETURN_IF_ERROR(save_epochs());
  return good_bytes == *bytes;
}

// --- producers ---

Result<ProducerState*> PartitionLog::producers() {
  if (producers_ == nullptr) {
    RETURN_IF_ERROR(confirm_end());
    if (producers_ != nullptr) return producers_.get();
    producers_ = std::make_unique<ProducerState>();
    Status loaded = rebuild_producers(std::min(unloaded_producers_end_, log_end_offset_));
    if (!loaded) {
      producers_.reset();
      return loaded.error();
    }
    producers_->on_high_watermark(high_watermark_);
  }
  return producers_.get();
}

// The state at the offset: the newest valid snapshot at or below it, and the batches from there.
Status PartitionLog::rebuild_producers(int64_t up_to) {
  int64_t start = segments_.front()->base_offset();
  RETURN_IF_ERROR(load_newest_snapshot(up_to, start));
  const int64_t snapshot_offset = start;
  for (size_t i = segment_index_of(start); i < segments_.size() && start < up_to; ++i) {
    Segment& segment = *segments_[i];
    if (segment.base_offset() >= up_to) break;
    Status replayed = replay_producers_of(segment, start, up_to);
    if (!replayed && replayed.error().kind != ErrorKind::kCorrupt) return replayed;
    // Losing some producers is better than an unusable partition.
    if (!replayed)
      log_warn("{}: the state of some producers in a segment is unknown: {}", directory_, replayed.error().message);
    start = end_of_segment(i);
  }
  RETURN_IF_ERROR(close_vanished_transactions(snapshot_offset));
  producers_->expire(subtract_saturating(clock_.wall_ms(), config_->max_producer_id_expiration_ms));
  return ok_status();
}

// The state as it was at that offset, from the records before it while they are there.
Status PartitionLog::write_lost_snapshot(int64_t offset) {
  auto now = std::exchange(producers_, std::make_unique<ProducerState>());
  const Status rebuilt = rebuild_producers(offset);
  const auto then = std::exchange(producers_, std::move(now));
  RETURN_IF_ERROR(rebuilt);
  return write_snapshot(offset, *then);
}

Status PartitionLog::replay_producers_of(Segment& segment, int64_t from_offset, int64_t up_to) {
  Result<BatchPosition> from = segment.locate(from_offset);
  RETURN_IF_ERROR(from);
  Result<BatchScanner> batches = segment.scan(from->position, kReplayWindow);
  RETURN_IF_ERROR(batches);
  while (true) {
    Result<bool> more = batches->next();
    RETURN_IF_ERROR(more);
    if (!*more || batches->header().base_offset >= up_to) return ok_status();
    RETURN_IF_ERROR(replay_producer(*batches, nullptr));
  }
}

namespace {

// The producers of these snapshots whose last batch is below the offset. Torn snapshots are skipped: recovery writes
// them again.
Result<std::vector<ProducerSnapshotEntry>> producers_before(FileSystem& files,
                                                            const std::vector<std::string>& snapshots,
                                                            int64_t offset) {
  std::map<int64_t, ProducerSnapshotEntry> found;  // by producer
  for (const std::string& path : snapshots) {
    Result<std::vector<ProducerSnapshotEntry>> entries = read_producer_snapshot(files, path);
    if (!entries && is_lost_snapshot(entries.error())) continue;
    RETURN_IF_ERROR(entries);
    for (const ProducerSnapshotEntry& entry : *entries) {
      if (entry.last_offset >= offset || entry.current_txn_first_offset >= 0) continue;
      const auto [known, added] = found.emplace(entry.producer_id, entry);
      if (!added && known->second.last_offset < entry.last_offset) known->second = entry;
    }
  }
  std::vector<ProducerSnapshotEntry> entries;
  for (const auto& [id, entry] : found) entries.push_back(entry);
  return entries;
}

}  // namespace

Status PartitionLog::load_newest_snapshot(int64_t up_to, int64_t& start) {
  producers_->clear();
  for (size_t i = snapshots_.size(); i-- > 0;) {
    int64_t offset = snapshots_[i];
    if (offset > up_to || offset < start) continue;
    std::string path = path_of(segment_file_name(offset, kSnapshotSuffix));
    Result<std::vector<ProducerSnapshotEntry>> entries = read_producer_snapshot(file_system(), path);
    if (entries) {
      producers_->load_snapshot(*entries);
      start = offset;
      return ok_status();
    }
    if (!is_lost_snapshot(entries.error())) return entries.error();
    if (entries.error().kind == ErrorKind::kCorrupt) {
      log_warn("{}: {}; reading the records instead", path, entries.error().message);
      RETURN_IF_ERROR(file_system().remove(path));
    }
    snapshots_.erase(snapshots_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  // A power failure may have undone a part of retention's renames: a segment is back and the snapshot at its start is
  // not. Later snapshots have the producers whose last batch is before the log; the others are replayed.
  const int64_t first = segments_.front()->base_offset();
  std::vector<std::string> later;
  for (const int64_t offset : snapshots_) {
    if (first == 0 || offset <= up_to || MILENA_STORAGE_BUG(kLaterSnapshotsUnread)) continue;
    later.push_back(path_of(segment_file_name(offset, kSnapshotSuffix)));
  }
  Result<std::vector<ProducerSnapshotEntry>> removed = producers_before(file_system(), later, first);
  RETURN_IF_ERROR(removed);
  if (!removed->empty()) producers_->load_snapshot(*removed);
  return ok_status();
}

// Applies one batch of the log to the producer state; aborted transactions that it completes are added to the segment's
// index, if given.
Status PartitionLog::replay_producer(BatchScanner& batch, Segment* txn_index_of) {
  const BatchHeader& header = batch.header();
  if (!header.has_producer_id()) return ok_status();
  std::optional<EndTransactionMarker> marker;
  if (header.is_control()) {
    Result<Bytes> bytes = batch.bytes();
    RETURN_IF_ERROR(bytes);
    Result<std::optional<EndTransactionMarker>> parsed = marker_of(*bytes);
    RETURN_IF_ERROR(parsed);
    if (!*parsed) return ok_status();
    marker = **parsed;
  }
  ProducerAppend change(*producers_);
  ErrorCode refused = change.add(header, marker, AppendOrigin::kReplication);
  CHECK(refused == ErrorCode::kNone, "{}", static_cast<int>(refused));
  size_t noted = 0;
  if (txn_index_of != nullptr) RETURN_IF_ERROR(note_aborted(*txn_index_of, producers_->completed_by(change), noted));
  producers_->apply(std::move(change));
  return ok_status();
}

Status PartitionLog::note_aborted(Segment& segment, const CompletedTransactions& completed, size_t& noted) {
  for (const auto& [txn, last_stable_offset] : completed) {
    if (!txn.aborted) continue;
    directory_dirty_ |= !segment.has_txn_index();
    RETURN_IF_ERROR(segment.add_aborted({txn.producer_id, txn.first_offset, txn.last_offset, last_stable_offset}));
    noted++;
  }
  return ok_status();
}

// The transaction marker in a control batch; nullopt for other control batches, and for those that compaction has
// emptied and kept for their producer or their offset.
Result<std::optional<EndTransactionMarker>> PartitionLog::marker_of(ByteView batch) {
  Result<RecordBatchView> view = RecordBatchView::parse(batch);
  RETURN_IF_ERROR(view);
  if (view->header().record_count == 0) return std::optional<EndTransactionMarker>();
  Result<ControlRecordType> type = control_batch_type(*view);
  RETURN_IF_ERROR(type);
  if (*type != ControlRecordType::kCommit && *type != ControlRecordType::kAbort) {
    return std::optional<EndTransactionMarker>();
  }
  RecordIterator records(*view);
  if (!records.next()) return make_error(ErrorKind::kCorrupt, "a transaction marker without a record");
  Result<EndTransactionMarker> marker = parse_end_transaction_marker(records.record());
  RETURN_IF_ERROR(marker);
  return std::optional<EndTransactionMarker>(*marker);
}

// --- leader epochs ---

Result<LeaderEpochCache*> PartitionLog::epochs() {
  if (epochs_ == nullptr) {
    RETURN_IF_ERROR(load_epochs());
    epochs_->truncate_from_end(log_end_offset_);
    epochs_->truncate_from_start(log_start_offset_);
  }
  return epochs_.get();
}

Status PartitionLog::load_epochs() {
  epochs_ = std::make_unique<LeaderEpochCache>();
  if (!has_epoch_file_) return ok_status();
  Result<Bytes> file = file_system().read_file(path_of(kLeaderEpochFile));
  RETURN_IF_ERROR(file);
  Result<std::vector<EpochEntry>> entries = decode_epoch_checkpoint(*file);
  if (entries) {
    *epochs_ = LeaderEpochCache(std::move(*entries));
    return ok_status();
  }
  // Kafka creates an empty file and fills it with the first record.
  if (!file->empty() || log_end_offset_ > log_start_offset_) {
    log_warn("{}: {}; reading the epochs from the records instead", directory_, entries.error().message);
  }
  for (auto& segment : segments_) {
    Result<BatchScanner> batches = segment->scan(0, kReplayWindow);
    RETURN_IF_ERROR(batches);
    while (true) {
      Result<bool> more = batches->next();
      if (!more && more.error().kind != ErrorKind::kCorrupt) return more.error();
      if (!more || !*more) break;
      int32_t epoch = batches->header().partition_leader_epoch;
      if (epoch > epochs_->latest().value_or(-1)) epochs_->assign(epoch, batches->header().base_offset);
    }
  }
  return save_epochs();
}

// Not synced here: if lost, it is rebuilt from the records; prepare_sync() syncs it before the recovery point moves
// beyond them.
Status PartitionLog::save_epochs() {
  has_epoch_file_ = true;
  epochs_unsynced_ = true;
  RETURN_IF_ERROR(file_system().write_file_atomically(path_of(kLeaderEpochFile),
                                                      encode_epoch_checkpoint(epochs_->entries()), /*durable=*/false));
  epochs_unsaved_ = false;
  return ok_status();
}

}  // namespace milena::log
