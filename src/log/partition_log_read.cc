// Reading a log: by offset, by time, and the aborted transactions of a stretch.
#include <algorithm>

#include "log/partition_log.h"

namespace milena::log {
namespace {

constexpr size_t kSearchWindow = 16 << 10;

}  // namespace

// The segment whose base offset is the greatest at or below the offset; the first one for offsets before it.
size_t PartitionLog::segment_index_of(int64_t offset) const {
  auto after = std::upper_bound(segments_.begin(), segments_.end(), offset,
                                [](int64_t value, const auto& segment) { return value < segment->base_offset(); });
  return after == segments_.begin() ? 0 : static_cast<size_t>(after - segments_.begin()) - 1;
}

int64_t PartitionLog::end_of_segment(size_t index) const {
  return index + 1 < segments_.size() ? segments_[index + 1]->base_offset() : log_end_offset_;
}

Result<BatchPosition> PartitionLog::locate(size_t index, int64_t offset) {
  Segment& segment = *segments_[index];
  if (index + 1 == segments_.size()) {
    Result<uint32_t> bytes = segment.size();
    RETURN_IF_ERROR(bytes);
    if (std::optional<BatchPosition> found = recent_.find(offset, *bytes)) return *found;
  }
  return segment.locate(offset);
}

Result<uint64_t> PartitionLog::bytes_between(int64_t from, int64_t to) {
  RETURN_IF_ERROR(confirm_end());
  uint64_t total = 0;
  for (size_t i = segment_index_of(from); i < segments_.size() && segments_[i]->base_offset() < to; ++i) {
    Result<uint32_t> end = segments_[i]->size();
    RETURN_IF_ERROR(end);
    BatchPosition first{-1, 0, 0}, last{-1, *end, 0};
    for (auto [offset, at] : {std::pair(from, &first), std::pair(to, &last)}) {
      if (offset <= segments_[i]->base_offset() || offset >= end_of_segment(i)) continue;
      Result<BatchPosition> found = locate(i, offset);
      RETURN_IF_ERROR(found);
      *at = *found;
    }
    total += last.position - first.position;
  }
  return total;
}

Result<ReadOutcome> PartitionLog::read(int64_t offset, uint64_t max_bytes, int64_t upper_bound, bool min_one_batch) {
  if (offset < log_start_offset_ || offset > log_end_offset_) return ReadOutcome{.error = ErrorCode::kOffsetOutOfRange};
  int64_t end = std::min(upper_bound, log_end_offset_);
  if (offset >= end || (max_bytes == 0 && !min_one_batch)) return ReadOutcome{.next_offset = offset};
  if (!end_confirmed_) {
    RETURN_IF_ERROR(confirm_end());
    return read(offset, max_bytes, upper_bound, min_one_batch);
  }
  for (size_t i = segment_index_of(offset); i < segments_.size() && segments_[i]->base_offset() < end; ++i) {
    Result<BatchPosition> first = locate(i, offset);
    RETURN_IF_ERROR(first);
    if (first->size > 0) return read_from(i, *first, max_bytes, end, min_one_batch);
    // Only in a log with gaps a segment ends before the next one begins.
  }
  return ReadOutcome{.next_offset = end};
}

Result<ReadOutcome> PartitionLog::read_from(size_t index, const BatchPosition& first, uint64_t max_bytes,
                                            int64_t upper_bound, bool min_one_batch) {
  Segment& segment = *segments_[index];
  bool is_active = index + 1 == segments_.size();
  ReadOutcome outcome{.next_offset = end_of_segment(index)};
  Result<uint32_t> bytes = segment.size();
  RETURN_IF_ERROR(bytes);
  uint64_t end = *bytes;
  if (upper_bound < outcome.next_offset) {
    Result<BatchPosition> bound = locate(index, upper_bound);
    RETURN_IF_ERROR(bound);
    end = bound->position;
    outcome.next_offset = bound->size > 0 ? std::min(upper_bound, bound->base_offset) : upper_bound;
  }
  if (first.position >= end) return ReadOutcome{.next_offset = outcome.next_offset};

  uint64_t limit = first.position + max_bytes;
  if (limit < end) {
    BatchPosition cut{-1, first.position, 0};
    if (std::optional<BatchPosition> recent = is_active ? recent_.last_at_or_before(limit) : std::nullopt) {
      cut = *recent;
    } else {
      Result<uint32_t> indexed = segment.indexed_position_before(limit);
      RETURN_IF_ERROR(indexed);
      cut.position = *indexed;
    }
    outcome.next_offset = -1;
    if (cut.position >= first.position + uint64_t{first.size}) {
      end = cut.position;
      outcome.next_offset = cut.base_offset;
    } else if (first.size <= max_bytes) {
      end = limit;  // no boundary known: the last batch is cut off, as in Kafka
    } else {
      outcome.first_batch_cut = !min_one_batch;
      end = min_one_batch ? first.position + uint64_t{first.size} : limit;
    }
  }
  auto file = segment.log_file().open();
  RETURN_IF_ERROR(file);
  outcome.base_offset = first.base_offset;
  outcome.batches.append(FileSlice{*file, first.position, end - first.position});
  return outcome;
}

Result<std::vector<AbortedTransaction>> PartitionLog::aborted_transactions(int64_t from, int64_t upper_bound) {
  std::vector<AbortedTransaction> found;
  for (size_t i = segment_index_of(from); i < segments_.size(); ++i) {
    Result<std::vector<AbortedTransaction>> all = segments_[i]->aborted_transactions();
    RETURN_IF_ERROR(all);
    for (const AbortedTransaction& txn : *all) {
      if (txn.last_offset >= from && txn.first_offset < upper_bound) found.push_back(txn);
      // Every transaction that began below it has ended by then.
      if (txn.last_stable_offset >= upper_bound) return found;
    }
  }
  return found;
}

// --- by time ---

Result<std::optional<TimeSearch>> PartitionLog::search_by_timestamp(int64_t timestamp, int64_t from_offset) {
  RETURN_IF_ERROR(confirm_end());
  const int64_t start = std::max(from_offset, log_start_offset_);
  for (size_t i = segment_index_of(start); start < log_end_offset_ && i < segments_.size(); ++i) {
    Segment& segment = *segments_[i];
    Result<Segment::MaxTimestamp> greatest = segment.max_timestamp();
    RETURN_IF_ERROR(greatest);
    if (greatest->timestamp < timestamp) continue;
    Result<uint32_t> position = segment.position_for_timestamp(timestamp, start);
    RETURN_IF_ERROR(position);
    Result<BatchScanner> batches = segment.scan(*position, kSearchWindow);
    RETURN_IF_ERROR(batches);
    return std::optional(TimeSearch(batches.take(), timestamp, start, end_of_segment(i)));
  }
  return std::optional<TimeSearch>();
}

Result<std::optional<TimestampAndOffset>> PartitionLog::find_by_timestamp(int64_t timestamp) {
  int64_t from = 0;
  while (true) {
    Result<std::optional<TimeSearch>> search = search_by_timestamp(timestamp, from);
    RETURN_IF_ERROR(search);
    if (!*search) return std::optional<TimestampAndOffset>();
    auto found = (*search)->run();
    if (!found || *found) return found;
    from = (*search)->end_offset();
  }
}

Result<std::optional<TimeSearch>> PartitionLog::search_max_timestamp() {
  RETURN_IF_ERROR(confirm_end());
  Segment::MaxTimestamp greatest;
  size_t holder = segments_.size();
  for (size_t i = segment_index_of(log_start_offset_); i < segments_.size(); ++i) {
    Result<Segment::MaxTimestamp> of_segment = segments_[i]->max_timestamp();
    RETURN_IF_ERROR(of_segment);
    if (of_segment->timestamp <= greatest.timestamp) continue;
    greatest = *of_segment;
    holder = i;
  }
  if (holder == segments_.size()) return std::optional<TimeSearch>();
  Segment& segment = *segments_[holder];
  Result<BatchPosition> batch = segment.locate(greatest.offset);
  RETURN_IF_ERROR(batch);
  Result<BatchScanner> batches = segment.scan(batch->position, kSearchWindow);
  RETURN_IF_ERROR(batches);
  return std::optional(TimeSearch(batches.take(), greatest.timestamp, segment.base_offset(), log_end_offset_));
}

Result<std::optional<TimestampAndOffset>> PartitionLog::find_max_timestamp() {
  Result<std::optional<TimeSearch>> search = search_max_timestamp();
  RETURN_IF_ERROR(search);
  return *search ? (*search)->run() : std::optional<TimestampAndOffset>();
}

}  // namespace milena::log
