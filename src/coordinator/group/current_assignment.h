// The reconciliation of one member of a consumer group with its target, a step at a time: first it revokes partitions
// outside of the target (UnrevokedPartitions) and confirms that, then it gets the free ones (UnreleasedPartitions while
// other members have the rest), and then it is Stable in the target's epoch. Pure; source: Kafka's
// CurrentAssignmentBuilder.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "coordinator/group/consumer_group.h"
#include "protocol/messages/consumer_group_heartbeat.h"

namespace milena::coordinator {

using OwnedPartitions = std::optional<std::vector<ConsumerGroupHeartbeatRequest::TopicPartitions>>;

struct Reconciliation {
  int32_t target_epoch = 0;
  const Assignment* target = nullptr;
  bool subscription_changed = false;
  // The partitions that the member reports; null if it reports none.
  const OwnedPartitions* owned = nullptr;
  // Whether the member subscribes to a topic; false for a deleted one.
  std::function<bool(const Uuid&)> is_subscribed;
  // Kafka's currentPartitionEpoch: whether the partition has an owner, which may be this member.
  std::function<bool(const Uuid&, int32_t)> is_held;
};

// The member after the step, possibly unchanged. Nothing if it must be fenced: its state is from a later version of the
// server.
std::optional<ConsumerMember> reconcile(const ConsumerMember& member, const Reconciliation& to);

}  // namespace milena::coordinator
