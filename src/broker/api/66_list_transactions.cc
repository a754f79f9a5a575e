// ListTransactions (key 66), versions 0-2: all coordinators of this node are asked. Version 1 filters by duration, 2 by a
// pattern of the transactional id.
#include <algorithm>
#include <set>

#include "broker/api/transaction_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/list_transactions.h"

namespace milena {
namespace {

using ListTransactionsCall = Call<ListTransactionsRequest, ListTransactionsResponse>;

// Each coordinator names the filters it does not know; they are named once.
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

// Before the first transaction there is nothing to list, but filters to be judged all the same.
ListTransactionsResponse list_nothing(const ListTransactionsCall& call, Now now) {
  TransactionShard empty{TransactionConfig{}};
  (void)empty.loaded(now);
  TransactionEffects effects = empty.list(GroupCaller(call, 1), call.request, now);
  return std::move(std::get<ListTransactionsResponse>(effects.answers.at(0).response));
}

void handle_list_transactions(std::shared_ptr<ListTransactionsCall> call) {
  Shard& shard = call->shard();
  auto listing = std::make_shared<Listing>();
  std::ranges::sort(call->request.producer_id_filters);  // once, for all partitions
  int32_t count = TransactionRuntime::partition_count(shard);
  if (count == 0) listing->add(list_nothing(*call, {shard.steady_ms(), shard.now_ms()}));
  listing->open += static_cast<size_t>(count);
  auto finish_one = [call, listing] {
    if (--listing->open > 0) return;
    ListTransactionsResponse& response = listing->response;
    response.unknown_state_filters.assign(listing->unknown_filters.begin(), listing->unknown_filters.end());
    if (response.error_code != ErrorCode::kNone) response.transaction_states.clear();
    std::erase_if(response.transaction_states,
                  [&](const auto& state) { return !call->allows(kDescribeTransactionalId, state.transactional_id); });
    call->reply(response);
  };
  for (int32_t partition = 0; partition < count; partition++) {
    TransactionRuntime::submit(
        shard, partition,
        [call](TransactionShard& state, AnswerToken token, Now now) {
          return state.list(GroupCaller(*call, token), call->request, now);
        },
        [listing, finish_one](ErrorCode error, TransactionResponse* answer) {
          if (error == ErrorCode::kNone) listing->add(std::move(std::get<ListTransactionsResponse>(*answer)));
          else listing->response.error_code = error;
          finish_one();
        });
  }
  finish_one();
}

}  // namespace

ApiEntry list_transactions_api() {
  return api_entry<ListTransactionsCall, handle_list_transactions>({kDescribeTransactionalId});
}

}  // namespace milena
