// ProducerState: a partition's state of its producers, for idempotence and transactions (Kafka's ProducerStateManager,
// ProducerAppendInfo). Belongs to one PartitionLog. Pure: the log reads and writes the snapshots.
//
// An append is checked first (ProducerAppend, a scratch copy of the entries it changes) and applied only after its
// bytes are in the file, so that a failed write changes nothing.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "log/format/producer_snapshot.h"
#include "protocol/error_code.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_batch.h"

namespace milena::log {

// The origin of a batch, which decides what is checked.
enum class AppendOrigin {
  kClient,       // epoch and sequence, duplicates
  kCoordinator,  // a group or transaction coordinator's own records: the epoch only
  kMarker,       // the end of a transaction, from its coordinator
  kReplication,  // checked by the leader: nothing is refused
};

// How an append is checked.
struct AppendChecks {
  AppendChecks(AppendOrigin by) : origin(by) {}  // NOLINT: an origin alone is the usual case

  AppendOrigin origin;
  // The guard from start_verification, or 0. The first batch of a transaction must carry it (KIP-890).
  uint64_t guard = 0;
  // Of a marker: with 2 or more its epoch must be above the producer's (KIP-1228).
  int16_t transaction_version = 0;
  // Whether guards are required; the log sets it from its configuration.
  bool verify_transactions = false;
};

// A pending verification by a transaction's coordinator that this partition is part of the transaction. The guard is
// new for each transaction, so that an answer after the transaction's end does not count for the next one. Source:
// Kafka's VerificationStateEntry.
struct PendingVerification {
  uint64_t guard = 0;
  int32_t lowest_sequence = kNoSequence;
  int16_t epoch = kNoProducerEpoch;
  bool supports_epoch_bump = false;
  int64_t started_ms = 0;
};

// One batch of a producer, kept to detect duplicates.
struct ProducerBatch {
  int32_t last_sequence = kNoSequence;
  int64_t last_offset = -1;
  int32_t offset_delta = 0;
  int64_t timestamp = -1;

  int32_t first_sequence() const;
  int64_t first_offset() const { return last_offset - offset_delta; }
};

struct ProducerEntry {
  static constexpr size_t kBatchesKept = 5;

  int64_t producer_id = kNoProducerId;
  int16_t epoch = kNoProducerEpoch;
  int32_t coordinator_epoch = -1;
  int64_t last_timestamp = -1;
  int64_t current_txn_first_offset = -1;  // -1: no open transaction
  // The last batches, oldest first; none after a marker that raised the epoch.
  std::array<ProducerBatch, kBatchesKept> batches;
  uint8_t batch_count = 0;

  const ProducerBatch* last_batch() const { return batch_count == 0 ? nullptr : &batches[batch_count - 1u]; }
  int32_t last_sequence() const { return batch_count == 0 ? kNoSequence : last_batch()->last_sequence; }
  const ProducerBatch* find_duplicate(const BatchHeader& batch) const;
  void add_batch(const ProducerBatch& batch);
  void set_epoch(int16_t new_epoch);
};

struct CompletedTransaction {
  int64_t producer_id = -1;
  int64_t first_offset = -1;
  int64_t last_offset = -1;  // the marker's
  bool aborted = false;
};

// Result of start_verification: an error; or the guard for the batch, 0 if the transaction is already open here and
// needs no verification.
struct VerificationStart {
  ErrorCode error = ErrorCode::kNone;
  uint64_t guard = 0;
};

class ProducerState;

// The effect of one append, before it is applied. Short-lived; the state must not change meanwhile.
class ProducerAppend {
 public:
  explicit ProducerAppend(const ProducerState& state) : state_(state) {}

  // Adds a batch with its final offsets. With a marker it ends a transaction. Any error refuses the append.
  ErrorCode add(const BatchHeader& batch, const std::optional<EndTransactionMarker>& marker,
                const AppendChecks& checks);

 private:
  friend class ProducerState;
  ProducerEntry& entry_of(int64_t producer_id);
  ErrorCode check_data(const ProducerEntry& entry, const BatchHeader& batch, const AppendChecks& checks) const;
  ErrorCode check_sequence(const ProducerEntry& entry, const BatchHeader& batch) const;
  void add_data(ProducerEntry& entry, const BatchHeader& batch);
  ErrorCode add_marker(ProducerEntry& entry, const BatchHeader& batch, const EndTransactionMarker& marker,
                       const AppendChecks& checks);
  void settle_verification(const BatchHeader& batch);

  const ProducerState& state_;
  std::vector<ProducerEntry> updated_;
  std::vector<std::pair<int64_t, int64_t>> started_;  // first offsets and producers
  std::vector<CompletedTransaction> completed_;
  std::vector<int64_t> verified_;  // producers with completed verification
};

class ProducerState {
 public:
  const ProducerEntry* find(int64_t producer_id) const;
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty() && ongoing_.empty() && unreplicated_.empty(); }
  std::vector<ProducerEntry> entries() const;

  // Whether the next batch belongs to a transaction that is open here; if not, keeps `fresh_guard` (used only once)
  // until the transaction begins here.
  VerificationStart start_verification(int64_t producer_id, int16_t epoch, int32_t first_sequence,
                                       bool supports_epoch_bump, uint64_t fresh_guard, int64_t now_ms);
  const PendingVerification* find_verification(int64_t producer_id) const;
  // Whether a transaction of this producer and epoch is open here.
  bool has_open_transaction(int64_t producer_id, int16_t epoch) const;

  // The transactions that an append completes, each with the last stable offset to be noted with it.
  struct Completed {
    CompletedTransaction transaction;
    int64_t last_stable_offset = -1;
  };
  std::vector<Completed> completed_by(const ProducerAppend& append) const;
  // Takes over what an append has changed.
  void apply(ProducerAppend&& append);

  // The first offset of the earliest transaction that is open, or complete but not below the high watermark. -1: none.
  int64_t first_unstable_offset() const;
  // The earliest open transaction; null if there is none.
  const ProducerEntry* oldest_open_transaction() const;
  void on_high_watermark(int64_t offset);
  // First offset and producer of each open transaction that begins below the offset.
  std::vector<std::pair<int64_t, int64_t>> open_transactions_before(int64_t offset) const;
  // Drops the transaction, as if it had never begun.
  void close_transaction(int64_t producer_id);
  // Removes entries without an open transaction that were last used before the time. Returns the number removed.
  size_t expire(int64_t before_ms);

  std::vector<ProducerSnapshotEntry> to_snapshot() const;
  // Replaces everything.
  void load_snapshot(const std::vector<ProducerSnapshotEntry>& snapshot);
  void clear();

 private:
  std::unordered_map<int64_t, ProducerEntry> entries_;
  std::map<int64_t, int64_t> ongoing_;       // first offset -> producer id
  std::map<int64_t, int64_t> unreplicated_;  // first offset -> marker's offset, of completed ones
  std::unordered_map<int64_t, PendingVerification> verifications_;  // by producer id
};

}  // namespace milena::log
