// The checks that every data request makes before it touches a partition.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/error_code.h"

namespace milena::broker {

class Partition;

// The place in the answer of an item that travels to its partition: index of the topic, and of the partition in it.
struct AnswerPlace {
  size_t topic = 0;
  size_t partition = 0;

  // The place of the current last topic and partition of the answer.
  template <class Response>
  static AnswerPlace last_of(const Response& response) {
    return {response.topics.size() - 1, response.topics.back().partitions.size() - 1};
  }
  template <class Response>
  auto& in(Response& response) const {
    return response.topics[topic].partitions[partition];
  }
};

// Checks that this node has the replica (null: it has not) in the client's epoch (-1: not given, KIP-320).
ErrorCode check_replica(const Partition* replica, int32_t claimed_epoch);

// The same, and that the replica leads. A wrong epoch is reported first, by followers too.
ErrorCode check_leader(const Partition* replica, int32_t claimed_epoch);

}  // namespace milena::broker
