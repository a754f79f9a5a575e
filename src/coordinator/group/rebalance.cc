// ClassicGroups: the rebalance itself, from a change of members to a new generation, and its timers.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "coordinator/group/classic_groups.h"
#include "coordinator/group/group_records.h"

namespace milena::coordinator {
namespace {

// An endless sequence of joins must not delay the first member's assignment for ever.
constexpr int kMaxJoinSilences = 10;

}  // namespace

void ClassicGroups::rebalance_or_complete_join(Turn& turn, ClassicGroup& group, ByteView why) {
  if (group.can_rebalance()) {
    prepare_rebalance(turn, group, why);
  } else {
    maybe_complete_join(turn, group);
  }
}

void ClassicGroups::prepare_rebalance(Turn& turn, ClassicGroup& group, ByteView why) {
  if (group.is(GroupState::kCompletingRebalance)) {
    // Members that wait for an assignment of the old generation must rejoin.
    answer_syncs(turn, group, ErrorCode::kRebalanceInProgress);
    group.reset_assignments();
  }
  Deadlines::cancel(group.sync_timer);
  const bool initial = group.is(GroupState::kEmpty);
  log_info("Group {}: preparing to rebalance from state {}, generation {}: {}", group.id(),
           group_state_name(group.state()), group.generation(), why);
  group.begin_rebalance(turn.now.wall_ms);
  if (initial && (waits_for_silence() || config().initial_rebalance_delay_ms > 0)) {
    // The group is new: clients that start together with its first member should be in its first generation.
    const int32_t delay_ms = waits_for_silence() ? config().join_silence_ms : config().initial_rebalance_delay_ms;
    const int64_t longest_ms =
        waits_for_silence() ? int64_t{delay_ms} * kMaxJoinSilences : group.rebalance_timeout_ms();
    group.initial_delay = ClassicGroup::InitialDelay{
        delay_ms, static_cast<int32_t>(std::clamp<int64_t>(longest_ms - delay_ms, 0, group.rebalance_timeout_ms()))};
    group.new_member_added = false;
    deadlines().set(group.join_timer, {TimerKind::kJoin, group.id(), {}}, turn.now.steady_ms + delay_ms);
  } else if (initial || group.all_members_joined()) {
    complete_join(turn, group);
  } else {
    deadlines().set(group.join_timer, {TimerKind::kJoin, group.id(), {}},
                   turn.now.steady_ms + group.rebalance_timeout_ms());
  }
}

void ClassicGroups::maybe_complete_join(Turn& turn, ClassicGroup& group) {
  if (!group.is(GroupState::kPreparingRebalance) || group.initial_delay || !group.all_members_joined()) return;
  complete_join(turn, group);
}

void ClassicGroups::continue_initial_rebalance(Turn& turn, ClassicGroup& group) {
  const auto [delay_ms, remaining_ms] = *group.initial_delay;
  if (!group.new_member_added || remaining_ms == 0) return complete_join(turn, group);
  group.new_member_added = false;
  const int32_t next_delay_ms = std::min(delay_ms, remaining_ms);
  group.initial_delay = ClassicGroup::InitialDelay{next_delay_ms, std::max(remaining_ms - delay_ms, 0)};
  deadlines().set(group.join_timer, {TimerKind::kJoin, group.id(), {}}, turn.now.steady_ms + next_delay_ms);
}

void ClassicGroups::complete_join(Turn& turn, ClassicGroup& group) {
  Deadlines::cancel(group.join_timer);
  group.initial_delay.reset();
  std::vector<Bytes> gone;
  for (const auto& [id, member] : group.members()) {
    if (!member.awaiting_join && !member.is_static()) gone.push_back(id);
  }
  for (const Bytes& id : gone) {
    log_info("Group {}: member {} did not rejoin in time and is removed", group.id(), id);
    group.remove_member(id);
  }
  if (!group.elect_joined_leader() && !group.members().empty()) {
    // Only static members are left and none has come back: wait until they do or their sessions end.
    log_warn("Group {} cannot complete its rebalance: no member has rejoined", group.id());
    deadlines().set(group.join_timer, {TimerKind::kJoin, group.id(), {}},
                   turn.now.steady_ms + std::max(group.rebalance_timeout_ms(), 1));
    return;
  }
  group.begin_generation(turn.now.wall_ms);
  if (group.is(GroupState::kEmpty)) {
    log_info("Group {}: empty, generation {}", group.id(), group.generation());
    // If this cannot be written, the last generation comes back after a restart, and its members time out, which is
    // harmless.
    turn.write(make_group_record(group.id(), group.to_record()));
    return;
  }
  log_info("Group {}: generation {} has {} members", group.id(), group.generation(), group.members().size());
  for (auto& [id, member] : group.members()) {
    if (member.awaiting_join) answer_join(turn, group, member, joined(group, id, *group.leader(), group.is_leader(id)));
    touch_session(turn, group, member);
    member.is_new = false;
    group.pending_sync().insert(id);
  }
  group.sync_timer_generation = group.generation();
  deadlines().set(group.sync_timer, {TimerKind::kSync, group.id(), {}},
                 turn.now.steady_ms + group.rebalance_timeout_ms());
}

JoinGroupResponse ClassicGroups::joined(const ClassicGroup& group, ByteView member_id, ByteView leader,
                                        bool with_members) {
  JoinGroupResponse response;
  response.generation_id = group.generation();
  response.protocol_type = group.protocol_type();
  response.protocol_name = group.protocol_name();
  response.leader = leader;
  response.member_id = member_id;
  if (!with_members) return response;
  for (const auto& [id, member] : group.members()) {
    response.members.push_back({id, member.instance_id, Bytes(member.metadata(*group.protocol_name()))});
  }
  return response;
}

void ClassicGroups::answer_join(Turn& turn, ClassicGroup& group, ClassicMember& member, JoinGroupResponse response) {
  if (!member.awaiting_join) return;
  turn.answer(*member.awaiting_join, std::move(response));
  group.set_awaiting_join(member, std::nullopt);
}

void ClassicGroups::answer_syncs(Turn& turn, ClassicGroup& group, ErrorCode error) {
  for (auto& [id, member] : group.members()) {
    if (!member.awaiting_sync) continue;
    SyncGroupResponse response;
    response.error_code = error;
    turn.answer(*std::exchange(member.awaiting_sync, std::nullopt), std::move(response));
    // Its session may have expired while it waited here.
    if (!space_.closed) touch_session(turn, group, member);
  }
}

void ClassicGroups::touch_session(Turn& turn, ClassicGroup& group, ClassicMember& member) {
  touch_session(turn, group, member, member.session_timeout_ms);
}

void ClassicGroups::touch_session(Turn& turn, ClassicGroup& group, ClassicMember& member, int64_t timeout_ms) {
  const int64_t deadline_ms =
      std::min(turn.now.steady_ms + timeout_ms, member.connection.gone_deadline_ms.value_or(kNever));
  if (deadline_ms >= member.session.queued_ms) {
    member.session.deadline_ms = deadline_ms;  // the usual heartbeat: no name is built
  } else {
    deadlines().set(member.session, {TimerKind::kSession, group.id(), member.id}, deadline_ms);
  }
}

void ClassicGroups::drop_member(Turn& turn, ClassicGroup& group, ClassicMember& member) {
  // It may wait for a join or an assignment; if it is alive after all, it will join again.
  JoinGroupResponse response;
  response.error_code = ErrorCode::kUnknownMemberId;
  answer_join(turn, group, member, std::move(response));
  if (member.awaiting_sync) {
    SyncGroupResponse sync;
    sync.error_code = ErrorCode::kUnknownMemberId;
    turn.answer(*member.awaiting_sync, std::move(sync));
  }
  group.remove_member(Bytes(member.id));
}

void ClassicGroups::remove_member_then_rebalance(Turn& turn, ClassicGroup& group, ClassicMember& member, ByteView why) {
  drop_member(turn, group, member);
  if (group.is(GroupState::kStable) || group.is(GroupState::kCompletingRebalance)) {
    prepare_rebalance(turn, group, why);
  } else if (group.is(GroupState::kPreparingRebalance) && group.all_members_joined()) {
    complete_join(turn, group);
  }
}

void ClassicGroups::expire_session(Turn& turn, ClassicGroup& group, const Bytes& member_id) {
  if (group.is_pending(member_id)) {
    log_info("Group {}: member id {} was never used and expires", group.id(), member_id);
    group.remove_member(member_id);
    if (group.is(GroupState::kPreparingRebalance) && group.all_members_joined()) complete_join(turn, group);
    return;
  }
  ClassicMember& member = *group.find_member(member_id);
  // A member that waits for our response is alive, unless it is new and has got no response yet, or its connection is
  // gone.
  if (!member.is_new && !member.connection.gone_deadline_ms && (member.awaiting_join || member.awaiting_sync)) return;
  if (member.connection.gone_deadline_ms) {
    log_info("Group {}: member {} closed its connection and did not return", group.id(), member_id);
  } else {
    log_info("Group {}: the session of member {} has expired", group.id(), member_id);
  }
  remove_member_then_rebalance(turn, group, member, "the session of a member has expired");
}

void ClassicGroups::expire_pending_sync(Turn& turn, ClassicGroup& group) {
  const bool expected = group.is(GroupState::kCompletingRebalance) || group.is(GroupState::kStable);
  if (group.sync_timer_generation != group.generation() || !expected || group.pending_sync().empty()) return;
  const std::vector<Bytes> silent(group.pending_sync().begin(), group.pending_sync().end());
  for (const Bytes& id : silent) {
    log_info("Group {}: member {} did not sync in time and is removed", group.id(), id);
    group.remove_member(id);
  }
  prepare_rebalance(turn, group, "members have not synced in time");
}

}  // namespace milena::coordinator
