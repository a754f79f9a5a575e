#include "coordinator/transaction/transaction_metadata.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "coordinator/transaction/planted_bugs.h"

namespace milena::coordinator {
namespace {

constexpr std::array<ByteView, 8> kTransactionStateNames = {"Empty",        "Ongoing",          "PrepareCommit",
                                                            "PrepareAbort", "CompleteCommit",   "CompleteAbort",
                                                            "Dead",         "PrepareEpochFence"};

// Every transition keeps the previous producer id.
TransactionMetadata step_from(const TransactionMetadata& from, TransactionState to, int64_t wall_ms) {
  TransactionMetadata next = from;
  next.previous_producer_id = from.producer_id;
  next.state = to;
  next.last_update_ms = wall_ms;
  return next;
}

TransactionMetadata emptied(const TransactionMetadata& from, int32_t timeout_ms, int64_t wall_ms) {
  CHECK(from.may_expire(), "InitProducerId in state {}", transaction_state_name(from.state));
  TransactionMetadata next = step_from(from, TransactionState::kEmpty, wall_ms);
  next.timeout_ms = timeout_ms;
  next.partitions = {};
  next.start_ms = -1;
  return next;
}

}  // namespace

bool TransactionPartitions::contains(ByteView topic, int32_t partition) const {
  const auto found = topics_.find(topic);
  return found != topics_.end() && std::ranges::binary_search(found->second, partition);
}

bool TransactionPartitions::add(ByteView topic, int32_t partition) {
  auto found = topics_.find(topic);
  if (found == topics_.end()) found = topics_.emplace(Bytes(topic), std::vector<int32_t>()).first;
  const auto at = std::ranges::lower_bound(found->second, partition);
  if (at != found->second.end() && *at == partition) return false;
  found->second.insert(at, partition);
  return true;
}

bool TransactionPartitions::remove(ByteView topic, int32_t partition) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return false;
  const auto at = std::ranges::lower_bound(found->second, partition);
  if (at == found->second.end() || *at != partition) return false;
  found->second.erase(at);
  if (found->second.empty()) topics_.erase(found);
  return true;
}

std::vector<TopicPartitions> TransactionPartitions::list() const {
  std::vector<TopicPartitions> all;
  all.reserve(topics_.size());
  for (const auto& [topic, partitions] : topics_) all.push_back({topic, partitions});
  return all;
}

std::optional<TransactionMetadata> with_next_epoch(const TransactionMetadata& from, int32_t timeout_ms,
                                                   std::optional<int16_t> expected_epoch, int64_t wall_ms) {
  TransactionMetadata next = emptied(from, timeout_ms, wall_ms);
  if (!expected_epoch) {
    next.last_producer_epoch = kNoProducerEpoch;
  } else if (from.producer_epoch == kNoProducerEpoch || *expected_epoch == from.producer_epoch) {
    next.last_producer_epoch = from.producer_epoch;
  } else if (*expected_epoch == from.last_producer_epoch) {
    return next;  // a retry: the same result
  } else {
    return std::nullopt;
  }
  CHECK(!from.epoch_exhausted(), "epoch {}", from.producer_epoch);
  next.producer_epoch = static_cast<int16_t>(from.producer_epoch + 1);
  return next;
}

TransactionMetadata with_new_producer_id(const TransactionMetadata& from, int64_t producer_id, int32_t timeout_ms,
                                         bool keep_last_epoch, int64_t wall_ms) {
  TransactionMetadata next = emptied(from, timeout_ms, wall_ms);
  next.producer_id = producer_id;
  next.producer_epoch = 0;
  next.last_producer_epoch = keep_last_epoch ? from.producer_epoch : kNoProducerEpoch;
  return next;
}

TransactionMetadata with_partitions(const TransactionMetadata& from, TransactionPartitions partitions,
                                    int16_t transaction_version, int64_t wall_ms) {
  CHECK(!from.is_ending());
  TransactionMetadata next = step_from(from, TransactionState::kOngoing, wall_ms);
  if (from.state != TransactionState::kOngoing) next.start_ms = wall_ms;
  next.partitions = std::move(partitions);
  next.client_transaction_version = transaction_version;
  return next;
}

TransactionMetadata with_decision(const TransactionMetadata& from, const EndDecision& decision, int64_t wall_ms) {
  CHECK(from.state == TransactionState::kOngoing ||
        (decision.nothing_added && !decision.committed && !from.is_ending()));
  TransactionMetadata next = step_from(
      from, decision.committed ? TransactionState::kPrepareCommit : TransactionState::kPrepareAbort, wall_ms);
  // With transaction.version 2 each end bumps the epoch, and a fence is like any other abort.
  if (decision.transaction_version >= kTransactionVersion2) {
    const bool keeps = MILENA_PLANTED(kEndKeepsEpoch) || (decision.fence && MILENA_PLANTED(kFenceKeepsEpoch));
    if (from.producer_epoch < INT16_MAX && !keeps) next.producer_epoch = static_cast<int16_t>(from.producer_epoch + 1);
    next.last_producer_epoch = from.producer_epoch;
  } else if (decision.fence && !MILENA_PLANTED(kFenceKeepsEpoch)) {
    if (from.producer_epoch < INT16_MAX) next.producer_epoch = static_cast<int16_t>(from.producer_epoch + 1);
    next.last_producer_epoch = kNoProducerEpoch;
  }
  if (decision.nothing_added) next.start_ms = wall_ms;
  next.next_producer_id = decision.next_producer_id;
  next.client_transaction_version = decision.transaction_version;
  return next;
}

TransactionMetadata with_end(const TransactionMetadata& from, int64_t wall_ms) {
  CHECK(from.is_ending());
  const bool committed = from.state == TransactionState::kPrepareCommit;
  TransactionMetadata next = step_from(
      from, committed ? TransactionState::kCompleteCommit : TransactionState::kCompleteAbort, wall_ms);
  if (from.client_transaction_version >= kTransactionVersion2 && from.next_producer_id != kNoProducerId) {
    next.producer_id = from.next_producer_id;
    next.producer_epoch = 0;
  }
  next.next_producer_id = kNoProducerId;
  next.partitions = {};
  return next;
}

ByteView transaction_state_name(TransactionState state) {
  return kTransactionStateNames[static_cast<size_t>(state)];
}

std::optional<TransactionState> transaction_state_from_name(ByteView name) {
  const auto found = std::ranges::find(kTransactionStateNames, name);
  if (found == kTransactionStateNames.end()) return std::nullopt;
  return static_cast<TransactionState>(found - kTransactionStateNames.begin());
}

bool is_stored_transaction_state(int8_t number) {
  return number >= 0 && number <= static_cast<int8_t>(TransactionState::kCompleteAbort);
}

}  // namespace milena::coordinator
