// ElectLeaders (key 43), versions 0-2: of preferred leaders, and since version 1 unclean ones (KIP-460).
#include "broker/api/controller_call.h"
#include "broker/api/handlers.h"
#include "protocol/messages/elect_leaders.h"

namespace milena {

void handle_elect_leaders(std::shared_ptr<ElectLeadersCall> call) {
  ask_controller(call, [call](const Controller& controller) {
    return controller.elect_leaders(call->request, call->version());
  });
}

}  // namespace milena
