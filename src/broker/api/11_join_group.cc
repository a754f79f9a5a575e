// JoinGroup (key 11), versions 0-9. The rules are the coordinator's (coordinator/group/join_group.cc).
#include "broker/api/group_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/join_group.h"

namespace milena::broker {
namespace {

using JoinGroupCall = Call<JoinGroupRequest, JoinGroupResponse>;

void handle_join_group(std::shared_ptr<JoinGroupCall> call) {
  ByteView group_id = call->request.group_id;
  Bytes member_id(call->request.member_id);
  ask_coordinator(std::move(call), group_id, &coordinator::GroupShard::join_group,
                  [member_id = std::move(member_id)](ErrorCode error) {
                    JoinGroupResponse response;
                    response.error_code = error;
                    response.generation_id = -1;
                    // An invalid group id is refused before any coordinator is asked; the answer repeats the member id
                    // of the request.
                    if (error == ErrorCode::kInvalidGroupId) response.member_id = member_id;
                    return response;
                  });
}

}  // namespace

ApiEntry join_group_api() { return api_entry<JoinGroupCall, handle_join_group>({security::kReadGroup}); }

}  // namespace milena::broker
