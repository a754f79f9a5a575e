// LogCleaner: compacts the partitions of one shard whose cleanup.policy has it, the dirtiest first, one at a time.
// Lives on its shard. Workers do the work in steps; between them the shard swaps the cleaned segments in.
//
// A partition is considered log.cleaner.backoff.ms after an append, or when the lag settings make it due by time alone;
// an idle node is never woken. A log that cannot be cleaned (a batch in it is damaged) is logged once and left
// uncleaned until the next start. Source: Kafka's LogCleaner, LogCleanerManager.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "base/executor.h"
#include "broker/replica/topic_partition_id.h"
#include "log/partition_log.h"

namespace milena::broker {

class Partition;
class ReplicaManager;
class ShardContext;

class LogCleaner {
 public:
  LogCleaner(ShardContext& shard, ReplicaManager& replicas) : shard_(shard), replicas_(replicas) {}

  // The partition was appended to, or opened, or its settings changed: it may need cleaning.
  void consider(Partition& partition);
  void stop() { stopped_ = true; }

 private:
  struct Round;

  void look_after(int64_t delay_ms);
  void look();
  Partition* dirtiest(log::CompactionOutlook& of_it, int64_t& wait_ms);
  bool begin(Partition& partition, const log::CompactionOutlook& outlook);
  void step(std::shared_ptr<Round> round);
  void on_step(std::shared_ptr<Round> round);
  Partition* partition_of(const Round& round);
  bool is_uncleanable(const Partition& partition) const;
  bool install(Round& round, Partition& partition);
  void give_up(const std::shared_ptr<Round>& round, const Error* why);
  void note_failure(Partition& partition, const Error& why);
  int64_t pause_after_ms(uint64_t bytes) const;

  ShardContext& shard_;
  ReplicaManager& replicas_;
  std::unordered_set<TopicPartitionId> candidates_;
  std::unordered_map<TopicPartitionId, uint64_t> uncleanable_;  // with the number of that replica
  bool running_ = false;  // a round, or a check that is due at once
  bool timer_armed_ = false;
  bool stopped_ = false;
};

}  // namespace milena::broker
