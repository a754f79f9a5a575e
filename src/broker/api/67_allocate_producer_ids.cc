// AllocateProducerIds (key 67), version 0: a block of producer ids for a broker.
#include "broker/api/controller_call.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "protocol/messages/allocate_producer_ids.h"

namespace milena::broker {
namespace {

using AllocateProducerIdsCall = Call<AllocateProducerIdsRequest, AllocateProducerIdsResponse>;

void handle_allocate_producer_ids(std::shared_ptr<AllocateProducerIdsCall> call) {
  if (!require_cluster(*call, security::kClusterAction)) return;
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry allocate_producer_ids_api() {
  return api_entry<AllocateProducerIdsCall, handle_allocate_producer_ids>({security::kClusterAction});
}

}  // namespace milena::broker
