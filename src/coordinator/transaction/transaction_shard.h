// TransactionShard: the transaction coordinator of one partition of __transaction_state, as a pure state machine: no
// clock, no I/O, no thread, no lock. The broker hosts one per partition it leads; tests and the simulator drive it
// directly. Its rules are those of Kafka's TransactionCoordinator, TransactionStateManager and TransactionMetadata.
//
// Every input returns TransactionEffects. The contract with the runtime is that of GroupShard: append the records as
// one batch (1), apply each (2), and when the high watermark covers all records appended so far send the responses and
// start the markers (3). If the append failed: pass the effects to append_failed instead of (2), and go on with its
// result. There is no other input between one with records and (2) (CHECKed).
//
// The state of a transactional id changes only in apply, both live and at load, except for state that Kafka does not
// write either: the last epoch of a producer, and the missing markers. The decision to commit or abort is a record; the
// markers are written after it, and retried until each partition has its own; then a record completes the transaction.
// When the partition moves away its shard is closed and dropped, and the next coordinator writes the markers again.
//
// Not here: authorization, idempotent producers without a transactional id, whether partitions exist, sending the
// markers.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "coordinator/transaction/transaction_metadata.h"
#include "coordinator/transaction/transaction_types.h"

namespace milena::coordinator {

class TransactionShard {
 public:
  explicit TransactionShard(TransactionConfig config) : config_(config) {}

  // --- set by the runtime; both may change at any time between inputs

  // The leader epoch of the partition, for markers. Must be set before loaded().
  void set_coordinator_epoch(int32_t leader_epoch) { coordinator_epoch_ = leader_epoch; }
  // transaction.version of the finalized features: 0 writes records that brokers before 4.0 read, too.
  void set_transaction_version(int16_t level) { transaction_version_ = level; }

  // --- the log

  // One record, in the order of the log. An unreadable record changes nothing, and is logged. The runtime passes the
  // producer id; nothing in this log is transactional.
  void apply(ByteView key, std::optional<ByteView> value, int64_t record_offset, int64_t producer_id = -1);
  void apply_marker(int64_t /*producer_id*/, bool /*committed*/) {}
  // All records up to the log end are applied; inputs may follow. Transactions between their decision and their end get
  // their markers.
  TransactionEffects loaded(Now now);
  // The batch could not be appended; `error` is the partition's. Takes the input's effects, undoes its changes, and
  // returns the responses to send.
  TransactionEffects append_failed(TransactionEffects failed, ErrorCode error, Now now);
  // Another broker leads the partition now: answers waiting requests; no further inputs.
  TransactionEffects close(ErrorCode error);

  // --- time

  // When to call tick; may be early. nullopt: no timer runs.
  std::optional<int64_t> next_deadline_ms() const;
  TransactionEffects tick(Now now);

  // --- requests; each is answered once, at once or later

  // With a transactional id; without one (null) no coordinator is involved. Answers InitProducerIdResponse.
  TransactionEffects init_producer_id(const Caller& caller, const InitProducerIdRequest& request, Now now);
  // One transaction of an AddPartitionsToTxn of the caller's version (for 0-3 the handler converts their fields),
  // including verify_only. Answers AddedPartitions, with a code for each partition. The handler checks that the
  // partitions exist and may be written to.
  TransactionEffects add_partitions(const Caller& caller, const PartitionsToAdd& request, Now now);
  // `offsets_partition`: the group's partition of __consumer_offsets. Answers AddOffsetsToTxnResponse.
  TransactionEffects add_offsets(const Caller& caller, const AddOffsetsToTxnRequest& request, int32_t offsets_partition,
                                 Now now);
  // Answers EndTxnResponse, once the decision is in the log.
  TransactionEffects end_transaction(const Caller& caller, const EndTxnRequest& request, Now now);
  // These two cover only this partition's ids; the handler merges the parts.
  TransactionEffects describe(const Caller& caller, std::span<const ByteView> transactional_ids, Now now);
  // Without the pattern: keep_matching().
  TransactionEffects list(const Caller& caller, const ListTransactionsRequest& request, Now now);

  // --- results of its requests

  // Partitions without a result are retried later, like those with a retriable error: so an empty span means that
  // nothing was written. A deleted partition has kNone: there is nothing left to mark.
  TransactionEffects markers_written(MarkerToken token, std::span<const MarkerResult> results, Now now);
  // A new producer id, or the error.
  TransactionEffects producer_id_given(ProducerIdToken token, ErrorCode error, int64_t producer_id, Now now);

  // --- for tests and metrics

  const TransactionMetadata* find(ByteView transactional_id) const;
  const std::map<Bytes, TransactionMetadata, std::less<>>& transactions() const { return transactions_; }

 private:
  // A change of one id, until its record is applied.
  struct Step {
    Bytes transactional_id;
    std::optional<TransactionMetadata> next;  // none: a tombstone
    MarkerToken token = 0;                    // of the markers that a decision starts, or an end completes
  };
  // One input being handled.
  struct Turn {
    Now now;
    TransactionEffects effects;
    std::vector<Step> steps;

    template <class Response>
    void answer(AnswerToken token, Response response) {
      effects.answers.push_back({token, std::move(response)});
    }
  };
  // The part of a caller that is kept while its request waits.
  struct Asker {
    AnswerToken token = 0;
    int16_t api_version = 0;
  };
  struct InitRequest {
    Asker asker;
    Bytes transactional_id;
    int32_t timeout_ms = 0;
    int64_t producer_id = kNoProducerId;  // with the epoch, or not at all
    int16_t producer_epoch = kNoProducerEpoch;
    bool resumes() const { return producer_id != kNoProducerId || producer_epoch != kNoProducerEpoch; }
  };
  struct EndRequest {
    Asker asker;
    Bytes transactional_id;
    int64_t producer_id = kNoProducerId;
    int16_t producer_epoch = kNoProducerEpoch;
    bool committed = false;
    int16_t transaction_version = 0;
  };
  using IdContinuation = std::function<void(Turn&, ErrorCode, int64_t)>;
  using GivenId = std::optional<int64_t>;

  // Answers with the producer's id and epoch, or an error. Versions before `fenced_since` do not have PRODUCER_FENCED.
  template <class ProducerResponse>
  static void answer_producer(Turn& turn, const Asker& asker, int16_t fenced_since, ErrorCode error,
                              const TransactionMetadata* metadata) {
    ProducerResponse response;
    const bool unknown = error == ErrorCode::kProducerFenced && asker.api_version < fenced_since;
    response.error_code = unknown ? ErrorCode::kInvalidProducerEpoch : error;
    response.producer_id = metadata == nullptr ? kNoProducerId : metadata->producer_id;
    response.producer_epoch = metadata == nullptr ? kNoProducerEpoch : metadata->producer_epoch;
    turn.answer(asker.token, std::move(response));
  }

  Turn begin(Now now);
  TransactionEffects finish(Turn turn);
  TransactionMetadata* find_mutable(ByteView transactional_id);
  void take_on(const Bytes& transactional_id, std::optional<TransactionMetadata> metadata);
  void step(Turn& turn, const Bytes& transactional_id, std::optional<TransactionMetadata> next, MarkerToken token = 0);
  void ask_for_id(Turn& turn, IdContinuation continuation);

  // transaction_init.cc
  void init(Turn& turn, const InitRequest& request, GivenId given_id);
  static void answer_init(Turn& turn, const Asker& asker, ErrorCode error,
                          const TransactionMetadata* metadata = nullptr);

  // transaction_partitions.cc
  ErrorCode add(Turn& turn, const Bytes& transactional_id, int64_t producer_id, int16_t producer_epoch,
                std::span<const AddPartitionsToTxnRequest::AddPartitionsToTxnTopic> topics,
                int16_t transaction_version);

  // transaction_end.cc
  void end(Turn& turn, const EndRequest& request, GivenId given_id);
  void end_version_1(Turn& turn, const EndRequest& request, const TransactionMetadata& found);
  void end_version_2(Turn& turn, const EndRequest& request, const TransactionMetadata& found, GivenId given_id);
  static void answer_end(Turn& turn, const Asker& asker, ErrorCode error,
                         const TransactionMetadata* metadata = nullptr);
  // Writes the decision, and starts the markers, or, if there is nothing to mark, the end. Returns the final state.
  TransactionMetadata decide(Turn& turn, const Bytes& transactional_id, const TransactionMetadata& found,
                             const EndDecision& decision);
  // The coordinator's own abort of an open transaction, by the cluster's transaction.version. False: it needs a
  // producer id.
  bool abort_and_fence(Turn& turn, const Bytes& transactional_id, const TransactionMetadata& found, GivenId given_id);
  void abort_timed_out(Turn& turn, const Bytes& transactional_id, GivenId given_id);
  void abort_all_timed_out(Turn& turn);
  // Starts the remaining markers, or the end.
  void go_on_ending(Turn& turn, MarkerToken token, const Bytes& transactional_id, const TransactionMetadata& metadata);
  void emit_markers(Turn& turn, MarkerToken token, const Bytes& transactional_id, const TransactionMetadata& metadata);
  void retry_later(MarkerToken token, Now now, int64_t after_ms);

  void expire_ids(Turn& turn);

  const TransactionConfig config_;
  int32_t coordinator_epoch_ = 0;
  int16_t transaction_version_ = 0;
  bool loading_ = true;
  bool closed_ = false;

  std::map<Bytes, TransactionMetadata, std::less<>> transactions_;
  std::set<Bytes, std::less<>> open_;  // in state Ongoing
  std::deque<Step> unapplied_;

  // Ids whose markers are being written or wait to be written again.
  std::map<MarkerToken, Bytes> ending_;
  std::multimap<int64_t, MarkerToken> retries_;
  MarkerToken last_marker_token_ = 0;

  std::map<ProducerIdToken, IdContinuation> waiting_for_id_;
  ProducerIdToken last_id_token_ = 0;
  std::set<Bytes, std::less<>> aborts_waiting_for_id_;

  int64_t next_abort_check_ms_ = 0;
  int64_t next_expiry_check_ms_ = 0;
};

// A partition's append error as an error for transactional clients (Kafka: appendTransactionToLog).
ErrorCode transaction_error_of_append(ErrorCode error);

// Turns a response into an error.
void turn_into_error(TransactionResponse& response, ErrorCode error);

// Keeps the transactions whose ids the whole pattern matches. False if the pattern is invalid, or the time was up
// before the end. Any thread.
bool keep_matching(std::vector<ListTransactionsResponse::TransactionState>& states, ByteView pattern,
                   const std::function<bool()>& time_is_up);

}  // namespace milena::coordinator
