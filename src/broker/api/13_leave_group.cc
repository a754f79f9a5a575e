// LeaveGroup (key 13), versions 0-5. The rules are the coordinator's (coordinator/group/group_shard.h).
#include "broker/api/group_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/leave_group.h"

namespace milena::broker {
namespace {

using LeaveGroupCall = Call<LeaveGroupRequest, LeaveGroupResponse>;

void handle_leave_group(std::shared_ptr<LeaveGroupCall> call) {
  ByteView group_id = call->request.group_id;
  ask_coordinator(std::move(call), group_id, &coordinator::GroupShard::leave_group);
}

}  // namespace

ApiEntry leave_group_api() { return api_entry<LeaveGroupCall, handle_leave_group>({security::kReadGroup}); }

}  // namespace milena::broker
