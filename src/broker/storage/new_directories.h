// NewDirectories: partitions of a shard that exist and can be used, but have no directory on the disk yet.
//
// Making a directory takes the kernel a millisecond or two, so the creation of a topic with a thousand partitions is
// answered without them: the metadata log has everything that must not be lost, and a missing directory is made empty.
// Each is made by the first opener of the log, or some time later by a worker that goes through them, a few at a time
// and with pauses as long as its work. A stop makes as many as there is time for and leaves the others to the next
// start, which adds them again.
//
// Lives on its shard. Only `Queue` is shared with the worker; callers wait only for the directory that is being made.
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
  void add(const ReplicaRef& replica, log::LogDirectory& in, std::string path, OnDisk there);
  void start();
  // The worker will not make it from now on. Returns true if the worker has not made it yet.
  bool take(const TopicPartitionId& id);
  size_t size() const;
  // At an orderly stop: makes as many as it can in that time, so that the next broker finds them. Blocking.
  void make_within(int64_t ms);
  // After this none is made any more, except one in progress.
  void stop();

 private:
  class Queue;
  struct Failure {
    ReplicaRef replica;
    Error error;
  };

  void schedule(int64_t pause_ms);
  void make_some();

  ShardContext& shard_;
  ReplicaManager& replicas_;
  std::shared_ptr<Queue> queue_;  // the worker may live longer
  bool scheduled_ = false;
};

}  // namespace milena::broker
