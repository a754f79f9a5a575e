// SimPartition: a partition of the simulated cluster, for transactions: the producer state is the real one
// (log/producer_state.h), the log a list in memory. It tracks open transactions itself, so that the last stable offset
// can be checked. The high watermark is the log end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "coordinator/transaction/transaction_types.h"
#include "log/producer_state.h"

namespace milena {

class SimPartition {
 public:
  struct Entry {
    int64_t producer_id = -1;
    int16_t epoch = -1;
    int tag = -1;  // the record's transaction; -1 a marker
    bool committed = false;
  };

  int64_t end() const { return static_cast<int64_t>(log_.size()); }
  int64_t last_stable_offset() const {
    const int64_t unstable = state_.first_unstable_offset();
    return unstable < 0 ? end() : unstable;
  }
  // The same, by this model's own account.
  int64_t first_open_offset() const {
    int64_t first = end();
    for (const auto& [producer_id, records] : open_) first = std::min(first, records.front());
    return first;
  }
  const std::vector<Entry>& log() const { return log_; }

  log::VerificationStart start(int64_t producer_id, int16_t epoch, int32_t sequence, bool epoch_bump, int64_t now_ms) {
    return state_.start_verification(producer_id, epoch, sequence, epoch_bump, ++last_guard_, now_ms);
  }

  struct Appended {
    ErrorCode error = ErrorCode::kNone;
    int64_t offset = -1;
    bool duplicate = false;
  };
  Appended append(int64_t producer_id, int16_t epoch, int32_t sequence, uint64_t guard, int tag) {
    BatchHeader batch = header(producer_id, epoch, kBatchTransactionalBit);
    batch.base_sequence = sequence;
    const log::ProducerEntry* known = state_.find(producer_id);
    if (const log::ProducerBatch* before = known ? known->find_duplicate(batch) : nullptr) {
      return {ErrorCode::kNone, before->first_offset(), true};
    }
    log::AppendChecks checks(log::AppendOrigin::kClient);
    checks.guard = guard;
    checks.verify_transactions = true;
    log::ProducerAppend change(state_);
    if (const ErrorCode error = change.add(batch, std::nullopt, checks); error != ErrorCode::kNone) return {error};
    open_[producer_id].push_back(end());
    take(std::move(change), {producer_id, epoch, tag});
    return {ErrorCode::kNone, end() - 1};
  }

  // `ended(tag, committed)` for each record whose transaction the marker ends.
  template <class Ended>
  ErrorCode mark(const coordinator::TransactionMarkers& markers, Ended ended) {
    const BatchHeader batch =
        header(markers.producer_id, markers.producer_epoch, kBatchTransactionalBit | kBatchControlBit);
    log::AppendChecks checks(log::AppendOrigin::kMarker);
    checks.transaction_version = markers.transaction_version;
    log::ProducerAppend change(state_);
    const EndTransactionMarker marker{markers.committed, markers.coordinator_epoch};
    if (const ErrorCode error = change.add(batch, marker, checks); error != ErrorCode::kNone) return error;
    for (int64_t offset : open_[markers.producer_id]) ended(log_[static_cast<size_t>(offset)].tag, markers.committed);
    open_.erase(markers.producer_id);
    take(std::move(change), {markers.producer_id, markers.producer_epoch, -1, markers.committed});
    return ErrorCode::kNone;
  }

 private:
  BatchHeader header(int64_t producer_id, int16_t epoch, int16_t attributes) const {
    BatchHeader batch;
    batch.base_offset = end();
    batch.attributes = attributes;
    batch.producer_id = producer_id;
    batch.producer_epoch = epoch;
    batch.record_count = 1;
    return batch;
  }
  void take(log::ProducerAppend&& change, Entry entry) {
    state_.apply(std::move(change));
    log_.push_back(entry);
    state_.on_high_watermark(end());
  }

  log::ProducerState state_;
  std::vector<Entry> log_;
  std::map<int64_t, std::vector<int64_t>> open_;  // producer id -> offsets of its records without a marker
  uint64_t last_guard_ = 0;
};

}  // namespace milena
