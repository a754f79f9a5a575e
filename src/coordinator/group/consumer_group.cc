#include "coordinator/group/consumer_group.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "coordinator/group/consumer_records.h"

namespace milena::coordinator {
namespace {

void add_count(std::map<Bytes, int32_t, std::less<>>& counts, ByteView key, int32_t step) {
  auto at = counts.find(key);
  if (at == counts.end()) at = counts.emplace(key, 0).first;
  at->second += step;
  if (at->second == 0) counts.erase(at);
}

void count_topics(SubscriptionCounts& counts, const TopicNames& topics, int32_t SubscriptionCount::*count,
                  int32_t step) {
  for (const Bytes& topic : topics) {
    SubscriptionCount& entry = counts[topic];
    entry.*count += step;
    if (entry.by_name == 0 && entry.by_regex == 0) counts.erase(topic);
  }
}

}  // namespace

ByteView consumer_group_state_name(ConsumerGroupState state) {
  switch (state) {
    case ConsumerGroupState::kEmpty: return "Empty";
    case ConsumerGroupState::kAssigning: return "Assigning";
    case ConsumerGroupState::kReconciling: return "Reconciling";
    case ConsumerGroupState::kStable: return "Stable";
  }
  return "Dead";
}

bool is_homogeneous(const SubscriptionCounts& subscriptions, const std::map<Bytes, int32_t, std::less<>>& regexes,
                    size_t member_count) {
  const auto all = static_cast<int32_t>(member_count);
  if (regexes.empty()) {
    return std::all_of(subscriptions.begin(), subscriptions.end(),
                       [all](const auto& topic) { return topic.second.by_name == all; });
  }
  if (regexes.begin()->second != all) return false;
  return std::all_of(subscriptions.begin(), subscriptions.end(), [](const auto& topic) {
    return topic.second.by_regex == 1 && topic.second.by_name <= 0;
  });
}

ConsumerGroupState ConsumerGroup::state() const {
  if (members_.empty()) return ConsumerGroupState::kEmpty;
  if (epoch_ > assignment_epoch_) return ConsumerGroupState::kAssigning;
  const bool reconciled = std::all_of(members_.begin(), members_.end(), [this](const auto& member) {
    return member.second.is_reconciled_to(assignment_epoch_);
  });
  return reconciled ? ConsumerGroupState::kStable : ConsumerGroupState::kReconciling;
}

const ConsumerMember* ConsumerGroup::find_member(ByteView member_id) const {
  const auto at = members_.find(member_id);
  return at == members_.end() ? nullptr : &at->second;
}

const ConsumerMember* ConsumerGroup::find_static(ByteView instance_id) const {
  const auto at = static_members_.find(instance_id);
  return at == static_members_.end() ? nullptr : find_member(at->second);
}

ConsumerGroup::Timers* ConsumerGroup::find_timers(ByteView member_id) {
  const auto at = timers_.find(member_id);
  return at == timers_.end() ? nullptr : &at->second;
}

ConsumerGroup::Timers& ConsumerGroup::timers(ByteView member_id) {
  Timers* found = find_timers(member_id);
  CHECK(found != nullptr, "no member {} in group {}", member_id, id());
  return *found;
}

bool ConsumerGroup::supports_classic_protocols(ByteView protocol_type, const MemberProtocols& protocols) const {
  if (protocol_type != "consumer") return false;
  if (is_empty()) return !protocols.empty();
  return std::any_of(protocols.begin(), protocols.end(), [this](const MemberProtocol& wanted) {
    int32_t supporters = 0;
    for (const auto& [id, member] : members_) {
      if (!member.classic) continue;
      const MemberProtocols& theirs = member.classic->protocols;
      supporters += std::any_of(theirs.begin(), theirs.end(), [&](const auto& one) { return one.name == wanted.name; });
    }
    return supporters == classic_members_;
  });
}

SubscriptionCounts ConsumerGroup::subscriptions_after(const ConsumerMember* before, const ConsumerMember* after,
                                                      const RegexChanges& regexes) const {
  SubscriptionCounts counts = subscriptions_;
  if (before != nullptr) count_topics(counts, before->topics, &SubscriptionCount::by_name, -1);
  if (after != nullptr) count_topics(counts, after->topics, &SubscriptionCount::by_name, 1);
  for (const auto& [regex, resolved] : regexes) {
    const auto present = resolved_.find(regex);
    if (present != resolved_.end()) count_topics(counts, present->second.topics, &SubscriptionCount::by_regex, -1);
    if (resolved) count_topics(counts, resolved->topics, &SubscriptionCount::by_regex, 1);
  }
  return counts;
}

int32_t ConsumerGroup::regex_subscribers(ByteView regex) const {
  const auto at = regex_subscribers_.find(regex);
  return at == regex_subscribers_.end() ? 0 : at->second;
}

Bytes ConsumerGroup::preferred_assignor_after(const ConsumerMember* before, const ConsumerMember* after) const {
  std::map<ByteView, int32_t> votes;
  for (const auto& [id, member] : members_) {
    if (member.assignor) ++votes[*member.assignor];
  }
  if (before != nullptr && before->assignor) --votes[*before->assignor];
  if (after != nullptr && after->assignor) ++votes[*after->assignor];
  std::erase_if(votes, [](const auto& vote) { return vote.second <= 0; });
  const auto most = std::max_element(votes.begin(), votes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == votes.end() ? Bytes() : Bytes(most->first);
}

const Assignment& ConsumerGroup::target(ByteView member_id) const {
  static const Assignment nothing;
  const auto at = targets_.find(member_id);
  return at == targets_.end() ? nothing : at->second;
}

std::optional<int32_t> ConsumerGroup::partition_epoch(const Uuid& topic, int32_t partition) const {
  const auto at = partition_epochs_.find(topic);
  if (at == partition_epochs_.end()) return std::nullopt;
  const auto epoch = at->second.find(partition);
  return epoch == at->second.end() ? std::nullopt : std::optional(epoch->second);
}

bool ConsumerGroup::waits_for_partitions(const ConsumerMember& member) const {
  if (member.state != MemberState::kUnreleasedPartitions) return false;
  for (const auto& [topic, partitions] : target(member.id)) {
    for (int32_t partition : partitions) {
      if (!contains(member.assigned, topic, partition) && partition_epoch(topic, partition)) return true;
    }
  }
  return false;
}

// --- what records change

void ConsumerGroup::set_epoch(int32_t epoch, int64_t metadata_hash) {
  epoch_ = epoch;
  metadata_hash_ = metadata_hash;
}

void ConsumerGroup::set_assignment_epoch(int32_t epoch, int64_t timestamp_ms) {
  assignment_epoch_ = epoch;
  assignment_timestamp_ms_ = timestamp_ms;
}

void ConsumerGroup::put_member(ConsumerMember member) {
  auto at = members_.find(member.id);
  if (at != members_.end()) {
    count_member(at->second, -1);
    release_partitions(at->second);
  } else {
    at = members_.emplace(member.id, ConsumerMember()).first;
    timers_.try_emplace(member.id);
  }
  at->second = std::move(member);
  count_member(at->second, 1);
  hold_partitions(at->second);
  if (at->second.instance_id) static_members_[*at->second.instance_id] = at->first;
}

void ConsumerGroup::remove_member(ByteView member_id) {
  const auto at = members_.find(member_id);
  if (at == members_.end()) return;
  count_member(at->second, -1);
  release_partitions(at->second);
  if (at->second.instance_id) {
    const auto instance = static_members_.find(*at->second.instance_id);
    // Its successor's record may come before its own end.
    if (instance != static_members_.end() && instance->second == member_id) static_members_.erase(instance);
  }
  timers_.erase(timers_.find(member_id));
  members_.erase(at);
}

void ConsumerGroup::put_target(ByteView member_id, Assignment target) {
  targets_[Bytes(member_id)] = std::move(target);
}

void ConsumerGroup::remove_target(ByteView member_id) {
  const auto at = targets_.find(member_id);
  if (at != targets_.end()) targets_.erase(at);
}

void ConsumerGroup::put_regex(const Bytes& regex, ResolvedRegex resolved) {
  remove_regex(regex);
  count_topics(subscriptions_, resolved.topics, &SubscriptionCount::by_regex, 1);
  resolved_[regex] = std::move(resolved);
}

void ConsumerGroup::remove_regex(ByteView regex) {
  const auto at = resolved_.find(regex);
  if (at == resolved_.end()) return;
  count_topics(subscriptions_, at->second.topics, &SubscriptionCount::by_regex, -1);
  resolved_.erase(at);
}

void ConsumerGroup::count_member(const ConsumerMember& member, int32_t step) {
  count_topics(subscriptions_, member.topics, &SubscriptionCount::by_name, step);
  if (!member.pattern().empty()) add_count(regex_subscribers_, member.pattern(), step);
  if (member.classic) classic_members_ += step;
}

void ConsumerGroup::hold_partitions(const ConsumerMember& member) {
  for (const EpochAssignment* held : {&member.assigned, &member.pending_revocation}) {
    for (const auto& [topic, partitions] : *held) {
      std::map<int32_t, int32_t>& epochs = partition_epochs_[topic];
      for (const auto& [partition, since] : partitions) {
        const auto [at, added] = epochs.emplace(partition, member.epoch);
        if (added) continue;
        // In a compacted log the new owner may come before the end of the old one.
        if (at->second >= member.epoch) {
          log_error("Group {}: {}-{} goes to {} in epoch {}, but is owned in epoch {}", id(), topic.to_string(),
                    partition, member.id, member.epoch, at->second);
        }
        at->second = std::max(at->second, member.epoch);
      }
    }
  }
}

void ConsumerGroup::release_partitions(const ConsumerMember& member) {
  for (const EpochAssignment* held : {&member.assigned, &member.pending_revocation}) {
    for (const auto& [topic, partitions] : *held) {
      const auto epochs = partition_epochs_.find(topic);
      if (epochs == partition_epochs_.end()) continue;
      for (const auto& [partition, since] : partitions) {
        const auto at = epochs->second.find(partition);
        // In another epoch it has a new owner by now.
        if (at != epochs->second.end() && at->second == member.epoch) epochs->second.erase(at);
      }
      if (epochs->second.empty()) partition_epochs_.erase(epochs);
    }
  }
}

// Kafka does not load a log in which a group, or its assignment, ends before its members.
void ConsumerGroup::write_tombstones(std::vector<CoordinatorRecord>& records) const {
  for (const auto& [member, held] : members_) records.push_back(make_current_assignment_tombstone(id(), member));
  for (const auto& [member_id, target] : targets_) records.push_back(make_target_tombstone(id(), member_id));
  records.push_back(make_assignment_epoch_tombstone(id()));
  for (const auto& [member_id, member] : members_) records.push_back(make_member_tombstone(id(), member_id));
  for (const auto& [regex, resolved] : resolved_) records.push_back(make_regex_tombstone(id(), regex));
  records.push_back(make_subscription_metadata_tombstone(id()));
  records.push_back(make_group_epoch_tombstone(id()));
}

}  // namespace milena::coordinator
