#include "coordinator/group/current_assignment.h"
#include "coordinator/group/planted_group_bugs.h"

#include <algorithm>
#include <utility>

namespace milena::coordinator {
namespace {

// Whether the member may still own some of the revoked partitions.
bool still_owns(const OwnedPartitions& owned, const EpochAssignment& revoked) {
  if (MILENA_GROUP_BUG(kRevocationIsBelieved)) return false;
  if (!owned) return true;
  return std::any_of(owned->begin(), owned->end(), [&](const auto& topic) {
    return std::any_of(topic.partitions.begin(), topic.partitions.end(),
                       [&](int32_t partition) { return contains(revoked, topic.topic_id, partition); });
  });
}

void add(EpochAssignment& to, const Uuid& topic, const std::map<int32_t, int32_t>& partitions) {
  to[topic].insert(partitions.begin(), partitions.end());
}

// The target is the same, but the subscription is not: the member revokes unsubscribed partitions at once.
ConsumerMember revoke_unsubscribed(const ConsumerMember& member, const Reconciliation& to) {
  ConsumerMember next = member;
  for (const auto& [topic, partitions] : member.assigned) {
    if (to.is_subscribed(topic)) continue;
    next.assigned.erase(topic);
    add(next.pending_revocation, topic, partitions);
  }
  if (next.assigned == member.assigned) return member;
  next.move_to_epoch(member.epoch);
  if (!next.pending_revocation.empty() && still_owns(*to.owned, next.pending_revocation)) {
    next.state = MemberState::kUnrevokedPartitions;
  } else {
    next.pending_revocation = member.pending_revocation;
  }
  return next;
}

struct NextAssignment {
  EpochAssignment kept;
  EpochAssignment revoked;
  EpochAssignment added;
  bool has_unreleased = false;
};

NextAssignment compare_with_target(const ConsumerMember& member, const Reconciliation& to) {
  NextAssignment next;
  for (const auto& [topic, partitions] : member.assigned) {
    const auto wanted = to.target->find(topic);
    const bool subscribed = wanted != to.target->end() && to.is_subscribed(topic);
    for (const auto& [partition, epoch] : partitions) {
      const bool keep = subscribed && wanted->second.contains(partition);
      (keep ? next.kept : next.revoked)[topic].emplace(partition, epoch);
    }
  }
  for (const auto& [topic, partitions] : *to.target) {
    if (!to.is_subscribed(topic)) continue;
    for (int32_t partition : partitions) {
      if (contains(next.kept, topic, partition)) continue;
      const bool held = to.is_held(topic, partition) && !MILENA_GROUP_BUG(kPartitionsGivenTwice);
      if (held && !contains(member.pending_revocation, topic, partition)) {
        next.has_unreleased = true;
      } else {
        next.added[topic].emplace(partition, to.target_epoch);
      }
    }
  }
  return next;
}

ConsumerMember move_towards_target(const ConsumerMember& member, int32_t epoch, const Reconciliation& to) {
  NextAssignment next = compare_with_target(member, to);
  ConsumerMember moved = member;
  moved.assigned = std::move(next.kept);
  if (!next.revoked.empty() && still_owns(*to.owned, next.revoked)) {
    // It stays in its epoch until it has revoked them.
    moved.state = MemberState::kUnrevokedPartitions;
    moved.move_to_epoch(epoch);
    moved.pending_revocation = std::move(next.revoked);
    return moved;
  }
  for (const auto& [topic, partitions] : next.added) add(moved.assigned, topic, partitions);
  moved.pending_revocation.clear();
  moved.state = next.has_unreleased ? MemberState::kUnreleasedPartitions : MemberState::kStable;
  moved.move_to_epoch(to.target_epoch);
  return moved;
}

}  // namespace

std::optional<ConsumerMember> reconcile(const ConsumerMember& member, const Reconciliation& to) {
  switch (member.state) {
    case MemberState::kStable:
      if (member.epoch != to.target_epoch) return move_towards_target(member, member.epoch, to);
      return to.subscription_changed ? revoke_unsubscribed(member, to) : member;
    case MemberState::kUnrevokedPartitions:
      if (!still_owns(*to.owned, member.pending_revocation)) return move_towards_target(member, member.epoch, to);
      return to.subscription_changed ? revoke_unsubscribed(member, to) : member;
    case MemberState::kUnreleasedPartitions:
      return move_towards_target(member, member.epoch, to);
    case MemberState::kUnknown:
      break;
  }
  // It may go on if it reports no partitions.
  if (!*to.owned || !(*to.owned)->empty()) return std::nullopt;
  return move_towards_target(member, to.target_epoch, to);
}

}  // namespace milena::coordinator
