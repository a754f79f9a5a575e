// FlushTimer: syncs the partitions of a shard that have flush.ms, even if nothing more is appended.
//
// One timer for all of them, on the shard; none if no topic has such a limit or everything is synced. Kafka checks them
// every log.flush.scheduler.interval.ms (LogManager.flushDirtyLogs); here each is synced when it is due.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_set>
#include <utility>

#include "base/executor.h"
#include "broker/replica/topic_partition_id.h"

namespace milena::broker {

class Partition;

class FlushTimer {
 public:
  using Due = std::function<void(const TopicPartitionId&)>;
  FlushTimer(Executor& executor, Due due) : executor_(executor), due_(std::move(due)) {}

  // Records were appended or synced, or the topic's limit has changed.
  void consider(Partition& partition);
  void stop();

 private:
  void wake_at(int64_t steady_ms);
  void tell_what_is_due();

  Executor& executor_;
  const Due due_;
  std::unordered_set<TopicPartitionId> waiting_;
  TimerId timer_ = 0;
  int64_t timer_at_ms_ = 0;
  bool stopped_ = false;
};

}  // namespace milena::broker
