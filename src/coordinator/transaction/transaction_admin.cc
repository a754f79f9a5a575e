// TransactionShard: DescribeTransactions and ListTransactions. Versions of List: 1 duration, 2 a pattern of RE2 for the
// ids, which must match the whole id. The pattern is applied to the merged responses of all coordinators
// (keep_matching), as its cost depends on the client.
#include <re2/re2.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/saturating.h"
#include "coordinator/transaction/transaction_shard.h"

namespace milena::coordinator {
namespace {

struct ListFilter {
  std::span<const int64_t> producer_ids;  // sorted: there may be as many as fit into a request
  bool by_state = false;
  std::set<TransactionState> states;
  int64_t open_longer_than_ms = -1;

  bool matches(const TransactionMetadata& metadata, int64_t wall_ms) const {
    if (!producer_ids.empty() && !std::ranges::binary_search(producer_ids, metadata.producer_id)) return false;
    if (by_state && !states.contains(metadata.state)) return false;
    return open_longer_than_ms < 0 || subtract_saturating(wall_ms, metadata.start_ms) > open_longer_than_ms;
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

TransactionEffects TransactionShard::describe(const Caller& caller, std::span<const ByteView> transactional_ids,
                                              Now now) {
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
  std::vector<int64_t> sorted_ids;
  filter.producer_ids = request.producer_id_filters;
  if (!std::ranges::is_sorted(filter.producer_ids)) {
    sorted_ids = request.producer_id_filters;
    std::ranges::sort(sorted_ids);
    filter.producer_ids = sorted_ids;
  }
  filter.by_state = !request.state_filters.empty();
  filter.open_longer_than_ms = request.duration_filter;
  for (ByteView name : request.state_filters) {
    if (const auto state = transaction_state_from_name(name)) {
      filter.states.insert(*state);
    } else {
      response.unknown_state_filters.emplace_back(name);
    }
  }
  for (const auto& [id, metadata] : transactions_) {
    if (metadata.state == TransactionState::kDead || !filter.matches(metadata, now.wall_ms)) continue;
    response.transaction_states.push_back({.transactional_id = id,
                                           .producer_id = metadata.producer_id,
                                           .transaction_state = Bytes(transaction_state_name(metadata.state))});
  }
  turn.answer(caller.token, std::move(response));
  return finish(std::move(turn));
}

bool keep_matching(std::vector<ListTransactionsResponse::TransactionState>& states, ByteView pattern,
                   const std::function<bool()>& time_is_up) {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(2 << 20);
  const re2::RE2 regex(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!regex.ok()) return false;
  bool late = false;
  std::erase_if(states, [&](const auto& state) {
    late = late || time_is_up();
    return late || !re2::RE2::FullMatch(state.transactional_id, regex);
  });
  return !late;
}

}  // namespace milena::coordinator
