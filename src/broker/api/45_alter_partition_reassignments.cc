// AlterPartitionReassignments (key 45), versions 0-1 (KIP-455); since version 1 a change of the number of replicas can be
// ruled out (KIP-860).
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/alter_partition_reassignments.h"

namespace milena {
namespace {

using AlterPartitionReassignmentsCall = Call<AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse>;

void handle_alter_partition_reassignments(std::shared_ptr<AlterPartitionReassignmentsCall> call) {
  ask_controller(call, [call](const Controller& controller) {
    return controller.alter_partition_reassignments(call->request);
  });
}

}  // namespace

ApiEntry alter_partition_reassignments_api() { return api_entry<AlterPartitionReassignmentsCall, handle_alter_partition_reassignments>(); }

}  // namespace milena
