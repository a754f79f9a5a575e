// DescribeTransactions (key 65), version 0. Each id goes to its own coordinator; the answer keeps their order.
#include "broker/api/transaction_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/describe_transactions.h"

namespace milena::broker {
namespace {

using DescribeTransactionsCall = Call<DescribeTransactionsRequest, DescribeTransactionsResponse>;

void handle_describe_transactions(std::shared_ptr<DescribeTransactionsCall> call) {
  const auto& ids = call->request.transactional_ids;
  auto response = std::make_shared<DescribeTransactionsResponse>();
  response->transaction_states.resize(ids.size());
  auto open = std::make_shared<size_t>(ids.size() + 1);
  auto finish_one = [call, response, open] {
    if (--*open == 0) call->reply(*response);
  };
  for (size_t i = 0; i < ids.size(); i++) {
    if (!call->allows(security::kDescribeTransactionalId, ids[i])) {
      response->transaction_states[i].transactional_id = Bytes(ids[i]);
      response->transaction_states[i].error_code = ErrorCode::kTransactionalIdAuthorizationFailed;
      finish_one();
      continue;
    }
    if (ids[i].empty()) {
      // As in Kafka: refused before its coordinator is looked up.
      response->transaction_states[i].error_code = ErrorCode::kInvalidRequest;
      finish_one();
      continue;
    }
    TransactionRuntime::submit(
        call->shard(), TransactionRuntime::partition_of(call->context(), ids[i]),
        [call, i](coordinator::TransactionShard& state, coordinator::AnswerToken token, coordinator::Now now) {
          return state.describe(GroupCaller(*call, token), std::span(&call->request.transactional_ids[i], 1), now);
        },
        [call, i, response, finish_one](ErrorCode error, coordinator::TransactionResponse* answer) {
          auto& out = response->transaction_states[i];
          if (error == ErrorCode::kNone) {
            out = std::move(std::get<DescribeTransactionsResponse>(*answer).transaction_states.at(0));
            std::erase_if(out.topics, [&](const auto& topic) {
              return !call->allows_quietly(security::kDescribeTopic, topic.topic);
            });
          } else {
            out.transactional_id = Bytes(call->request.transactional_ids[i]);
            out.error_code = error;
          }
          finish_one();
        });
  }
  finish_one();
}

}  // namespace

ApiEntry describe_transactions_api() {
  return api_entry<DescribeTransactionsCall, handle_describe_transactions>(
      {security::kDescribeTransactionalId, security::kDescribeTopic});
}

}  // namespace milena::broker
