// Producer state that is not in the records: that of a copy's original, and transactions whose records compaction has
// removed.
#include <algorithm>

#include "base/log.h"
#include "log/partition_log.h"
#include "log/planted_storage_bugs.h"

namespace milena::log {

Status PartitionLog::carry_producers_of(PartitionLog& original) {
  const int64_t start = segments_.front()->base_offset();
  Result<ProducerState*> state = original.producers();
  RETURN_IF_ERROR(state);
  std::vector<ProducerSnapshotEntry> below;
  for (const ProducerSnapshotEntry& entry : (*state)->to_snapshot()) {
    if (entry.last_offset < start && entry.current_txn_first_offset < start) below.push_back(entry);
  }
  if (below.empty()) return ok_status();
  RETURN_IF_ERROR(file_system().write_file_atomically(path_of(segment_file_name(start, kSnapshotSuffix)),
                                                      encode_producer_snapshot(below), /*durable=*/false));
  const auto place = std::lower_bound(snapshots_.begin(), snapshots_.end(), start);
  if (place == snapshots_.end() || *place != start) snapshots_.insert(place, start);
  carried_snapshot_unsynced_ = true;
  directory_dirty_ = true;
  unloaded_producers_end_ = log_end_offset_;
  producers_.reset();  // to be loaded again, with these
  return ok_status();
}

Status PartitionLog::adopt_producers_of(PartitionLog& original) {
  CHECK(original.log_end_offset() == log_end_offset_, "{}", directory_);
  Result<ProducerState*> state = original.producers();
  RETURN_IF_ERROR(state);
  producers_ = std::make_unique<ProducerState>(**state);
  return ok_status();
}

// A snapshot may be older than a round of compaction that removed a transaction with its marker. The marker is removed
// after the records, so a transaction without records has ended.
Status PartitionLog::close_vanished_transactions(int64_t snapshot_offset) {
  for (const auto& [first_offset, producer_id] : producers_->open_transactions_before(snapshot_offset)) {
    if (first_offset < segments_.front()->base_offset()) continue;  // retention may have removed them
    Result<bool> there = has_transactional_batch(producer_id, first_offset, snapshot_offset);
    if (!there && there.error().kind == ErrorKind::kCorrupt) continue;
    RETURN_IF_ERROR(there);
    if (*there || MILENA_STORAGE_BUG(kVanishedStaysOpen)) continue;
    log_info("{}: the transaction of producer {} at offset {} was compacted away", directory_, producer_id,
             first_offset);
    producers_->close_transaction(producer_id);
  }
  return ok_status();
}

Result<bool> PartitionLog::has_transactional_batch(int64_t producer_id, int64_t from, int64_t up_to) {
  constexpr size_t kWindow = 16 << 10;
  for (size_t i = segment_index_of(from); i < segments_.size() && segments_[i]->base_offset() < up_to; ++i) {
    Result<BatchPosition> first = segments_[i]->locate(from);
    RETURN_IF_ERROR(first);
    Result<BatchScanner> batches = segments_[i]->scan(first->position, kWindow);
    RETURN_IF_ERROR(batches);
    while (true) {
      Result<bool> more = batches->next();
      RETURN_IF_ERROR(more);
      if (!*more || batches->header().base_offset >= up_to) break;
      const BatchHeader& batch = batches->header();
      if (batch.producer_id == producer_id && batch.is_transactional() && !batch.is_control()) return true;
    }
  }
  return false;
}

}  // namespace milena::log
