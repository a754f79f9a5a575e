// LogSyncs: the syncs of a shard's logs, on workers: those that answers wait for (flush.messages), those that are due
// (flush.ms, the recovery point of full segments), and those of moves. One at a time for a partition.
//
// Lives on its shard. Source: Kafka's LogManager.flushDirtyLogs, UnifiedLog.flush.
#pragma once

#include "base/result.h"
#include "broker/replica/topic_partition_id.h"
#include "broker/storage/flush_timer.h"
#include "log/partition_log.h"

namespace milena::broker {

class Partition;
class ReplicaManager;
class ShardContext;

class LogSyncs {
 public:
  LogSyncs(ShardContext& shard, ReplicaManager& replicas);

  // Runs `sync` on a worker. One at a time for a partition: not while sync_running().
  void sync_in_background(Partition& partition, Result<log::LogSync> sync);
  // Syncs are not held back any more: the waiting requests are answered, or get their sync.
  void go_on_syncing(Partition& partition);

  // Syncs the partition's log in the background for flush.messages and flush.ms, now or when it is due.
  void consider_flush(Partition& partition);
  // The same for all logs that were opened while the node loaded.
  void start_flushes();
  void stop() { flush_timer_.stop(); }

 private:
  void sync_again(const ReplicaRef& of, log::LogSync sync);
  void finish_sync(const ReplicaRef& of, const log::LogSync& sync, const Status& status);
  void sync_if_due(Partition& partition);

  ShardContext& shard_;
  ReplicaManager& replicas_;
  FlushTimer flush_timer_;
};

}  // namespace milena::broker
