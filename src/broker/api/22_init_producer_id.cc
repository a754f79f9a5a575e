// InitProducerId (key 22), versions 0-5, for idempotent producers: a producer id that was never given out before, with
// epoch 0. A producer without transactions that tells the id it has (version 3, KIP-360) gets a fresh one all the same,
// as in Kafka.
#include "broker/api/handlers.h"
#include "broker/call.h"
#include "broker/metadata_runtime.h"
#include "broker/shard.h"
#include "protocol/messages/init_producer_id.h"

namespace milena {

void handle_init_producer_id(std::shared_ptr<InitProducerIdCall> call) {
  InitProducerIdResponse response;
  response.producer_id = -1;
  response.producer_epoch = -1;
  if (call->request.transactional_id) {
    // An empty id is no id (Kafka's KAFKA-15552); transactions are not served yet.
    response.error_code = call->request.transactional_id->empty() ? ErrorCode::kInvalidRequest
                                                                  : ErrorCode::kTransactionalIdAuthorizationFailed;
    return call->reply(response);
  }
  // An id and an epoch come together or not at all.
  if ((call->request.producer_id == -1) != (call->request.producer_epoch == -1)) {
    response.error_code = ErrorCode::kInvalidRequest;
    return call->reply(response);
  }
  Shard& shard = call->shard();
  shard.metadata().next_producer_id(shard, [call, response](Result<int64_t> id) mutable {
    if (id) {
      response.producer_id = *id;
      response.producer_epoch = 0;
    } else {
      response.error_code = ErrorCode::kCoordinatorNotAvailable;
    }
    call->reply(response);
  });
}

}  // namespace milena
