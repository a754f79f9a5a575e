// ListTransactions (key 66), versions 0-2: asks all coordinators of this node. Version 1 filters by duration, 2 by a
// pattern of the transactional id.
#include <algorithm>
#include <set>

#include "broker/api/transaction_call.h"
#include "broker/api_entry.h"
#include "broker/later_turn.h"
#include "broker/shard_context.h"
#include "protocol/messages/list_transactions.h"

namespace milena::broker {
namespace {

// The longest time to match the pattern, over all transactions.
constexpr int64_t kLongestMatch_ms = 2000;

using ListTransactionsCall = Call<ListTransactionsRequest, ListTransactionsResponse>;

// Each coordinator returns the filters that it does not know; the answer has each once.
struct Listing {
  ListTransactionsResponse response;
  std::set<Bytes> unknown_filters;
  size_t open = 1;

  void add(ListTransactionsResponse part) {
    if (part.error_code != ErrorCode::kNone) response.error_code = part.error_code;
    for (Bytes& filter : part.unknown_state_filters) unknown_filters.insert(std::move(filter));
    for (auto& state : part.transaction_states) response.transaction_states.push_back(std::move(state));
  }
};

// Before the first transaction there is nothing to list, but the filters are still validated.
ListTransactionsResponse list_nothing(const ListTransactionsCall& call, coordinator::Now now) {
  coordinator::TransactionShard empty{coordinator::TransactionConfig{}};
  (void)empty.loaded(now);
  coordinator::TransactionEffects effects = empty.list(GroupCaller(call, 1), call.request, now);
  return std::move(std::get<ListTransactionsResponse>(effects.answers.at(0).response));
}

// Removes unknown states and puts them into the answer, so that the coordinators get a short list.
void shorten_state_filters(ListTransactionsRequest& request, Listing& listing) {
  std::set<ByteView> known;
  for (ByteView filter : request.state_filters) {
    if (coordinator::transaction_state_from_name(filter)) {
      known.insert(filter);
    } else {
      listing.unknown_filters.emplace(filter);
    }
  }
  // If all are unknown, nothing is listed.
  if (known.empty() && !request.state_filters.empty()) known.insert(request.state_filters.front());
  request.state_filters.assign(known.begin(), known.end());
}

void answer_listing(ListTransactionsCall& call, Listing& listing) {
  ListTransactionsResponse& response = listing.response;
  response.unknown_state_filters.assign(listing.unknown_filters.begin(), listing.unknown_filters.end());
  if (response.error_code != ErrorCode::kNone) response.transaction_states.clear();
  call.reply(response);
}

// The pattern is matched on a thread beside the loop, for a limited time.
void match_then_answer(const std::shared_ptr<ListTransactionsCall>& call, const std::shared_ptr<Listing>& listing) {
  const auto& pattern = call->request.transactional_id_pattern;
  if (!pattern || pattern->empty()) return answer_listing(*call, *listing);
  const Clock& clock = call->context().executor().clock();
  run_or_drop(
      call->context().executor(), &Executor::run_computation,
      [call, listing, &clock, end_ms = clock.steady_ms() + kLongestMatch_ms] {
        const auto time_is_up = [&clock, end_ms] { return clock.steady_ms() > end_ms; };
        if (coordinator::keep_matching(listing->response.transaction_states, *call->request.transactional_id_pattern,
                                       time_is_up))
          return;
        listing->response = {};
        listing->unknown_filters.clear();
        listing->response.error_code = ErrorCode::kInvalidRegularExpression;
      },
      [call, listing] { answer_listing(*call, *listing); });
}

void list_on_all(const std::shared_ptr<ListTransactionsCall>& call, const std::shared_ptr<Listing>& listing) {
  int32_t count = TransactionRuntime::partition_count(call->context());
  if (count == 0) listing->add(list_nothing(*call, {call->context().steady_ms(), call->context().now_ms()}));
  listing->open += static_cast<size_t>(count);
  auto finish_one = [call, listing] {
    if (--listing->open > 0) return;
    std::erase_if(listing->response.transaction_states, [&](const auto& state) {
      return !call->allows_quietly(security::kDescribeTransactionalId, state.transactional_id);
    });
    match_then_answer(call, listing);
  };
  for (int32_t partition = 0; partition < count; partition++) {
    TransactionRuntime::submit(
        call->shard(), partition,
        [call](coordinator::TransactionShard& state, coordinator::AnswerToken token, coordinator::Now now) {
          return state.list(GroupCaller(*call, token), call->request, now);
        },
        [listing, finish_one](ErrorCode error, coordinator::TransactionResponse* answer) {
          // Other brokers list the partitions that they coordinate.
          if (error == ErrorCode::kNone)
            listing->add(std::move(std::get<ListTransactionsResponse>(*answer)));
          else if (error != ErrorCode::kNotCoordinator)
            listing->response.error_code = error;
          finish_one();
        });
  }
  finish_one();
}

// Filters of megabytes are sorted on a thread beside the loop.
void handle_list_transactions(std::shared_ptr<ListTransactionsCall> call) {
  auto listing = std::make_shared<Listing>();
  const auto put_in_order = [call, listing] {
    std::ranges::sort(call->request.producer_id_filters);  // once, for all partitions
    shorten_state_filters(call->request, *listing);
  };
  const size_t filters = call->request.producer_id_filters.size() + call->request.state_filters.size();
  put_filters_in_order(call->context().executor(), filters, put_in_order,
                       [call, listing] { list_on_all(call, listing); });
}

}  // namespace

ApiEntry list_transactions_api() {
  return api_entry<ListTransactionsCall, handle_list_transactions>({security::kDescribeTransactionalId});
}

}  // namespace milena::broker
