#include "broker/shard.h"

#include <fmt/format.h>

#include <set>

#include "base/log.h"
#include "broker/cluster/broker_lifecycle.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/coordinators/group_runtime.h"
#include "broker/coordinators/transaction_runtime.h"
#include "broker/storage/log_cleaner.h"
#include "broker/storage/replica_mover.h"
#include "log/planted_storage_bugs.h"
#include "metadata/layered_settings.h"
#include "security/acl_authorizer.h"

namespace milena {
namespace {

// After a sync for which no file could be opened.
constexpr int64_t kSyncAgain_ms = 100;

size_t session_slots(const Settings& settings, size_t shard_count) {
  auto slots = static_cast<size_t>(settings.get_long("max.incremental.fetch.session.cache.slots"));
  return (slots + shard_count - 1) / shard_count;
}

// A clean stop left the partition without records, as its checkpoints say. They must say so: a checkpoint
// that is lost says nothing.
bool was_left_empty(const LogDirectory& directory, const TopicPartition& name) {
  const LogDirectory::Found found = directory.find(name);
  const bool known = found.known || MILENA_STORAGE_BUG(kUnknownCountsAsEmpty);
  return found.clean_shutdown && known && found.recovery_point == 0 && found.log_start_offset == 0 &&
         found.high_watermark == 0;
}

std::unique_ptr<AclAuthorizer> make_authorizer(const AuthorizerSettings& wanted) {
  if (!wanted.enforced) return nullptr;
  return std::make_unique<AclAuthorizer>(wanted.super_users, wanted.allow_if_no_acl);
}

}  // namespace

Shard::Shard(NodeContext& node, size_t index, size_t count, Executor& executor)
    : node_(node),
      index_(index),
      executor_(executor),
      // Not ours to delete.
      settings_(std::shared_ptr<void>(), node.settings),
      fetch_sessions_(index, count, session_slots(*node.settings, count), executor.random()),
      quotas_(*this),
      telemetry_(count),
      acls_(make_authorizer(node.authorization)),
      authorizer_(acls_ != nullptr ? acls_.get() : &allow_all_authorizer()),
      audit_log_(executor, node.audit_file),
      groups_(std::make_unique<GroupRuntime>(*this)),
      transactions_(std::make_unique<TransactionRuntime>(*this)),
      cleaner_(std::make_unique<LogCleaner>(*this)),
      mover_(std::make_unique<ReplicaMover>(*this)),
      flush_timer_(*this),
      producer_expiry_(*this),
      new_directories_(*this),
      in_sync_updates_(*this),
      replica_fetchers_(*this) {}

Shard::~Shard() = default;

Partition* Shard::find_replica(const TopicPartitionId& id) {
  auto found = partitions_.find(id);
  return found == partitions_.end() ? nullptr : found->second.get();
}

Partition* Shard::find_partition(const TopicPartitionId& id) {
  Partition* replica = find_replica(id);
  return replica != nullptr && replica->leads() ? replica : nullptr;
}

void Shard::for_each_partition(const std::function<void(Partition&)>& visit) {
  for (auto& [id, partition] : partitions_) visit(*partition);
}

BrokerSettings Shard::broker_settings() const {
  return layered_broker_settings(image_, node_.node_id, node_.settings);
}

std::shared_ptr<const TopicConfig> Shard::topic_config(const TopicImage& topic) {
  auto known = topic_configs_.find(topic.id);
  if (known != topic_configs_.end()) return known->second;
  const ConfigMap& own = image_.configs(ResourceType::kTopic, topic.name);
  std::shared_ptr<const TopicConfig> config = own.empty() ? plain_topic_config_ : nullptr;
  if (config == nullptr) config = std::make_shared<const TopicConfig>(resolve_topic_config(own, broker_settings()));
  if (own.empty()) plain_topic_config_ = config;
  topic_configs_.emplace(topic.id, config);
  return config;
}

void Shard::resolve_topic_configs() {
  for (const TopicImage& topic : image_.topics()) topic_config(topic);
}

std::shared_ptr<const LogConfig> Shard::log_config(const TopicImage& topic) {
  std::shared_ptr<const TopicConfig> from = topic_config(topic);
  auto config = std::make_shared<LogConfig>();
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
  config->max_producer_id_expiration_ms = settings().get_long("producer.id.expiration.ms");
  config->verify_transactions = verifies_transactions();
  return config;
}

void Shard::apply_metadata(const MetadataRecords& records, int64_t last_offset) {
  ImageDelta delta;
  for (const MetadataRecord& record : records) {
    Status applied = image_.apply(record, delta);
    CHECK(applied.ok(), "a committed metadata record cannot be applied: {}", applied.error().message);
  }
  metadata_offset_ = last_offset;
  if (delta.features) features_offset_ = last_offset;
  if (index_ == 0 && !node_.directories->loading()) log_topic_changes(delta);
  for (const auto& topic : delta.topics_deleted) remove_topic(topic);
  for (const auto& config : delta.configs) apply_config(config);
  for (const auto& change : delta.partitions) apply_partition(change.key, change.created);
  if (delta.client_quotas) quotas_.on_metadata();
  for (const Uuid& id : delta.acls) apply_acl(id);
  if (delta.delegation_tokens && index_ == 0 && node_.on_delegation_tokens) node_.on_delegation_tokens();
  groups_->on_metadata(delta);
  transactions_->on_metadata(delta);
}

void Shard::apply_acl(const Uuid& id) {
  if (acls_ == nullptr) return;
  const auto found = image_.acls().find(id);
  if (found == image_.acls().end()) return acls_->remove(id);
  const AccessControlEntryRecord& acl = found->second;
  acls_->set(id, {acl_resource_type(acl.resource_type), acl_pattern_type(acl.pattern_type), acl.resource_name,
                  acl.principal, acl.host, acl_operation(acl.operation), acl_permission_type(acl.permission_type)});
}

void Shard::log_topic_changes(const ImageDelta& delta) const {
  for (const auto& topic : delta.topics_deleted) log_info("Topic {} deleted", topic.name);
  std::set<Bytes> told;
  for (const auto& topic : delta.topics_created) {
    const TopicImage* now = image_.find_topic(topic.name);
    if (now == nullptr || !told.insert(topic.name).second) continue;
    log_info("Topic {} created with {} partitions", topic.name, now->partition_count());
  }
  std::set<Bytes> grown;
  for (const auto& change : delta.partitions) {
    const TopicImage* topic = change.created ? image_.find_topic(change.key.topic_id) : nullptr;
    if (topic == nullptr || told.contains(topic->name) || !grown.insert(topic->name).second) continue;
    log_info("Topic {} altered: {} partitions", topic->name, topic->partition_count());
  }
  for (const ConfigResource& resource : delta.configs) {
    if (resource.type != ResourceType::kTopic || told.contains(resource.name)) continue;
    const ConfigMap& configs = image_.configs(ResourceType::kTopic, resource.name);
    if (image_.find_topic(resource.name) == nullptr) continue;
    std::string all;
    for (const auto& [name, value] : configs) all += fmt::format(" {}={}", name, value);
    log_info("Topic {} altered:{}", resource.name, all.empty() ? " no configs of its own" : all);
  }
}

void Shard::apply_config(const ConfigResource& resource) {
  if (resource.type == ResourceType::kBroker) return apply_altered_settings(resource);
  if (resource.type == ResourceType::kClientMetrics) return telemetry_.on_config(image_, resource);
  if (resource.type != ResourceType::kTopic) return;
  const TopicImage* topic = image_.find_topic(resource.name);
  if (topic == nullptr) return;
  topic_configs_.erase(topic->id);
  for (int32_t p = 0; p < topic->partition_count(); p++) {
    Partition* partition = find_replica({topic->id, p});
    if (partition != nullptr && partition->log_if_open() != nullptr) set_log_config(*partition, *topic);
  }
}

void Shard::set_log_config(Partition& partition, const TopicImage& topic) {
  partition.log_if_open()->set_config(log_config(topic));
  consider_flush(partition);
}

void Shard::apply_altered_settings(const ConfigResource& resource) {
  const Bytes own_name = fmt::format("{}", node_.node_id);
  if (!resource.name.empty() && resource.name != own_name) return;
  std::vector<std::string> ignored;
  settings_ = std::make_shared<const Settings>(
      node_.settings->with_altered(image_.configs(ResourceType::kBroker, ""),
                                   image_.configs(ResourceType::kBroker, own_name), &ignored));
  topic_configs_.clear();  // the broker's settings are the topics' defaults
  plain_topic_config_.reset();
  for (auto& [id, partition] : partitions_) {
    const TopicImage* topic = image_.find_topic(id.topic_id);
    if (topic != nullptr && partition->log_if_open() != nullptr) set_log_config(*partition, *topic);
  }
  if (index_ != 0) return;
  if (node_.metadata != nullptr || node_.lifecycle != nullptr) {
    executor_.post([this] { tell_cordoned_directories(); });
  }
  for (const std::string& text : ignored) {
    if (first_time(text)) log_warn("{}", text);
  }
  if (node_.on_settings) node_.on_settings(*settings_);
}

// New replicas are placed by what the registration says.
void Shard::tell_cordoned_directories() {
  const BrokerImage* broker = image_.find_broker(node_.node_id);
  std::vector<Uuid> cordoned = node_.directories->cordoned_ids(settings());
  if (broker == nullptr || broker->cordoned_log_dirs == cordoned) return;
  if (node_.lifecycle != nullptr) return node_.lifecycle->set_cordoned(std::move(cordoned));
  metadata().submit<std::monostate>(
      *this,
      [id = node_.node_id, cordoned = std::move(cordoned)](const Controller& controller) {
        return controller.cordon_directories(id, cordoned);
      },
      [](std::monostate) {});
}

void Shard::apply_partition(const TopicPartitionId& id, bool created) {
  const TopicImage* topic = image_.find_topic(id.topic_id);
  if (topic == nullptr || !router().owns(*this, id)) return;
  const PartitionImage* image = topic->partition(id.partition);
  const bool is_replica = image != nullptr && image->replicas.contains(node_.node_id);
  auto found = partitions_.find(id);
  if (!is_replica) {
    if (found == partitions_.end()) return;
    return remove_replica(id, {topic->name, id.partition});
  }
  if (found != partitions_.end()) return take_role(*found->second, *image);
  TopicPartition name{topic->name, id.partition};
  bool is_new = created && !node_.directories->loading();
  LogDirectory* place = place_of(name, *image, is_new);
  if (is_new && !node_.directories->loading()) {
    if (LogDirectory* wanted = wanted_place_of(name)) place = wanted;
  }
  auto partition = std::make_unique<Partition>(
      *this, id, name, place,
      [this, place, id, name, is_new] { return open_log(*place, id, name, is_new); });
  // What is found when the node loads and was never synced may still hold something after an unclean stop: recover().
  if (is_new || (node_.directories->loading() && place != nullptr && was_left_empty(*place, name))) {
    partition->set_known_empty();
  }
  if (is_new && place != nullptr) new_directories_.add(id, *place, place->partition_path(name));
  const bool told = place == nullptr || image->directory(node_.node_id) == place->id();
  take_role(*partitions_.emplace(id, std::move(partition)).first->second, *image);
  if (!told && !node_.directories->loading()) mover_->tell_place(id, *place);
}

void Shard::take_role(Partition& partition, const PartitionImage& image) {
  partition.take_role(image);
  if (partition.leads()) {
    replica_fetchers_.unfollow(partition.id());
  } else if (!partition.offline()) {
    replica_fetchers_.follow(partition.id(), image.leader);
  }
}

// The replica was given to another broker: nobody here needs its log any more.
void Shard::remove_replica(const TopicPartitionId& id, const TopicPartition& name) {
  std::unique_ptr<Partition> partition = take_out(id, false);
  partition->end_waits(ErrorCode::kNotLeaderOrFollower);
  LogDirectory* directory = partition->directory();
  partition.reset();
  if (new_directories_.take(id)) return;
  if (directory != nullptr && directory->online()) schedule_delete(*directory, name, id.topic_id);
  note_names_freed();
}

// The checkpoints know partitions by their names: what they say of one that is gone must not be said of one that comes
// under its name.
void Shard::note_names_freed() {
  if (!node_.write_checkpoints || std::exchange(names_freed_, true)) return;
  executor_.at_end_of_turn([this] {
    names_freed_ = false;
    if (!closed_) write_checkpoints([](bool) {});
  });
}

// The directory that the replica is in, or is to be made in; null if that does not work. What the checkpoints say is
// about the directories of before this start, not about a topic of the same name now: that one is new.
LogDirectory* Shard::place_of(const TopicPartition& name, const PartitionImage& image, bool& is_new) const {
  const LogDirectories& all = *node_.directories;
  if (all.loading()) {
    if (LogDirectory* found = all.found(name)) return found;
    is_new = true;
  }
  const Uuid assigned = image.directory(node_.node_id);
  LogDirectory* place = all.find(assigned);
  const bool nowhere =
      assigned == kDirectoryUnassigned || assigned == kDirectoryMigrating || assigned == kDirectoryLost;
  if (place == nullptr && nowhere) place = all.any();
  if (place != nullptr && !is_new) is_new = !node_.files->file_system().exists(place->partition_path(name));
  return place;
}

// Where a client said that the replica shall be made. Null if nobody did, or it cannot be there.
LogDirectory* Shard::wanted_place_of(const TopicPartition& name) const {
  LogDirectory* wanted = node_.wanted_places->take(name);
  const bool free =
      wanted != nullptr && wanted->online() && !node_.files->file_system().exists(wanted->partition_path(name));
  return free ? wanted : nullptr;
}

Result<std::unique_ptr<PartitionLog>> Shard::open_log(LogDirectory& directory, const TopicPartitionId& id,
                                                      const TopicPartition& name, bool is_new) {
  const TopicImage* topic = image_.find_topic(id.topic_id);
  CHECK(topic != nullptr, "the log of {} is wanted, which is not in the image", name.to_string());
  std::string path = directory.partition_path(name);
  new_directories_.take(id);
  auto occupant = directory.make_way(name, id.topic_id, executor_.random());
  if (!occupant) return occupant.error();
  // A crash came between the deletion of a topic of this name and the move of its directory, or the move failed.
  is_new |= *occupant == LogDirectory::Occupant::kSetAside;
  OpenState state{.clean_shutdown = true};
  if (!is_new) {
    LogDirectory::Found found = directory.find(name);
    state = OpenState{found.clean_shutdown, found.recovery_point, found.log_start_offset, found.high_watermark,
                      found.first_dirty_offset, {}};
  }
  auto log = PartitionLog::open(*node_.files, executor_.clock(), path, name, log_config(*topic), std::move(state));
  if (log.ok() && *occupant != LogDirectory::Occupant::kOurs) RETURN_IF_ERROR((*log)->set_topic_id(id.topic_id));
  return log;
}

void Shard::recover(Partition& partition) {
  LogDirectory& directory = *partition.directory();
  const TopicPartition& name = partition.topic_partition();
  if (partition.known_empty()) return;
  const LogDirectory::Found found = directory.find(name);
  if (found.recovery_point == 0 && found.log_start_offset == 0) {
    auto used = directory.holds_segments(name);
    if (used && !*used) {
      partition.set_known_empty();
      // Its partition.metadata may be missing.
      return new_directories_.add(partition.id(), directory, directory.partition_path(name));
    }
  }
  partition.log();
}

void Shard::remove_topic(const ImageDelta::Topic& topic) {
  topic_configs_.erase(topic.id);
  figures_.forget_topic(topic.id);
  for (int32_t p = 0; p < topic.partition_count; p++) {
    std::unique_ptr<Partition> partition = take_out({topic.id, p}, true);
    if (partition == nullptr) continue;
    partition->end_waits(ErrorCode::kNotLeaderOrFollower);
    LogDirectory* directory = partition->directory();
    partition.reset();
    if (new_directories_.take({topic.id, p})) continue;
    if (directory != nullptr && directory->online()) schedule_delete(*directory, {topic.name, p}, topic.id);
  }
  // Where the controller is this node, it has them written before the name is free.
  if (node_.metadata == nullptr) note_names_freed();
}

// Out of the map first: who is told that the partition is gone must not find it.
std::unique_ptr<Partition> Shard::take_out(const TopicPartitionId& id, bool topic_deleted) {
  replica_fetchers_.unfollow(id);
  mover_->give_up(id, topic_deleted);
  auto node = partitions_.extract(id);
  return node.empty() ? nullptr : std::move(node.mapped());
}

void Shard::schedule_delete(LogDirectory& directory, const TopicPartition& name, const Uuid& topic_id) {
  auto doomed = directory.schedule_delete(name, topic_id, executor_.random());
  if (!doomed) return log_error("cannot set {} aside for deletion: {}", name.to_string(), doomed.error().message);
  int64_t delay_ms = settings().get_long("log.segment.delete.delay.ms");
  executor_.call_after(delay_ms, [this, path = doomed.take()] { remove_tree_in_background(path); });
}

void Shard::remove_tree_in_background(const std::string& path) {
  auto failed = std::make_shared<Status>(ok_status());
  // The name first: without it, a loss of power could leave half of the files under the name of before.
  executor_.run_blocking([failed, &files = node_.files->file_system(), path] {
                           *failed = files.sync_directory(parent_directory(path));
                           if (*failed) *failed = files.remove_tree(path);
                         },
                         [failed, path] {
                           if (!failed->ok()) log_warn("cannot remove {}: {}", path, failed->error().message);
                         });
}

void Shard::note_change() {
  if (!housekeeping_due_ && on_first_change_) on_first_change_();
  housekeeping_due_ = true;
}

void Shard::note_append(Partition& partition) {
  note_change();
  producer_expiry_.consider(partition);
  if (partition.log_if_open() != nullptr && partition.log_if_open()->config().cleanup_compact)
    cleaner_->consider(partition);
  consider_flush(partition);
}

void Shard::consider_flush(Partition& partition) {
  PartitionLog* log = partition.log_if_open();
  if (log == nullptr || partition.sync_running()) return;  // after the sync it is considered again
  // A sync that is prepared has to be run: the log takes it for granted.
  if (log->flush_due()) return sync_in_background(partition, log->prepare_sync());
  flush_timer_.consider(partition);
}

void Shard::start_flushes() {
  if (MILENA_STORAGE_BUG(kOwedSyncForgotten)) return;
  for_each_partition([this](Partition& partition) { consider_flush(partition); });
}

void Shard::start_replication() {
  for_each_partition([this](Partition& partition) {
    const PartitionImage* image = image_.find_partition({partition.id().topic_id, partition.id().partition});
    if (image == nullptr) return;
    if (!partition.leads() && !partition.offline()) replica_fetchers_.follow(partition.id(), image->leader);
    if (partition.leader() != nullptr) {
      in_sync_updates_.watch();
      in_sync_updates_.consider(partition.id());
    }
  });
}

bool Shard::spend_reserve(LogDirectory& directory, const Error& why) {
  if (why.kind != ErrorKind::kExhausted || !directory.reserve().spend()) return false;
  log_warn("the disk of {} is full; records are refused until there is room again: {}", directory.path(), why.message);
  node_.on_reserve_spent(*this);
  return true;
}

void Shard::directory_failed(LogDirectory& directory) {
  if (closed_ || !directory.take_offline()) return;
  if (node_.directories->loading()) return;  // on a thread of the recovery: the node looks at the directories behind it
  log_error("the log directory {} goes offline with everything in it", directory.path());
  // In a turn of its own: whoever uses another log of the directory at this moment keeps it until then.
  executor_.post([this, &directory] {
    if (!closed_ && node_.on_directory_failure) node_.on_directory_failure(*this, directory);
  });
}

void Shard::close() {
  closed_ = true;
  for (auto& [id, partition] : partitions_) partition->end_waits(ErrorCode::kNotLeaderOrFollower);
  groups_->close();
  transactions_->close();
  cleaner_->stop();
  mover_->stop();
  flush_timer_.stop();
  producer_expiry_.stop();
  new_directories_.stop();
  audit_log_.close();
  in_sync_updates_.stop();
  replica_fetchers_.stop();
}

// One sync of a partition at a time: the next covers what came meanwhile.
void Shard::sync_in_background(Partition& partition, Result<LogSync> sync) {
  CHECK(!partition.sync_running(), "{}", partition.name());
  partition.set_sync_running(true);
  if (!sync) return finish_sync(partition.id(), {}, sync.error());
  struct Job {
    LogSync sync;
    Status status = ok_status();
    int64_t took_ns = 0;
  };
  auto job = std::make_shared<Job>(Job{sync.take()});
  executor_.run_blocking(
      [job, &files = node_.files->file_system(), &clock = executor_.clock()] {
        const int64_t begun_ns = clock.steady_ns();
        job->status = job->sync.run(files);
        job->took_ns = clock.steady_ns() - begun_ns;
      },
      [this, job, id = partition.id()] {
        figures_.flushes.record_ns(job->took_ns);
        finish_sync(id, job->sync, job->status);
      });
}

// Nothing could be opened for it. Whoever waits for this sync goes on waiting.
void Shard::sync_again(const TopicPartitionId& id, LogSync sync) {
  executor_.call_at(steady_ms() + kSyncAgain_ms, [this, id, sync = std::move(sync)]() mutable {
    Partition* partition = find_replica(id);
    if (partition == nullptr || closed_) return;
    partition->set_sync_running(false);
    if (partition->log_if_open() == nullptr) return;
    if (sync.offset() < 0) return sync_in_background(*partition, partition->log_if_open()->prepare_sync());
    sync_in_background(*partition, std::move(sync));
  });
}

void Shard::finish_sync(const TopicPartitionId& id, const LogSync& sync, const Status& status) {
  Partition* synced = find_replica(id);
  if (synced == nullptr) return;
  if (!status.ok() && status.error().kind == ErrorKind::kExhausted) return sync_again(id, sync);
  if (status.ok() && synced->log_if_open() != nullptr) {
    synced->log_if_open()->mark_flushed(sync);
    // The sync counts as running while others are told: what they append is covered by the next one, begun here.
    synced->finish_sync();
    synced = find_replica(id);
    if (synced == nullptr) return;
  }
  synced->set_sync_running(false);
  if (!status.ok()) return synced->take_offline(status.error());
  if (synced->log_if_open() == nullptr) return;
  mover_->after_sync(*synced);
  sync_if_due(*synced);
}

void Shard::go_on_syncing(Partition& partition) {
  const TopicPartitionId id = partition.id();
  partition.set_sync_running(true);
  partition.finish_sync();
  Partition* still = find_replica(id);
  if (still == nullptr) return;
  still->set_sync_running(false);
  sync_if_due(*still);
}

// Not while a move holds the next sync back.
void Shard::sync_if_due(Partition& partition) {
  if (partition.log_if_open() == nullptr || partition.sync_running()) return;
  if (partition.sync_awaited() || partition.log_if_open()->flush_due()) {
    return sync_in_background(partition, partition.log_if_open()->prepare_sync());
  }
  flush_timer_.consider(partition);
}

}  // namespace milena
