// The key of a partition inside the broker. It has the topic's id, so that a topic that was deleted and created again
// under the same name is another one.
#pragma once

#include <cstdint>
#include <functional>

#include "metadata/image.h"

namespace milena::broker {

using TopicPartitionId = metadata::PartitionKey;

// A replica of this node, for work that ends later. A replica may be removed and added again, or move to another
// directory, meanwhile: then it has the same id, and another log.
struct ReplicaRef {
  TopicPartitionId id;
  uint64_t number = 0;  // no other replica or log of this process has it
  bool operator==(const ReplicaRef&) const = default;
};

}  // namespace milena::broker

template <>
struct std::hash<milena::broker::TopicPartitionId> {
  size_t operator()(const milena::broker::TopicPartitionId& id) const noexcept {
    // Topic ids are random; the partition is spread so that neighbours are on different shards.
    return std::hash<milena::Uuid>()(id.topic_id) + static_cast<size_t>(id.partition) * 0x9E3779B97F4A7C15ull;
  }
};
