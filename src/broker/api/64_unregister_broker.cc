// UnregisterBroker (key 64), version 0.
#include "broker/api/controller_call.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "protocol/messages/unregister_broker.h"

namespace milena::broker {
namespace {

using UnregisterBrokerCall = Call<UnregisterBrokerRequest, UnregisterBrokerResponse>;

void handle_unregister_broker(std::shared_ptr<UnregisterBrokerCall> call) {
  if (!require_cluster(*call, security::kAlterCluster)) return;
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry unregister_broker_api() {
  return api_entry<UnregisterBrokerCall, handle_unregister_broker>({security::kAlterCluster});
}

}  // namespace milena::broker
