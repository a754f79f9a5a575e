// Common code of the handlers of the transaction APIs: sends a request to the coordinator of its transactional id.
#pragma once

#include <memory>
#include <utility>

#include "broker/api/group_call.h"
#include "broker/coordinators/transaction_runtime.h"

namespace milena::broker {

// Passes the call to the coordinator of `transactional_id`; its answer becomes the reply. The error is in the answer's
// top field.
template <class CallType, class Ask>
void ask_transaction_coordinator(std::shared_ptr<CallType> call, ByteView transactional_id, Ask ask) {
  using Response = typename CallType::Response;
  TransactionRuntime::submit(
      call->shard(), TransactionRuntime::partition_of(call->context(), transactional_id),
      [call, ask](coordinator::TransactionShard& state, coordinator::AnswerToken token, coordinator::Now now) {
        return ask(state, GroupCaller(*call, token), now);
      },
      [call](ErrorCode error, coordinator::TransactionResponse* answer) {
        Response response;
        if (error == ErrorCode::kNone)
          response = std::move(std::get<Response>(*answer));
        else
          response.error_code = error;
        call->reply(response);
      });
}

}  // namespace milena::broker
