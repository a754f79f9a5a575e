// ConsumerGroups: groups that change their kind while they have members (KIP-848, group.consumer.migration.policy). A
// classic group becomes a consumer group when the first member with the consumer protocol joins; a consumer group
// becomes classic when the last such member is gone. The records of one kind end and those of the other begin in one
// batch.
#include <utility>

#include "base/log.h"
#include "coordinator/group/consumer_protocol.h"
#include "coordinator/group/consumer_records.h"
#include "coordinator/group/consumer_step.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena::coordinator {
namespace {

Refusal cannot_upgrade(const ClassicGroup& group, ByteView why) {
  log_info("Group {} cannot become a consumer group: {}", group.id(), why);
  return {ErrorCode::kGroupIdNotFound,
          "Cannot upgrade classic group " + group.id() + " to consumer group because " + Bytes(why)};
}

// Topic names become ids; deleted topics are left out, and so are partitions of other members.
Assignment assignment_by_id(const ConsumerProtocolAssignment& assignment, const metadata::MetadataImage& image,
                            const ConsumerGroup& others) {
  UnorderedAssignment by_id;
  for (const auto& topic : assignment.assigned_partitions) {
    const metadata::TopicImage* found = image.find_topic(topic.topic);
    if (found == nullptr) continue;
    for (int32_t partition : topic.partitions) {
      if (!others.partition_epoch(found->id, partition)) by_id[found->id].push_back(partition);
    }
  }
  return in_order(by_id);
}

ConsumerProtocolAssignment assignment_by_name(const Assignment& assignment, const metadata::MetadataImage& image) {
  ConsumerProtocolAssignment by_name;
  for (const auto& [id, partitions] : assignment) {
    const metadata::TopicImage* found = image.find_topic(id);
    if (found == nullptr) continue;
    auto& topic = by_name.assigned_partitions.emplace_back();
    topic.topic = found->name;
    topic.partitions.assign(partitions.begin(), partitions.end());
  }
  return by_name;
}

void write_records(std::vector<CoordinatorRecord>& records, const ConsumerGroup& group) {
  const Bytes& id = group.id();
  for (const auto& [member_id, member] : group.members()) records.push_back(make_member_record(id, member));
  records.push_back(make_group_epoch_record(id, group.epoch(), group.metadata_hash()));
  for (const auto& [member_id, target] : group.targets()) records.push_back(make_target_record(id, member_id, target));
  records.push_back(make_assignment_epoch_record(id, group.assignment_epoch(), group.assignment_timestamp_ms()));
  for (const auto& [member_id, member] : group.members()) records.push_back(make_current_assignment_record(id, member));
}

}  // namespace

MaybeRefusal ConsumerGroups::upgrade_group(Step& step, ClassicGroup& group) {
  if (!config().consumer.migration.upgrade) return cannot_upgrade(group, "online upgrade is disabled.");
  if (!group.uses_consumer_protocol()) {
    return cannot_upgrade(group, "the group does not use the consumer embedded protocol.");
  }
  if (static_cast<int64_t>(group.members().size()) > config().consumer.max_size) {
    return cannot_upgrade(group, "the group size exceeds the consumer group maximum size.");
  }
  const int32_t generation = group.generation();
  const Bytes protocol = group.protocol_name() ? *group.protocol_name()
                         : group.members().empty() ? Bytes() : group.select_protocol();
  ConsumerGroup& made = *step.made;
  for (const auto& [id, member] : group.members()) {
    const auto subscription = read_subscription(member.metadata(protocol));
    // It may still have its last assignment.
    const Bytes& held = member.assignment.empty() ? member.former_assignment : member.assignment;
    const auto assignment = held.empty() ? ConsumerProtocolAssignment() : read_assignment(held);
    if (!subscription || !assignment) return cannot_upgrade(group, "the embedded consumer protocol is malformed.");
    if (assignment->user_data && !assignment->user_data->empty()) {
      return cannot_upgrade(
          group,
          "an unsupported custom assignor is in use. Please refer to the documentation or switch to a "
          "default assignor before re-attempting the upgrade.");
    }
    Assignment assigned = assignment_by_id(*assignment, image(), made);
    if (MILENA_GROUP_BUG(kUpgradeForgetsOwners)) assigned.clear();
    ConsumerMember upgraded{.id = id,
                            .epoch = generation,
                            .previous_epoch = generation,
                            .instance_id = member.instance_id,
                            .rebalance_timeout_ms = member.rebalance_timeout_ms,
                            .client_id = member.client_id,
                            .client_host = member.client_host,
                            .topics = TopicNames(subscription->topics.begin(), subscription->topics.end()),
                            .assigned = with_epoch(assigned, generation),
                            .classic = ClassicMemberMetadata{member.session_timeout_ms, member.protocols}};
    if (subscription->rack_id && !subscription->rack_id->empty()) upgraded.rack_id = subscription->rack_id;
    made.put_target(id, std::move(assigned));
    made.put_member(std::move(upgraded));
  }
  made.set_assignment_epoch(generation, 0);
  made.set_epoch(generation, topics_hash(made.subscriptions()));
  log_info("Group {}: becomes a consumer group with {} members", group.id(), group.members().size());
  group.write_tombstones(step.turn.effects.records);
  write_records(step.turn.effects.records, made);

  // Members waiting in the classic rebalance get an error, and come back to the group as it is then.
  for (const auto& [id, member] : group.members()) {
    if (member.awaiting_join) {
      JoinGroupResponse response;
      response.member_id = id;
      response.error_code = ErrorCode::kRebalanceInProgress;
      step.turn.answer(*member.awaiting_join, std::move(response));
    }
    if (member.awaiting_sync) {
      SyncGroupResponse response;
      response.error_code = ErrorCode::kRebalanceInProgress;
      step.turn.answer(*member.awaiting_sync, std::move(response));
    }
  }
  step.turn.undo = [this, id = group.id()](ErrorCode, Turn& failed) {
    ClassicGroup& kept = *classic_.find(id);
    for (auto& [member_id, member] : kept.members()) {
      kept.set_awaiting_join(member, std::nullopt);
      member.awaiting_sync.reset();
      classic_.touch_session(failed, kept, member);
    }
  };
  step.turn.then = [this, id = group.id(), connections = connections_of(group)](Turn& applied) {
    if (MILENA_GROUP_BUG(kUpgradeForgetsSessions)) return;
    for (const auto& [member_id, member] : find(id)->members()) {
      if (member.classic) watch_member(applied, id, member_id, member.classic->session_timeout_ms);
    }
    take_over(*find(id), connections);
  };
  return std::nullopt;
}

bool ConsumerGroups::may_downgrade(const ConsumerGroup& group, size_t remaining) const {
  if (config().consumer.migration.downgrade && static_cast<int64_t>(remaining) <= config().max_size) return true;
  log_info("Group {} stays a consumer group, but has only members with the classic protocol: {}", group.id(),
           config().consumer.migration.downgrade ? "the group has more members than group.max.size"
                                                 : "downgrades are disabled");
  return false;
}

void ConsumerGroups::downgrade_group(Turn& turn, const ConsumerGroup& group,
                                     const std::set<Bytes, std::less<>>& leaving,
                                     const ConsumerMember* joining, const Bytes& replaced, ByteView rebalance_why) {
  std::map<Bytes, const ConsumerMember*> staying;
  for (const auto& [id, member] : group.members()) {
    if (leaving.count(id) == 0 && id != replaced) staying[id] = &member;
  }
  if (joining != nullptr) staying[joining->id] = joining;

  // Chosen by the votes of a classic group.
  ClassicGroup voters(group.id(), turn.now.wall_ms);
  for (const auto& [id, member] : staying) {
    voters.add_member({.id = id, .protocols = member->classic->protocols}, "consumer");
  }
  GroupMetadataValue value;
  value.protocol_type = "consumer";
  value.generation = group.epoch();
  value.protocol = voters.select_protocol();
  value.leader = staying.begin()->first;
  value.current_state_timestamp = turn.now.wall_ms;
  std::map<Bytes, MemberProtocols> protocols;
  for (const auto& [id, member] : staying) {
    auto& stored = value.members.emplace_back();
    stored.member_id = id;
    stored.group_instance_id = member->instance_id;
    stored.client_id = member->client_id;
    stored.client_host = member->client_host;
    stored.rebalance_timeout = member->rebalance_timeout_ms;
    stored.session_timeout = member->classic->session_timeout_ms;
    stored.subscription = voters.find_member(id)->metadata(*value.protocol);
    const Assignment& target = group.target(member == joining ? replaced : id);
    stored.assignment = write_assignment_for(stored.subscription, assignment_by_name(target, image()));
    protocols[id] = member->classic->protocols;
  }
  if (joining != nullptr && joining->id != replaced) {
    // Its records are in this batch already. They end before the group does: Kafka does not load a log in which a
    // group, or its assignment, ends before its members.
    turn.write(make_current_assignment_tombstone(group.id(), joining->id));
    turn.write(make_target_tombstone(group.id(), joining->id));
    turn.write(make_member_tombstone(group.id(), joining->id));
  }
  group.write_tombstones(turn.effects.records);
  log_info("Group {}: becomes a classic group with {} members", group.id(), value.members.size());
  turn.write(make_group_record(group.id(), value));
  turn.then = [this, id = group.id(), protocols = std::move(protocols), connections = connections_of(group),
               why = Bytes(rebalance_why)](Turn& applied) {
    ClassicGroup& classic = *classic_.find(id);
    classic_.take_over(classic, connections);
    for (auto& [member_id, member] : classic.members()) {
      // The record has only the chosen protocol.
      classic.update_member(member, protocols.at(member_id), member.rebalance_timeout_ms, member.session_timeout_ms);
      classic_.touch_session(applied, classic, member);
    }
    if (!why.empty()) classic_.prepare_rebalance(applied, classic, why);
  };
}

}  // namespace milena::coordinator
