// TransactionShard: the end of a transaction, by EndTxn, by its timeout, or by the next InitProducerId; and its
// markers. Versions of EndTxn: 2 PRODUCER_FENCED where earlier ones get INVALID_PRODUCER_EPOCH, 5 transaction.version
// 2: each end bumps the epoch, the response has the new one, and a producer may abort without having added anything.
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "coordinator/transaction/planted_bugs.h"
#include "coordinator/transaction/transaction_shard.h"

namespace milena::coordinator {
namespace {

constexpr int16_t kFirstEndVersionWithProducerFenced = 2;
// Records of one turn are one batch: limited to timed out transactions that fit into any segment.
constexpr size_t kMaxAbortsAtOnce = 500, kMaxAbortsAtOnce_bytes = 256 * 1024;
constexpr int16_t kFirstEndVersionWithEpochBump = 5;

constexpr int64_t kFencedRetry_ms = 10'000;

// A repeated EndTxn of version 5: the response was lost, and the epoch has been bumped since.
struct EndRetry {
  bool after_bump = false;
  bool after_new_producer_id = false;
  bool any() const { return after_bump || after_new_producer_id; }
};

// Only an end of version 2 bumps the epoch. (Kafka does not check the version of the end: there a zombie of version 2
// gets the epoch of a producer of version 1 that took over its id and has ended a transaction since.)
EndRetry retry_of(const TransactionMetadata& found, int64_t producer_id, int16_t producer_epoch) {
  if (found.client_transaction_version < kTransactionVersion2) return {};
  return {.after_bump = found.producer_epoch == producer_epoch + 1,
          .after_new_producer_id = found.previous_producer_id == producer_id && producer_epoch == kLastClientEpoch &&
                                   found.producer_epoch == 0};
}

// Errors that a retry will not change: the partition cannot or must not be marked.
bool needs_no_marker_any_more(ErrorCode error) {
  switch (error) {
    case ErrorCode::kNone:
    case ErrorCode::kUnsupportedForMessageFormat:
    case ErrorCode::kUnsupportedVersion:
    // The producer already used a later epoch there: nothing of this transaction is open. (Kafka gives up the whole
    // transaction, and the id can be used again only after the coordinator moves.)
    case ErrorCode::kInvalidProducerEpoch: return true;
    default: return false;
  }
}

}  // namespace

void TransactionShard::answer_end(Turn& turn, const Asker& asker, ErrorCode error,
                                  const TransactionMetadata* metadata) {
  answer_producer<EndTxnResponse>(turn, asker, kFirstEndVersionWithProducerFenced, error, metadata);
}

TransactionEffects TransactionShard::end_transaction(const Caller& caller, const EndTxnRequest& request, Now now) {
  Turn turn = begin(now);
  EndRequest asked;
  asked.asker = {caller.token, caller.api_version};
  asked.transactional_id = request.transactional_id;
  asked.producer_id = request.producer_id;
  asked.producer_epoch = request.producer_epoch;
  asked.committed = request.committed;
  asked.transaction_version = caller.api_version >= kFirstEndVersionWithEpochBump ? kTransactionVersion2 : 0;
  end(turn, asked, std::nullopt);
  return finish(std::move(turn));
}

void TransactionShard::end(Turn& turn, const EndRequest& request, GivenId given_id) {
  if (request.transactional_id.empty()) return answer_end(turn, request.asker, ErrorCode::kInvalidRequest);
  const TransactionMetadata* found = find(request.transactional_id);
  if (found == nullptr) return answer_end(turn, request.asker, ErrorCode::kInvalidProducerIdMapping);
  if (request.transaction_version >= kTransactionVersion2) return end_version_2(turn, request, *found, given_id);
  end_version_1(turn, request, *found);
}

void TransactionShard::end_version_1(Turn& turn, const EndRequest& request, const TransactionMetadata& found) {
  const auto answer = [&](ErrorCode error) { answer_end(turn, request.asker, error); };
  if (found.producer_id != request.producer_id) return answer(ErrorCode::kInvalidProducerIdMapping);
  if (found.producer_epoch != request.producer_epoch) return answer(ErrorCode::kProducerFenced);
  if (found.is_ending()) return answer(ErrorCode::kConcurrentTransactions);
  if (found.state == TransactionState::kOngoing) {
    decide(turn, request.transactional_id, found, {.committed = request.committed, .transaction_version = 0});
    return answer(ErrorCode::kNone);
  }
  const TransactionState repeated =
      request.committed ? TransactionState::kCompleteCommit : TransactionState::kCompleteAbort;
  answer(found.state == repeated ? ErrorCode::kNone : ErrorCode::kInvalidTxnState);
}

void TransactionShard::end_version_2(Turn& turn, const EndRequest& request, const TransactionMetadata& found,
                                     GivenId given_id) {
  const auto answer = [&](ErrorCode error) { answer_end(turn, request.asker, error); };
  const EndRetry retry = retry_of(found, request.producer_id, request.producer_epoch);
  if (found.is_ending()) return answer(ErrorCode::kConcurrentTransactions);
  if (found.producer_id != request.producer_id && !retry.after_new_producer_id) {
    return answer(ErrorCode::kInvalidProducerIdMapping);
  }
  if (found.producer_epoch != request.producer_epoch && !(found.is_complete() && retry.any())) {
    return answer(ErrorCode::kProducerFenced);
  }
  const bool ongoing = found.state == TransactionState::kOngoing;
  if (found.is_complete() && retry.any()) {
    const bool was_committed = found.state == TransactionState::kCompleteCommit;
    const bool agrees = was_committed == request.committed || MILENA_PLANTED(kRetryIsAlwaysSuccess);
    if (!agrees) return answer(ErrorCode::kInvalidTxnState);
    return answer_end(turn, request.asker, ErrorCode::kNone, &found);
  }
  if (!ongoing && request.committed) return answer(ErrorCode::kInvalidTxnState);
  if (found.epoch_exhausted() && !given_id) {
    return ask_for_id(turn, [this, request](Turn& later, ErrorCode error, int64_t producer_id) {
      if (error != ErrorCode::kNone) return answer_end(later, request.asker, error);
      end(later, request, producer_id);
    });
  }
  const TransactionMetadata ended =
      decide(turn, request.transactional_id, found,
             {.committed = request.committed,
              .transaction_version = request.transaction_version,
              .next_producer_id = found.epoch_exhausted() ? *given_id : kNoProducerId,
              .nothing_added = !ongoing});
  answer_end(turn, request.asker, ErrorCode::kNone, &ended);
}

TransactionMetadata TransactionShard::decide(Turn& turn, const Bytes& transactional_id,
                                             const TransactionMetadata& found, const EndDecision& decision) {
  TransactionMetadata decided = with_decision(found, decision, turn.now.wall_ms);
  if (MILENA_PLANTED(kMarkersForgetAPartition) && decided.partitions.topics().size() > 1) {
    decided.partitions.remove("__consumer_offsets", 0);
  }
  const TransactionMetadata ended = with_end(decided, turn.now.wall_ms);
  if (decided.partitions.empty()) {
    step(turn, transactional_id, decided);
    step(turn, transactional_id, ended);
    return ended;
  }
  const MarkerToken token = ++last_marker_token_;
  ending_.emplace(token, transactional_id);
  step(turn, transactional_id, decided, token);
  emit_markers(turn, token, transactional_id, decided);
  if (MILENA_PLANTED(kEndBeforeMarkers)) step(turn, transactional_id, ended, token);
  return ended;
}

// --- the coordinator's own aborts

bool TransactionShard::abort_and_fence(Turn& turn, const Bytes& transactional_id, const TransactionMetadata& found,
                                       GivenId given_id) {
  CHECK(found.state == TransactionState::kOngoing);
  const bool rotates = transaction_version_ >= kTransactionVersion2 && found.epoch_exhausted();
  if (rotates && !given_id) return false;
  decide(turn, transactional_id, found,
         {.transaction_version = transaction_version_ >= kTransactionVersion2 ? transaction_version_ : int16_t{0},
          .next_producer_id = rotates ? *given_id : kNoProducerId,
          .fence = true});
  return true;
}

void TransactionShard::abort_all_timed_out(Turn& turn) {
  if (MILENA_PLANTED(kTimeoutsAreIgnored)) return;
  size_t records = turn.effects.records.size(), bytes = 0;
  for (const Bytes& id : open_) {
    abort_timed_out(turn, id, std::nullopt);
    for (; records < turn.effects.records.size(); ++records)
      bytes += turn.effects.records[records].value.value_or("").size();
    if (records < kMaxAbortsAtOnce && bytes < kMaxAbortsAtOnce_bytes) continue;
    next_abort_check_ms_ = turn.now.steady_ms + 1;
    return;
  }
}

void TransactionShard::abort_timed_out(Turn& turn, const Bytes& transactional_id, GivenId given_id) {
  const TransactionMetadata* found = find(transactional_id);
  if (found == nullptr || found->state != TransactionState::kOngoing) return;
  // Without a timeout it is part of a distributed transaction (KIP-939): its own coordinator ends it.
  if (found->timeout_ms == std::numeric_limits<int32_t>::max()) return;
  if (found->start_ms >= turn.now.wall_ms - found->timeout_ms) return;
  if (abort_and_fence(turn, transactional_id, *found, given_id)) {
    log_info("Transaction {} of producer {} is aborted: it was open for longer than {} ms", transactional_id,
             found->producer_id, found->timeout_ms);
    return;
  }
  if (!aborts_waiting_for_id_.insert(transactional_id).second) return;
  ask_for_id(turn, [this, transactional_id](Turn& later, ErrorCode error, int64_t producer_id) {
    aborts_waiting_for_id_.erase(transactional_id);
    // Without an id the next check asks again.
    if (error == ErrorCode::kNone) abort_timed_out(later, transactional_id, producer_id);
  });
}

// --- markers

void TransactionShard::emit_markers(Turn& turn, MarkerToken token, const Bytes& transactional_id,
                                    const TransactionMetadata& metadata) {
  turn.effects.markers.push_back({.token = token,
                                  .transactional_id = transactional_id,
                                  .producer_id = metadata.producer_id,
                                  .producer_epoch = metadata.producer_epoch,
                                  .coordinator_epoch = coordinator_epoch_,
                                  .transaction_version = metadata.client_transaction_version,
                                  .committed = metadata.state == TransactionState::kPrepareCommit,
                                  .partitions = metadata.partitions.list()});
}

void TransactionShard::go_on_ending(Turn& turn, MarkerToken token, const Bytes& transactional_id,
                                    const TransactionMetadata& metadata) {
  CHECK(metadata.is_ending());
  if (metadata.partitions.empty()) return step(turn, transactional_id, with_end(metadata, turn.now.wall_ms), token);
  emit_markers(turn, token, transactional_id, metadata);
}

TransactionEffects TransactionShard::markers_written(MarkerToken token, std::span<const MarkerResult> results,
                                                     Now now) {
  Turn turn = begin(now);
  const auto ending = ending_.find(token);
  if (ending == ending_.end()) return finish(std::move(turn));
  TransactionMetadata& metadata = *find_mutable(ending->second);
  bool fenced = false;
  for (const MarkerResult& result : results) {
    fenced = fenced || result.error == ErrorCode::kTransactionCoordinatorFenced;
    if (needs_no_marker_any_more(result.error) || MILENA_PLANTED(kRefusedMarkerCountsAsDone)) {
      metadata.partitions.remove(result.topic, result.partition);
    }
    if (result.error != ErrorCode::kNone) {
      log_info("Marker of transaction {} for {}-{}: error {}", ending->second, result.topic, result.partition,
               static_cast<int>(result.error));
    }
  }
  if (metadata.partitions.empty()) {
    go_on_ending(turn, token, ending->second, metadata);
  } else {
    // A later coordinator has written a marker there. Retries fail until this one has such an epoch.
    retry_later(token, now, fenced ? kFencedRetry_ms : config_.marker_retry_ms);
  }
  return finish(std::move(turn));
}

}  // namespace milena::coordinator
