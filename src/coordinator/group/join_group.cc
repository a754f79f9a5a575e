// ClassicGroups: JoinGroup. Versions: 1 brings the rebalance timeout, 4 MEMBER_ID_REQUIRED, 5 static members, 9
// SkipAssignment.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "coordinator/group/classic_groups.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena::coordinator {
namespace {

constexpr int16_t kFirstVersionWithRebalanceTimeout = 1;
constexpr int16_t kFirstVersionRequiringMemberId = 4;
// The longest string of the protocol. Instance and client ids have no bound of their own.
constexpr size_t kLongestMemberId = 32'767;

}  // namespace

JoinGroupResponse join_error(ErrorCode error, ByteView member_id) {
  JoinGroupResponse response;
  response.error_code = error;
  response.member_id = member_id;
  return response;
}

int32_t rebalance_timeout_of(const Caller& caller, const JoinGroupRequest& request) {
  const bool given = caller.api_version >= kFirstVersionWithRebalanceTimeout;
  return std::max(given ? request.rebalance_timeout_ms : request.session_timeout_ms, 0);
}

MemberProtocols protocols_of(const JoinGroupRequest& request) {
  MemberProtocols protocols;
  protocols.reserve(request.protocols.size());
  for (const auto& protocol : request.protocols) {
    protocols.push_back({Bytes(protocol.name), Bytes(protocol.metadata)});
  }
  return protocols;
}

void ClassicGroups::join(Turn& turn, const Caller& caller, const JoinGroupRequest& request) {
  if (ClassicGroup* known = find(request.group_id)) return join_known_group(turn, caller, request, *known);
  const Group* other = space_.groups.find(request.group_id);
  if (other != nullptr && !other->may_become_classic()) {
    return turn.answer(caller.token, join_error(ErrorCode::kInconsistentGroupProtocol));
  }
  // An unknown member id, of a deleted group.
  if (!request.member_id.empty()) {
    return turn.answer(caller.token, join_error(ErrorCode::kUnknownMemberId, request.member_id));
  }
  if (other != nullptr) other->write_tombstones(turn.effects.records);
  auto made = std::make_unique<ClassicGroup>(Bytes(request.group_id), turn.now.wall_ms);
  auto [created, replaced] = space_.groups.put(std::move(made));
  // Written first, so that the group exists for each loader of the log.
  turn.write(make_group_record(created->id(), created->to_record()));
  turn.undo = [this, id = created->id(), token = caller.token,
               before = std::make_shared<std::unique_ptr<Group>>(std::move(replaced))](ErrorCode error, Turn& failed) {
    if (*before) {
      space_.groups.put(std::move(*before));
    } else {
      space_.groups.erase(id);
    }
    std::erase_if(failed.effects.answers, [token](const Answer& answer) { return answer.token == token; });
    failed.answer(token, join_error(error));
  };
  join_known_group(turn, caller, request, *created);
}

void ClassicGroups::join_known_group(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                                     ClassicGroup& group) {
  if (!accepts_joining(group, request.member_id)) {
    group.remove_member(request.member_id);
    turn.answer(caller.token, join_error(ErrorCode::kGroupMaxSizeReached));
    // In Kafka members that wait for the refused one go on waiting, for their rebalance timeout.
    maybe_complete_join(turn, group);
  } else if (!group.supports_protocols(request.protocol_type, protocols_of(request))) {
    turn.answer(caller.token, join_error(ErrorCode::kInconsistentGroupProtocol, request.member_id));
  } else if (request.member_id.empty()) {
    join_new_member(turn, caller, request, group);
  } else {
    join_existing_member(turn, caller, request, group);
  }
}

// group.max.size limits members waiting in a join rather than all members, so that after the setting was lowered the
// last ones to rejoin are removed.
bool ClassicGroups::accepts_joining(ClassicGroup& group, ByteView member_id) const {
  const ClassicMember* member = group.find_member(member_id);
  switch (group.state()) {
    case GroupState::kEmpty: return true;
    case GroupState::kPreparingRebalance:
      return (member != nullptr && member->awaiting_join) || group.awaiting_join_count() < config().max_size;
    case GroupState::kCompletingRebalance:
    case GroupState::kStable:
      return member != nullptr || static_cast<int64_t>(group.members().size()) < config().max_size;
  }
  return false;
}

void ClassicGroups::join_new_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                                    ClassicGroup& group) {
  const Bytes new_id = Bytes(request.group_instance_id.value_or(caller.client_id)) + "-" + space_.new_id();
  if (new_id.size() > kLongestMemberId) return turn.answer(caller.token, join_error(ErrorCode::kUnknownServerError));
  if (request.group_instance_id) {
    if (const Bytes* old_id = group.find_static(*request.group_instance_id)) {
      return replace_static_member(turn, caller, request, group, Bytes(*old_id), new_id);
    }
    return add_member_then_rebalance(turn, caller, request, group, new_id);
  }
  if (caller.api_version < kFirstVersionRequiringMemberId) {
    return add_member_then_rebalance(turn, caller, request, group, new_id);
  }
  // Returns only the id first, so that a lost response does not leave a dead member in the group.
  // The id will be used soon.
  if (waits_for_silence() && group.initial_delay) group.new_member_added = true;
  PendingMember& session = group.pending_members()[new_id];
  session.connection_id = caller.connection_id;
  deadlines().set(session, {TimerKind::kSession, group.id(), new_id}, turn.now.steady_ms + request.session_timeout_ms);
  turn.answer(caller.token, join_error(ErrorCode::kMemberIdRequired, new_id));
}

void ClassicGroups::join_existing_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                                         ClassicGroup& group) {
  if (group.is_pending(request.member_id)) {
    // Ids are given out in advance only to members without an instance id.
    if (request.group_instance_id) {
      return turn.answer(caller.token, join_error(ErrorCode::kUnknownServerError));
    }
    return add_member_then_rebalance(turn, caller, request, group, Bytes(request.member_id));
  }
  const ErrorCode error = group.validate_member(request.member_id, request.group_instance_id);
  if (error != ErrorCode::kNone) {
    JoinGroupResponse response = join_error(error, request.member_id);
    response.protocol_name.reset();
    return turn.answer(caller.token, std::move(response));
  }
  rejoin_member(turn, caller, request, group, *group.find_member(request.member_id));
}

void ClassicGroups::rejoin_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                                  ClassicGroup& group, ClassicMember& member) {
  if (group.is(GroupState::kPreparingRebalance)) {
    return update_member_then_rebalance(turn, caller, request, group, member, "a member rejoins");
  }
  const bool leader = group.is_leader(member.id);
  // A leader that joins a stable group requests a new assignment: it has seen a change that is not in its metadata.
  const bool leader_asks = leader && group.is(GroupState::kStable);
  if (leader_asks || protocols_of(request) != member.protocols) {
    return update_member_then_rebalance(turn, caller, request, group, member,
                                        leader_asks ? "the leader rejoins" : "a member has new metadata");
  }
  // Nothing has changed, or the first response was lost: returns the current generation.
  const bool with_members = leader && group.is(GroupState::kCompletingRebalance);
  turn.answer(caller.token, joined(group, member.id, *group.leader(), with_members));
}

void ClassicGroups::add_member_then_rebalance(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                                              ClassicGroup& group, const Bytes& member_id) {
  std::optional<Bytes> instance_id;
  if (request.group_instance_id) instance_id = Bytes(*request.group_instance_id);
  group.new_member_added = group.new_member_added || group.initial_delay.has_value();
  ClassicMember& member = group.add_member({.id = member_id,
                                            .instance_id = std::move(instance_id),
                                            .client_id = Bytes(caller.client_id),
                                            .client_host = Bytes(caller.client_host),
                                            .rebalance_timeout_ms = rebalance_timeout_of(caller, request),
                                            .session_timeout_ms = request.session_timeout_ms,
                                            .protocols = protocols_of(request),
                                            .is_new = true},
                                           request.protocol_type);
  group.set_awaiting_join(member, caller.token);
  member.connection = {.id = caller.connection_id, .gone_deadline_ms = std::nullopt};
  // A new member cannot send heartbeats before its response, and may be gone meanwhile; if not, it will try again.
  touch_session(turn, group, member, config().new_member_join_timeout_ms);
  rebalance_or_complete_join(turn, group, "a new member joins");
}

void ClassicGroups::update_member_then_rebalance(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                                                 ClassicGroup& group, ClassicMember& member, ByteView why) {
  group.update_member(member, protocols_of(request), rebalance_timeout_of(caller, request), request.session_timeout_ms);
  // The same member sent the request again, so nobody waits for the first response; it is answered all the same.
  answer_join(turn, group, member, join_error(ErrorCode::kRebalanceInProgress, member.id));
  group.set_awaiting_join(member, caller.token);
  rebalance_or_complete_join(turn, group, why);
}

}  // namespace milena::coordinator
