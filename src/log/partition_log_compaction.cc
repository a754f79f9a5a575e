// The log's side of compaction: the outlook, and installing the result.
#include <algorithm>

#include "base/log.h"
#include "base/saturating.h"
#include "log/compaction_job.h"
#include "log/partition_log.h"
#include "log/planted_storage_bugs.h"

namespace milena::log {

int64_t PartitionLog::first_dirty_offset() const {
  // A checkpoint beyond the log's end is of another log; one before its start is of removed records.
  return first_dirty_ > log_end_offset_ ? log_start_offset_ : std::max(first_dirty_, log_start_offset_);
}

Result<CompactionOutlook> PartitionLog::compaction_outlook() {
  CompactionOutlook outlook;
  RETURN_IF_ERROR(confirm_end());
  outlook.first_dirty = first_dirty_offset();
  Result<int64_t> stable = last_stable_offset();
  RETURN_IF_ERROR(stable);
  if (MILENA_REPLICA_BUG(kCompactsUnsettled)) stable = log_end_offset_;
  // Whole segments only: behind the last stable offset it is not known which data is going to be aborted.
  outlook.end_offset = segments_[segment_index_of(std::min(*stable, active().base_offset()))]->base_offset();
  outlook.end_offset = std::max(outlook.end_offset, outlook.first_dirty);
  const int64_t now_ms = clock_.wall_ms();
  const size_t first = segment_index_of(outlook.first_dirty);
  int64_t earliest_ms = INT64_MAX;
  for (size_t i = first; i + 1 < segments_.size() && segments_[i]->base_offset() < outlook.end_offset; ++i) {
    if (config_->min_compaction_lag_ms > 0) {
      Result<Segment::MaxTimestamp> greatest = segments_[i]->max_timestamp();
      RETURN_IF_ERROR(greatest);
      if (greatest->timestamp > subtract_saturating(now_ms, config_->min_compaction_lag_ms)) {
        outlook.end_offset = std::max(segments_[i]->base_offset(), outlook.first_dirty);
        const int64_t due_ms = add_saturating(greatest->timestamp, config_->min_compaction_lag_ms);
        outlook.wait_ms = add_saturating(subtract_saturating(due_ms, now_ms), 1);
        break;
      }
    }
    Result<int64_t> since = segments_[i]->first_timestamp();
    RETURN_IF_ERROR(since);
    if (*since > 0) earliest_ms = std::min(earliest_ms, *since);
  }
  if (earliest_ms != INT64_MAX && config_->max_compaction_lag_ms != INT64_MAX) {
    const int64_t due_ms = add_saturating(earliest_ms, std::max<int64_t>(config_->max_compaction_lag_ms, 0));
    const int64_t early_ms = subtract_saturating(due_ms, now_ms);
    outlook.overdue = early_ms < 0;
    const int64_t wait_ms = add_saturating(early_ms, 1);
    if (!outlook.overdue) outlook.wait_ms = outlook.wait_ms < 0 ? wait_ms : std::min(outlook.wait_ms, wait_ms);
  }
  for (size_t i = 0; i + 1 < segments_.size() && segments_[i]->base_offset() < outlook.end_offset; ++i) {
    Result<uint32_t> bytes = segments_[i]->size();
    RETURN_IF_ERROR(bytes);
    // The segment that contains the end of the clean part counts as dirty.
    (i < first ? outlook.clean_bytes : outlook.dirty_bytes) += *bytes;
  }
  if (outlook.end_offset <= outlook.first_dirty) outlook.dirty_bytes = 0;
  outlook.due = outlook.dirty_bytes > 0 &&
                (outlook.overdue || outlook.dirty_ratio() > config_->min_cleanable_dirty_ratio);
  return outlook;
}

Result<std::unique_ptr<CompactionJob>> PartitionLog::prepare_compaction(const CompactionOutlook& outlook,
                                                                        uint64_t map_budget_bytes,
                                                                        double map_load_factor) {
  CompactionJob::Plan plan;
  plan.directory = directory_;
  plan.first_dirty = outlook.first_dirty;
  plan.map_budget_bytes = map_budget_bytes;
  plan.map_load_factor = map_load_factor;
  plan.segment_bytes = config_->segment_bytes;
  plan.segment_index_bytes = config_->segment_index_bytes;
  plan.index_interval_bytes = config_->index_interval_bytes;
  plan.shape = shape_;
  plan.rules.now_ms = clock_.wall_ms();
  plan.rules.delete_retention_ms = config_->delete_retention_ms;
  plan.rules.end_offset = outlook.end_offset;
  Result<std::vector<ProducerEntry>> producers = active_producers();
  RETURN_IF_ERROR(producers);
  for (const ProducerEntry& entry : *producers) {
    auto& last = plan.rules.last_of_producers[entry.producer_id];
    if (entry.last_batch() != nullptr) last.data_offset = entry.last_batch()->last_offset;
    last.epoch = entry.epoch;
  }
  for (size_t i = 0; i + 1 < segments_.size() && segments_[i]->base_offset() < outlook.end_offset; ++i) {
    Result<uint32_t> bytes = segments_[i]->size();
    RETURN_IF_ERROR(bytes);
    plan.sources.push_back({segments_[i]->base_offset(), end_of_segment(i), *bytes, segments_[i]->created_ms()});
  }
  Result<std::vector<AbortedTransaction>> aborted =
      aborted_transactions(segments_.front()->base_offset(), outlook.end_offset);
  RETURN_IF_ERROR(aborted);
  plan.aborted = aborted.take();
  return std::make_unique<CompactionJob>(file_system(), std::move(plan));
}

Result<std::optional<DoomedFiles>> PartitionLog::install_compacted(const CompactionJob& job) {
  if (job.plan().shape != shape_) return std::optional<DoomedFiles>();
  const CompactionJob::Piece& piece = job.piece();
  const CompactionJob::Source& first = job.plan().sources[piece.first_source];
  const CompactionJob::Source& last = job.plan().sources[piece.first_source + piece.source_count - 1];
  auto at = std::find_if(segments_.begin(), segments_.end(),
                         [&](const auto& segment) { return segment->base_offset() == first.base_offset; });
  CHECK(at != segments_.end() && last.end_offset <= active().base_offset(), "{}: {}", directory_, first.base_offset);

  auto name = [&](ByteView suffix, ByteView state) {
    return path_of(segment_file_name(piece.base_offset, suffix)) + std::string(state);
  };
  std::vector<ByteView> suffixes{kLogSuffix, kIndexSuffix, kTimeIndexSuffix};
  if (piece.has_txn_index) suffixes.push_back(kTxnIndexSuffix);
  // A crash after the last of these renames leaves the new segment; before, the old ones.
  for (size_t i = suffixes.size(); i-- > 0;) {
    RETURN_IF_ERROR(file_system().rename(name(suffixes[i], kCleanedSuffix), name(suffixes[i], kSwapSuffix)));
  }
  DoomedFiles doomed;
  auto end = at;
  for (; end != segments_.end() && (*end)->base_offset() < last.end_offset; ++end) {
    RETURN_IF_ERROR(doom_segment_files(**end, doomed));
  }
  // The .log first: once it has its name, the next opening only renames the remaining .swap files.
  for (ByteView suffix : suffixes) RETURN_IF_ERROR(file_system().rename(name(suffix, kSwapSuffix), name(suffix, "")));
  auto segment = std::make_unique<Segment>(files_, directory_, piece.base_offset, config_->index_interval_bytes);
  if (piece.has_txn_index) segment->set_has_txn_index();
  segment->set_created_ms(last.created_ms);
  auto place = segments_.erase(at, end);
  segments_.insert(place, std::move(segment));
  directory_dirty_ = true;
  RETURN_IF_ERROR(remove_stray_snapshots());
  return std::optional(std::move(doomed));
}

void PartitionLog::finish_compaction(const CompactionJob& job) {
  first_dirty_ = std::max(first_dirty_, std::min(job.clean_up_to(), log_end_offset_));
}

}  // namespace milena::log
