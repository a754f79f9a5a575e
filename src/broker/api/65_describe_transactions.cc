// DescribeTransactions (key 65), version 0. Each id goes to its own coordinator; the answer keeps their order.
#include "broker/api/transaction_call.h"
#include "broker/api_entry.h"
#include "broker/router.h"
#include "protocol/messages/describe_transactions.h"

namespace milena::broker {
namespace {

using DescribeTransactionsCall = Call<DescribeTransactionsRequest, DescribeTransactionsResponse>;

struct Described {
  std::shared_ptr<DescribeTransactionsCall> call;
  DescribeTransactionsResponse response;
  size_t open = 0;
};

struct TransactionToDescribe {
  std::shared_ptr<Described> all;
  size_t place = 0;
};

void finish_one(Described& all) {
  if (--all.open == 0) all.call->reply(all.response);
}

void take_answer(Described& all, size_t place, ErrorCode error, coordinator::TransactionResponse* answer) {
  auto& out = all.response.transaction_states[place];
  if (error == ErrorCode::kNone) {
    out = std::move(std::get<DescribeTransactionsResponse>(*answer).transaction_states.at(0));
    std::erase_if(out.topics, [&](const auto& topic) {
      return !all.call->allows_quietly(security::kDescribeTopic, topic.topic);
    });
  } else {
    out.transactional_id = Bytes(all.call->request.transactional_ids[place]);
    out.error_code = error;
  }
  finish_one(all);
}

void describe_one(Shard& shard, TransactionToDescribe& item) {
  Described& all = *item.all;
  const DescribeTransactionsCall& call = *all.call;
  const ByteView id = call.request.transactional_ids[item.place];
  auto& out = all.response.transaction_states[item.place];
  if (!call.allows(security::kDescribeTransactionalId, id)) {
    out.transactional_id = Bytes(id);
    out.error_code = ErrorCode::kTransactionalIdAuthorizationFailed;
    return finish_one(all);
  }
  if (id.empty()) {
    // As in Kafka: refused before its coordinator is looked up.
    out.error_code = ErrorCode::kInvalidRequest;
    return finish_one(all);
  }
  TransactionRuntime::submit(
      shard, TransactionRuntime::partition_of(call.context(), id),
      [item](coordinator::TransactionShard& state, coordinator::AnswerToken token, coordinator::Now now) {
        const DescribeTransactionsCall& asking = *item.all->call;
        return state.describe(GroupCaller(asking, token), std::span(&asking.request.transactional_ids[item.place], 1),
                              now);
      },
      [item](ErrorCode error, coordinator::TransactionResponse* answer) {
        take_answer(*item.all, item.place, error, answer);
      });
}

void handle_describe_transactions(std::shared_ptr<DescribeTransactionsCall> call) {
  Shard& shard = call->shard();
  const size_t count = call->request.transactional_ids.size();
  auto all = std::make_shared<Described>(std::move(call));
  all->response.transaction_states.resize(count);
  if (count == 0) return all->call->reply(all->response);
  all->open = count;
  std::vector<TransactionToDescribe> items;
  items.reserve(count);
  for (size_t i = 0; i < count; i++) items.push_back({all, i});
  Router::visit_each_here<TransactionToDescribe>(shard, std::move(items), &describe_one,
                                                 [](std::vector<TransactionToDescribe>) {});
}

}  // namespace

ApiEntry describe_transactions_api() {
  return api_entry<DescribeTransactionsCall, handle_describe_transactions>(
      {security::kDescribeTransactionalId, security::kDescribeTopic});
}

}  // namespace milena::broker
