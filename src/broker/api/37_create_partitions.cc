// CreatePartitions (key 37), versions 0-3. Answered when the new partitions can be used.
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/create_partitions.h"

namespace milena {
namespace {

using CreatePartitionsCall = Call<CreatePartitionsRequest, CreatePartitionsResponse>;

void handle_create_partitions(std::shared_ptr<CreatePartitionsCall> call) {
  ask_controller_within_quota(call, 3, [call](const Controller& controller, const MutationQuota& quota) {
    return controller.create_partitions(call->request, quota);
  });
}

}  // namespace

ApiEntry create_partitions_api() { return api_entry<CreatePartitionsCall, handle_create_partitions>(); }

}  // namespace milena
