// ClassicGroups: SyncGroup. Versions: 3 static members, 5 protocol type and name both ways.
#include <map>
#include <utility>

#include "base/log.h"
#include "coordinator/group/classic_groups.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena::coordinator {
namespace {

SyncGroupResponse sync_error(ErrorCode error) {
  SyncGroupResponse response;
  response.error_code = error;
  return response;
}

SyncGroupResponse sync_answer(const ClassicGroup& group, ByteView assignment) {
  SyncGroupResponse response;
  response.protocol_type = group.protocol_type();
  response.protocol_name = group.protocol_name();
  response.assignment = assignment;
  return response;
}

// Whether the client sent a value other than the group's. A group without one accepts any.
bool contradicts(const std::optional<ByteView>& said, const std::optional<Bytes>& present) {
  return said && present && *said != *present;
}

ErrorCode validate_sync(const ClassicGroup& group, const SyncGroupRequest& request) {
  const ErrorCode error = group.validate_member(request.member_id, request.group_instance_id);
  if (error != ErrorCode::kNone) return error;
  const bool stale = request.generation_id != group.generation();
  if (stale && !MILENA_GROUP_BUG(kStaleSyncIsServed)) return ErrorCode::kIllegalGeneration;
  if (contradicts(request.protocol_type, group.protocol_type()) ||
      contradicts(request.protocol_name, group.protocol_name())) {
    return ErrorCode::kInconsistentGroupProtocol;
  }
  return ErrorCode::kNone;
}

}  // namespace

void ClassicGroups::sync(Turn& turn, const Caller& caller, const SyncGroupRequest& request) {
  ClassicGroup* known = find(request.group_id);
  ErrorCode error = ErrorCode::kNone;
  if (request.group_id.empty()) {
    error = ErrorCode::kInvalidGroupId;
  } else if (known == nullptr || known->is(GroupState::kEmpty)) {
    error = ErrorCode::kUnknownMemberId;
  } else {
    error = validate_sync(*known, request);
  }
  if (error == ErrorCode::kNone && known->is(GroupState::kPreparingRebalance)) error = ErrorCode::kRebalanceInProgress;
  if (error != ErrorCode::kNone) return turn.answer(caller.token, sync_error(error));
  ClassicMember& member = *known->find_member(request.member_id);
  received_sync(*known, member.id);
  if (known->is(GroupState::kStable)) {
    turn.answer(caller.token, sync_answer(*known, member.assignment));
  } else {
    sync_completing(turn, caller, request, *known, member);
  }
}

void ClassicGroups::received_sync(ClassicGroup& group, ByteView member_id) {
  const auto at = group.pending_sync().find(member_id);
  if (at != group.pending_sync().end()) group.pending_sync().erase(at);
  if (group.pending_sync().empty()) Deadlines::cancel(group.sync_timer);
}

void ClassicGroups::sync_completing(Turn& turn, const Caller& caller, const SyncGroupRequest& request,
                                    ClassicGroup& group, ClassicMember& member) {
  // Sent twice: nobody waits for the first response; it is answered all the same.
  if (member.awaiting_sync) turn.answer(*member.awaiting_sync, sync_error(ErrorCode::kRebalanceInProgress));
  member.awaiting_sync = caller.token;
  if (group.is_leader(member.id)) store_assignments(turn, request, group);
}

// All waiting members get their assignment; the group is stable when the record is applied.
void ClassicGroups::store_assignments(Turn& turn, const SyncGroupRequest& request, ClassicGroup& group) {
  std::map<ByteView, ByteView> assignments;
  for (const auto& assigned : request.assignments) assignments[assigned.member_id] = assigned.assignment;
  log_info("Group {}: the leader has assigned generation {} to {} members", group.id(), group.generation(),
           group.members().size());
  std::vector<AnswerToken> waiting;
  for (auto& [id, member] : group.members()) {
    if (!member.awaiting_sync) continue;
    waiting.push_back(*member.awaiting_sync);
    const auto assigned = assignments.find(id);
    turn.answer(*std::exchange(member.awaiting_sync, std::nullopt),
                sync_answer(group, assigned == assignments.end() ? ByteView() : assigned->second));
    touch_session(turn, group, member);
  }
  turn.write(make_group_record(group.id(), group.to_record(assignments, turn.now.wall_ms)));
  turn.undo = [this, id = group.id(), waiting = std::move(waiting)](ErrorCode error, Turn& failed) {
    if (MILENA_GROUP_BUG(kAssignmentNotTakenBack)) return;
    for (Answer& answer : failed.effects.answers) {
      for (AnswerToken token : waiting) {
        if (answer.token == token) answer.response = sync_error(error);
      }
    }
    ClassicGroup& unassigned = *find(id);
    unassigned.reset_assignments();
    prepare_rebalance(failed, unassigned, "the assignment could not be stored");
  };
}

}  // namespace milena::coordinator
