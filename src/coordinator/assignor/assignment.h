// Assigned partitions in the consumer protocol (KIP-848): by topic id, so that a topic that is deleted and created
// again is another one.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "coordinator/assignor/partition_numbers.h"

namespace milena::coordinator {

// Topic id -> partitions. No topic has an empty set.
using Assignment = std::map<Uuid, PartitionNumbers>;

// The same as clients and records may have it: in any order, and twice.
using UnorderedAssignment = std::map<Uuid, std::vector<int32_t>>;

inline Assignment in_order(const UnorderedAssignment& assignment) {
  Assignment ordered;
  for (const auto& [topic, numbers] : assignment) {
    ordered.emplace_hint(ordered.end(), topic, PartitionNumbers(numbers.begin(), numbers.end()));
  }
  return ordered;
}

// Topic id -> partition -> the group's epoch in which the member got it (KIP-1251: commits must not have an older
// epoch).
using EpochAssignment = std::map<Uuid, std::map<int32_t, int32_t>>;

inline bool contains(const EpochAssignment& assignment, const Uuid& topic, int32_t partition) {
  const auto at = assignment.find(topic);
  return at != assignment.end() && at->second.count(partition) > 0;
}

inline Assignment without_epochs(const EpochAssignment& assignment) {
  Assignment partitions;
  for (const auto& [topic, epochs] : assignment) {
    PartitionNumbers& numbers = partitions[topic];
    for (const auto& [partition, epoch] : epochs) numbers.append(partition);
  }
  return partitions;
}

inline EpochAssignment with_epoch(const Assignment& assignment, int32_t epoch) {
  EpochAssignment epochs;
  for (const auto& [topic, partitions] : assignment) {
    auto& epochs_of_topic = epochs[topic];
    for (int32_t partition : partitions) epochs_of_topic.emplace_hint(epochs_of_topic.end(), partition, epoch);
  }
  return epochs;
}

}  // namespace milena::coordinator
