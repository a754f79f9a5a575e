// ReplicaMover: moves partitions of one shard to other log directories while they are written and read.
//
// The copy is a log of its own in "topic-0.<32 hex>-future" of the new directory, filled like a follower's, some bytes
// a turn. When it has everything on the disk, the controller records the new directory. Then the mover holds back the
// next sync of the original, so that its recovery point does not move. In one turn of the loop the rest is copied and
// the copy takes the replica's name and place, with the state of its producers, and a log start offset that is already
// in the checkpoint of the new directory. The original is deleted when the new log and its name have been synced: on
// two file systems, a write to one proves nothing about the other. A stop at any moment leaves the old log and a copy
// that is continued at the next start, or the new log, or both; see LogDirectories::find_replicas.
//
// Nothing is compacted meanwhile: if a tombstone was removed before it was copied, the copy would keep the records that
// it deleted. Neither log is deleted while the other may still need it: a copy whose original cannot be read is kept.
//
// Lives on its shard. Source: Kafka's ReplicaAlterLogDirsThread, LogManager.replaceCurrentWithFutureLog.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "broker/replica/topic_partition_id.h"
#include "log/partition_log.h"
#include "protocol/error_code.h"

namespace milena::log {
class LogDirectory;
}  // namespace milena::log

namespace milena::broker {

class Partition;
class ReplicaManager;
class ShardContext;

class ReplicaMover {
 public:
  ReplicaMover(ShardContext& shard, ReplicaManager& replicas) : shard_(shard), replicas_(replicas) {}
  ~ReplicaMover();

  // Moves the replica to that directory. A move in progress to another one is cancelled.
  ErrorCode move(Partition& partition, log::LogDirectory& to);
  // Continues a move that the last stop interrupted. Called before any other work of the shard.
  void resume(Partition& partition, log::LogDirectory& to, const std::string& path);
  // The new replica is in a directory that the metadata does not name, because the controller of another node left the
  // choice to this one or a client had chosen it. Reports it to the controller.
  void tell_place(const TopicPartitionId& id, const log::LogDirectory& directory);
  bool is_moving(const TopicPartitionId& id) const { return moves_.contains(id); }
  // The partition is removed. If its topic was deleted, all its files are deleted, otherwise they are kept for the next
  // start.
  void give_up(const TopicPartitionId& id, bool topic_deleted);
  // A sync of the partition's log has succeeded. The next one may be held back: then sync_running() is true.
  void after_sync(Partition& partition);
  void stop();

  struct Future {
    log::LogDirectory* directory = nullptr;
    uint64_t bytes = 0;
    int64_t log_end_offset = 0;
  };
  std::optional<Future> future_of(const TopicPartitionId& id);
  // Calls `visit` for each copy with the log start offset of its original: the checkpoint of the copy's directory must
  // have it before the copy replaces the original.
  using VisitStart = std::function<void(log::LogDirectory& to, const TopicPartition& name, int64_t log_start_offset)>;
  void for_each_log_start(const VisitStart& visit);

 private:
  struct Move;
  using MovePtr = std::shared_ptr<Move>;
  // The fate of the copy when a move ends early.
  enum class Copy { kRemoved, kKept };
  struct Original {
    TopicPartition name;
    log::LogDirectory* directory = nullptr;
  };

  void begin(Partition& partition, log::LogDirectory& to, std::string path, bool resumed);
  Partition* partition_of(const MovePtr& move);
  void copy_some(const MovePtr& move);
  void pause(const MovePtr& move, uint64_t copied_bytes, int64_t since_ms);
  Status carry_producers(Move& move, log::PartitionLog& from);
  Result<bool> copy(Move& move, log::PartitionLog& from, uint64_t budget_bytes, uint64_t& copied_bytes);
  Status meet(log::PartitionLog& from, log::PartitionLog& to);
  static Status begin_anew_if_compacted(log::PartitionLog& from, log::PartitionLog& to);
  void sync(const MovePtr& move);
  void announce(const MovePtr& move);
  void assign(const TopicPartitionId& id, const log::LogDirectory& directory, Task done);
  void assign_remotely(const ReplicaRef& of, const log::LogDirectory& directory, Task done);
  bool is_latest(const ReplicaRef& of) const;
  void finish(const MovePtr& move);
  bool log_start_written(const MovePtr& move, int64_t log_start_offset);
  Status swap(Partition& partition, Move& move);
  void end(MovePtr move, Copy copy);
  void keep_copy(Move& move);
  void fail(const MovePtr& move, const Error& error);
  void delete_original(const TopicPartitionId& id);
  void finish_original(const TopicPartitionId& id);

  ShardContext& shard_;
  ReplicaManager& replicas_;
  std::unordered_map<TopicPartitionId, MovePtr> moves_;
  std::unordered_map<TopicPartitionId, Original> originals_;  // moved, and the new log is being synced
  // The number of the newest request to a controller of another node, which is repeated until it is answered.
  std::unordered_map<TopicPartitionId, uint64_t> assignments_;
  bool stopped_ = false;
};

}  // namespace milena::broker
