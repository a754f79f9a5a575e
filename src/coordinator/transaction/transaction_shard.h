// TransactionShard: the transaction coordinator of one partition of __transaction_state, as a pure state machine: no
// clock, no I/O, no thread, no lock. The broker hosts one per partition it leads; tests and the simulator drive it
// directly. Its rules are those of Kafka's TransactionCoordinator, TransactionStateManager and TransactionMetadata.
//
// Every input gives TransactionEffects. The contract with the runtime is that of GroupShard:
//   1. append the records as one batch; 2. apply each; 3. when the high watermark covers what was appended until now,
//   send the answers and start the markers; or, if the append failed, 2. give the effects to append_failed and go on
//   with what it returns.
// Between an input that asked for records and 2. there is no other input (CHECKed).
//
// The state of a transactional id changes in apply alone, live and at load alike, but for what Kafka does not write
// down either: the last epoch of a producer, and which markers are still to come. The decision to commit or abort is a
// record; markers are written after it, again and again until each partition has its own; then a record says that all
// is done. A shard whose partition is lost is closed and dropped, and whoever loads the log writes the markers again.
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

  // --- what the runtime tells it besides inputs; both may change at any time between inputs

  // The leader epoch of the partition; markers carry it. Must be told before loaded().
  void set_coordinator_epoch(int32_t leader_epoch) { coordinator_epoch_ = leader_epoch; }
  // transaction.version of the finalized features: 0 writes records that brokers before 4.0 read, too.
  void set_transaction_version(int16_t level) { transaction_version_ = level; }

  // --- the log

  // One record, in the order of the log. An unreadable record changes nothing, and is logged. The runtime passes the
  // producer id; nothing in this log is transactional.
  void apply(ByteView key, std::optional<ByteView> value, int64_t record_offset, int64_t producer_id = -1);
  void apply_marker(int64_t /*producer_id*/, bool /*committed*/) {}
  // All records up to the log end are applied; inputs come from now on. Transactions found between their decision and
  // their end get their markers.
  TransactionEffects loaded(Now now);
  // The batch could not be appended, for this reason (the partition's own). Takes what the input had returned; gives
  // back the answers to send and takes back what must not be believed.
  TransactionEffects append_failed(TransactionEffects failed, ErrorCode error, Now now);
  // The partition is led by somebody else now: what is parked is answered, nothing is accepted any more.
  TransactionEffects close(ErrorCode error);

  // --- time

  // When tick wants to be called; may be early. nullopt: no timer runs.
  std::optional<int64_t> next_deadline_ms() const;
  TransactionEffects tick(Now now);

  // --- requests; each is answered once, at once or later

  // With a transactional id; without one (null) it is no business of a coordinator. Answers InitProducerIdResponse.
  TransactionEffects init_producer_id(const Caller& caller, const InitProducerIdRequest& request, Now now);
  // One transaction of an AddPartitionsToTxn of the caller's version (for 0-3 the handler makes it of the fields of
  // those versions), verify_only included. Answers AddedPartitions, with a code for each partition asked for. Not
  // checked here: that the partitions exist and may be written to.
  TransactionEffects add_partitions(const Caller& caller, const PartitionsToAdd& request, Now now);
  // `offsets_partition`: the partition of __consumer_offsets that keeps the group. Answers AddOffsetsToTxnResponse.
  TransactionEffects add_offsets(const Caller& caller, const AddOffsetsToTxnRequest& request, int32_t offsets_partition,
                                 Now now);
  // Answers EndTxnResponse, as soon as the decision is in the log.
  TransactionEffects end_transaction(const Caller& caller, const EndTxnRequest& request, Now now);
  // These two answer for this partition's ids alone; the handler puts the parts together.
  TransactionEffects describe(const Caller& caller, std::span<const ByteView> transactional_ids, Now now);
  // Without the pattern: keep_matching().
  TransactionEffects list(const Caller& caller, const ListTransactionsRequest& request, Now now);

  // --- what it had asked for

  // Partitions that are not named are tried again later, as those with a passing error: so an empty span says that
  // nothing was written. A partition that the cluster no longer has is told as kNone: there is nothing left to mark.
  TransactionEffects markers_written(MarkerToken token, std::span<const MarkerResult> results, Now now);
  // A producer id that was never given to anybody, or why there is none.
  TransactionEffects producer_id_given(ProducerIdToken token, ErrorCode error, int64_t producer_id, Now now);

  // --- for tests and metrics

  const TransactionMetadata* find(ByteView transactional_id) const;
  const std::map<Bytes, TransactionMetadata, std::less<>>& transactions() const { return transactions_; }

 private:
  // A change of one id that waits for its record to be applied.
  struct Step {
    Bytes transactional_id;
    std::optional<TransactionMetadata> next;  // none: a tombstone
    MarkerToken token = 0;                    // of the markers that a decision starts, or an end finishes
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

  // Tells a producer its id and epoch, or why it has none. Versions before `fenced_since` do not know PRODUCER_FENCED.
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
  // Writes the decision, and starts the markers, or, where there is nothing to mark, the end. Returns how it will end.
  TransactionMetadata decide(Turn& turn, const Bytes& transactional_id, const TransactionMetadata& found,
                             const EndDecision& decision);
  // The coordinator's own abort of an open transaction, under the version of the cluster. False: it needs a producer
  // id.
  bool abort_and_fence(Turn& turn, const Bytes& transactional_id, const TransactionMetadata& found, GivenId given_id);
  void abort_timed_out(Turn& turn, const Bytes& transactional_id, GivenId given_id);
  void abort_all_timed_out(Turn& turn);
  // Markers for what is left to mark, or the end.
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

// A partition's append error in the words a transactional client understands (Kafka: appendTransactionToLog).
ErrorCode transaction_error_of_append(ErrorCode error);

// Puts an error in place of what an answer says.
void turn_into_error(TransactionResponse& response, ErrorCode error);

// Leaves the transactions whose ids the pattern matches as a whole. False if it is none, or the time was up before all
// were looked at. Any thread.
bool keep_matching(std::vector<ListTransactionsResponse::TransactionState>& states, ByteView pattern,
                   const std::function<bool()>& time_is_up);

}  // namespace milena::coordinator
