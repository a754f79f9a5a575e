// ConsumerGroups: shared by a heartbeat of a consumer group's member and the join of a classic one, from the changed
// member to its next assignment.
#include <algorithm>
#include <utility>

#include "coordinator/group/consumer_step.h"

#include "base/check.h"
#include "base/log.h"
#include "coordinator/assignor/assignor.h"
#include "coordinator/group/consumer_records.h"
#include "coordinator/group/planted_group_bugs.h"
#include "coordinator/group/topic_hash.h"

namespace milena::coordinator {
namespace {

// Looks up the targets of members in the order of their ids: a thousand members may join one after the other, and each
// time all are looked up.
class TargetWalk {
 public:
  explicit TargetWalk(const std::map<Bytes, Assignment, std::less<>>& targets)
      : at_(targets.begin()), end_(targets.end()) {}
  // Null if there is none.
  const Assignment* find(ByteView member_id) {
    int order = -1;
    while (at_ != end_ && (order = ByteView(at_->first).compare(member_id)) < 0) ++at_;
    return at_ != end_ && order == 0 ? &at_->second : nullptr;
  }

 private:
  std::map<Bytes, Assignment, std::less<>>::const_iterator at_, end_;
};

}  // namespace

const ResolvedRegex* ConsumerGroups::Step::resolved(ByteView regex) const {
  if (regex.empty()) return nullptr;
  const auto change = regexes.find(regex);
  if (change != regexes.end()) return change->second ? &*change->second : nullptr;
  const auto known = group->resolved_regexes().find(regex);
  return known == group->resolved_regexes().end() ? nullptr : &known->second;
}

TopicNames ConsumerGroups::Step::topics_of(const ConsumerMember& member) const {
  TopicNames topics = member.topics;
  if (const ResolvedRegex* matched = resolved(member.pattern())) {
    topics.insert(matched->topics.begin(), matched->topics.end());
  }
  return topics;
}

std::vector<std::pair<ByteView, const ConsumerMember*>> ConsumerGroups::Step::members_after() const {
  std::vector<std::pair<ByteView, const ConsumerMember*>> members;
  members.reserve(group->members().size() + 1);
  bool placed = false;
  for (const auto& [id, member] : group->members()) {
    if (!placed && id >= after.id) {
      members.emplace_back(after.id, &after);
      placed = true;
    }
    if (id != replaces && id != after.id) members.emplace_back(id, &member);
  }
  if (!placed) members.emplace_back(after.id, &after);
  return members;
}

void ConsumerGroups::write_member(Step& step) {
  if (step.after == step.before) return;
  if (!MILENA_GROUP_BUG(kMemberNotStored) || step.group->find_member(step.after.id) == nullptr) {
    step.turn.write(make_member_record(step.group->id(), step.after));
  }
  step.topics_changed = step.after.topics != step.before.topics;
  step.new_assignment_needed = step.topics_changed;
}

int64_t ConsumerGroups::topics_hash(const SubscriptionCounts& subscriptions) {
  std::map<ByteView, int64_t> hashes;
  for (const auto& [name, count] : subscriptions) {
    auto known = topic_hashes_.find(name);
    if (known == topic_hashes_.end()) {
      const metadata::TopicImage* topic = image().find_topic(name);
      if (topic == nullptr) continue;
      known = topic_hashes_.emplace(name, hash_of_topic(image(), *topic)).first;
    }
    hashes.emplace_hint(hashes.end(), known->first, known->second);
  }
  return hash_of_topics(hashes);
}

void ConsumerGroups::update_group_epoch(Step& step) {
  const ConsumerGroup& group = *step.group;
  step.group_epoch = group.epoch();
  const bool stale = group.seen_topics_version != topics_version_;
  if (!step.new_assignment_needed && (!stale || MILENA_GROUP_BUG(kTopicsAreNotWatched))) return;
  const int64_t hash = topics_hash(group.subscriptions_after(&step.before, &step.after, step.regexes));
  if (step.new_assignment_needed || hash != group.metadata_hash()) {
    ++step.group_epoch;
    log_info("Group {}: epoch {}", group.id(), step.group_epoch);
    step.turn.write(make_group_epoch_record(group.id(), step.group_epoch, hash));
  } else if (group.members().empty()) {
    // A new group whose first member has no subscription yet: loading needs the record.
    step.turn.write(make_group_epoch_record(group.id(), step.group_epoch, hash));
  }
  if (group.has_subscription_metadata_record()) step.turn.write(make_subscription_metadata_tombstone(group.id()));
}

void ConsumerGroups::update_target(Step& step) {
  const ConsumerGroup& group = *step.group;
  const int32_t interval_ms = consumer_assignment_interval_ms(group.id());
  const int64_t made_ms = group.assignment_timestamp_ms();
  const int64_t now_ms = step.turn.now.wall_ms;
  // A clock that was set back must not keep the group waiting.
  const bool due = made_ms == 0 || interval_ms == 0 || now_ms >= made_ms + interval_ms || now_ms < made_ms;
  if (group.assignment_epoch() < step.group_epoch && due) return compute_target(step);
  step.target_epoch = group.assignment_epoch();
  step.target = group.target(step.replaces.empty() ? step.after.id : step.replaces);
}

std::shared_ptr<const std::vector<Uuid>> ConsumerGroups::existing_topics(const TopicNames& names,
                                                                         AssignableGroup& assignable) const {
  std::vector<Uuid> topics;
  for (const Bytes& name : names) {
    const metadata::TopicImage* topic = image().find_topic(name);
    if (topic == nullptr) continue;
    topics.push_back(topic->id);
    assignable.partition_counts[topic->id] = topic->partition_count();
  }
  std::sort(topics.begin(), topics.end());
  return std::make_shared<const std::vector<Uuid>>(std::move(topics));
}

void ConsumerGroups::compute_target(Step& step) {
  const ConsumerGroup& group = *step.group;
  const auto members = step.members_after();
  TargetWalk present_targets(group.targets());
  std::vector<const Assignment*> present;
  present.reserve(members.size());
  std::map<Bytes, int32_t, std::less<>> regexes;
  AssignableGroup assignable;
  assignable.members.reserve(members.size());
  const ConsumerMember* last = nullptr;
  std::shared_ptr<const std::vector<Uuid>> topics;
  for (const auto& [id, member] : members) {
    if (!member->pattern().empty()) ++regexes[Bytes(member->pattern())];
    // Most members have the same subscription as the one before them.
    if (last == nullptr || last->topics != member->topics || last->pattern() != member->pattern()) {
      topics = existing_topics(step.topics_of(*member), assignable);
      last = member;
    }
    present.push_back(present_targets.find(id));
    const bool replaces = !step.replaces.empty() && id == step.after.id;
    static const Assignment nothing;
    assignable.members.push_back({.id = id,
                                  .instance_id = member->instance_id ? std::optional<ByteView>(*member->instance_id)
                                                                     : std::nullopt,
                                  .topics = topics,
                                  .present = replaces          ? &group.target(step.replaces)
                                             : present.back() ? present.back()
                                                              : &nothing});
  }
  assignable.homogeneous =
      is_homogeneous(group.subscriptions_after(&step.before, &step.after, step.regexes), regexes, members.size());

  const Bytes preferred = group.preferred_assignor_after(&step.before, &step.after);
  Assignor assignor = find_assignor(preferred.empty() ? config().consumer.assignors.front() : preferred);
  if (assignor == nullptr) assignor = assign_uniformly;
  std::vector<Assignment> targets = assignor(assignable);
  CHECK(targets.size() == assignable.members.size());
  for (size_t i = 0; i < targets.size(); ++i) {
    const ByteView id = assignable.members[i].id;
    if (present[i] == nullptr || *present[i] != targets[i]) {
      step.turn.write(make_target_record(group.id(), id, targets[i]));
    }
    if (id == step.after.id) step.target = std::move(targets[i]);
  }
  log_info("Group {}: target of epoch {} for {} members", group.id(), step.group_epoch, targets.size());
  step.turn.write(make_assignment_epoch_record(group.id(), step.group_epoch, step.turn.now.wall_ms));
  step.target_epoch = step.group_epoch;
}

MaybeRefusal ConsumerGroups::reconcile_member(Step& step, const OwnedPartitions& owned) {
  if (!step.subscription_changed() && step.after.is_reconciled_to(step.target_epoch)) return std::nullopt;
  const TopicNames names = step.topics_of(step.after);
  const auto is_subscribed = [&](const Uuid& id) {
    const metadata::TopicImage* topic = image().find_topic(id);
    return topic != nullptr && names.find(topic->name) != names.end();
  };
  const auto is_held = [&](const Uuid& topic, int32_t partition) {
    return step.group->partition_epoch(topic, partition).has_value();
  };
  std::optional<ConsumerMember> next = reconcile(step.after, {.target_epoch = step.target_epoch,
                                                              .target = &step.target,
                                                              .subscription_changed = step.subscription_changed(),
                                                              .owned = &owned,
                                                              .is_subscribed = is_subscribed,
                                                              .is_held = is_held});
  if (!next) {
    return Refusal{
        ErrorCode::kFencedMemberEpoch,
        "The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin."};
  }
  if (*next != step.after) {
    step.turn.write(make_current_assignment_record(step.group->id(), *next));
    step.after = std::move(*next);
    step.reconciled = true;
  }
  return std::nullopt;
}

void ConsumerGroups::watch_member(Turn& turn, const Bytes& group_id, const Bytes& member_id,
                                  int64_t session_timeout_ms, bool reconciled) {
  ConsumerGroup& owner = *find(group_id);
  const ConsumerMember& member = *owner.find_member(member_id);
  ConsumerGroup::Timers& timers = owner.timers(member_id);
  const int64_t deadline_ms = turn.now.steady_ms + session_timeout_ms;
  if (MILENA_GROUP_BUG(kSessionIsNotExtended) && timers.session.deadline_ms != kNever) {
    // it stays as it is
  } else if (deadline_ms >= timers.session.queued_ms) {
    timers.session.deadline_ms = deadline_ms;  // the usual heartbeat: no name is built
  } else {
    deadlines().set(timers.session, {TimerKind::kConsumerSession, group_id, member_id}, deadline_ms);
  }
  const bool gives_back = member.state == MemberState::kUnrevokedPartitions && !member.uses_classic_protocol();
  if (!gives_back || MILENA_GROUP_BUG(kRevocationHasNoTimeout)) {
    Deadlines::cancel(timers.rebalance);
  } else if (reconciled || timers.rebalance.deadline_ms == kNever || timers.rebalance_epoch != member.epoch) {
    timers.rebalance_epoch = member.epoch;
    deadlines().set(timers.rebalance, {TimerKind::kConsumerRebalance, group_id, member_id},
                   turn.now.steady_ms + std::max(member.rebalance_timeout_ms, 0));
  }
}

}  // namespace milena::coordinator
