// ReplicaMover: moves partitions of one shard to other log directories while they are written and read.
//
// The copy is a log of its own in "topic-0.<32 hex>-future" of the new directory, filled like a follower's, some bytes a
// turn. When it has everything and has it on the disk, the controller writes down the new directory, and then, in one
// turn of the loop, the rest is copied and the directories change names. A stop at any moment leaves either the old log
// and a copy that is gone on with at the next start, or the new log; see LogDirectories::find_replicas.
//
// Lives on its shard. Source: Kafka's ReplicaAlterLogDirsThread, LogManager.replaceCurrentWithFutureLog.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "broker/topic_partition_id.h"
#include "log/partition_log.h"
#include "protocol/error_code.h"

namespace milena {

class LogDirectory;
class Partition;
class Shard;

class ReplicaMover {
 public:
  explicit ReplicaMover(Shard& shard) : shard_(shard) {}
  ~ReplicaMover();

  // The replica shall be in that directory. A move that is under way to another one is given up.
  ErrorCode move(Partition& partition, LogDirectory& to);
  // Goes on with a move that the last stop interrupted. While the node loads, before the shard's thread runs.
  void resume(Partition& partition, LogDirectory& to, const std::string& path);
  // The partition goes away, or its directory failed.
  void give_up(const TopicPartitionId& id);
  void stop();

  struct Future {
    LogDirectory* directory = nullptr;
    uint64_t bytes = 0;
    int64_t log_end_offset = 0;
  };
  std::optional<Future> future_of(const TopicPartitionId& id);

 private:
  struct Move;
  using MovePtr = std::shared_ptr<Move>;

  void begin(Partition& partition, LogDirectory& to, std::string path, bool resumed);
  Partition* partition_of(const MovePtr& move);
  void copy_some(const MovePtr& move);
  Result<bool> copy(PartitionLog& from, PartitionLog& to, uint64_t budget_bytes, uint64_t& copied_bytes);
  Status meet(PartitionLog& from, PartitionLog& to);
  void sync(const MovePtr& move);
  void announce(const MovePtr& move);
  void finish(const MovePtr& move);
  Status swap(Partition& partition, Move& move);
  void fail(const MovePtr& move, const Error& error);

  Shard& shard_;
  std::unordered_map<TopicPartitionId, MovePtr> moves_;
  bool stopped_ = false;
};

}  // namespace milena
