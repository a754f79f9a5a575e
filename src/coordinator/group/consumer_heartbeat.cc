// ConsumerGroups: ConsumerGroupHeartbeat (KIP-848). Versions: 0 ids given by the server, 1 by the client, and patterns.
//
// A heartbeat has the member's id and its changes. It is processed without changing the group: a new member record, a
// new epoch of the group if its assignment must change, a new target if one may be computed, a step of this member
// towards its target. All of these are one batch of records.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "coordinator/group/consumer_records.h"
#include "coordinator/group/consumer_step.h"

namespace milena::coordinator {
namespace {

constexpr int32_t kShortestHeartbeat_ms = 100;

bool is_blank(ByteView text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0 && c <= ' '; });
}

Refusal invalid(ByteView message) { return {ErrorCode::kInvalidRequest, Bytes(message)}; }

MaybeRefusal check_first_heartbeat(const ConsumerGroupHeartbeatRequest& request) {
  if (request.rebalance_timeout_ms == -1) return invalid("RebalanceTimeoutMs must be provided in first request.");
  if (!request.topic_partitions || !request.topic_partitions->empty()) {
    return invalid("TopicPartitions must be empty when (re-)joining.");
  }
  if (!request.subscribed_topic_names && !request.subscribed_topic_regex) {
    return invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.");
  }
  return std::nullopt;
}

MaybeRefusal check_heartbeat(const Caller& caller, const ConsumerGroupHeartbeatRequest& request,
                             const std::vector<Bytes>& assignors) {
  const bool has_id = caller.api_version >= 1 || request.member_epoch > 0 || request.member_epoch == kLeaveEpoch;
  if (has_id && is_blank(request.member_id)) return invalid("MemberId can't be empty.");
  if (is_blank(request.group_id)) return invalid("GroupId can't be empty.");
  if (request.instance_id && is_blank(*request.instance_id)) return invalid("InstanceId can't be empty.");
  if (request.rack_id && is_blank(*request.rack_id)) return invalid("RackId can't be empty.");
  if (request.member_epoch == kJoinEpoch) {
    if (auto refusal = check_first_heartbeat(request)) return refusal;
  } else if (request.member_epoch == kStaticLeaveEpoch) {
    if (!request.instance_id) return invalid("InstanceId can't be null.");
  } else if (request.member_epoch < kStaticLeaveEpoch) {
    return invalid("MemberEpoch is invalid.");
  }
  if (request.server_assignor &&
      std::find(assignors.begin(), assignors.end(), *request.server_assignor) == assignors.end()) {
    Bytes names;
    for (const Bytes& name : assignors) names += (names.empty() ? "" : ", ") + name;
    return Refusal{ErrorCode::kUnsupportedAssignor, "ServerAssignor " + Bytes(*request.server_assignor) +
                                                        " is not supported. Supported assignors: " + names + "."};
  }
  return std::nullopt;
}

// Whether all partitions that a member owns are in its assignment.
bool is_within(const OwnedPartitions& owned, const EpochAssignment& assigned) {
  if (!owned) return false;
  return std::all_of(owned->begin(), owned->end(), [&](const auto& topic) {
    const auto at = assigned.find(topic.topic_id);
    return at != assigned.end() && std::all_of(topic.partitions.begin(), topic.partitions.end(),
                                               [&](int32_t partition) { return at->second.count(partition) > 0; });
  });
}

// A response may have been lost: the member may be one epoch behind, if it owns nothing that was revoked since.
MaybeRefusal check_epoch(const ConsumerMember& member, int32_t epoch, const OwnedPartitions& owned) {
  if (epoch == kJoinEpoch || epoch == member.epoch) return std::nullopt;
  if (epoch < member.epoch && epoch == member.previous_epoch && is_within(owned, member.assigned)) return std::nullopt;
  return Refusal{ErrorCode::kFencedMemberEpoch,
                 fmt::format("The consumer group member has a {} member epoch ({}) than the one known by the group "
                             "coordinator ({}). The member must abandon all its partitions and rejoin.",
                             epoch > member.epoch ? "greater" : "smaller", epoch, member.epoch)};
}

void take_news(ConsumerMember& member, const Caller& caller, const ConsumerGroupHeartbeatRequest& request) {
  if (request.instance_id) member.instance_id = Bytes(*request.instance_id);
  if (request.rack_id) member.rack_id = Bytes(*request.rack_id);
  if (request.rebalance_timeout_ms != -1) member.rebalance_timeout_ms = request.rebalance_timeout_ms;
  if (request.server_assignor) member.assignor = Bytes(*request.server_assignor);
  if (request.subscribed_topic_names) {
    member.topics = TopicNames(request.subscribed_topic_names->begin(), request.subscribed_topic_names->end());
  }
  if (request.subscribed_topic_regex) member.regex = Bytes(*request.subscribed_topic_regex);
  member.client_id = caller.client_id;
  member.client_host = caller.client_host;
  member.classic.reset();
}

ConsumerGroupHeartbeatResponse::Assignment assignment_in_answer(const EpochAssignment& assigned) {
  ConsumerGroupHeartbeatResponse::Assignment assignment;
  for (const auto& [id, partitions] : assigned) {
    auto& topic = assignment.topic_partitions.emplace_back();
    topic.topic_id = id;
    for (const auto& [partition, epoch] : partitions) topic.partitions.push_back(partition);
  }
  return assignment;
}

}  // namespace

void ConsumerGroups::heartbeat(Turn& turn, const Caller& caller, const ConsumerGroupHeartbeatRequest& request) {
  MaybeRefusal refusal = check_heartbeat(caller, request, config().consumer.assignors);
  if (!refusal) {
    const bool leaves = request.member_epoch == kLeaveEpoch || request.member_epoch == kStaticLeaveEpoch;
    refusal = leaves ? leave(turn, caller, request) : beat(turn, caller, request);
  }
  if (refusal) {
    turn.drop();
    ConsumerGroupHeartbeatResponse response;
    response.error_code = refusal->error;
    response.error_message = std::move(refusal->message);
    turn.answer(caller.token, std::move(response));
  }
  if (!turn.effects.records.empty()) turn.also_undo_with_error(caller.token);
}

MaybeRefusal ConsumerGroups::beat(Turn& turn, const Caller& caller, const ConsumerGroupHeartbeatRequest& request) {
  Step step{.turn = turn};
  const bool joins = request.member_epoch == kJoinEpoch;
  if (auto refusal = find_or_make_group(step, request.group_id, joins)) return refusal;
  if (is_full(*step.group, request.member_id)) {
    return Refusal{
        ErrorCode::kGroupMaxSizeReached,
        fmt::format("The consumer group has reached its maximum capacity of {} members.", config().consumer.max_size)};
  }
  const Bytes member_id = request.member_id.empty() ? space_.new_id() : Bytes(request.member_id);
  if (auto refusal = find_member(step, request, member_id)) return refusal;
  step.after = step.before;
  take_news(step.after, caller, request);
  write_member(step);
  if (auto refusal = update_regexes(caller, step)) return refusal;
  update_group_epoch(step);
  update_target(step);
  if (auto refusal = reconcile_member(step, request.topic_partitions)) return refusal;

  ConsumerGroupHeartbeatResponse response;
  response.member_id = step.after.id;
  response.member_epoch = step.after.epoch;
  // Members learn of changes only from heartbeats. A member that waits for partitions of others, or for the group's
  // next assignment, is asked to send the next heartbeat soon; with Kafka it would wait a whole interval.
  const bool unmatched = !step.after.pattern().empty() && step.resolved(step.after.pattern()) == nullptr;
  const bool waits = !config().strict_kafka && (step.after.state == MemberState::kUnreleasedPartitions ||
                                               step.target_epoch < step.group_epoch || unmatched);
  const int32_t interval_ms = consumer_heartbeat_interval_ms(request.group_id);
  response.heartbeat_interval_ms =
      waits ? std::min(interval_ms, std::max(interval_ms / 10, kShortestHeartbeat_ms)) : interval_ms;
  const bool full = request.rebalance_timeout_ms != -1 && request.topic_partitions &&
                    (request.subscribed_topic_names || request.subscribed_topic_regex);
  if (joins || full || step.before.assigned != step.after.assigned) {
    response.assignment = assignment_in_answer(step.after.assigned);
  }
  turn.answer(caller.token, std::move(response));
  const auto watch = [this, group_id = step.group->id(), member_id, version = topics_version_,
                      reconciled = step.reconciled, connection_id = caller.connection_id, interval_ms,
                      timeout_ms = consumer_session_timeout_ms(request.group_id)](Turn& applied) {
    find(group_id)->seen_topics_version = version;
    watch_member(applied, group_id, member_id, timeout_ms, reconciled);
    // A new member did not exist yet when its request arrived.
    MemberConnection& connection = find(group_id)->timers(member_id).connection;
    connection.id = connection_id;
    // The full interval: if this response is lost, the member uses the previous one.
    connection.heartbeat_gap_ms = interval_ms;
  };
  // The upgrade's own step runs first.
  if (turn.then) {
    turn.then = [first = std::move(turn.then), watch](Turn& applied) {
      first(applied);
      watch(applied);
    };
  } else {
    turn.then = watch;
  }
  return std::nullopt;
}

bool ConsumerGroups::is_full(const ConsumerGroup& group, ByteView member_id) const {
  return static_cast<int64_t>(group.members().size()) >= config().consumer.max_size &&
         (member_id.empty() || group.find_member(member_id) == nullptr);
}

MaybeRefusal ConsumerGroups::find_or_make_group(Step& step, ByteView group_id, bool joins) {
  step.group = find(group_id);
  if (step.group != nullptr) return std::nullopt;
  const Group* other = space_.groups.find(group_id);
  ClassicGroup* classic = classic_.find(group_id);
  if (!joins || (other != nullptr && classic == nullptr)) {
    const Bytes name(group_id);
    return Refusal{ErrorCode::kGroupIdNotFound, other == nullptr ? "Consumer group " + name + " not found."
                                                                 : "Group " + name + " is not a consumer group."};
  }
  step.made = std::make_unique<ConsumerGroup>(Bytes(group_id));
  step.group = step.made.get();
  if (classic == nullptr) return std::nullopt;
  if (!classic->is(GroupState::kEmpty)) return upgrade_group(step, *classic);
  log_info("Group {}: empty, becomes a consumer group", group_id);
  classic->write_tombstones(step.turn.effects.records);
  return std::nullopt;
}

MaybeRefusal ConsumerGroups::find_member(Step& step, const ConsumerGroupHeartbeatRequest& request,
                                         const Bytes& member_id) {
  const bool joins = request.member_epoch == kJoinEpoch;
  const ConsumerMember* known =
      request.instance_id ? step.group->find_static(*request.instance_id) : step.group->find_member(member_id);
  if (known == nullptr && !joins) {
    return Refusal{ErrorCode::kUnknownMemberId,
                   request.instance_id
                       ? "Instance id " + Bytes(*request.instance_id) + " is unknown."
                       : "Member " + member_id + " is not a member of group " + step.group->id() + "."};
  }
  if (joins) log_info("Group {}: member {} joins using the consumer protocol", step.group->id(), member_id);
  if (known == nullptr) {
    // A new static member may use the id of a dynamic one; then it is the same member.
    const ConsumerMember* same = step.group->find_member(member_id);
    step.before = same != nullptr ? *same : ConsumerMember{.id = member_id};
    return std::nullopt;
  }
  if (!request.instance_id) {
    step.before = *known;
    return check_epoch(*known, request.member_epoch, request.topic_partitions);
  }
  if (joins) {
    if (!known->uses_classic_protocol() && known->epoch != kStaticLeaveEpoch) {
      return Refusal{ErrorCode::kUnreleasedInstanceId,
                     "Static member " + member_id + " with instance id " + Bytes(*request.instance_id) +
                         " cannot join the group because the instance id is owned by " + known->id + " member."};
    }
    replace_static_member(step, *known, member_id);
    return std::nullopt;
  }
  if (known->id != member_id) {
    return Refusal{ErrorCode::kFencedInstanceId, "Static member " + member_id + " with instance id " +
                                                     Bytes(*request.instance_id) + " was fenced by member " +
                                                     known->id + "."};
  }
  step.before = *known;
  return check_epoch(*known, request.member_epoch, request.topic_partitions);
}

void ConsumerGroups::replace_static_member(Step& step, const ConsumerMember& old_member, const Bytes& new_id) {
  const ByteView group_id = step.group->id();
  log_info("Group {}: static member {} returns, {} replaces {}", group_id, old_member.instance_id.value_or(""),
           new_id, old_member.id);
  step.before = old_member;
  step.before.id = new_id;
  step.before.epoch = kJoinEpoch;
  step.before.previous_epoch = kJoinEpoch;
  step.replaces = old_member.id;
  step.turn.write(make_current_assignment_tombstone(group_id, old_member.id));
  step.turn.write(make_target_tombstone(group_id, old_member.id));
  step.turn.write(make_member_tombstone(group_id, old_member.id));
  step.turn.write(make_member_record(group_id, step.before));
  step.turn.write(make_target_record(group_id, new_id, step.group->target(old_member.id)));
  step.turn.write(make_current_assignment_record(group_id, step.before));
}

}  // namespace milena::coordinator
