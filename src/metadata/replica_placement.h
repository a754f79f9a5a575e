// Places the replicas of new partitions: each partition's are spread over racks, its leader is one broker after the
// previous partition's leader, and fenced brokers are chosen last.
//
// Source: Kafka's StripedReplicaPlacer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "metadata/internal_topics.h"

namespace milena::metadata {

// Replaces unset values (0): a replica on each broker, at most three, and min.insync.replicas of two with three.
InternalTopicSettings with_replicas(InternalTopicSettings settings, size_t brokers);

class ReplicaPlacement {
 public:
  // Brokers without a rack share one.
  void add(int32_t broker_id, const std::optional<Bytes>& rack, bool alive);

  size_t broker_count() const { return brokers_; }
  bool any_alive() const { return any_alive_; }
  // The replicas of the partition of this number, its leader first. There must be enough brokers, and one must be
  // alive.
  std::vector<int32_t> replicas(size_t number, size_t replication_factor) const;

 private:
  struct Rack {
    std::vector<int32_t> alive;
    std::vector<int32_t> down;
    // The rack's `next`th choice for its `turn`th partition; -1: there is none.
    int32_t choice(size_t turn, size_t next) const;
  };

  std::map<std::optional<Bytes>, Rack> racks_;
  size_t brokers_ = 0;
  bool any_alive_ = false;
};

}  // namespace milena::metadata
