// NewDirectories: partitions of a shard that are known and can be used, but have no directory on the disk yet.
//
// A directory costs the kernel a millisecond or two, so a topic of a thousand partitions is answered for without them:
// the metadata log holds what must not be lost, and who finds no directory makes an empty one. Each is made by
// whichever comes first: whoever opens the log, or, some time later, a worker that goes through them, a few at a time
// and with pauses as long as its work. A stop makes as many as there is time for and leaves the rest to the next start,
// which adds them again.
//
// Lives on its shard. Only `Queue` is shared with the worker: one that is being made is waited for, the others are not.
// Kafka makes the directories when the broker applies the metadata (LogManager.getOrCreateLog).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/replica/topic_partition_id.h"

namespace milena {
class FileSystem;
}  // namespace milena

namespace milena::log {
class LogDirectory;
}  // namespace milena::log

namespace milena::broker {

class ReplicaManager;
class ShardContext;

class NewDirectories {
 public:
  NewDirectories(ShardContext& shard, ReplicaManager& replicas);
  ~NewDirectories();

  // While the node loads any thread may add, and nothing is begun before start(). A directory that was found on the
  // disk, with its partition.metadata missing perhaps, is kExists.
  enum class OnDisk { kNothing, kExists };
  void add(const TopicPartitionId& id, log::LogDirectory& in, std::string path, OnDisk there);
  void start();
  // The worker will not make it from now on. True if it has not: nothing of ours is there.
  bool take(const TopicPartitionId& id);
  size_t size() const;
  // At a stop in order: makes what it can in that time, so that the next broker finds what it expects. Blocking.
  void make_within(int64_t ms);
  // Nothing is made any more, when this returns but for one that was begun.
  void stop();

 private:
  class Queue;
  struct Failure {
    TopicPartitionId id;
    Error error;
  };

  void schedule(int64_t pause_ms);
  void make_some();

  ShardContext& shard_;
  ReplicaManager& replicas_;
  std::shared_ptr<Queue> queue_;  // the worker may outlive us
  bool scheduled_ = false;
};

}  // namespace milena::broker
