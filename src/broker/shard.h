// Shard: one thread of the node, with what lives on it: its copy of the metadata image, the partitions it owns, its
// fetch sessions and the coordinators of the group partitions it owns.
//
// Everything here belongs to the shard's thread. What all shards share (NodeContext) is immutable after
// start, but for one number.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/executor.h"
#include "broker/clients/audit_log.h"
#include "broker/clients/client_quotas.h"
#include "broker/clients/client_telemetry.h"
#include "broker/operations/tap.h"
#include "broker/operations/traffic_figures.h"
#include "broker/replica/fetch_session.h"
#include "broker/replica/in_sync_updates.h"
#include "broker/replica/partition.h"
#include "broker/replica/replica_fetchers.h"
#include "broker/replica/replication_quota.h"
#include "broker/router.h"
#include "broker/storage/flush_timer.h"
#include "broker/storage/log_directories.h"
#include "broker/storage/new_directories.h"
#include "broker/storage/producer_expiry.h"
#include "broker/storage/wanted_places.h"
#include "config/authorizer_settings.h"
#include "config/config_listeners.h"
#include "config/settings.h"
#include "config/topic_config.h"
#include "log/file_cache.h"
#include "metadata/image.h"

namespace milena {

class AclAuthorizer;
class Authorizer;
class BrokerLifecycle;
class ControllerChannel;
class EmbeddedController;
class GroupRuntime;
class LogCleaner;
class MetadataRuntime;
class Peers;
class ReplicaMover;
class SaslServices;
class TransactionRuntime;

// The same for all shards; built by Node::start before the first of them runs.
struct NodeContext {
  // As the broker was started; Shard::settings() has what was altered since.
  const Settings* settings = nullptr;
  // Told on shard 0 when settings were altered: the sockets' side.
  std::function<void(const Settings&)> on_settings;
  int32_t node_id = 1;
  std::string cluster_id;
  AdvertisedListeners advertised;
  // Listeners for who asks the controller and not a broker; usually none.
  std::vector<ListenerEndpoint> controller_endpoints;
  // Of the directory that holds the metadata log.
  Uuid directory_id;
  // The level of the feature kraft.version; raised by the controller's shard.
  std::atomic<int16_t> kraft_version = 0;
  FileCache* files = nullptr;
  // Their checkpoints and paths, which do not change, and whether they work; the rest is the node's own.
  LogDirectories* directories = nullptr;
  std::unique_ptr<WantedPlaces> wanted_places = std::make_unique<WantedPlaces>();
  // Called on any shard, once for each directory that fails.
  std::function<void(Shard& on, LogDirectory& failed)> on_directory_failure;
  // Called on any shard, when the reserve of a directory was spent.
  std::function<void(Shard& on)> on_reserve_spent;
  // Writes the checkpoints of all directories now; `done` runs on `from`.
  std::function<void(Shard& from, std::function<void(bool all_written)> done)> write_checkpoints;
  // Ends the process, without a return: nothing can be put in order any more.
  void (*halt)(const std::string& why) = nullptr;
  Router router;
  // How handlers reach the controller.
  ControllerChannel* controller = nullptr;
  // The embedded controller, for the node's own affairs. On the controller's shard; its own methods route. Null where
  // the controller is another node.
  MetadataRuntime* metadata = nullptr;
  EmbeddedController* embedded_controller = nullptr;
  // How this node reaches others; null for one that stands alone.
  Network* network = nullptr;
  // The life of this broker in a cluster whose controller is another node; else null. On shard 0.
  BrokerLifecycle* lifecycle = nullptr;
  // Of all shards.
  std::unique_ptr<ReplicationQuota> leader_quota, follower_quota;
  // How clients of SASL listeners show who they are.
  const SaslServices* sasl = nullptr;
  // Told on shard 0 when a delegation token was made or changed.
  std::function<void()> on_delegation_tokens;
  AuthorizerSettings authorization;
  // Null: denied and administrative requests are not written down.
  std::shared_ptr<AuditFile> audit_file;
  // What clients may do, instead of what the settings and the ACLs say: for tests.
  const Authorizer* authorizer = nullptr;
  // How coordinators reach the partitions of all brokers.
  Peers* peers = nullptr;
};

class Shard {
 public:
  Shard(NodeContext& node, size_t index, size_t count, Executor& executor);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  size_t index() const { return index_; }
  uint64_t next_waiter_number() { return ++last_waiter_number_; }
  const NodeContext& node() const { return node_; }
  // What the broker goes by now, altered settings included (AlterConfigs of a broker). Another object after the next
  // change: ask again, keep no reference over a turn.
  const Settings& settings() const { return *settings_; }
  // By the controller's shard.
  void set_kraft_version(int16_t level) { node_.kraft_version = level; }
  const Router& router() const { return node_.router; }
  MetadataRuntime& metadata() const { return *node_.metadata; }
  ControllerChannel& controller() const { return *node_.controller; }
  Executor& executor() const { return executor_; }
  int64_t now_ms() const { return executor_.clock().wall_ms(); }
  int64_t steady_ms() const { return executor_.clock().steady_ms(); }

  const MetadataImage& image() const { return image_; }
  // What it counts, for the metrics.
  ShardFigures& figures() { return figures_; }
  // Who follows the requests of a client.
  Taps& taps() { return taps_; }
  FetchSessionCache& fetch_sessions() { return fetch_sessions_; }
  GroupRuntime& groups() { return *groups_; }
  ClientQuotas& quotas() { return quotas_; }
  AuditLog& audit_log() { return audit_log_; }
  // What clients may do.
  const Authorizer& authorizer() const { return node_.authorizer != nullptr ? *node_.authorizer : *authorizer_; }
  TransactionRuntime& transactions() { return *transactions_; }
  // Whether old clients' transactions are verified, too (transaction.partition.verification.enable).
  bool strict_kafka() const { return settings().get_bool("milena.strict.kafka"); }
  bool verifies_transactions() const { return settings().get_bool("transaction.partition.verification.enable"); }
  ClientTelemetry& telemetry() { return telemetry_; }
  LogCleaner& cleaner() { return *cleaner_; }
  ReplicaMover& mover() { return *mover_; }
  NewDirectories& new_directories() { return new_directories_; }
  InSyncUpdates& in_sync_updates() { return in_sync_updates_; }
  ReplicaFetchers& replica_fetchers() { return replica_fetchers_; }

  // A partition of this shard; null if the image has none of that id that this node leads.
  Partition* find_partition(const TopicPartitionId& id);
  // The same, but followers too.
  Partition* find_replica(const TopicPartitionId& id);
  size_t partition_count() const { return partitions_.size(); }
  void for_each_partition(const std::function<void(Partition&)>& visit);

  // What the broker is set to, for the topic configs that follow it.
  BrokerSettings broker_settings() const;
  // The topic's settings with the broker's defaults filled in. Shared with other shards by value.
  std::shared_ptr<const TopicConfig> topic_config(const TopicImage& topic);

  // Fills the cache of topic_config() for all topics: it is only read from then on, by the threads of a recovery.
  void resolve_topic_configs();

  // Committed records, in order; makes, changes and removes partitions as they say. When it returns, every partition
  // that the records made can be used.
  void apply_metadata(const MetadataRecords& records, int64_t last_offset);
  // So much is to come, at a start.
  void reserve(size_t topics, size_t partitions) {
    image_.reserve(topics);
    partitions_.reserve(partitions);
  }
  // The offset of the last record applied.
  int64_t metadata_offset() const { return metadata_offset_; }
  // The offset at which the finalized features last changed.
  int64_t features_offset() const { return features_offset_; }

  // No new work from here on: partitions and coordinators answer what is parked.
  void close();
  bool closed() const { return closed_; }

  // A disk error came from the directory: if nobody knows yet, all of its partitions go offline, on every shard.
  void directory_failed(LogDirectory& directory);
  // After an error: true if the directory's disk was full and the reserve gave room, so that what failed may be tried
  // once more.
  bool spend_reserve(LogDirectory& directory, const Error& why);

  // After an unclean stop, on any thread while the node loads: reads what was not synced. A partition whose directory
  // holds nothing is left alone.
  void recover(Partition& partition);

  // The partition's directory is renamed, and removed after log.segment.delete.delay.ms. Its log must be closed.
  // What is there of another topic of that name stays.
  void schedule_delete(LogDirectory& directory, const TopicPartition& name, const Uuid& topic_id);
  void remove_tree_in_background(const std::string& path);

  // Syncs what `sync` names on a worker. One at a time for a partition: not while sync_running().
  void sync_in_background(Partition& partition, Result<LogSync> sync);
  // Nothing keeps syncs back any more: who waits for one is told, or gets it.
  void go_on_syncing(Partition& partition);

  // True once for each text, for log lines that a retrying client would repeat for ever. Bounded; what is beyond is
  // said.
  bool first_time(const std::string& text) { return said_.size() >= kMostSaid || said_.insert(text).second; }

  // Once the node has loaded: followers begin to fetch, leaders look after their followers.
  void start_replication();

  // What the partition's log owes by flush.messages and flush.ms is synced in the background, now or when it
  // is due.
  void consider_flush(Partition& partition);
  // The same for all that were opened while the node loaded.
  void start_flushes();

  // Offsets of a partition changed: the flush rules are looked at, and the checkpoints are due.
  void note_append(Partition& partition);
  // The checkpoints are due.
  void note_change();
  // They are written now.
  void write_checkpoints(std::function<void(bool written)> done) { node_.write_checkpoints(*this, std::move(done)); }
  // Called at the first change after take_housekeeping_due(): a node at rest has nothing to wake up for.
  void set_on_first_change(Task task) { on_first_change_ = std::move(task); }
  bool take_housekeeping_due() { return std::exchange(housekeeping_due_, false); }

 private:
  void sync_again(const TopicPartitionId& id, LogSync sync);
  void finish_sync(const TopicPartitionId& id, const LogSync& sync, const Status& status);
  void sync_if_due(Partition& partition);
  void log_topic_changes(const ImageDelta& delta) const;
  void apply_config(const ConfigResource& resource);
  void apply_altered_settings(const ConfigResource& resource);
  void set_log_config(Partition& partition, const TopicImage& topic);
  void tell_cordoned_directories();
  void apply_acl(const Uuid& id);
  void apply_partition(const TopicPartitionId& id, bool created);
  void take_role(Partition& partition, const PartitionImage& image);
  void remove_replica(const TopicPartitionId& id, const TopicPartition& name);
  void remove_topic(const ImageDelta::Topic& topic);
  void note_names_freed();
  LogDirectory* wanted_place_of(const TopicPartition& name) const;
  LogDirectory* place_of(const TopicPartition& name, const PartitionImage& image, bool& is_new) const;
  std::unique_ptr<Partition> take_out(const TopicPartitionId& id, bool topic_deleted);
  Result<std::unique_ptr<PartitionLog>> open_log(LogDirectory& directory, const TopicPartitionId& id,
                                                 const TopicPartition& name, bool is_new);
  std::shared_ptr<const LogConfig> log_config(const TopicImage& topic);

  NodeContext& node_;
  size_t index_;
  Executor& executor_;
  std::shared_ptr<const Settings> settings_;
  MetadataImage image_;
  std::unordered_map<TopicPartitionId, std::unique_ptr<Partition>> partitions_;
  std::unordered_map<Uuid, std::shared_ptr<const TopicConfig>> topic_configs_;
  std::shared_ptr<const TopicConfig> plain_topic_config_;  // of all topics that set nothing
  ShardFigures figures_;
  Taps taps_;
  FetchSessionCache fetch_sessions_;
  ClientQuotas quotas_;
  ClientTelemetry telemetry_;
  // Where the settings name an authorizer; its ACLs are the image's.
  std::unique_ptr<AclAuthorizer> acls_;
  const Authorizer* authorizer_;
  AuditLog audit_log_;
  std::unique_ptr<GroupRuntime> groups_;
  std::unique_ptr<TransactionRuntime> transactions_;
  std::unique_ptr<LogCleaner> cleaner_;
  std::unique_ptr<ReplicaMover> mover_;
  FlushTimer flush_timer_;
  ProducerExpiry producer_expiry_;
  NewDirectories new_directories_;
  InSyncUpdates in_sync_updates_;
  ReplicaFetchers replica_fetchers_;
  int64_t metadata_offset_ = -1;
  int64_t features_offset_ = -1;
  bool housekeeping_due_ = false;
  bool names_freed_ = false;
  static constexpr size_t kMostSaid = 1000;
  std::unordered_set<std::string> said_;
  bool closed_ = false;
  uint64_t last_waiter_number_ = 0;
  Task on_first_change_;
};

}  // namespace milena
