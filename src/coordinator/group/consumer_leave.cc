// ConsumerGroups: members of consumer groups leave, or time out. A static member may announce its return (epoch -2): it
// keeps its partitions until its session ends.
#include <utility>

#include "base/log.h"
#include "coordinator/group/consumer_groups.h"
#include "coordinator/group/consumer_records.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena::coordinator {
namespace {

constexpr int64_t kRetry_ms = 500;

}  // namespace

MaybeRefusal ConsumerGroups::leave(Turn& turn, const Caller& caller,
                                   const ConsumerGroupHeartbeatRequest& request) {
  const Bytes group_id(request.group_id);
  ConsumerGroup* known = find(group_id);
  if (known == nullptr) {
    return Refusal{ErrorCode::kGroupIdNotFound, space_.groups.find(group_id) == nullptr
                                                    ? "Group " + group_id + " not found."
                                                    : "Group " + group_id + " is not a consumer group."};
  }
  const Bytes member_id(request.member_id);
  const ConsumerMember* member =
      request.instance_id ? known->find_static(*request.instance_id) : known->find_member(member_id);
  if (member == nullptr) {
    return Refusal{ErrorCode::kUnknownMemberId,
                   request.instance_id ? "Instance id " + Bytes(*request.instance_id) + " is unknown."
                                       : "Member " + member_id + " is not a member of group " + group_id + "."};
  }
  if (request.instance_id && member->id != member_id) {
    return Refusal{ErrorCode::kFencedInstanceId, "Static member " + member_id + " with instance id " +
                                                     Bytes(*request.instance_id) + " was fenced by member " +
                                                     member->id + "."};
  }
  ConsumerGroupHeartbeatResponse response;
  response.member_id = member->id;
  response.member_epoch = request.member_epoch;
  if (request.instance_id && request.member_epoch == kStaticLeaveEpoch) {
    log_info("Group {}: static member {} leaves temporarily", group_id, member->id);
    ConsumerMember away = *member;
    away.epoch = kStaticLeaveEpoch;
    away.pending_revocation.clear();
    // It will commit under another epoch when it is back.
    away.assigned = with_epoch(without_epochs(away.assigned), 0);
    turn.write(make_current_assignment_record(group_id, away));
  } else {
    log_info("Group {}: member {} leaves", group_id, member->id);
    fence_members(turn, *known, {member->id});
  }
  turn.answer(caller.token, std::move(response));
  return std::nullopt;
}

void ConsumerGroups::fence_members(Turn& turn, ConsumerGroup& group, const std::set<Bytes, std::less<>>& member_ids) {
  if (member_ids.empty()) return;
  const Bytes& group_id = group.id();
  int32_t classic_leaving = 0;
  for (const Bytes& id : member_ids) classic_leaving += group.find_member(id)->uses_classic_protocol();
  const size_t remaining = group.members().size() - member_ids.size();
  const bool only_classic = group.classic_member_count() - classic_leaving == static_cast<int32_t>(remaining);
  if (only_classic && remaining > 0 && may_downgrade(group, remaining)) {
    return downgrade_group(turn, group, member_ids, nullptr, {}, "its last member with the consumer protocol has left");
  }
  std::map<ByteView, int32_t> patterns;
  RegexChanges regexes;
  for (const Bytes& id : member_ids) {
    turn.write(make_current_assignment_tombstone(group_id, id));
    if (!MILENA_GROUP_BUG(kTargetLeftBehind)) turn.write(make_target_tombstone(group_id, id));
    turn.write(make_member_tombstone(group_id, id));
    const ByteView pattern = group.find_member(id)->pattern();
    if (!pattern.empty()) ++patterns[pattern];
  }
  for (const auto& [pattern, count] : patterns) {
    if (group.regex_subscribers(pattern) != count) continue;
    turn.write(make_regex_tombstone(group_id, pattern));
    regexes[Bytes(pattern)] = std::nullopt;
  }
  SubscriptionCounts subscriptions = group.subscriptions_after(nullptr, nullptr, regexes);
  for (const Bytes& id : member_ids) {
    for (const Bytes& topic : group.find_member(id)->topics) {
      SubscriptionCount& count = subscriptions[topic];
      if (--count.by_name == 0 && count.by_regex == 0) subscriptions.erase(topic);
    }
  }
  if (MILENA_GROUP_BUG(kLeaveKeepsEpoch)) return;
  log_info("Group {}: epoch {}", group_id, group.epoch() + 1);
  turn.write(make_group_epoch_record(group_id, group.epoch() + 1, topics_hash(subscriptions)));
}

void ConsumerGroups::fire(Turn& turn, const TimerName& name) {
  ConsumerGroup& group = *find(name.group_id);
  const ConsumerMember& member = *group.find_member(name.member_id);
  switch (name.kind) {
    case TimerKind::kConsumerRebalance:
      if (group.timers(member.id).rebalance_epoch != member.epoch) return;
      log_info("Group {}: member {} has not revoked its partitions within {} ms and is fenced", group.id(),
               member.id, member.rebalance_timeout_ms);
      break;
    case TimerKind::kConsumerJoin:
      log_info("Group {}: member {} did not rejoin in time and is fenced", group.id(), member.id);
      break;
    case TimerKind::kConsumerSync:
      log_info("Group {}: member {} did not sync in time and is fenced", group.id(), member.id);
      break;
    default:
      log_info("Group {}: member {} is fenced: {}", group.id(), member.id,
               group.timers(member.id).connection.gone_deadline_ms ? "it closed its connection and did not return"
                                                                   : "its session has expired");
  }
  fence_members(turn, group, {member.id});
  // It has timed out even if that could not be written now.
  turn.undo = [this, name](ErrorCode, Turn& failed) {
    if (Timer* timer = find_timer(name)) deadlines().set(*timer, name, failed.now.steady_ms + kRetry_ms);
  };
}

}  // namespace milena::coordinator
