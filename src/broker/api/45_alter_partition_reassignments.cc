// AlterPartitionReassignments (key 45), versions 0-1 (KIP-455); since version 1 the client can forbid a change of the
// number of replicas (KIP-860).
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/alter_partition_reassignments.h"

namespace milena::broker {
namespace {

using AlterPartitionReassignmentsCall = Call<AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse>;

void refuse_reassignments(AlterPartitionReassignmentsCall& call, ErrorCode error) {
  AlterPartitionReassignmentsResponse response;
  response.error_code = error;
  response.error_message = Bytes(error_message(error));
  for (const auto& topic : call.request.topics) {
    auto& out = response.responses.emplace_back();
    out.name = Bytes(topic.name);
    for (const auto& partition : topic.partitions) {
      out.partitions.push_back({partition.partition_index, error, response.error_message});
    }
  }
  call.reply(response);
}

void handle_alter_partition_reassignments(std::shared_ptr<AlterPartitionReassignmentsCall> call) {
  if (!call->allows(security::kAlterCluster))
    return refuse_reassignments(*call, ErrorCode::kClusterAuthorizationFailed);
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry alter_partition_reassignments_api() {
  return api_entry<AlterPartitionReassignmentsCall, handle_alter_partition_reassignments>({security::kAlterCluster});
}

}  // namespace milena::broker
