// ProducerExpiry: forgets idempotent producers that were silent for producer.id.expiration.ms. Checks every
// producer.id.expiration.check.interval.ms.
//
// One timer for the partitions of a shard that have producers, none if no partition has. Source: Kafka's
// producerIdExpirationCheck in UnifiedLog, one a partition.
#pragma once

#include <unordered_set>

#include "base/executor.h"
#include "broker/replica/topic_partition_id.h"

namespace milena::broker {

class Partition;
class ReplicaManager;
class ShardContext;

class ProducerExpiry {
 public:
  ProducerExpiry(ShardContext& shard, ReplicaManager& replicas) : shard_(shard), replicas_(replicas) {}

  // Records were appended.
  void consider(Partition& partition);
  void stop();

 private:
  void schedule();
  void expire();

  ShardContext& shard_;
  ReplicaManager& replicas_;
  std::unordered_set<TopicPartitionId> watched_;
  TimerId timer_ = 0;
  bool stopped_ = false;
};

}  // namespace milena::broker
