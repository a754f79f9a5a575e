// AssignReplicasToDirs (key 73), version 0: the directories in which a broker keeps replicas (KIP-858).
#include "broker/api/controller_call.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "protocol/messages/assign_replicas_to_dirs.h"

namespace milena::broker {
namespace {

using AssignReplicasToDirsCall = Call<AssignReplicasToDirsRequest, AssignReplicasToDirsResponse>;

void handle_assign_replicas_to_dirs(std::shared_ptr<AssignReplicasToDirsCall> call) {
  if (!require_cluster(*call, security::kClusterAction)) return;
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry assign_replicas_to_dirs_api() {
  return api_entry<AssignReplicasToDirsCall, handle_assign_replicas_to_dirs>({security::kClusterAction});
}

}  // namespace milena::broker
