// TransactionMetadata: the coordinator's state of one transactional id, and its transitions. Plain data and pure
// functions, after Kafka's TransactionMetadata (4.3): each transition takes the state before it and returns the state
// after it, which TransactionShard writes and adopts when the record is applied.
//
// PREPARE_EPOCH_FENCE, Kafka's state before an abort by the coordinator itself, is never written and never visible:
// here fencing and the decision to abort are one step. Kafka calls an id Dead when its tombstone is written.
//
// 32766 is the last epoch for clients (32767 is reserved for a last fence); then a new producer id follows.
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

// Partitions by topic, in ascending order, each once.
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
  // The id before the last transition; differs only if that one changed the id.
  int64_t previous_producer_id = kNoProducerId;
  // Set between decision and end, if the end brings a new id (transaction.version 2 and an exhausted epoch).
  int64_t next_producer_id = kNoProducerId;
  int16_t producer_epoch = kNoProducerEpoch;
  // The epoch before the last bump, to recognize a repeated InitProducerId. Not in the log: unknown after a reload.
  int16_t last_producer_epoch = kNoProducerEpoch;
  int32_t timeout_ms = 0;
  TransactionState state = TransactionState::kEmpty;
  TransactionPartitions partitions;
  int64_t start_ms = -1;
  int64_t last_update_ms = -1;
  int16_t client_transaction_version = 0;

  // The id cannot be used for another InitProducerId or EndTxn.
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

// InitProducerId: the next epoch, or for a repeated request the epoch that it got before. nullopt: the expected epoch
// is neither the current one nor the last; the producer is fenced.
std::optional<TransactionMetadata> with_next_epoch(const TransactionMetadata& from, int32_t timeout_ms,
                                                   std::optional<int16_t> expected_epoch, int64_t wall_ms);
// InitProducerId with an exhausted epoch. `keep_last_epoch`: the client sent its epoch and may send it again.
TransactionMetadata with_new_producer_id(const TransactionMetadata& from, int64_t producer_id, int32_t timeout_ms,
                                         bool keep_last_epoch, int64_t wall_ms);
TransactionMetadata with_partitions(const TransactionMetadata& from, TransactionPartitions partitions,
                                    int16_t transaction_version, int64_t wall_ms);

struct EndDecision {
  bool committed = false;
  int16_t transaction_version = 0;
  int64_t next_producer_id = kNoProducerId;
  // There was no transaction: the client aborts just in case (transaction.version 2).
  bool nothing_added = false;
  // The coordinator's own abort: the producer's epoch is fenced.
  bool fence = false;
};
TransactionMetadata with_decision(const TransactionMetadata& from, const EndDecision& decision, int64_t wall_ms);
// The markers are written.
TransactionMetadata with_end(const TransactionMetadata& from, int64_t wall_ms);

// As in Kafka's tools: "PrepareCommit".
ByteView transaction_state_name(TransactionState state);
std::optional<TransactionState> transaction_state_from_name(ByteView name);
// Dead and PrepareEpochFence are never written to the log.
bool is_stored_transaction_state(int8_t number);

}  // namespace milena::coordinator
