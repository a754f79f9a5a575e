// ElectLeaders (key 43), versions 0-2: of preferred leaders, and since version 1 unclean ones (KIP-460).
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/elect_leaders.h"

namespace milena {
namespace {

using ElectLeadersCall = Call<ElectLeadersRequest, ElectLeadersResponse>;

void handle_elect_leaders(std::shared_ptr<ElectLeadersCall> call) {
  ask_controller(call, [call](const Controller& controller) {
    return controller.elect_leaders(call->request, call->version());
  });
}

}  // namespace

ApiEntry elect_leaders_api() { return api_entry<ElectLeadersCall, handle_elect_leaders>(); }

}  // namespace milena
