// AlterPartition (key 56), versions 0-3: a leader reports its in-sync replicas to the controller.
#include "broker/api/controller_call.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "protocol/messages/alter_partition.h"

namespace milena::broker {
namespace {

using AlterPartitionCall = Call<AlterPartitionRequest, AlterPartitionResponse>;

void handle_alter_partition(std::shared_ptr<AlterPartitionCall> call) {
  if (!require_cluster(*call, security::kClusterAction)) return;
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry alter_partition_api() {
  return api_entry<AlterPartitionCall, handle_alter_partition>({security::kClusterAction});
}

}  // namespace milena::broker
