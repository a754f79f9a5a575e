// ConsumerGroups: members with the classic protocol in consumer groups (KIP-848's online migration). The server assigns
// for them; their generation is their member epoch, JoinGroup acts as the heartbeat of the others, and SyncGroup
// returns their assignment. A heartbeat with REBALANCE_IN_PROGRESS asks them to join again, within their rebalance
// timeout.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "coordinator/group/consumer_protocol.h"
#include "coordinator/group/consumer_records.h"
#include "coordinator/group/consumer_step.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena::coordinator {
namespace {

constexpr int16_t kFirstJoinRequiringMemberId = 4;

// The member must exist and use the classic protocol, and the instance id, if any, must be its own.
const ConsumerMember* find_classic_member(const ConsumerGroup& group, ByteView member_id,
                                          std::optional<ByteView> instance_id, ErrorCode& error) {
  const ConsumerMember* member = instance_id ? group.find_static(*instance_id) : group.find_member(member_id);
  error = ErrorCode::kNone;
  if (member == nullptr) {
    error = ErrorCode::kUnknownMemberId;
  } else if (instance_id && member->id != member_id) {
    error = ErrorCode::kFencedInstanceId;
  } else if (!member->uses_classic_protocol()) {
    error = ErrorCode::kUnknownMemberId;
  }
  return error == ErrorCode::kNone ? member : nullptr;
}

bool others_are_reconciled(const ConsumerGroup& group, const ConsumerMember& one) {
  return std::all_of(group.members().begin(), group.members().end(), [&](const auto& member) {
    return member.first == one.id || member.second.is_reconciled_to(group.assignment_epoch());
  });
}

OwnedPartitions owned_by_id(const ConsumerProtocolSubscription& subscription, const metadata::MetadataImage& image) {
  OwnedPartitions owned;
  owned.emplace();
  for (const auto& topic : subscription.owned_partitions) {
    const metadata::TopicImage* found = image.find_topic(topic.topic);
    if (found == nullptr) continue;
    auto& partitions = owned->emplace_back();
    partitions.topic_id = found->id;
    partitions.partitions = topic.partitions;
  }
  return owned;
}

Bytes assignment_for(const ConsumerMember& member, const metadata::MetadataImage& image) {
  ConsumerProtocolAssignment assignment;
  for (const auto& [id, partitions] : member.assigned) {
    const metadata::TopicImage* found = image.find_topic(id);
    if (found == nullptr) continue;
    auto& topic = assignment.assigned_partitions.emplace_back();
    topic.topic = found->name;
    for (const auto& [partition, epoch] : partitions) topic.partitions.push_back(partition);
  }
  return write_assignment_for(member.classic->protocols.front().metadata, assignment);
}

}  // namespace

void ConsumerGroups::join(Turn& turn, const Caller& caller, const JoinGroupRequest& request) {
  if (auto refusal = join_as_classic(turn, caller, request, *find(request.group_id))) {
    turn.drop();
    // Unlike a classic group, Kafka's consumer groups do not return the member id.
    return turn.answer(caller.token, join_error(refusal->error));
  }
  if (!turn.effects.records.empty()) turn.also_undo_with_error(caller.token);
}

MaybeRefusal ConsumerGroups::join_as_classic(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                                             ConsumerGroup& group) {
  if (!config().consumer.migration.upgrade && !config().consumer.migration.downgrade) {
    return Refusal{ErrorCode::kInconsistentGroupProtocol, {}};
  }
  const bool unknown = request.member_id.empty();
  const Bytes member_id = unknown ? space_.new_id() : Bytes(request.member_id);
  MemberProtocols protocols = protocols_of(request);
  if (is_full(group, member_id)) return Refusal{ErrorCode::kGroupMaxSizeReached, {}};
  if (!group.supports_classic_protocols(request.protocol_type, protocols)) {
    return Refusal{ErrorCode::kInconsistentGroupProtocol, {}};
  }
  if (unknown && !request.group_instance_id && caller.api_version >= kFirstJoinRequiringMemberId) {
    JoinGroupResponse response;
    response.member_id = member_id;
    response.error_code = ErrorCode::kMemberIdRequired;
    turn.answer(caller.token, std::move(response));
    return std::nullopt;
  }

  Step step{.turn = turn, .group = &group};
  const ConsumerMember* known =
      request.group_instance_id ? group.find_static(*request.group_instance_id) : group.find_member(member_id);
  if (known != nullptr && request.group_instance_id && unknown) {
    replace_static_member(step, *known, member_id);
  } else if (known != nullptr && known->id != member_id) {
    return Refusal{ErrorCode::kFencedInstanceId, {}};
  } else if (known == nullptr && request.group_instance_id && !unknown) {
    return Refusal{ErrorCode::kUnknownMemberId, {}};
  } else {
    step.before = known != nullptr ? *known : ConsumerMember{.id = member_id};
    log_info("Group {}: member {} joins using the classic protocol", group.id(), member_id);
  }
  const auto subscription = read_subscription(protocols.front().metadata);
  if (!subscription) return Refusal{ErrorCode::kUnknownServerError, {}};
  const bool downgrades = known != nullptr && known->is_static_of(request.group_instance_id) &&
                          !known->uses_classic_protocol() &&
                          group.classic_member_count() == static_cast<int32_t>(group.members().size()) - 1 &&
                          may_downgrade(group, group.members().size());

  step.after = step.before;
  if (request.group_instance_id) step.after.instance_id = Bytes(*request.group_instance_id);
  if (subscription->rack_id && !subscription->rack_id->empty()) step.after.rack_id = subscription->rack_id;
  const int32_t rebalance_timeout_ms = rebalance_timeout_of(caller, request);
  step.after.rebalance_timeout_ms = rebalance_timeout_ms;
  step.after.topics = TopicNames(subscription->topics.begin(), subscription->topics.end());
  step.after.regex = Bytes();
  step.after.client_id = caller.client_id;
  step.after.client_host = caller.client_host;
  step.after.classic = ClassicMemberMetadata{request.session_timeout_ms, std::move(protocols)};
  write_member(step);
  if (auto refusal = update_regexes(caller, step)) return refusal;
  update_group_epoch(step);

  const OwnedPartitions owned = owned_by_id(*subscription, image());
  if (downgrades) {
    // Kafka only compares the epochs. A member that has not reconciled would keep partitions that the classic group
    // assigns to others.
    const bool stale = group.assignment_epoch() < step.group_epoch || !others_are_reconciled(group, *known);
    if (!stale) {
      step.target_epoch = group.assignment_epoch();
      step.target = group.target(step.replaces.empty() ? member_id : step.replaces);
      if (auto refusal = reconcile_member(step, owned)) return refusal;
    }
    downgrade_group(turn, group, {}, &step.after, step.replaces.empty() ? member_id : step.replaces,
                    stale ? "it was a consumer group with a pending change of its assignment" : "");
  } else {
    update_target(step);
    if (auto refusal = reconcile_member(step, owned)) return refusal;
    turn.then = [this, group_id = group.id(), member_id, rebalance_timeout_ms, version = topics_version_,
                 connection_id = caller.connection_id, session_timeout_ms = request.session_timeout_ms](Turn& applied) {
      ConsumerGroup& joined = *find(group_id);
      joined.seen_topics_version = version;
      watch_member(applied, group_id, member_id, session_timeout_ms);
      ConsumerGroup::Timers& timers = joined.timers(member_id);
      timers.connection.id = connection_id;
      Deadlines::cancel(timers.join);
      deadlines().set(timers.sync, {TimerKind::kConsumerSync, group_id, member_id},
                     applied.now.steady_ms + rebalance_timeout_ms);
    };
  }
  JoinGroupResponse response;
  response.member_id = step.after.id;
  response.generation_id = step.after.epoch;
  response.protocol_type = "consumer";
  response.protocol_name = step.after.classic->protocols.front().name;
  turn.answer(caller.token, std::move(response));
  return std::nullopt;
}

void ConsumerGroups::expect_rejoin(Turn& turn, ConsumerGroup& group, const ConsumerMember& member) {
  Timer& join = group.timers(member.id).join;
  if (join.deadline_ms != kNever) return;
  deadlines().set(join, {TimerKind::kConsumerJoin, group.id(), member.id},
                 turn.now.steady_ms + std::max(member.rebalance_timeout_ms, 0));
}

void ConsumerGroups::sync(Turn& turn, const Caller& caller, const SyncGroupRequest& request) {
  ConsumerGroup& group = *find(request.group_id);
  SyncGroupResponse response;
  const ConsumerMember* member =
      find_classic_member(group, request.member_id, request.group_instance_id, response.error_code);
  if (member != nullptr && member->epoch != request.generation_id) {
    response.error_code = ErrorCode::kIllegalGeneration;
  } else if (member != nullptr && ((request.protocol_type && *request.protocol_type != "consumer") ||
                                   (request.protocol_name &&
                                    *request.protocol_name != member->classic->protocols.front().name))) {
    response.error_code = ErrorCode::kInconsistentGroupProtocol;
  } else if (member != nullptr && group.assignment_epoch() > member->epoch &&
             member->state != MemberState::kUnrevokedPartitions) {
    expect_rejoin(turn, group, *member);
    response.error_code = ErrorCode::kRebalanceInProgress;
  }
  if (response.error_code == ErrorCode::kNone) {
    Deadlines::cancel(group.timers(member->id).sync);
    watch_member(turn, group.id(), member->id, member->classic->session_timeout_ms);
    if (request.protocol_type) response.protocol_type = Bytes(*request.protocol_type);
    if (request.protocol_name) response.protocol_name = Bytes(*request.protocol_name);
    response.assignment = assignment_for(*member, image());
  }
  turn.answer(caller.token, std::move(response));
}

void ConsumerGroups::heartbeat(Turn& turn, const Caller& caller, const HeartbeatRequest& request) {
  HeartbeatResponse response;
  response.error_code = heartbeat_of_classic(turn, request, *find(request.group_id));
  turn.answer(caller.token, std::move(response));
}

ErrorCode ConsumerGroups::heartbeat_of_classic(Turn& turn, const HeartbeatRequest& request, ConsumerGroup& group) {
  ErrorCode error = ErrorCode::kNone;
  const ConsumerMember* member = find_classic_member(group, request.member_id, request.group_instance_id, error);
  if (member == nullptr) return error;
  if (member->epoch != request.generation_id) return ErrorCode::kIllegalGeneration;
  watch_member(turn, group.id(), member->id, member->classic->session_timeout_ms);
  // Only joins and heartbeats of the consumer protocol compute new assignments. If no member sends those, one is asked
  // to join; in Kafka such a group would not change.
  bool needs_target = false;
  if (group.classic_member_count() == static_cast<int32_t>(group.members().size())) {
    const bool stale = group.seen_topics_version != topics_version_;
    needs_target = group.epoch() > group.assignment_epoch() ||
                   (stale && topics_hash(group.subscriptions()) != group.metadata_hash());
    if (stale && !needs_target) group.seen_topics_version = topics_version_;
  }
  const bool has_news = needs_target || member->epoch < group.assignment_epoch() ||
                        member->state == MemberState::kUnrevokedPartitions ||
                        (member->state == MemberState::kUnreleasedPartitions && !group.waits_for_partitions(*member));
  if (!has_news || MILENA_GROUP_BUG(kClassicMembersNotCalled)) return ErrorCode::kNone;
  expect_rejoin(turn, group, *member);
  return ErrorCode::kRebalanceInProgress;
}

void ConsumerGroups::leave(Turn& turn, const Caller& caller, const LeaveGroupRequest& request) {
  ConsumerGroup& group = *find(request.group_id);
  LeaveGroupResponse response;
  std::set<Bytes, std::less<>> leaving;
  for (const auto& identity : leaving_members(caller, request)) {
    const ConsumerMember* member = identity.group_instance_id ? group.find_static(*identity.group_instance_id)
                                                              : group.find_member(identity.member_id);
    auto& answered = response.members.emplace_back();
    answered.member_id = identity.member_id;
    answered.group_instance_id.reset();
    if (identity.group_instance_id) answered.group_instance_id = Bytes(*identity.group_instance_id);
    // Without a member id an administrator removes a static member by its instance id.
    if (member == nullptr) {
      answered.error_code = ErrorCode::kUnknownMemberId;
    } else if (identity.group_instance_id && !identity.member_id.empty() && member->id != identity.member_id) {
      answered.error_code = ErrorCode::kFencedInstanceId;
    } else {
      log_info("Group {}: member {} has left; reason: {}", group.id(), member->id,
               identity.reason.value_or("not provided"));
      leaving.insert(member->id);
    }
  }
  fence_members(turn, group, leaving);
  turn.answer(caller.token, leave_answer_in_version(std::move(response), caller.api_version));
  if (!turn.effects.records.empty()) turn.also_undo_with_error(caller.token);
}

}  // namespace milena::coordinator
