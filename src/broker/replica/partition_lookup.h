// The checks that every data request makes before it touches a partition.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/error_code.h"

namespace milena::broker {

class Partition;

// Where in the answer an item belongs that travels to its partition: index of the topic, and of the partition in it.
struct AnswerPlace {
  size_t topic = 0;
  size_t partition = 0;

  // The place of the last topic and partition of the answer as it stands.
  template <class Response>
  static AnswerPlace last_of(const Response& response) {
    return {response.topics.size() - 1, response.topics.back().partitions.size() - 1};
  }
  template <class Response>
  auto& in(Response& response) const {
    return response.topics[topic].partitions[partition];
  }
};

// Whether this node has the replica (null: it has not) in the epoch that the client believes in (-1: it does not say,
// KIP-320).
ErrorCode check_replica(const Partition* replica, int32_t claimed_epoch);

// The same, and whether the replica leads. A wrong epoch is said first, by followers too.
ErrorCode check_leader(const Partition* replica, int32_t claimed_epoch);

}  // namespace milena::broker
