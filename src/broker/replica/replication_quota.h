// ReplicationQuota: limits the bytes per second of the replicas that an administrator has throttled (KIP-73), so that a
// reassignment leaves bandwidth for clients. A node has one as a leader and one as a follower; all shards share them.
//
// Source: Kafka's ReplicationQuotaManager.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/rate_meter.h"
#include "broker/replica/topic_partition_id.h"

namespace milena::broker {

class ShardContext;

class ReplicationQuota {
 public:
  ReplicationQuota(int windows, int64_t window_ms) : meter_(windows, window_ms) {}

  void record(double bytes, int64_t now_ms) {
    std::lock_guard lock(mutex_);
    meter_.record(bytes, now_ms);
  }
  double rate(int64_t now_ms) const {
    std::lock_guard lock(mutex_);
    return meter_.rate(now_ms);
  }

 private:
  mutable std::mutex mutex_;  // guards meter_
  RateMeter meter_;
};

enum class ReplicationSide { kLeader, kFollower };

// The throttled replicas on one side of this node, according to its settings and those of the topics.
class ThrottledReplicas {
 public:
  ThrottledReplicas(const ShardContext& shard, ReplicationSide side);

  // Whether a rate is set.
  bool any() const;
  // Whether the topic's list names that replica.
  bool contains(const TopicPartitionId& id, int32_t broker_id) const;
  bool rate_exceeded() const;
  void record(uint64_t bytes) const;

 private:
  const ShardContext& shard_;
  const bool leader_;
  const int64_t limit_;
};

}  // namespace milena::broker
