// CreateTopics (key 19), versions 0-7. Decided by the controller; answered when every partition can be used.
#include "broker/api/controller_call.h"
#include "broker/api/handlers.h"
#include "protocol/messages/create_topics.h"

namespace milena {

void handle_create_topics(std::shared_ptr<CreateTopicsCall> call) {
  ask_controller_within_quota(call, 6, [call](const Controller& controller, const MutationQuota& quota) {
    return controller.create_topics(call->request, quota);
  });
}

}  // namespace milena
