#include "log/producer_state.h"

#include <algorithm>
#include <limits>
#include <set>

#include "log/planted_storage_bugs.h"

namespace milena::log {
namespace {

constexpr int64_t kSequences = int64_t{std::numeric_limits<int32_t>::max()} + 1;

bool in_sequence(int32_t last, int32_t next) {
  return int64_t{next} == int64_t{last} + 1 || (next == 0 && last == std::numeric_limits<int32_t>::max());
}

}  // namespace

int32_t ProducerBatch::first_sequence() const {
  if (last_sequence < 0) return last_sequence;
  int64_t first = int64_t{last_sequence} - offset_delta;
  return static_cast<int32_t>(first < 0 ? first + kSequences : first);
}

const ProducerBatch* ProducerEntry::find_duplicate(const BatchHeader& batch) const {
  if (batch.producer_epoch != epoch) return nullptr;
  for (size_t i = 0; i < batch_count; ++i) {
    if (batches[i].first_sequence() == batch.base_sequence && batches[i].last_sequence == batch.last_sequence()) {
      return &batches[i];
    }
  }
  return nullptr;
}

void ProducerEntry::add_batch(const ProducerBatch& batch) {
  if (batch_count == kBatchesKept) {
    std::move(batches.begin() + 1, batches.end(), batches.begin());
    --batch_count;
  }
  batches[batch_count++] = batch;
}

void ProducerEntry::set_epoch(int16_t new_epoch) {
  if (epoch == new_epoch) return;
  epoch = new_epoch;
  batch_count = 0;
}

ProducerEntry& ProducerAppend::entry_of(int64_t producer_id) {
  for (ProducerEntry& entry : updated_) {
    if (entry.producer_id == producer_id) return entry;
  }
  const ProducerEntry* known = state_.find(producer_id);
  updated_.push_back(known != nullptr ? *known : ProducerEntry{.producer_id = producer_id});
  return updated_.back();
}

ErrorCode ProducerAppend::add(const BatchHeader& batch, const std::optional<EndTransactionMarker>& marker,
                              const AppendChecks& checks) {
  if (!batch.has_producer_id()) return ErrorCode::kNone;
  ProducerEntry& entry = entry_of(batch.producer_id);
  if (marker) {
    if (ErrorCode error = add_marker(entry, batch, *marker, checks); error != ErrorCode::kNone) return error;
  } else {
    if (ErrorCode error = check_data(entry, batch, checks); error != ErrorCode::kNone) return error;
    add_data(entry, batch);
  }
  settle_verification(batch);
  return ErrorCode::kNone;
}

ErrorCode ProducerAppend::check_data(const ProducerEntry& entry, const BatchHeader& batch,
                                     const AppendChecks& checks) const {
  if (checks.origin == AppendOrigin::kReplication) return ErrorCode::kNone;
  if (batch.producer_epoch < entry.epoch) return ErrorCode::kInvalidProducerEpoch;
  bool open = entry.current_txn_first_offset >= 0;
  if (batch.is_transactional() && checks.verify_transactions && !(open && entry.epoch == batch.producer_epoch)) {
    const PendingVerification* pending = state_.find_verification(batch.producer_id);
    if (checks.guard == 0 || pending == nullptr || pending->guard != checks.guard) return ErrorCode::kInvalidTxnState;
  }
  if (checks.origin == AppendOrigin::kClient) {
    if (ErrorCode error = check_sequence(entry, batch); error != ErrorCode::kNone) return error;
  }
  return open && !batch.is_transactional() ? ErrorCode::kInvalidTxnState : ErrorCode::kNone;
}

ErrorCode ProducerAppend::check_sequence(const ProducerEntry& entry, const BatchHeader& batch) const {
  if (const PendingVerification* pending = state_.find_verification(batch.producer_id)) {
    // An earlier batch of the transaction still waits for its verification: this one must not overtake it.
    if (batch.base_sequence > pending->lowest_sequence) return ErrorCode::kOutOfOrderSequenceNumber;
    // With a new epoch for each transaction its first batch begins at sequence 0.
    if (pending->supports_epoch_bump && batch.base_sequence != 0 && entry.batch_count == 0) {
      return ErrorCode::kOutOfOrderSequenceNumber;
    }
  }
  // An unknown producer may begin at any sequence.
  if (entry.epoch == kNoProducerEpoch) return ErrorCode::kNone;
  bool expected = batch.producer_epoch != entry.epoch ? batch.base_sequence == 0
                                                      : in_sequence(entry.last_sequence(), batch.base_sequence);
  return expected ? ErrorCode::kNone : ErrorCode::kOutOfOrderSequenceNumber;
}

// A guard is used up by the first batch that it admits, and invalid after a marker; but a marker of the epoch being
// verified (a coordinator that bumps the epoch for each transaction writes it for a repeated request) keeps it.
void ProducerAppend::settle_verification(const BatchHeader& batch) {
  if (!batch.is_transactional()) return;
  const PendingVerification* pending = state_.find_verification(batch.producer_id);
  if (pending == nullptr) return;
  bool keep = pending->supports_epoch_bump && batch.is_control() && batch.producer_epoch == pending->epoch;
  if (!keep) verified_.push_back(batch.producer_id);
}

void ProducerAppend::add_data(ProducerEntry& entry, const BatchHeader& batch) {
  entry.set_epoch(batch.producer_epoch);
  entry.last_timestamp = batch.max_timestamp;
  entry.add_batch({batch.last_sequence(), batch.last_offset(), batch.last_offset_delta, batch.max_timestamp});
  if (!batch.is_transactional() || entry.current_txn_first_offset >= 0) return;
  entry.current_txn_first_offset = batch.base_offset;
  started_.emplace_back(batch.base_offset, batch.producer_id);
}

ErrorCode ProducerAppend::add_marker(ProducerEntry& entry, const BatchHeader& batch, const EndTransactionMarker& marker,
                                     const AppendChecks& checks) {
  if (checks.origin != AppendOrigin::kReplication) {
    bool open = entry.current_txn_first_offset >= 0;
    bool old = batch.producer_epoch < entry.epoch;
    if (checks.transaction_version >= 2 && batch.producer_epoch == entry.epoch) {
      // A repeated marker is accepted, and so is the last epoch, which cannot be bumped. Any other is of an earlier
      // transaction.
      old = open && batch.producer_epoch != std::numeric_limits<int16_t>::max();
    }
    if (old) return ErrorCode::kInvalidProducerEpoch;
    if (marker.coordinator_epoch < entry.coordinator_epoch) return ErrorCode::kTransactionCoordinatorFenced;
  }
  // A marker may come without a transaction here: the partition was added to it, but nothing was written.
  if (entry.current_txn_first_offset >= 0) {
    completed_.push_back({batch.producer_id, entry.current_txn_first_offset, batch.last_offset(), !marker.committed});
  }
  entry.set_epoch(batch.producer_epoch);
  entry.current_txn_first_offset = -1;
  entry.coordinator_epoch = marker.coordinator_epoch;
  entry.last_timestamp = batch.max_timestamp;
  return ErrorCode::kNone;
}

const ProducerEntry* ProducerState::find(int64_t producer_id) const {
  auto it = entries_.find(producer_id);
  return it == entries_.end() ? nullptr : &it->second;
}

std::vector<ProducerEntry> ProducerState::entries() const {
  std::vector<ProducerEntry> all;
  all.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) all.push_back(entry);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.producer_id < b.producer_id; });
  return all;
}

VerificationStart ProducerState::start_verification(int64_t producer_id, int16_t epoch, int32_t first_sequence,
                                                    bool supports_epoch_bump, uint64_t fresh_guard, int64_t now_ms) {
  const ProducerEntry* entry = find(producer_id);
  if (entry != nullptr && epoch < entry->epoch) return {ErrorCode::kInvalidProducerEpoch, 0};
  if (has_open_transaction(producer_id, epoch)) return {};
  auto [at, inserted] = verifications_.try_emplace(
      producer_id, PendingVerification{fresh_guard, first_sequence, epoch, supports_epoch_bump, now_ms});
  PendingVerification& pending = at->second;
  if (epoch > pending.epoch || (epoch == pending.epoch && first_sequence < pending.lowest_sequence)) {
    pending.epoch = epoch;
    pending.lowest_sequence = first_sequence;
  }
  return {ErrorCode::kNone, pending.guard};
}

const PendingVerification* ProducerState::find_verification(int64_t producer_id) const {
  auto it = verifications_.find(producer_id);
  return it == verifications_.end() ? nullptr : &it->second;
}

bool ProducerState::has_open_transaction(int64_t producer_id, int16_t epoch) const {
  const ProducerEntry* entry = find(producer_id);
  return entry != nullptr && entry->current_txn_first_offset >= 0 && entry->epoch == epoch;
}

// Those that the same append begins count, too: until they are completed they hold the others' last stable offset.
std::vector<ProducerState::Completed> ProducerState::completed_by(const ProducerAppend& append) const {
  std::vector<Completed> all;
  if (append.completed_.empty()) return all;
  std::set<int64_t> ended;
  auto open = ongoing_.begin();
  auto begun = append.started_.begin();
  if (MILENA_STORAGE_BUG(kStartedAndCompletedUnseen)) begun = append.started_.end();
  for (const CompletedTransaction& transaction : append.completed_) {
    ended.insert(transaction.first_offset);
    while (open != ongoing_.end() && ended.contains(open->first)) ++open;
    while (begun != append.started_.end() && ended.contains(begun->first)) ++begun;
    int64_t stable = transaction.last_offset + 1;
    if (open != ongoing_.end()) stable = std::min(stable, open->first);
    if (begun != append.started_.end()) stable = std::min(stable, begun->first);
    all.push_back({transaction, stable});
  }
  return all;
}

void ProducerState::apply(ProducerAppend&& append) {
  for (int64_t producer_id : append.verified_) verifications_.erase(producer_id);
  for (const ProducerEntry& entry : append.updated_) entries_[entry.producer_id] = entry;
  ongoing_.insert(append.started_.begin(), append.started_.end());
  for (const CompletedTransaction& transaction : append.completed_) {
    ongoing_.erase(transaction.first_offset);
    unreplicated_.emplace(transaction.first_offset, transaction.last_offset);
  }
}

const ProducerEntry* ProducerState::oldest_open_transaction() const {
  return ongoing_.empty() ? nullptr : find(ongoing_.begin()->second);
}

int64_t ProducerState::first_unstable_offset() const {
  int64_t first = -1;
  if (!ongoing_.empty()) first = ongoing_.begin()->first;
  if (!unreplicated_.empty() && (first < 0 || unreplicated_.begin()->first < first)) {
    first = unreplicated_.begin()->first;
  }
  return first;
}

void ProducerState::on_high_watermark(int64_t offset) {
  while (!unreplicated_.empty() && unreplicated_.begin()->second < offset) unreplicated_.erase(unreplicated_.begin());
}

std::vector<std::pair<int64_t, int64_t>> ProducerState::open_transactions_before(int64_t offset) const {
  return {ongoing_.begin(), ongoing_.lower_bound(offset)};
}

void ProducerState::close_transaction(int64_t producer_id) {
  auto entry = entries_.find(producer_id);
  if (entry == entries_.end()) return;
  ongoing_.erase(entry->second.current_txn_first_offset);
  entry->second.current_txn_first_offset = -1;
}

size_t ProducerState::expire(int64_t before_ms) {
  std::erase_if(verifications_, [&](const auto& item) { return item.second.started_ms < before_ms; });
  return std::erase_if(entries_, [&](const auto& item) {
    return item.second.current_txn_first_offset < 0 && item.second.last_timestamp < before_ms;
  });
}

std::vector<ProducerSnapshotEntry> ProducerState::to_snapshot() const {
  std::vector<ProducerSnapshotEntry> snapshot;
  for (const ProducerEntry& entry : entries()) {
    ProducerSnapshotEntry out{.producer_id = entry.producer_id,
                              .epoch = entry.epoch,
                              .timestamp = entry.last_timestamp,
                              .coordinator_epoch = entry.coordinator_epoch,
                              .current_txn_first_offset = entry.current_txn_first_offset};
    if (const ProducerBatch* last = entry.last_batch()) {
      out.last_sequence = last->last_sequence;
      out.last_offset = last->last_offset;
      out.offset_delta = last->offset_delta;
    }
    snapshot.push_back(out);
  }
  return snapshot;
}

void ProducerState::load_snapshot(const std::vector<ProducerSnapshotEntry>& snapshot) {
  clear();
  for (const ProducerSnapshotEntry& in : snapshot) {
    ProducerEntry entry{.producer_id = in.producer_id,
                        .epoch = in.epoch,
                        .coordinator_epoch = in.coordinator_epoch,
                        .last_timestamp = in.timestamp,
                        .current_txn_first_offset = in.current_txn_first_offset};
    if (in.last_offset >= 0) entry.add_batch({in.last_sequence, in.last_offset, in.offset_delta, in.timestamp});
    if (entry.current_txn_first_offset >= 0) ongoing_.emplace(entry.current_txn_first_offset, entry.producer_id);
    entries_[entry.producer_id] = entry;
  }
}

void ProducerState::clear() {
  entries_.clear();
  ongoing_.clear();
  unreplicated_.clear();
  verifications_.clear();
}

}  // namespace milena::log
