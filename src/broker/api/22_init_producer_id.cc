// InitProducerId (key 22), versions 0-5. Without a transactional id it returns a producer id that was never given out
// before, with epoch 0; a producer that sends its current id (version 3, KIP-360) also gets a new one, as in Kafka.
// With a transactional id, the coordinator of that id ends the open transaction and returns the next epoch.
// PRODUCER_FENCED exists from 4 on.
#include "broker/api/transaction_call.h"
#include "broker/api_entry.h"
#include "broker/controller/controller_channel.h"
#include "broker/shard.h"
#include "protocol/messages/init_producer_id.h"

namespace milena::broker {
namespace {

using InitProducerIdCall = Call<InitProducerIdRequest, InitProducerIdResponse>;

void give_id(const std::shared_ptr<InitProducerIdCall>& call) {
  Shard& shard = call->shard();
  shard.controller().next_producer_id(shard, [call](Result<int64_t> id) {
    InitProducerIdResponse response;
    response.producer_epoch = -1;
    if (id) {
      response.producer_id = *id;
      response.producer_epoch = 0;
    } else {
      response.error_code = ErrorCode::kCoordinatorNotAvailable;
    }
    call->reply(response);
  });
}

void refuse_producer(const std::shared_ptr<InitProducerIdCall>& call, ErrorCode error) {
  InitProducerIdResponse response;
  response.producer_epoch = -1;
  response.error_code = error;
  call->reply(response);
}

// A client that may write to some topic may do so idempotently, too (KIP-679).
ErrorCode check_access(const InitProducerIdCall& call) {
  if (const auto& id = call.request.transactional_id) {
    return call.allows(security::kWriteTransactionalId, *id) ? ErrorCode::kNone
                                                             : ErrorCode::kTransactionalIdAuthorizationFailed;
  }
  const bool allowed = call.allows_quietly(security::kIdempotentWrite) || call.allows_somewhere(security::kWriteTopic);
  return allowed ? ErrorCode::kNone : ErrorCode::kClusterAuthorizationFailed;
}

void handle_init_producer_id(std::shared_ptr<InitProducerIdCall> call) {
  const InitProducerIdRequest& request = call->request;
  if (ErrorCode refused = check_access(*call); refused != ErrorCode::kNone) return refuse_producer(call, refused);
  // An id and an epoch must come together. An empty transactional id is refused (Kafka's KAFKA-15552).
  bool halved = (request.producer_id == -1) != (request.producer_epoch == -1);
  if (halved || (request.transactional_id && request.transactional_id->empty())) {
    return refuse_producer(call, ErrorCode::kInvalidRequest);
  }
  if (!request.transactional_id) return give_id(call);
  Shard& shard = call->shard();
  // The coordinator checks this, too; but this error comes before those of a wrong node or a missing coordinator.
  int32_t timeout_ms = request.transaction_timeout_ms;
  if (timeout_ms <= 0 || timeout_ms > shard.settings().get_int("transaction.max.timeout.ms")) {
    return refuse_producer(call, ErrorCode::kInvalidTransactionTimeout);
  }
  TransactionRuntime::submit(
      shard, TransactionRuntime::partition_of(shard, *request.transactional_id),
      [call](coordinator::TransactionShard& state, coordinator::AnswerToken token, coordinator::Now now) {
        return state.init_producer_id(GroupCaller(*call, token), call->request, now);
      },
      [call](ErrorCode error, coordinator::TransactionResponse* answer) {
        InitProducerIdResponse response;
        response.producer_epoch = -1;
        response.error_code = error;
        if (error == ErrorCode::kNone) response = std::move(std::get<InitProducerIdResponse>(*answer));
        call->reply(response);
      });
}

}  // namespace

ApiEntry init_producer_id_api() {
  return api_entry<InitProducerIdCall, handle_init_producer_id>(
      {security::kWriteTransactionalId, security::kIdempotentWrite, security::kWriteTopic});
}

}  // namespace milena::broker
