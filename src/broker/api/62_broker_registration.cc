// BrokerRegistration (key 62), versions 0-4: a broker registers with the controller when it starts.
#include "broker/api/controller_call.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "protocol/messages/broker_registration.h"

namespace milena::broker {
namespace {

using BrokerRegistrationCall = Call<BrokerRegistrationRequest, BrokerRegistrationResponse>;

void handle_broker_registration(std::shared_ptr<BrokerRegistrationCall> call) {
  if (!require_cluster(*call, security::kClusterAction)) return;
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry broker_registration_api() {
  return api_entry<BrokerRegistrationCall, handle_broker_registration>({security::kClusterAction});
}

}  // namespace milena::broker
