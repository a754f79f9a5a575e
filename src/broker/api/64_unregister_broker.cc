// UnregisterBroker (key 64), version 0.
#include "broker/api/controller_call.h"
#include "broker/api/handlers.h"
#include "protocol/messages/unregister_broker.h"

namespace milena {

void handle_unregister_broker(std::shared_ptr<UnregisterBrokerCall> call) {
  ask_controller(call, [call](const Controller& controller) {
    return controller.unregister_broker(call->request);
  });
}

}  // namespace milena
