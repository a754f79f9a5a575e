// ClassicGroups: Heartbeat and LeaveGroup. Versions: Heartbeat 3 static members; LeaveGroup 3 many members at once, 5
// reasons.
#include <utility>

#include "base/log.h"
#include "coordinator/group/classic_groups.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena::coordinator {
namespace {

constexpr int16_t kFirstVersionWithManyLeaving = 3;

LeaveGroupResponse leave_error(ErrorCode error) {
  LeaveGroupResponse response;
  response.error_code = error;
  return response;
}

LeaveGroupResponse::MemberResponse leave_answer(const LeaveGroupRequest::MemberIdentity& member, ErrorCode error) {
  LeaveGroupResponse::MemberResponse response;
  response.member_id = member.member_id;
  response.group_instance_id.reset();
  if (member.group_instance_id) response.group_instance_id = Bytes(*member.group_instance_id);
  response.error_code = error;
  return response;
}

}  // namespace

std::vector<LeaveGroupRequest::MemberIdentity> leaving_members(const Caller& caller, const LeaveGroupRequest& request) {
  if (caller.api_version >= kFirstVersionWithManyLeaving) return request.members;
  return {{.member_id = request.member_id, .group_instance_id = std::nullopt, .reason = std::nullopt}};
}

LeaveGroupResponse leave_answer_in_version(LeaveGroupResponse response, int16_t version) {
  if (version >= kFirstVersionWithManyLeaving || response.members.empty()) return response;
  if (response.error_code == ErrorCode::kNone) response.error_code = response.members.front().error_code;
  return response;
}

void ClassicGroups::heartbeat(Turn& turn, const Caller& caller, const HeartbeatRequest& request) {
  HeartbeatResponse response;
  ClassicGroup* known = find(request.group_id);
  if (request.group_id.empty()) {
    response.error_code = ErrorCode::kInvalidGroupId;
  } else if (known == nullptr) {
    response.error_code = ErrorCode::kUnknownMemberId;
  } else {
    response.error_code = known->validate_member(request.member_id, request.group_instance_id);
    if (response.error_code == ErrorCode::kNone && request.generation_id != known->generation()) {
      response.error_code = ErrorCode::kIllegalGeneration;
    }
    if (response.error_code == ErrorCode::kNone) {
      // Between join and sync, too: clients send heartbeats as soon as they have a generation.
      ClassicMember& member = *known->find_member(request.member_id);
      if (!MILENA_GROUP_BUG(kSessionIsNotExtended)) touch_session(turn, *known, member);
      if (known->is(GroupState::kPreparingRebalance)) response.error_code = ErrorCode::kRebalanceInProgress;
    }
  }
  turn.answer(caller.token, std::move(response));
}

ErrorCode ClassicGroups::leave_one(Turn& turn, ClassicGroup& group, const LeaveGroupRequest::MemberIdentity& leaving) {
  const Bytes* of_instance = leaving.group_instance_id ? group.find_static(*leaving.group_instance_id) : nullptr;
  // Without a member id an administrator removes a static member by its instance id.
  const Bytes id = leaving.member_id.empty() && of_instance != nullptr ? *of_instance : Bytes(leaving.member_id);
  if (id.empty()) return ErrorCode::kUnknownMemberId;
  if (group.is_pending(id)) {
    group.remove_member(id);
  } else {
    const ErrorCode error = group.validate_member(id, leaving.group_instance_id);
    if (error != ErrorCode::kNone) return error;
    drop_member(turn, group, *group.find_member(id));
  }
  log_info("Group {}: member {} has left; reason: {}", group.id(), id, leaving.reason.value_or("not provided"));
  return ErrorCode::kNone;
}

void ClassicGroups::leave(Turn& turn, const Caller& caller, const LeaveGroupRequest& request) {
  if (request.group_id.empty()) return turn.answer(caller.token, leave_error(ErrorCode::kInvalidGroupId));
  ClassicGroup* known = find(request.group_id);
  LeaveGroupResponse response;
  bool left = false;
  for (const LeaveGroupRequest::MemberIdentity& leaving : leaving_members(caller, request)) {
    const ErrorCode error = known == nullptr ? ErrorCode::kUnknownMemberId : leave_one(turn, *known, leaving);
    response.members.push_back(leave_answer(leaving, error));
    left = left || error == ErrorCode::kNone;
  }
  if (left && !known->is(GroupState::kEmpty) && !MILENA_GROUP_BUG(kLeaveWithoutRebalance)) {
    rebalance_or_complete_join(turn, *known, "a member has left");
  }
  turn.answer(caller.token, leave_answer_in_version(std::move(response), caller.api_version));
  if (!turn.effects.records.empty()) turn.undo_with_error(caller.token);
}

}  // namespace milena::coordinator
