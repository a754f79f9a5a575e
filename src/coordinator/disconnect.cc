// GroupShard: members whose client closed its connection (milena.group.disconnect.grace.ms). The connection of a member is
// the one of its last request, a join that is not answered yet included; a closed one starts a short clock, and any further
// request of the member stops it. A member that was loaded and has not spoken since has none.
//
// A client may have several connections: only the member's own count, so a producer's (TxnOffsetCommit) stops the clock
// without taking the connection's place.
#include <algorithm>

#include "coordinator/group_shard.h"

namespace milena {

void GroupShard::heard_from(Turn& turn, const Caller& caller, ByteView group_id, ByteView member_id) {
  if (ConsumerGroup* modern = consumer_group(group_id)) {
    if (ConsumerGroup::Timers* timers = modern->find_timers(member_id)) timers->connection.id = caller.connection_id;
  } else if (ClassicGroup* known = group(group_id)) {
    if (ClassicMember* member = known->find_member(member_id)) member->connection.id = caller.connection_id;
  }
  heard_of(turn, group_id, member_id);
}

void GroupShard::heard_of(Turn& turn, ByteView group_id, ByteView member_id) {
  if (member_id.empty()) return;
  if (ConsumerGroup* modern = consumer_group(group_id)) {
    ConsumerGroup::Timers* timers = modern->find_timers(member_id);
    if (timers == nullptr || !timers->connection.gone_deadline_ms) return;
    timers->connection.gone_deadline_ms.reset();
    const ConsumerMember& member = *modern->find_member(member_id);
    watch_consumer_member(turn, modern->id(), member.id,
                          member.classic ? member.classic->session_timeout_ms : consumer_session_timeout_ms(modern->id()));
  } else if (ClassicGroup* known = group(group_id)) {
    ClassicMember* member = known->find_member(member_id);
    if (member == nullptr || !member->connection.gone_deadline_ms) return;
    member->connection.gone_deadline_ms.reset();
    touch_session(turn, *known, *member);
  }
}

Effects GroupShard::connection_closed(ByteView group_id, uint64_t connection_id, Now now) {
  Turn turn = begin(now);
  if (config_.disconnect_grace_ms == 0 || connection_id == 0) return finish(std::move(turn));
  const int64_t deadline_ms = now.steady_ms + config_.disconnect_grace_ms;
  if (ConsumerGroup* modern = consumer_group(group_id)) give_up_members_of(*modern, connection_id, deadline_ms);
  if (ClassicGroup* known = group(group_id)) give_up_members_of(*known, connection_id, deadline_ms);
  return finish(std::move(turn));
}

void GroupShard::give_up_members_of(ConsumerGroup& group, uint64_t connection_id, int64_t deadline_ms) {
  for (const auto& [id, member] : group.members()) {
    ConsumerGroup::Timers& timers = group.timers(id);
    if (timers.connection.id != connection_id || member.instance_id || timers.session.deadline_ms <= deadline_ms) continue;
    timers.connection.gone_deadline_ms = deadline_ms;
    deadlines_.set(timers.session, {TimerKind::kConsumerSession, group.id(), id}, deadline_ms);
  }
}

void GroupShard::give_up_members_of(ClassicGroup& group, uint64_t connection_id, int64_t deadline_ms) {
  for (auto& [id, member] : group.members()) {
    if (member.connection.id != connection_id || member.is_static() || member.session.deadline_ms <= deadline_ms) continue;
    member.connection.gone_deadline_ms = deadline_ms;
    deadlines_.set(member.session, {TimerKind::kSession, group.id(), id}, deadline_ms);
  }
  for (auto& [id, pending] : group.pending_members()) {
    if (pending.connection_id != connection_id || pending.deadline_ms <= deadline_ms) continue;
    deadlines_.set(pending, {TimerKind::kSession, group.id(), id}, deadline_ms);
  }
}

GroupShard::MemberConnections GroupShard::connections_of(const ClassicGroup& group) {
  MemberConnections connections;
  for (const auto& [id, member] : group.members()) connections.emplace_back(id, member.connection);
  return connections;
}

GroupShard::MemberConnections GroupShard::connections_of(const ConsumerGroup& group) {
  MemberConnections connections;
  for (const auto& [id, timers] : group.all_timers()) connections.emplace_back(id, timers.connection);
  return connections;
}

void GroupShard::take_over(ClassicGroup& group, const MemberConnections& connections) {
  for (const auto& [id, connection] : connections) {
    ClassicMember* member = group.find_member(id);
    if (member != nullptr && !member->is_static()) member->connection = connection;
  }
}

void GroupShard::take_over(ConsumerGroup& group, const MemberConnections& connections) {
  for (const auto& [id, connection] : connections) {
    ConsumerGroup::Timers* timers = group.find_timers(id);
    if (timers == nullptr || group.find_member(id)->instance_id) continue;
    timers->connection = connection;
    if (!connection.gone_deadline_ms) continue;
    deadlines_.set(timers->session, {TimerKind::kConsumerSession, group.id(), id},
                   std::min(timers->session.deadline_ms, *connection.gone_deadline_ms));
  }
}

}  // namespace milena
