// GroupShard: members whose client closed its connection (milena.group.disconnect.grace.ms). The connection of a member
// is the one of its last request, a join that is not answered yet included; a closed one starts a clock, and any
// further request of the member stops it. It runs until the member's next heartbeat is overdue, since a live client may
// not say anything before. A member that was loaded and has not spoken since has none.
//
// A client may have several connections: only the member's own count, so a producer's (TxnOffsetCommit) stops the clock
// without taking the connection's place.
#include <algorithm>

#include "coordinator/group/group_shard.h"

namespace milena {
namespace {

constexpr int64_t kHeartbeatsInSession = 3;

int64_t heartbeat_gap_ms(const MemberConnection& connection, int64_t session_timeout_ms) {
  return connection.heartbeat_gap_ms > 0 ? connection.heartbeat_gap_ms : session_timeout_ms / kHeartbeatsInSession;
}

}  // namespace

GroupShard::SpeakingMember GroupShard::find_speaking(ByteView group_id, ByteView member_id) {
  if (ConsumerGroup* modern = consumer_group(group_id)) {
    ConsumerGroup::Timers* timers = modern->find_timers(member_id);
    if (timers == nullptr) return {};
    const ConsumerMember& member = *modern->find_member(member_id);
    return {&timers->connection,
            member.classic ? member.classic->session_timeout_ms : consumer_session_timeout_ms(modern->id())};
  }
  ClassicGroup* known = group(group_id);
  ClassicMember* member = known == nullptr ? nullptr : known->find_member(member_id);
  if (member == nullptr) return {};
  return {&member->connection, member->session_timeout_ms};
}

void GroupShard::heard_from(Turn& turn, const Caller& caller, ByteView group_id, ByteView member_id) {
  if (MemberConnection* connection = find_speaking(group_id, member_id).connection)
    connection->id = caller.connection_id;
  heard_of(turn, group_id, member_id);
}

// The gap is the longest one, and what is longer than those that follow is forgotten within some of them. It begins
// with what clients are advised to take.
void GroupShard::heard_heartbeat(Turn& turn, const Caller& caller, const HeartbeatRequest& request) {
  const auto [connection, session_timeout_ms] = find_speaking(request.group_id, request.member_id);
  if (connection != nullptr) {
    const int64_t known_ms = heartbeat_gap_ms(*connection, session_timeout_ms);
    // One that is sent again over a new connection comes sooner than the next one will.
    const bool again = connection->id != caller.connection_id;
    const int64_t gap_ms = connection->heartbeat_ms ? turn.now.steady_ms - *connection->heartbeat_ms : known_ms;
    const int64_t longest_ms = std::max(gap_ms, again ? known_ms : known_ms - known_ms / 4);
    connection->heartbeat_gap_ms = static_cast<int32_t>(std::min<int64_t>(longest_ms, INT32_MAX));
    connection->heartbeat_ms = turn.now.steady_ms;
  }
  heard_from(turn, caller, request.group_id, request.member_id);
}

void GroupShard::heard_of(Turn& turn, ByteView group_id, ByteView member_id) {
  if (member_id.empty()) return;
  if (ConsumerGroup* modern = consumer_group(group_id)) {
    ConsumerGroup::Timers* timers = modern->find_timers(member_id);
    if (timers == nullptr || !timers->connection.gone_deadline_ms) return;
    timers->connection.gone_deadline_ms.reset();
    const ConsumerMember& member = *modern->find_member(member_id);
    watch_consumer_member(
        turn, modern->id(), member.id,
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
  if (ConsumerGroup* modern = consumer_group(group_id)) give_up_members_of(*modern, connection_id, now);
  if (ClassicGroup* known = group(group_id)) give_up_members_of(*known, connection_id, now);
  return finish(std::move(turn));
}

// A client whose connection was cut on its way, by a proxy say, may notice that with its next heartbeat only, and
// connects anew then.
int64_t GroupShard::gone_deadline_ms(const MemberConnection& connection, int64_t session_timeout_ms, Now now) const {
  return now.steady_ms + heartbeat_gap_ms(connection, session_timeout_ms) + config_.disconnect_grace_ms;
}

void GroupShard::give_up_members_of(ConsumerGroup& group, uint64_t connection_id, Now now) {
  for (const auto& [id, member] : group.members()) {
    ConsumerGroup::Timers& timers = group.timers(id);
    if (timers.connection.id != connection_id || member.instance_id) continue;
    const int64_t deadline_ms =
        gone_deadline_ms(timers.connection, find_speaking(group.id(), id).session_timeout_ms, now);
    if (timers.session.deadline_ms <= deadline_ms) continue;
    timers.connection.gone_deadline_ms = deadline_ms;
    deadlines_.set(timers.session, {TimerKind::kConsumerSession, group.id(), id}, deadline_ms);
  }
}

void GroupShard::give_up_members_of(ClassicGroup& group, uint64_t connection_id, Now now) {
  for (auto& [id, member] : group.members()) {
    if (member.connection.id != connection_id || member.is_static()) continue;
    const int64_t deadline_ms = gone_deadline_ms(member.connection, member.session_timeout_ms, now);
    if (member.session.deadline_ms <= deadline_ms) continue;
    member.connection.gone_deadline_ms = deadline_ms;
    deadlines_.set(member.session, {TimerKind::kSession, group.id(), id}, deadline_ms);
  }
  // Who has only been given an id comes back for it at once.
  const int64_t deadline_ms = now.steady_ms + config_.disconnect_grace_ms;
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
