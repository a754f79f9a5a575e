// UpdateFeatures (key 57), versions 0-2 (KIP-584). Since version 1 the request says how it may change levels, and can be
// tried out; since version 2 the answer has no list of features.
#include "broker/api/controller_call.h"
#include "broker/api/handlers.h"
#include "protocol/messages/update_features.h"

namespace milena {

void handle_update_features(std::shared_ptr<UpdateFeaturesCall> call) {
  ask_controller(call, [call](const Controller& controller) {
    return controller.update_features(call->request, call->version());
  });
}

}  // namespace milena
