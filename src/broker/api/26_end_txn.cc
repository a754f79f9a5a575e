// EndTxn (key 26), versions 0-5: commit or abort. Answered when the decision is in the log; the markers follow. Version
// 5 belongs to the second protocol: the epoch is raised, and the answer contains it. PRODUCER_FENCED exists from 2 on.
#include "broker/api/refusal.h"
#include "broker/api/transaction_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/end_txn.h"

namespace milena::broker {
namespace {

using EndTxnCall = Call<EndTxnRequest, EndTxnResponse>;

void handle_end_txn(std::shared_ptr<EndTxnCall> call) {
  if (!call->allows(security::kWriteTransactionalId, call->request.transactional_id)) {
    return refuse_whole(*call, ErrorCode::kTransactionalIdAuthorizationFailed);
  }
  ask_transaction_coordinator(
      call, call->request.transactional_id,
      [call](coordinator::TransactionShard& state, const coordinator::Caller& caller, coordinator::Now now) {
        return state.end_transaction(caller, call->request, now);
      });
}

}  // namespace

ApiEntry end_txn_api() { return api_entry<EndTxnCall, handle_end_txn>({security::kWriteTransactionalId}); }

}  // namespace milena::broker
