// InSyncUpdates: tells the controller which replicas are in sync with the leaders of this shard (AlterPartition). What
// partitions want in one turn goes in one request; one request is under way at a time. Looks twice in
// replica.lag.time.max.ms for followers that have fallen behind, as long as this shard leads a partition with
// followers.
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

  // A follower of the partition has moved: perhaps another set is in sync now.
  void consider(const TopicPartitionId& id, bool may_shrink = false);
  // A partition with followers is led here.
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
  // What the controller is asked for; kept until it has answered for good.
  std::map<Uuid, std::map<int32_t, AlterPartitionRequest::PartitionData>> wanted_;
  TimerId retry_timer_ = 0;
  TimerId watch_timer_ = 0;
};

}  // namespace milena::broker
