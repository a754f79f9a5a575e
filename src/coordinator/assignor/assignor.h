// The server-side assignors of consumer groups: from who subscribes to what, and who has what now, to who shall have
// what. Pure functions of their input; members come in the order of their ids, so the same group gives the same answer.
//
// "range" gives each member neighbouring partitions of every topic, the same ones of topics of the same size; "uniform"
// spreads evenly over all topics and moves as little as it can. Neither looks at racks, as in Kafka 4.3 (where
// KIP-848's rack awareness was taken out again). Sources: Kafka's RangeAssignor, UniformAssignor.
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
  // Topics that exist, in the order of their ids. Shared by members that subscribe to the same.
  std::shared_ptr<const std::vector<Uuid>> topics;
  // Its present target; never null.
  const Assignment* present = nullptr;
};

struct AssignableGroup {
  std::vector<AssignableMember> members;  // by id
  // All of them subscribe to the same topics.
  bool homogeneous = true;
  std::map<Uuid, int32_t> partition_counts;  // of every subscribed topic
};

// One assignment a member, in the order of the members.
using Assignor = std::vector<Assignment> (*)(const AssignableGroup&);

std::vector<Assignment> assign_by_range(const AssignableGroup& group);
std::vector<Assignment> assign_uniformly(const AssignableGroup& group);

// Null for a name that nobody knows.
Assignor find_assignor(ByteView name);

}  // namespace milena::coordinator
