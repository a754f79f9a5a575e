// Assigned partitions in the consumer protocol (KIP-848): by topic id, so that a topic that is deleted and created
// again is another one.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/uuid.h"

namespace milena::coordinator {

// Topic id -> partitions. No topic has an empty set.
using Assignment = std::map<Uuid, std::set<int32_t>>;

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
    for (const auto& [partition, epoch] : epochs) partitions[topic].insert(partition);
  }
  return partitions;
}

inline EpochAssignment with_epoch(const Assignment& assignment, int32_t epoch) {
  EpochAssignment epochs;
  for (const auto& [topic, partitions] : assignment) {
    for (int32_t partition : partitions) epochs[topic].emplace(partition, epoch);
  }
  return epochs;
}

}  // namespace milena::coordinator
