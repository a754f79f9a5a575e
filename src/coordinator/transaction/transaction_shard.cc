// The parts of TransactionShard that every input uses: applying records, loading, timers, failures.
#include "coordinator/transaction/transaction_shard.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/saturating.h"
#include "coordinator/deadlines.h"
#include "coordinator/transaction/planted_bugs.h"
#include "coordinator/transaction/transaction_records.h"

namespace milena::coordinator {
namespace {

// The tombstones of one check, so that they fit into a batch; the next check follows at once.
constexpr size_t kMaxExpiredIdsAtOnce = 2'000;

}  // namespace

ErrorCode transaction_error_of_append(ErrorCode error) {
  switch (error) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kRequestTimedOut: return ErrorCode::kCoordinatorNotAvailable;
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kKafkaStorageError: return ErrorCode::kNotCoordinator;
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge: return ErrorCode::kUnknownServerError;
    default: return error;
  }
}

void turn_into_error(TransactionResponse& response, ErrorCode error) {
  struct Visitor {
    ErrorCode error;
    void operator()(InitProducerIdResponse& r) const {
      r.error_code = error;
      r.producer_id = kNoProducerId;
      r.producer_epoch = kNoProducerEpoch;
    }
    void operator()(AddedPartitions& r) const {
      for (auto& topic : r.topic_results) {
        for (auto& partition : topic.results_by_partition) partition.partition_error_code = error;
      }
    }
    void operator()(AddOffsetsToTxnResponse& r) const { r.error_code = error; }
    void operator()(EndTxnResponse& r) const {
      r.error_code = error;
      r.producer_id = kNoProducerId;
      r.producer_epoch = kNoProducerEpoch;
    }
    void operator()(DescribeTransactionsResponse& r) const {
      for (auto& state : r.transaction_states) state.error_code = error;
    }
    void operator()(ListTransactionsResponse& r) const { r.error_code = error; }
  };
  std::visit(Visitor{error}, response);
}

const TransactionMetadata* TransactionShard::find(ByteView transactional_id) const {
  const auto found = transactions_.find(transactional_id);
  return found == transactions_.end() ? nullptr : &found->second;
}

TransactionMetadata* TransactionShard::find_mutable(ByteView transactional_id) {
  const auto found = transactions_.find(transactional_id);
  return found == transactions_.end() ? nullptr : &found->second;
}

// --- one input

TransactionShard::Turn TransactionShard::begin(Now now) {
  CHECK(!loading_, "input before the partition is loaded");
  CHECK(!closed_, "input after the partition is closed");
  CHECK(unapplied_.empty(), "{} records neither applied nor failed", unapplied_.size());
  return {.now = now, .effects = {}, .steps = {}};
}

TransactionEffects TransactionShard::finish(Turn turn) {
  CHECK(turn.steps.size() == turn.effects.records.size());
  unapplied_.assign(std::make_move_iterator(turn.steps.begin()), std::make_move_iterator(turn.steps.end()));
  return std::move(turn.effects);
}

void TransactionShard::step(Turn& turn, const Bytes& transactional_id, std::optional<TransactionMetadata> next,
                            MarkerToken token) {
  turn.effects.records.push_back(next ? make_transaction_record(transactional_id, *next, transaction_version_)
                                      : make_transaction_tombstone(transactional_id));
  turn.steps.push_back({transactional_id, std::move(next), token});
}

void TransactionShard::ask_for_id(Turn& turn, IdContinuation continuation) {
  const ProducerIdToken token = ++last_id_token_;
  waiting_for_id_.emplace(token, std::move(continuation));
  turn.effects.producer_id_requests.push_back(token);
}

TransactionEffects TransactionShard::producer_id_given(ProducerIdToken token, ErrorCode error, int64_t producer_id,
                                                       Now now) {
  Turn turn = begin(now);
  auto waiting = waiting_for_id_.extract(token);
  if (!waiting.empty()) waiting.mapped()(turn, error, producer_id);
  return finish(std::move(turn));
}

// --- the log

void TransactionShard::take_on(const Bytes& transactional_id, std::optional<TransactionMetadata> metadata) {
  if (!metadata) {
    open_.erase(transactional_id);
    transactions_.erase(transactional_id);
    return;
  }
  if (metadata->state == TransactionState::kOngoing) {
    open_.insert(transactional_id);
  } else {
    open_.erase(transactional_id);
  }
  transactions_[transactional_id] = std::move(*metadata);
}

void TransactionShard::apply(ByteView key, std::optional<ByteView> value, int64_t record_offset,
                             int64_t /*producer_id*/) {
  CHECK(!closed_);
  Result<TransactionRecord> record = parse_transaction_record(key, value);
  if (unapplied_.empty()) {
    if (!record.ok())
      return log_error("At offset {} of __transaction_state: {}", record_offset, record.error().message);
    return take_on(record->transactional_id, std::move(record->metadata));
  }
  // Live: the record is our own, and the step also has the last epoch, which is not in the record.
  Step applied = std::move(unapplied_.front());
  unapplied_.pop_front();
  CHECK(record.ok() && record->transactional_id == applied.transactional_id);
  CHECK(record->metadata.has_value() == applied.next.has_value());
  const bool ended = applied.next && applied.next->is_complete();
  take_on(applied.transactional_id, std::move(applied.next));
  if (ended && applied.token != 0) ending_.erase(applied.token);
}

TransactionEffects TransactionShard::loaded(Now now) {
  CHECK(loading_);
  loading_ = false;
  Turn turn = begin(now);
  next_abort_check_ms_ = add_saturating(now.steady_ms, config_.abort_check_interval_ms);
  next_expiry_check_ms_ = add_saturating(now.steady_ms, config_.expiry_check_interval_ms);
  for (auto& [id, metadata] : transactions_) {
    if (!metadata.is_ending()) continue;
    if (metadata.state == TransactionState::kPrepareAbort && MILENA_PLANTED(kReloadForgetsAborts)) continue;
    if (MILENA_PLANTED(kReloadCommitsAborts)) metadata.state = TransactionState::kPrepareCommit;
    const MarkerToken token = ++last_marker_token_;
    ending_.emplace(token, id);
    go_on_ending(turn, token, id, metadata);
  }
  return finish(std::move(turn));
}

TransactionEffects TransactionShard::append_failed(TransactionEffects failed, ErrorCode error, Now now) {
  CHECK(unapplied_.size() == failed.records.size() && !unapplied_.empty());
  const ErrorCode told = transaction_error_of_append(error);
  log_warn("Records of __transaction_state could not be appended: error {}, answered as {}", static_cast<int>(error),
           static_cast<int>(told));
  // The coordinator does not retry its own aborts at once.
  next_abort_check_ms_ = std::max(next_abort_check_ms_, add_saturating(now.steady_ms, config_.abort_check_interval_ms));
  next_expiry_check_ms_ =
      std::max(next_expiry_check_ms_, add_saturating(now.steady_ms, config_.expiry_check_interval_ms));
  for (const Step& taken_back : std::exchange(unapplied_, {})) {
    if (taken_back.token == 0) continue;
    if (taken_back.next->is_ending()) {
      ending_.erase(taken_back.token);
    } else {
      retry_later(taken_back.token, now, config_.marker_retry_ms);
    }
  }
  Turn turn = begin(now);
  turn.effects.answers = std::move(failed.answers);
  for (TransactionAnswer& answer : turn.effects.answers) turn_into_error(answer.response, told);
  turn.effects.producer_id_requests = std::move(failed.producer_id_requests);
  // Markers of earlier decisions are sent; those of the failed ones are not.
  for (TransactionMarkers& markers : failed.markers) {
    const bool decided = ending_.contains(markers.token) || MILENA_PLANTED(kMarkersOfFailedDecision);
    if (decided) turn.effects.markers.push_back(std::move(markers));
  }
  return finish(std::move(turn));
}

TransactionEffects TransactionShard::close(ErrorCode error) {
  closed_ = true;
  Turn turn;
  for (auto& [token, continuation] : std::exchange(waiting_for_id_, {})) continuation(turn, error, kNoProducerId);
  CHECK(turn.steps.empty());
  return std::move(turn.effects);
}

// --- time

std::optional<int64_t> TransactionShard::next_deadline_ms() const {
  if (loading_ || closed_) return std::nullopt;
  int64_t next = kNever;
  if (!open_.empty()) next = std::min(next, next_abort_check_ms_);
  if (!transactions_.empty()) next = std::min(next, next_expiry_check_ms_);
  if (!retries_.empty()) next = std::min(next, retries_.begin()->first);
  return next == kNever ? std::nullopt : std::optional(next);
}

TransactionEffects TransactionShard::tick(Now now) {
  Turn turn = begin(now);
  while (!retries_.empty() && retries_.begin()->first <= now.steady_ms) {
    const MarkerToken token = retries_.begin()->second;
    retries_.erase(retries_.begin());
    const auto found = ending_.find(token);
    if (found != ending_.end()) go_on_ending(turn, token, found->second, *find(found->second));
  }
  if (now.steady_ms >= next_abort_check_ms_) {
    next_abort_check_ms_ = add_saturating(now.steady_ms, config_.abort_check_interval_ms);
    abort_all_timed_out(turn);
  }
  if (now.steady_ms >= next_expiry_check_ms_) {
    next_expiry_check_ms_ = add_saturating(now.steady_ms, config_.expiry_check_interval_ms);
    expire_ids(turn);
  }
  return finish(std::move(turn));
}

void TransactionShard::retry_later(MarkerToken token, Now now, int64_t after_ms) {
  retries_.emplace(now.steady_ms + after_ms, token);
}

void TransactionShard::expire_ids(Turn& turn) {
  size_t expired = 0;
  for (const auto& [id, metadata] : transactions_) {
    if (!metadata.may_expire() ||
        metadata.last_update_ms > subtract_saturating(turn.now.wall_ms, config_.id_expiration_ms))
      continue;
    if (++expired > kMaxExpiredIdsAtOnce) {
      next_expiry_check_ms_ = turn.now.steady_ms + 1;
      return;
    }
    step(turn, id, std::nullopt);
  }
}

}  // namespace milena::coordinator
