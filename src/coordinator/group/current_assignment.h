// The reconciliation of one member of a consumer group with its target, a step at a time: first it gives back what it
// shall not have (UnrevokedPartitions) and says so, then it gets what is free (UnreleasedPartitions as long as somebody
// else has the rest), and then it is Stable in the target's epoch. Pure; source: Kafka's CurrentAssignmentBuilder.
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
  // Whether the member subscribes to a topic, which it does not to one that is gone.
  std::function<bool(const Uuid&)> is_subscribed;
  // Kafka's currentPartitionEpoch: in somebody's hands, perhaps in this member's own.
  std::function<bool(const Uuid&, int32_t)> is_held;
};

// The member after the step, perhaps as it was. Nothing if it must be fenced: it is in a state that only a later
// version of the server knows.
std::optional<ConsumerMember> reconcile(const ConsumerMember& member, const Reconciliation& to);

}  // namespace milena::coordinator
