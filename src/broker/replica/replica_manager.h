// ReplicaManager: the replicas of this node that one shard owns. Creates and removes them and gives them their role
// according to the metadata, opens and deletes their logs, and owns the objects that work on them: syncs, compaction,
// moves between directories, fetches from leaders, changes of in-sync sets.
//
// Lives on its shard, as its partitions do. Source: Kafka's ReplicaManager, LogManager.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/executor.h"
#include "broker/replica/partition.h"
#include "broker/replica/topic_partition_id.h"
#include "config/topic_config.h"
#include "metadata/image.h"

namespace milena::log {
class LogDirectory;
}  // namespace milena::log

namespace milena::broker {

class InSyncUpdates;
class LogCleaner;
class LogSyncs;
class NewDirectories;
class ProducerExpiry;
class ReplicaFetchers;
class ReplicaMover;
class ShardContext;

class ReplicaManager {
 public:
  explicit ReplicaManager(ShardContext& shard);
  ~ReplicaManager();
  ReplicaManager(const ReplicaManager&) = delete;
  ReplicaManager& operator=(const ReplicaManager&) = delete;

  // A partition of this shard; null if this node does not lead one with that id.
  Partition* find_partition(const TopicPartitionId& id);
  // The same, but includes followers.
  Partition* find_replica(const TopicPartitionId& id);
  // The same replica with the same log; null if it was removed, or moved, since. For the end of work.
  Partition* find_again(const ReplicaRef& ref);
  size_t partition_count() const { return partitions_.size(); }
  void for_each_partition(const std::function<void(Partition&)>& visit);
  // The expected number at a start.
  void reserve(size_t partitions) { partitions_.reserve(partitions); }

  LogSyncs& log_syncs() { return *log_syncs_; }
  LogCleaner& cleaner() { return *cleaner_; }
  ReplicaMover& mover() { return *mover_; }
  NewDirectories& new_directories() { return *new_directories_; }
  InSyncUpdates& in_sync_updates() { return *in_sync_updates_; }

  // The topic's settings with the broker's defaults filled in. Shared with other shards by value.
  std::shared_ptr<const config::TopicConfig> topic_config(const metadata::TopicImage& topic);
  // Fills the cache of topic_config() for all topics, so that the threads of a recovery only read it.
  void resolve_topic_configs();

  // --- the image has changed

  void apply_partition(const TopicPartitionId& id, bool created);
  void remove_topic(const metadata::ImageDelta::Topic& topic);
  void on_topic_config(ByteView topic);
  void on_altered_settings();

  // --- logs and their directories

  // The directory had a disk error: if it is the first, all of its partitions go offline, on every shard.
  void directory_failed(log::LogDirectory& directory);
  // After an error. Returns true if the directory's disk was full and the reserve was released, so that the failed
  // operation may be tried once more.
  bool spend_reserve(log::LogDirectory& directory, const Error& why);
  // Attempts an operation, and once more if that released the reserve.
  template <class Attempt>
  auto with_reserve(log::LogDirectory& directory, const Attempt& attempt) {
    auto outcome = attempt();
    if (!outcome.ok() && spend_reserve(directory, outcome.error())) outcome = attempt();
    return outcome;
  }
  // After an unclean stop, on any thread while the node loads: reads the records that were not synced. Does nothing if
  // the partition's directory is empty.
  void recover(Partition& partition);
  // Renames the partition's directory, and removes it after log.segment.delete.delay.ms. Its log must be closed. A
  // directory of another topic of that name is kept.
  void schedule_delete(log::LogDirectory& directory, const TopicPartition& name, const Uuid& topic_id);
  void remove_tree_in_background(const std::string& path);

  // Offsets of a partition have changed: checks the flush rules, and the checkpoints are due.
  void note_append(Partition& partition);
  // The checkpoints are due.
  void note_change();
  // Called at the first change after take_housekeeping_due(): an idle node is never woken.
  void set_on_first_change(Task task) { on_first_change_ = std::move(task); }
  bool take_housekeeping_due() { return std::exchange(housekeeping_due_, false); }

  // Once the node has loaded: followers begin to fetch, leaders to check their followers.
  void start_replication();
  // A broker serves: replicas there may join in-sync sets.
  void consider_in_sync_sets();
  // The node stops: answers the requests that wait at a partition.
  void end_waits();
  // Starts no more work.
  void stop();

 private:
  void set_log_config(Partition& partition, const metadata::TopicImage& topic);
  void take_role(Partition& partition, const metadata::PartitionImage& image);
  void remove_replica(const TopicPartitionId& id, const TopicPartition& name);
  void note_names_freed();
  log::LogDirectory* place_of(const TopicPartition& name, const metadata::PartitionImage& image, bool& is_new) const;
  log::LogDirectory* wanted_place_of(const TopicPartition& name) const;
  std::unique_ptr<Partition> take_out(const TopicPartitionId& id, bool topic_deleted);
  Result<std::unique_ptr<log::PartitionLog>> open_log(log::LogDirectory& directory, const TopicPartitionId& id,
                                                      const TopicPartition& name, bool is_new);
  std::shared_ptr<const log::LogConfig> log_config(const metadata::TopicImage& topic);

  ShardContext& shard_;
  std::unordered_map<TopicPartitionId, std::unique_ptr<Partition>> partitions_;
  std::unordered_map<Uuid, std::shared_ptr<const config::TopicConfig>> topic_configs_;
  std::shared_ptr<const config::TopicConfig> plain_topic_config_;  // for all topics without own settings
  std::unique_ptr<LogSyncs> log_syncs_;
  std::unique_ptr<LogCleaner> cleaner_;
  std::unique_ptr<ReplicaMover> mover_;
  std::unique_ptr<ProducerExpiry> producer_expiry_;
  std::unique_ptr<NewDirectories> new_directories_;
  std::unique_ptr<InSyncUpdates> in_sync_updates_;
  std::unique_ptr<ReplicaFetchers> fetchers_;
  bool housekeeping_due_ = false;
  bool names_freed_ = false;
  Task on_first_change_;
};

}  // namespace milena::broker
