// ClassicGroups: a static member (KIP-345) that comes back without its member id replaces its former self. In a stable
// group it gets the current generation and its old assignment, without a rebalance, if its protocol and a consumer's
// topics are unchanged. (Kafka does not compare the topics: its consumers keep unsubscribed partitions, and lack newly
// subscribed ones, until the leader joins again for another reason.)
#include <utility>

#include "base/log.h"
#include "coordinator/group/classic_groups.h"
#include "coordinator/group/consumer_protocol.h"
#include "coordinator/group/group_records.h"

namespace milena::coordinator {
namespace {

constexpr int16_t kFirstVersionWithSkipAssignment = 9;

// Unreadable metadata counts as unchanged: it may not be a subscription at all.
bool topics_changed(ByteView before, ByteView after) {
  std::set<Bytes, std::less<>> topics_before, topics_after;
  return before != after && read_subscribed_topics(before, topics_before) &&
         read_subscribed_topics(after, topics_after) && topics_before != topics_after;
}

}  // namespace

void ClassicGroups::replace_static_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                                          ClassicGroup& group, const Bytes& old_id, const Bytes& new_id) {
  const Bytes instance_id(*request.group_instance_id);
  log_info("Group {}: static member {} returns, {} replaces {}", group.id(), instance_id, new_id, old_id);
  ClassicMember& old_member = *group.find_member(old_id);
  // If the old one is still alive, it gets the error that it was fenced.
  JoinGroupResponse fenced;
  fenced.error_code = ErrorCode::kFencedInstanceId;
  fenced.protocol_name.reset();
  fenced.member_id = old_id;
  answer_join(turn, group, old_member, std::move(fenced));
  if (old_member.awaiting_sync) {
    SyncGroupResponse fenced_sync;
    fenced_sync.error_code = ErrorCode::kFencedInstanceId;
    turn.answer(*std::exchange(old_member.awaiting_sync, std::nullopt), std::move(fenced_sync));
  }
  const ClassicMember before = old_member;
  const Bytes old_leader = *group.leader();
  ClassicMember& member = group.replace_static_member(instance_id, old_id, new_id);
  group.update_member(member, protocols_of(request), rebalance_timeout_of(caller, request), request.session_timeout_ms);
  member.connection = {.id = caller.connection_id, .gone_deadline_ms = std::nullopt};
  touch_session(turn, group, member);

  const Bytes protocol = group.select_protocol();
  const bool wants_others =
      group.uses_consumer_protocol() && topics_changed(before.metadata(protocol), member.metadata(protocol));
  if (group.is(GroupState::kStable) && group.protocol_name() == protocol && !wants_others) {
    return keep_generation_of_static_member(turn, caller, group, member, before, old_leader);
  }
  group.set_awaiting_join(member, caller.token);
  if (group.is(GroupState::kPreparingRebalance)) {
    maybe_complete_join(turn, group);
  } else {
    // In CompletingRebalance the leader may have the old id before it already.
    prepare_rebalance(turn, group, "a static member returns");
  }
}

void ClassicGroups::keep_generation_of_static_member(Turn& turn, const Caller& caller, ClassicGroup& group,
                                                     ClassicMember& member, const ClassicMember& before,
                                                     const Bytes& old_leader) {
  const bool leads = group.is_leader(member.id);
  if (caller.api_version >= kFirstVersionWithSkipAssignment) {
    JoinGroupResponse response = joined(group, member.id, *group.leader(), leads);
    response.skip_assignment = leads;
    turn.answer(caller.token, std::move(response));
  } else {
    // Old clients would assign again if they were the leader: they get the previous leader's id.
    turn.answer(caller.token, joined(group, member.id, old_leader, false));
  }
  turn.write(make_group_record(group.id(), group.to_record()));
  turn.undo = [this, id = group.id(), new_id = member.id, before, old_leader, token = caller.token](ErrorCode error,
                                                                                                  Turn& failed) {
    ClassicGroup& reverted = *find(id);
    ClassicMember& back = reverted.replace_static_member(*before.instance_id, new_id, before.id);
    reverted.update_member(back, before.protocols, before.rebalance_timeout_ms, before.session_timeout_ms);
    touch_session(failed, reverted, back);
    for (Answer& answer : failed.effects.answers) {
      if (answer.token != token) continue;
      JoinGroupResponse response = joined(reverted, {}, old_leader, false);
      response.error_code = error;
      answer.response = std::move(response);
    }
  };
}

}  // namespace milena::coordinator
