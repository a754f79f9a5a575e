// Members whose client closed its connection (milena.group.disconnect.grace.ms). The connection of a member is that of
// its last request, including a waiting join; when it is closed a deadline starts, and any further request of the
// member stops it. It ends when the member's next heartbeat is overdue, since a live client may be silent until then. A
// member that was loaded and has sent nothing since has no connection.
//
// A client may have several connections: only the member's own count, so a producer's request (TxnOffsetCommit) stops
// the deadline without becoming the member's connection.
#include <algorithm>

#include "coordinator/group/group_shard.h"

namespace milena::coordinator {
namespace {

constexpr int64_t kHeartbeatsInSession = 3;

int64_t heartbeat_gap_ms(const MemberConnection& connection, int64_t session_timeout_ms) {
  return connection.heartbeat_gap_ms > 0 ? connection.heartbeat_gap_ms : session_timeout_ms / kHeartbeatsInSession;
}

}  // namespace

// --- the shard

SpeakingMember GroupShard::find_speaking(ByteView group_id, ByteView member_id) {
  Group* group = space_.groups.find(group_id);
  GroupMachine* machine = machine_of(group);
  return machine == nullptr ? SpeakingMember() : machine->find_speaking(*group, member_id);
}

void GroupShard::heard_from(Turn& turn, const Caller& caller, ByteView group_id, ByteView member_id) {
  if (MemberConnection* connection = find_speaking(group_id, member_id).connection) {
    connection->id = caller.connection_id;
  }
  heard_of(turn, group_id, member_id);
}

// The gap is the longest one recently: it shrinks with the next heartbeats if these are closer. It begins with the
// recommended setting of clients.
void GroupShard::heard_heartbeat(Turn& turn, const Caller& caller, const HeartbeatRequest& request) {
  const auto [connection, session_timeout_ms] = find_speaking(request.group_id, request.member_id);
  if (connection != nullptr) {
    const int64_t known_ms = heartbeat_gap_ms(*connection, session_timeout_ms);
    // A heartbeat that is retried over a new connection comes early, so it does not shrink the gap.
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
  Group* group = space_.groups.find(group_id);
  GroupMachine* machine = machine_of(group);
  if (machine != nullptr) machine->heard_of(turn, *group, member_id);
}

Effects GroupShard::connection_closed(ByteView group_id, uint64_t connection_id, Now now) {
  Turn turn = begin(now);
  Group* group = space_.groups.find(group_id);
  GroupMachine* machine = machine_of(group);
  if (space_.config.disconnect_grace_ms != 0 && connection_id != 0 && machine != nullptr) {
    machine->give_up_members_of(*group, connection_id, now);
  }
  return finish(std::move(turn));
}

// A client whose connection was cut on the way, for example by a proxy, may only notice with its next heartbeat, and
// then connects again.
int64_t gone_deadline_ms(const GroupConfig& config, const MemberConnection& connection, int64_t session_timeout_ms,
                         Now now) {
  return now.steady_ms + heartbeat_gap_ms(connection, session_timeout_ms) + config.disconnect_grace_ms;
}

// --- members of consumer groups

SpeakingMember ConsumerGroups::find_speaking(Group& group, ByteView member_id) {
  ConsumerGroup& own = static_cast<ConsumerGroup&>(group);
  ConsumerGroup::Timers* timers = own.find_timers(member_id);
  if (timers == nullptr) return {};
  return {&timers->connection, session_timeout_of(own, *own.find_member(member_id))};
}

void ConsumerGroups::heard_of(Turn& turn, Group& group, ByteView member_id) {
  ConsumerGroup& own = static_cast<ConsumerGroup&>(group);
  ConsumerGroup::Timers* timers = own.find_timers(member_id);
  if (timers == nullptr || !timers->connection.gone_deadline_ms) return;
  timers->connection.gone_deadline_ms.reset();
  const ConsumerMember& member = *own.find_member(member_id);
  watch_member(turn, own.id(), member.id, session_timeout_of(own, member));
}

void ConsumerGroups::give_up_members_of(Group& group, uint64_t connection_id, Now now) {
  ConsumerGroup& own = static_cast<ConsumerGroup&>(group);
  for (const auto& [id, member] : own.members()) {
    ConsumerGroup::Timers& timers = own.timers(id);
    if (timers.connection.id != connection_id || member.instance_id) continue;
    const int64_t deadline_ms = gone_deadline_ms(config(), timers.connection, session_timeout_of(own, member), now);
    if (timers.session.deadline_ms <= deadline_ms) continue;
    timers.connection.gone_deadline_ms = deadline_ms;
    deadlines().set(timers.session, {TimerKind::kConsumerSession, own.id(), id}, deadline_ms);
  }
}

MemberConnections connections_of(const ConsumerGroup& group) {
  MemberConnections connections;
  for (const auto& [id, timers] : group.all_timers()) connections.emplace_back(id, timers.connection);
  return connections;
}

void ConsumerGroups::take_over(ConsumerGroup& group, const MemberConnections& connections) {
  for (const auto& [id, connection] : connections) {
    ConsumerGroup::Timers* timers = group.find_timers(id);
    if (timers == nullptr || group.find_member(id)->instance_id) continue;
    timers->connection = connection;
    if (!connection.gone_deadline_ms) continue;
    deadlines().set(timers->session, {TimerKind::kConsumerSession, group.id(), id},
                    std::min(timers->session.deadline_ms, *connection.gone_deadline_ms));
  }
}

// --- members of classic groups

SpeakingMember ClassicGroups::find_speaking(Group& group, ByteView member_id) {
  ClassicMember* member = static_cast<ClassicGroup&>(group).find_member(member_id);
  if (member == nullptr) return {};
  return {&member->connection, member->session_timeout_ms};
}

void ClassicGroups::heard_of(Turn& turn, Group& group, ByteView member_id) {
  ClassicGroup& own = static_cast<ClassicGroup&>(group);
  ClassicMember* member = own.find_member(member_id);
  if (member == nullptr || !member->connection.gone_deadline_ms) return;
  member->connection.gone_deadline_ms.reset();
  touch_session(turn, own, *member);
}

void ClassicGroups::give_up_members_of(Group& group, uint64_t connection_id, Now now) {
  ClassicGroup& own = static_cast<ClassicGroup&>(group);
  for (auto& [id, member] : own.members()) {
    if (member.connection.id != connection_id || member.is_static()) continue;
    const int64_t deadline_ms = gone_deadline_ms(config(), member.connection, member.session_timeout_ms, now);
    if (member.session.deadline_ms <= deadline_ms) continue;
    member.connection.gone_deadline_ms = deadline_ms;
    deadlines().set(member.session, {TimerKind::kSession, own.id(), id}, deadline_ms);
  }
  // A member that has only been given an id comes back at once.
  const int64_t deadline_ms = now.steady_ms + config().disconnect_grace_ms;
  for (auto& [id, pending] : own.pending_members()) {
    if (pending.connection_id != connection_id || pending.deadline_ms <= deadline_ms) continue;
    deadlines().set(pending, {TimerKind::kSession, own.id(), id}, deadline_ms);
  }
}

MemberConnections connections_of(const ClassicGroup& group) {
  MemberConnections connections;
  for (const auto& [id, member] : group.members()) connections.emplace_back(id, member.connection);
  return connections;
}

void ClassicGroups::take_over(ClassicGroup& group, const MemberConnections& connections) {
  for (const auto& [id, connection] : connections) {
    ClassicMember* member = group.find_member(id);
    if (member != nullptr && !member->is_static()) member->connection = connection;
  }
}

}  // namespace milena::coordinator
