// TransactionMetadata: what the coordinator knows about one transactional id, and the steps that it may take. Plain
// data and pure functions, after Kafka's TransactionMetadata (4.3): each step is given the state before it and returns
// the state after it, which TransactionShard writes down and takes on when the record is applied.
//
// PREPARE_EPOCH_FENCE, Kafka's mark for "about to abort by the coordinator's own will", is never written and never seen
// by anybody: here fencing and the decision to abort are one step. Dead is what Kafka calls an id whose tombstone is
// written.
//
// An epoch of 32766 is the last that a client sees (32767 is kept for a last fence); then a new producer id follows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "coordinator/transaction/transaction_types.h"
#include "protocol/records/record_batch.h"

namespace milena::coordinator {

inline constexpr int16_t kLastClientEpoch = INT16_MAX - 1;
inline constexpr int16_t kTransactionVersion2 = 2;

// By topic; the partitions of one in ascending order, each once.
class TransactionPartitions {
 public:
  using Topics = std::map<Bytes, std::vector<int32_t>, std::less<>>;

  bool contains(ByteView topic, int32_t partition) const;
  // False if it was there.
  bool add(ByteView topic, int32_t partition);
  bool remove(ByteView topic, int32_t partition);
  bool empty() const { return topics_.empty(); }
  const Topics& topics() const { return topics_; }
  std::vector<TopicPartitions> list() const;
  bool operator==(const TransactionPartitions&) const = default;

 private:
  Topics topics_;
};

struct TransactionMetadata {
  int64_t producer_id = kNoProducerId;
  // The id before the last step: the same, unless that step was a change of ids.
  int64_t previous_producer_id = kNoProducerId;
  // Set between decision and end, where the end brings a new id (transaction.version 2 and an exhausted epoch).
  int64_t next_producer_id = kNoProducerId;
  int16_t producer_epoch = kNoProducerEpoch;
  // The epoch before the last bump, by which a repeated InitProducerId is known. Not in the log: after a reload there
  // is none.
  int16_t last_producer_epoch = kNoProducerEpoch;
  int32_t timeout_ms = 0;
  TransactionState state = TransactionState::kEmpty;
  TransactionPartitions partitions;
  int64_t start_ms = -1;
  int64_t last_update_ms = -1;
  int16_t client_transaction_version = 0;

  // No further InitProducerId or EndTxn can be answered with this id.
  bool epoch_exhausted() const { return producer_epoch >= kLastClientEpoch; }
  // Decided, and the markers are being written. Kafka calls it a pending transition; most requests have to wait.
  bool is_ending() const {
    return state == TransactionState::kPrepareCommit || state == TransactionState::kPrepareAbort;
  }
  bool is_complete() const {
    return state == TransactionState::kCompleteCommit || state == TransactionState::kCompleteAbort;
  }
  bool may_expire() const { return state == TransactionState::kEmpty || is_complete(); }
  bool operator==(const TransactionMetadata&) const = default;
};

// InitProducerId: the next epoch, or for a repeated request the epoch that was given for it. nullopt: the expected
// epoch is neither the current one nor the last; the producer is fenced.
std::optional<TransactionMetadata> with_next_epoch(const TransactionMetadata& from, int32_t timeout_ms,
                                                   std::optional<int16_t> expected_epoch, int64_t wall_ms);
// InitProducerId, the epoch being exhausted. `keep_last_epoch`: the client told its epoch and may tell it again.
TransactionMetadata with_new_producer_id(const TransactionMetadata& from, int64_t producer_id, int32_t timeout_ms,
                                         bool keep_last_epoch, int64_t wall_ms);
TransactionMetadata with_partitions(const TransactionMetadata& from, TransactionPartitions partitions,
                                    int16_t transaction_version, int64_t wall_ms);

struct EndDecision {
  bool committed = false;
  int16_t transaction_version = 0;
  int64_t next_producer_id = kNoProducerId;
  // There was no transaction: the client aborts to be sure (transaction.version 2).
  bool nothing_added = false;
  // The coordinator's own will: the producer must not go on with its epoch.
  bool fence = false;
};
TransactionMetadata with_decision(const TransactionMetadata& from, const EndDecision& decision, int64_t wall_ms);
// The markers are written.
TransactionMetadata with_end(const TransactionMetadata& from, int64_t wall_ms);

// As Kafka's tools show it: "PrepareCommit".
ByteView transaction_state_name(TransactionState state);
std::optional<TransactionState> transaction_state_from_name(ByteView name);
// Dead and PrepareEpochFence are never written to the log.
bool is_stored_transaction_state(int8_t number);

}  // namespace milena::coordinator
