// DeleteTopics (key 20), versions 0-6; by id since version 6.
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/delete_topics.h"

namespace milena {
namespace {

using DeleteTopicsCall = Call<DeleteTopicsRequest, DeleteTopicsResponse>;

void handle_delete_topics(std::shared_ptr<DeleteTopicsCall> call) {
  ask_controller_within_quota(call, 5, [call](const Controller& controller, const MutationQuota& quota) {
    return controller.delete_topics(call->request, call->version(), quota);
  });
}

}  // namespace

ApiEntry delete_topics_api() { return api_entry<DeleteTopicsCall, handle_delete_topics>(); }

}  // namespace milena
