// CreateTopics (key 19), versions 0-7. Decided by the controller; answered when every partition can be used.
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/create_topics.h"

namespace milena {
namespace {

using CreateTopicsCall = Call<CreateTopicsRequest, CreateTopicsResponse>;

void handle_create_topics(std::shared_ptr<CreateTopicsCall> call) {
  ask_controller_within_quota(call, 6, [call](const Controller& controller, const MutationQuota& quota) {
    return controller.create_topics(call->request, quota);
  });
}

}  // namespace

ApiEntry create_topics_api() { return api_entry<CreateTopicsCall, handle_create_topics>(); }

}  // namespace milena
