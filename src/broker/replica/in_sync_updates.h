// InSyncUpdates: sends the changes of in-sync sets of this shard's leaders to the controller (AlterPartition). The
// changes of one turn go in one request; one request is in flight at a time. As long as this shard leads a partition
// with followers, it looks twice in replica.lag.time.max.ms for followers that have fallen behind.
//
// Source: Kafka's AlterPartitionManager, ReplicaManager.maybeShrinkIsr.
#pragma once

#include <map>
#include <unordered_map>

#include "base/executor.h"
#include "broker/replica/topic_partition_id.h"
#include "protocol/messages/alter_partition.h"

namespace milena::broker {

class ReplicaManager;
class ShardContext;

class InSyncUpdates {
 public:
  InSyncUpdates(ShardContext& shard, ReplicaManager& replicas) : shard_(shard), replicas_(replicas) {}

  // A follower of the partition has moved: the in-sync set may change.
  void consider(const TopicPartitionId& id, bool may_shrink = false);
  // This shard leads a partition with followers.
  void watch();
  void stop();

 private:
  void collect();
  void send();
  void on_answer(ErrorCode error, const AlterPartitionResponse& response);
  void look_for_laggards();

  ShardContext& shard_;
  ReplicaManager& replicas_;
  std::unordered_map<TopicPartitionId, bool> considered_;  // and whether its set may shrink
  bool collects_ = false;
  bool under_way_ = false;
  bool stopped_ = false;
  // The requested changes; kept until the controller's final answer.
  std::map<Uuid, std::map<int32_t, AlterPartitionRequest::PartitionData>> wanted_;
  TimerId retry_timer_ = 0;
  TimerId watch_timer_ = 0;
};

}  // namespace milena::broker
