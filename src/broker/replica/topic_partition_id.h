// The key of a partition inside the broker. It has the topic's id, so that a topic that was deleted and created again
// under the same name is another one.
#pragma once

#include <functional>

#include "metadata/image.h"

namespace milena::broker {

using TopicPartitionId = metadata::PartitionKey;

}  // namespace milena::broker

template <>
struct std::hash<milena::broker::TopicPartitionId> {
  size_t operator()(const milena::broker::TopicPartitionId& id) const noexcept {
    // Topic ids are random; the partition is spread so that neighbours are on different shards.
    return std::hash<milena::Uuid>()(id.topic_id) + static_cast<size_t>(id.partition) * 0x9E3779B97F4A7C15ull;
  }
};
