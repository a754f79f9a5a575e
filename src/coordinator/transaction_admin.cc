// TransactionShard: DescribeTransactions and ListTransactions. Versions of List: 1 duration, 2 a pattern of RE2 for the ids,
// which must match the whole id.
#include <re2/re2.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/saturating.h"
#include "coordinator/transaction_shard.h"

namespace milena {
namespace {

struct ListFilter {
  std::vector<int64_t> producer_ids;  // sorted: there may be as many as a request holds
  bool by_state = false;
  std::set<TransactionState> states;
  int64_t open_longer_than_ms = -1;
  const re2::RE2* pattern = nullptr;

  bool matches(const Bytes& id, const TransactionMetadata& metadata, int64_t wall_ms) const {
    if (!producer_ids.empty() && !std::ranges::binary_search(producer_ids, metadata.producer_id)) return false;
    if (by_state && !states.contains(metadata.state)) return false;
    if (open_longer_than_ms >= 0 && subtract_saturating(wall_ms, metadata.start_ms) <= open_longer_than_ms) return false;
    return pattern == nullptr || re2::RE2::FullMatch(id, *pattern);
  }
};

}  // namespace

namespace {

size_t size_of(const DescribeTransactionsResponse::TransactionState& described) {
  size_t bytes = sizeof(described) + described.transactional_id.size();
  for (const auto& topic : described.topics) {
    bytes += sizeof(topic) + topic.topic.size() + topic.partitions.size() * sizeof(int32_t);
  }
  return bytes;
}

}  // namespace

TransactionEffects TransactionShard::describe(const Caller& caller, std::span<const ByteView> transactional_ids, Now now) {
  Turn turn = begin(now);
  DescribeTransactionsResponse response;
  response.transaction_states.reserve(transactional_ids.size());
  for (ByteView id : transactional_ids) {
    auto& described = response.transaction_states.emplace_back();
    described.transactional_id = id;
    const TransactionMetadata* found = find(id);
    if (is_answer_full(caller)) {
      described.error_code = ErrorCode::kUnknownServerError;
    } else if (id.empty()) {
      described.error_code = ErrorCode::kInvalidRequest;
    } else if (found == nullptr || found->state == TransactionState::kDead) {
      described.error_code = ErrorCode::kTransactionalIdNotFound;
    } else {
      described.transaction_state = transaction_state_name(found->state);
      described.transaction_timeout_ms = found->timeout_ms;
      described.transaction_start_time_ms = found->start_ms;
      described.producer_id = found->producer_id;
      described.producer_epoch = found->producer_epoch;
      for (const auto& [topic, partitions] : found->partitions.topics()) {
        described.topics.push_back({.topic = topic, .partitions = partitions});
      }
      fill_answer(caller, id, size_of(described));
    }
  }
  turn.answer(caller.token, std::move(response));
  return finish(std::move(turn));
}

TransactionEffects TransactionShard::list(const Caller& caller, const ListTransactionsRequest& request, Now now) {
  Turn turn = begin(now);
  ListTransactionsResponse response;
  ListFilter filter;
  filter.producer_ids = request.producer_id_filters;
  if (!std::ranges::is_sorted(filter.producer_ids)) std::ranges::sort(filter.producer_ids);
  filter.by_state = !request.state_filters.empty();
  filter.open_longer_than_ms = request.duration_filter;
  for (ByteView name : request.state_filters) {
    if (const auto state = transaction_state_from_name(name)) {
      filter.states.insert(*state);
    } else {
      response.unknown_state_filters.emplace_back(name);
    }
  }
  std::optional<re2::RE2> pattern;
  if (request.transactional_id_pattern && !request.transactional_id_pattern->empty()) {
    pattern.emplace(re2::StringPiece(request.transactional_id_pattern->data(), request.transactional_id_pattern->size()),
                    re2::RE2::Quiet);
    filter.pattern = &*pattern;
  }
  if (pattern && !pattern->ok()) {
    response = {};
    response.error_code = ErrorCode::kInvalidRegularExpression;
  } else {
    for (const auto& [id, metadata] : transactions_) {
      if (metadata.state == TransactionState::kDead || !filter.matches(id, metadata, now.wall_ms)) continue;
      response.transaction_states.push_back({.transactional_id = id,
                                             .producer_id = metadata.producer_id,
                                             .transaction_state = Bytes(transaction_state_name(metadata.state))});
    }
  }
  turn.answer(caller.token, std::move(response));
  return finish(std::move(turn));
}

}  // namespace milena
