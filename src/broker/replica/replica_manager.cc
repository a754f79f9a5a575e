#include "broker/replica/replica_manager.h"

#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "broker/replica/in_sync_updates.h"
#include "broker/replica/replica_fetchers.h"
#include "broker/shard_context.h"
#include "broker/storage/log_cleaner.h"
#include "broker/storage/log_directories.h"
#include "broker/storage/log_syncs.h"
#include "broker/storage/new_directories.h"
#include "broker/storage/producer_expiry.h"
#include "broker/storage/replica_mover.h"
#include "log/file_cache.h"
#include "log/planted_storage_bugs.h"

namespace milena::broker {
namespace {

// A clean stop left the partition without records, according to its checkpoints. They must have an entry: a lost
// checkpoint proves nothing.
bool was_left_empty(const log::LogDirectory& directory, const TopicPartition& name) {
  const log::LogDirectory::Found found = directory.find(name);
  const bool known = found.known || MILENA_STORAGE_BUG(kUnknownCountsAsEmpty);
  return found.clean_shutdown && known && found.recovery_point == 0 && found.log_start_offset == 0 &&
         found.high_watermark == 0;
}

}  // namespace

ReplicaManager::ReplicaManager(ShardContext& shard)
    : shard_(shard),
      log_syncs_(std::make_unique<LogSyncs>(shard, *this)),
      cleaner_(std::make_unique<LogCleaner>(shard, *this)),
      mover_(std::make_unique<ReplicaMover>(shard, *this)),
      producer_expiry_(std::make_unique<ProducerExpiry>(shard, *this)),
      new_directories_(std::make_unique<NewDirectories>(shard, *this)),
      in_sync_updates_(std::make_unique<InSyncUpdates>(shard, *this)),
      fetchers_(std::make_unique<ReplicaFetchers>(shard, *this)) {}

ReplicaManager::~ReplicaManager() = default;

Partition* ReplicaManager::find_replica(const TopicPartitionId& id) {
  CHECK(shard_.is_current(), "a replica is looked up by a thread that does not own it");
  auto found = partitions_.find(id);
  return found == partitions_.end() ? nullptr : found->second.get();
}

Partition* ReplicaManager::find_again(const ReplicaRef& ref) {
  Partition* replica = find_replica(ref.id);
  if (MILENA_REPLICA_BUG(kResultOfAnotherReplica)) return replica;
  return replica != nullptr && replica->ref() == ref ? replica : nullptr;
}

Partition* ReplicaManager::find_partition(const TopicPartitionId& id) {
  Partition* replica = find_replica(id);
  return replica != nullptr && replica->leads() ? replica : nullptr;
}

void ReplicaManager::for_each_partition(const std::function<void(Partition&)>& visit) {
  for (auto& [id, partition] : partitions_) visit(*partition);
}

std::shared_ptr<const config::TopicConfig> ReplicaManager::topic_config(const metadata::TopicImage& topic) {
  auto known = topic_configs_.find(topic.id);
  if (known != topic_configs_.end()) return known->second;
  const config::ConfigMap& own = shard_.image().configs(metadata::ResourceType::kTopic, topic.name);
  std::shared_ptr<const config::TopicConfig> config = own.empty() ? plain_topic_config_ : nullptr;
  if (config == nullptr)
    config = std::make_shared<const config::TopicConfig>(config::resolve_topic_config(own, shard_.broker_settings()));
  if (own.empty()) plain_topic_config_ = config;
  topic_configs_.emplace(topic.id, config);
  return config;
}

void ReplicaManager::resolve_topic_configs() {
  for (const metadata::TopicImage& topic : shard_.image().topics()) topic_config(topic);
}

std::shared_ptr<const log::LogConfig> ReplicaManager::log_config(const metadata::TopicImage& topic) {
  std::shared_ptr<const config::TopicConfig> from = topic_config(topic);
  auto config = std::make_shared<log::LogConfig>();
  config->segment_bytes = from->segment_bytes;
  config->segment_ms = from->segment_ms;
  config->segment_jitter_ms = from->segment_jitter_ms;
  config->preallocate = from->preallocate;
  config->index_interval_bytes = from->index_interval_bytes;
  config->segment_index_bytes = from->segment_index_bytes;
  config->flush_messages = from->flush_messages;
  config->flush_ms = from->flush_ms;
  config->retention_ms = from->retention_ms;
  config->retention_bytes = from->retention_bytes;
  config->file_delete_delay_ms = from->file_delete_delay_ms;
  config->min_cleanable_dirty_ratio = from->min_cleanable_dirty_ratio;
  config->delete_retention_ms = from->delete_retention_ms;
  config->min_compaction_lag_ms = from->min_compaction_lag_ms;
  config->max_compaction_lag_ms = from->max_compaction_lag_ms;
  config->cleanup_delete = from->cleanup_delete;
  config->cleanup_compact = from->cleanup_compact;
  config->max_producer_id_expiration_ms = shard_.settings().get_long("producer.id.expiration.ms");
  config->verify_transactions = shard_.verifies_transactions();
  return config;
}

void ReplicaManager::on_topic_config(ByteView name) {
  const metadata::TopicImage* topic = shard_.image().find_topic(name);
  if (topic == nullptr) return;
  topic_configs_.erase(topic->id);
  for (int32_t p = 0; p < topic->partition_count(); p++) {
    Partition* partition = find_replica({topic->id, p});
    if (partition != nullptr && partition->log_if_open() != nullptr) set_log_config(*partition, *topic);
  }
}

void ReplicaManager::set_log_config(Partition& partition, const metadata::TopicImage& topic) {
  partition.log_if_open()->set_config(log_config(topic));
  log_syncs_->consider_flush(partition);
}

void ReplicaManager::on_altered_settings() {
  topic_configs_.clear();  // the broker's settings are the topics' defaults
  plain_topic_config_.reset();
  for (auto& [id, partition] : partitions_) {
    const metadata::TopicImage* topic = shard_.image().find_topic(id.topic_id);
    if (topic != nullptr && partition->log_if_open() != nullptr) set_log_config(*partition, *topic);
  }
}

void ReplicaManager::apply_partition(const TopicPartitionId& id, bool created) {
  const metadata::TopicImage* topic = shard_.image().find_topic(id.topic_id);
  if (topic == nullptr || !shard_.router().owns(shard_.shard(), id)) return;
  const metadata::PartitionImage* image = topic->partition(id.partition);
  const bool is_replica = image != nullptr && image->replicas.contains(shard_.node().node_id);
  auto found = partitions_.find(id);
  if (!is_replica) {
    if (found == partitions_.end()) return;
    return remove_replica(id, {topic->name, id.partition});
  }
  if (found != partitions_.end()) return take_role(*found->second, *image);
  TopicPartition name{topic->name, id.partition};
  bool is_new = created && !shard_.node().directories->loading();
  log::LogDirectory* place = place_of(name, *image, is_new);
  if (is_new && !shard_.node().directories->loading()) {
    if (log::LogDirectory* wanted = wanted_place_of(name)) place = wanted;
  }
  // Replicas that were found on the disk are counted already.
  const bool found_there = shard_.node().directories->loading() && !is_new;
  if (place != nullptr && !found_there) place->count_replicas(1);
  auto partition = std::make_unique<Partition>(
      shard_, *this, id, name, place,
      [this, place, id, name, is_new] { return open_log(*place, id, name, is_new); });
  // If a replica is found while the node loads and was never synced, it may still have records after an unclean stop:
  // recover().
  if (is_new || (shard_.node().directories->loading() && place != nullptr && was_left_empty(*place, name))) {
    partition->set_known_empty();
  }
  if (is_new && place != nullptr) {
    new_directories_->add(partition->ref(), *place, place->partition_path(name), NewDirectories::OnDisk::kNothing);
  }
  const bool told = place == nullptr || image->directory(shard_.node().node_id) == place->id();
  take_role(*partitions_.emplace(id, std::move(partition)).first->second, *image);
  if (!told && !shard_.node().directories->loading()) mover_->tell_place(id, *place);
}

void ReplicaManager::take_role(Partition& partition, const metadata::PartitionImage& image) {
  partition.take_role(image);
  if (partition.leads()) {
    fetchers_->unfollow(partition.id());
  } else if (!partition.offline()) {
    fetchers_->follow(partition.id(), image.leader);
  }
}

// The replica was moved to another broker: its log is not needed here any more.
void ReplicaManager::remove_replica(const TopicPartitionId& id, const TopicPartition& name) {
  std::unique_ptr<Partition> partition = take_out(id, false);
  partition->end_waits(ErrorCode::kNotLeaderOrFollower);
  log::LogDirectory* directory = partition->directory();
  partition.reset();
  if (new_directories_->take(id)) return;
  if (directory != nullptr && directory->online()) schedule_delete(*directory, name, id.topic_id);
  note_names_freed();
}

// The checkpoints have partitions by name: offsets of a removed one must not be used for a new one of the same name.
void ReplicaManager::note_names_freed() {
  if (!shard_.node().write_checkpoints || std::exchange(names_freed_, true)) return;
  shard_.executor().at_end_of_turn([this] {
    names_freed_ = false;
    if (!shard_.closed()) shard_.write_checkpoints([](bool) {});
  });
}

// The directory of the replica, existing or new; null if it does not work. The checkpoints only have entries from
// before this start. A topic that was created since under the same name is new.
log::LogDirectory* ReplicaManager::place_of(const TopicPartition& name, const metadata::PartitionImage& image,
                                            bool& is_new) const {
  const LogDirectories& all = *shard_.node().directories;
  if (all.loading()) {
    if (log::LogDirectory* found = all.found(name)) return found;
    is_new = true;
  }
  const Uuid assigned = image.directory(shard_.node().node_id);
  log::LogDirectory* place = all.find(assigned);
  const bool nowhere =
      assigned == kDirectoryUnassigned || assigned == kDirectoryMigrating || assigned == kDirectoryLost;
  if (place == nullptr && nowhere) place = all.emptiest(all.cordoned_ids(shard_.settings()));
  if (place != nullptr && !is_new) is_new = !shard_.node().files->file_system().exists(place->partition_path(name));
  return place;
}

// The directory that a client chose for the replica. Null if there is none, or it cannot be used.
log::LogDirectory* ReplicaManager::wanted_place_of(const TopicPartition& name) const {
  log::LogDirectory* wanted = shard_.node().wanted_places->take(name);
  const bool free = wanted != nullptr && wanted->online() &&
                    !shard_.node().files->file_system().exists(wanted->partition_path(name));
  return free ? wanted : nullptr;
}

Result<std::unique_ptr<log::PartitionLog>> ReplicaManager::open_log(log::LogDirectory& directory,
                                                                    const TopicPartitionId& id,
                                                                    const TopicPartition& name, bool is_new) {
  const metadata::TopicImage* topic = shard_.image().find_topic(id.topic_id);
  CHECK(topic != nullptr, "the log of {} is wanted, which is not in the image", name.to_string());
  std::string path = directory.partition_path(name);
  new_directories_->take(id);
  auto occupant = directory.make_way(name, id.topic_id, shard_.executor().random());
  RETURN_IF_ERROR(occupant);
  // After the deletion of a topic of this name, a crash came before the move of its directory, or the move failed.
  is_new |= *occupant == log::LogDirectory::Occupant::kSetAside;
  // Where the controller is another node the topic may have been deleted and made again while this one was away: the
  // checkpoints may be about the one before.
  const bool unnamed = *occupant == log::LogDirectory::Occupant::kUnnamed && shard_.node().metadata == nullptr;
  const log::LogDirectory::Found found = directory.find(name);
  // A failure of the machine may have left a file there whose records begin behind a hole.
  log::OpenState state{.clean_shutdown = is_new || found.clean_shutdown || MILENA_REPLICA_BUG(kUnnamedCountsAsClean)};
  if (!is_new && !unnamed) {
    state = log::OpenState{found.clean_shutdown, found.recovery_point,     found.log_start_offset,
                           found.high_watermark, found.first_dirty_offset, {}};
  }
  auto log = log::PartitionLog::open(*shard_.node().files, shard_.executor().clock(), path, name, log_config(*topic),
                                     std::move(state));
  if (log.ok() && *occupant != log::LogDirectory::Occupant::kOurs) RETURN_IF_ERROR((*log)->set_topic_id(id.topic_id));
  return log;
}

void ReplicaManager::recover(Partition& partition) {
  log::LogDirectory& directory = *partition.directory();
  const TopicPartition& name = partition.topic_partition();
  if (partition.known_empty()) return;
  const log::LogDirectory::Found found = directory.find(name);
  if (found.recovery_point == 0 && found.log_start_offset == 0) {
    auto used = directory.holds_segments(name);
    if (used && !*used) {
      partition.set_known_empty();
      // Its partition.metadata may be missing.
      return new_directories_->add(partition.ref(), directory, directory.partition_path(name),
                                   NewDirectories::OnDisk::kExists);
    }
  }
  partition.log();
}

void ReplicaManager::remove_topic(const metadata::ImageDelta::Topic& topic) {
  topic_configs_.erase(topic.id);
  for (int32_t p = 0; p < topic.partition_count; p++) {
    std::unique_ptr<Partition> partition = take_out({topic.id, p}, true);
    if (partition == nullptr) continue;
    partition->end_waits(ErrorCode::kNotLeaderOrFollower);
    log::LogDirectory* directory = partition->directory();
    partition.reset();
    if (new_directories_->take({topic.id, p})) continue;
    if (directory != nullptr && directory->online()) schedule_delete(*directory, {topic.name, p}, topic.id);
  }
  // If the controller is this node, it has them written before the name may be used again.
  if (shard_.node().metadata == nullptr) note_names_freed();
}

// Removed from the map first: callbacks of end_waits() must not find it.
std::unique_ptr<Partition> ReplicaManager::take_out(const TopicPartitionId& id, bool topic_deleted) {
  fetchers_->unfollow(id);
  mover_->give_up(id, topic_deleted);
  auto node = partitions_.extract(id);
  if (node.empty()) return nullptr;
  if (log::LogDirectory* directory = node.mapped()->directory()) directory->count_replicas(-1);
  return std::move(node.mapped());
}

void ReplicaManager::schedule_delete(log::LogDirectory& directory, const TopicPartition& name, const Uuid& topic_id) {
  auto doomed = directory.schedule_delete(name, topic_id, shard_.executor().random());
  if (!doomed) return log_error("cannot mark {} for deletion: {}", name.to_string(), doomed.error().message);
  int64_t delay_ms = shard_.settings().get_long("log.segment.delete.delay.ms");
  shard_.executor().call_after(delay_ms, [this, path = doomed.take()] { remove_tree_in_background(path); });
}

void ReplicaManager::remove_tree_in_background(const std::string& path) {
  auto failed = std::make_shared<Status>(ok_status());
  // The name is synced first: otherwise a loss of power could leave half of the files under the old name.
  shard_.executor().run_blocking([failed, &files = shard_.node().files->file_system(), path] {
                           *failed = files.sync_directory(parent_directory(path));
                           if (*failed) *failed = files.remove_tree(path);
                         },
                         [failed, path] {
                           if (!failed->ok()) log_warn("cannot remove {}: {}", path, failed->error().message);
                         });
}

void ReplicaManager::note_change() {
  if (!housekeeping_due_ && on_first_change_) on_first_change_();
  housekeeping_due_ = true;
}

void ReplicaManager::note_append(Partition& partition) {
  note_change();
  producer_expiry_->consider(partition);
  if (partition.log_if_open() != nullptr && partition.log_if_open()->config().cleanup_compact)
    cleaner_->consider(partition);
  log_syncs_->consider_flush(partition);
}

void ReplicaManager::start_replication() {
  for_each_partition([this](Partition& partition) {
    const metadata::PartitionImage* image =
        shard_.image().find_partition({partition.id().topic_id, partition.id().partition});
    if (image == nullptr) return;
    if (!partition.leads() && !partition.offline()) fetchers_->follow(partition.id(), image->leader);
    if (partition.leader() != nullptr) {
      in_sync_updates_->watch();
      in_sync_updates_->consider(partition.id());
    }
  });
}

void ReplicaManager::consider_in_sync_sets() {
  for_each_partition([this](Partition& partition) {
    if (partition.leader() != nullptr) in_sync_updates_->consider(partition.id());
  });
}

bool ReplicaManager::spend_reserve(log::LogDirectory& directory, const Error& why) {
  if (!directory.spend_reserve(why)) return false;
  shard_.node().on_reserve_spent(shard_.shard());
  return true;
}

void ReplicaManager::directory_failed(log::LogDirectory& directory) {
  if (shard_.closed() || !directory.take_offline()) return;
  if (shard_.node().directories->loading())
    return;  // on a thread of the recovery: the node looks at the directories behind it
  log_error("the log directory {} goes offline with all its partitions", directory.path());
  // In a turn of its own: whoever uses another log of the directory at this moment keeps it until then.
  shard_.executor().post([this, &directory] {
    if (!shard_.closed() && shard_.node().on_directory_failure)
      shard_.node().on_directory_failure(shard_.shard(), directory);
  });
}

void ReplicaManager::end_waits() {
  for (auto& [id, partition] : partitions_) partition->end_waits(ErrorCode::kNotLeaderOrFollower);
}

void ReplicaManager::stop() {
  cleaner_->stop();
  mover_->stop();
  log_syncs_->stop();
  producer_expiry_->stop();
  new_directories_->stop();
  in_sync_updates_->stop();
  fetchers_->stop();
}

}  // namespace milena::broker
