// AddOffsetsToTxn (key 25), versions 0-4: adds a group's offsets to a transaction, that is, their partition of
// __consumer_offsets. PRODUCER_FENCED exists from 2 on.
#include "broker/api/refusal.h"
#include "broker/api/transaction_call.h"
#include "broker/api_entry.h"
#include "broker/shard.h"
#include "coordinator/group/java_string.h"
#include "protocol/messages/add_offsets_to_txn.h"

namespace milena::broker {
namespace {

using AddOffsetsToTxnCall = Call<AddOffsetsToTxnRequest, AddOffsetsToTxnResponse>;

void handle_add_offsets_to_txn(std::shared_ptr<AddOffsetsToTxnCall> call) {
  Shard& shard = call->shard();
  ByteView group = call->request.group_id;
  if (!call->allows(security::kWriteTransactionalId, call->request.transactional_id)) {
    return refuse_whole(*call, ErrorCode::kTransactionalIdAuthorizationFailed);
  }
  if (!call->allows(security::kReadGroup, group)) return refuse_whole(*call, ErrorCode::kGroupAuthorizationFailed);
  int32_t partition = GroupRuntime::partition_of(shard, group);
  // Before its creation the topic has the configured number of partitions.
  if (partition < 0)
    partition = coordinator::coordinator_partition(group, shard.settings().get_int("offsets.topic.num.partitions"));
  ask_transaction_coordinator(
      call, call->request.transactional_id,
      [call, partition](coordinator::TransactionShard& state, const coordinator::Caller& caller, coordinator::Now now) {
        return state.add_offsets(caller, call->request, partition, now);
      });
}

}  // namespace

ApiEntry add_offsets_to_txn_api() {
  return api_entry<AddOffsetsToTxnCall, handle_add_offsets_to_txn>(
      {security::kWriteTransactionalId, security::kReadGroup});
}

}  // namespace milena::broker
