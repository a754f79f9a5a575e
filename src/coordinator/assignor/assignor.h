// The server-side assignors of consumer groups: from subscriptions and the current target to a new target. Pure
// functions; members come in the order of their ids, so the same group gives the same result.
//
// "range" assigns each member adjacent partitions of every topic, the same ones of topics of the same size; "uniform"
// spreads evenly over all topics and moves as few partitions as possible. Neither uses racks, as in Kafka 4.3 (which
// removed KIP-848's rack awareness). Sources: Kafka's RangeAssignor, UniformAssignor.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "coordinator/assignor/assignment.h"

namespace milena::coordinator {

struct AssignableMember {
  ByteView id;
  std::optional<ByteView> instance_id;
  // Topics that exist, in the order of their ids. Shared by members with the same subscription.
  std::shared_ptr<const std::vector<Uuid>> topics;
  // Its current target; never null.
  const Assignment* present = nullptr;
};

struct AssignableGroup {
  std::vector<AssignableMember> members;  // by id
  // All of them subscribe to the same topics.
  bool homogeneous = true;
  std::map<Uuid, int32_t> partition_counts;  // of every subscribed topic
};

// One assignment per member, in the order of the members.
using Assignor = std::vector<Assignment> (*)(const AssignableGroup&);

std::vector<Assignment> assign_by_range(const AssignableGroup& group);
std::vector<Assignment> assign_uniformly(const AssignableGroup& group);

// Null for an unknown name.
Assignor find_assignor(ByteView name);

}  // namespace milena::coordinator
