// Controller: the embedded controller, a quorum of one. It decides which records are written to __cluster_metadata; it
// does no I/O and has no clock.
//
// Request methods are const: they read the state and return the records to write and the response. Only apply() changes
// the state. The owner (the node's metadata runtime, on one thread) does, for every request and in this order:
//
//   effects = controller.create_topics(request, version);
//   append effects.records to the log as one batch (none: answer at once)
//   controller.apply(effects.records);        so that the next request sees them
//   sync the log (several batches may share one sync)
//   apply the records to the image of every shard, wait until their partitions can be used, then send effects.response
//
// A failed append or sync ends the node: applied records cannot be undone. Records that are not `atomic` may be split
// into several batches if one would be too large.
//
// Deliberately not here: authorization (the caller leaves out what is not allowed), quotas, elections and ISR
// changes of a cluster of several brokers. Source: Kafka's QuorumController, ReplicationControlManager,
// ConfigurationControlManager, ClusterControlManager, ProducerIdControlManager, ControllerApis,
// ConfigAdminManager. The error codes are Kafka's.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/topic_config.h"
#include "metadata/acls.h"
#include "metadata/image.h"
#include "metadata/internal_topics.h"
#include "metadata/metadata_record.h"
#include "protocol/error_code.h"
#include "protocol/messages/allocate_producer_ids.h"
#include "protocol/messages/alter_client_quotas.h"
#include "protocol/messages/alter_configs.h"
#include "protocol/messages/alter_partition.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/alter_user_scram_credentials.h"
#include "protocol/messages/assign_replicas_to_dirs.h"
#include "protocol/messages/broker_heartbeat.h"
#include "protocol/messages/broker_registration.h"
#include "protocol/messages/create_acls.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_acls.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/elect_leaders.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/unregister_broker.h"
#include "protocol/messages/update_features.h"

namespace milena::metadata {

// Most records of one request, and most partitions (Kafka's MAX_RECORDS_PER_USER_OP, MAX_PARTITIONS_PER_BATCH).
inline constexpr size_t kMaxRecordsPerRequest = 10'000;
inline constexpr int32_t kProducerIdBlockSize = 1000;

class PartitionDraft;  // partition_draft.h
struct FeatureChange;   // controller_features.cc

struct ControllerSettings {
  int32_t node_id = 1;
  int32_t num_partitions = 1;
  int16_t default_replication_factor = 1;
  bool delete_topic_enable = true;
  // The level of kraft.version, which is not in the image, and whether there is an address to upgrade it with.
  int16_t kraft_version = 0;
  bool has_controller_listener = false;
  InternalTopicSettings internal_topics;
  // The settings of the start, for the defaults of topic and group configs and for checks of altered ones; must outlive
  // the controller. Null: all defaults.
  const config::Settings* start = nullptr;

  static ControllerSettings from(const config::Settings& settings);
};

template <class Response>
struct ControllerEffects {
  MetadataRecords records;
  Response response;
  bool atomic = true;
};

// Takes partitions to create or delete from the client's quota (KIP-599); false if it is used up and the client must
// get THROTTLING_QUOTA_EXCEEDED. Empty: no quota.
using MutationQuota = std::function<bool(size_t partitions)>;

// A broker as it registers itself at every start.
struct BrokerStart {
  int32_t broker_id = 1;
  Uuid incarnation_id;  // new at every start
  std::vector<EndpointImage> endpoints;
  std::vector<FeatureRange> features;  // usually supported_features()
  std::optional<Bytes> rack;
  std::vector<Uuid> log_dirs;
  std::vector<Uuid> cordoned_log_dirs;
  // From .kafka_cleanshutdown, -1 without one. If it differs from the registered epoch, the stop was unclean.
  int64_t previous_broker_epoch = -1;
  // Other processes may run brokers that reach this controller.
  bool others_live = false;
};

class Controller {
 public:
  // `image` is the state of the log so far. `new_uuid` creates topic ids.
  explicit Controller(MetadataImage image, ControllerSettings settings,
                      std::function<Uuid()> new_uuid);

  const MetadataImage& image() const { return image_; }
  const ControllerSettings& settings() const { return settings_; }
  void set_settings(ControllerSettings settings) { settings_ = std::move(settings); }

  // Applies the records of one effect, including marks of transactions. CHECKs that they fit: they are our own.
  void apply(const MetadataRecords& records);

  // --- topics (controller_topics.cc, controller_partitions.cc)
  // A request without time left gets REQUEST_TIMED_OUT, and is not done. Nothing else here takes time.

  ControllerEffects<CreateTopicsResponse> create_topics(const CreateTopicsRequest& request,
                                                        const MutationQuota& quota = {}) const;
  // Creates topics that Metadata or FindCoordinator ask for: internal ones with their own settings, others with the
  // defaults.
  ControllerEffects<CreateTopicsResponse> auto_create_topics(std::span<const ByteView> names) const;
  ControllerEffects<DeleteTopicsResponse> delete_topics(const DeleteTopicsRequest& request,
                                                        int16_t version, const MutationQuota& quota = {}) const;
  ControllerEffects<CreatePartitionsResponse> create_partitions(const CreatePartitionsRequest& request,
                                                                const MutationQuota& quota = {}) const;

  // --- log directories (controller_directories.cc)

  // Assigns new replicas on brokers with several directories to the one with the fewest partitions, without cordoned
  // ones. For all records, before they are written.
  void place_in_directories(MetadataRecords& records) const;
  // The broker's replicas are in these directories (AssignReplicasToDirs).
  ControllerEffects<std::monostate> assign_directories(
      int32_t broker_id, std::span<const std::pair<PartitionKey, Uuid>> replicas) const;
  // New replicas avoid these directories of the broker (cordoned.log.dirs, KIP-1066).
  ControllerEffects<std::monostate> cordon_directories(int32_t broker_id, const std::vector<Uuid>& cordoned) const;
  // Only these directories of the broker work: it loses the leadership of partitions in others.
  ControllerEffects<std::monostate> lose_directories(int32_t broker_id, const std::vector<Uuid>& left) const;

  // --- leaders and replicas (controller_elections.cc, controller_reassignments.cc)

  ControllerEffects<ElectLeadersResponse> elect_leaders(const ElectLeadersRequest& request,
                                                        int16_t version) const;
  // Gives partitions back to their preferred leaders, at most `most`; the response is their number.
  ControllerEffects<size_t> balance_leaders(size_t most) const;
  // Elects leaders for partitions without one, if their topics allow an unclean election; counted likewise.
  ControllerEffects<size_t> elect_unclean_leaders(size_t most) const;
  ControllerEffects<AlterPartitionReassignmentsResponse> alter_partition_reassignments(
      const AlterPartitionReassignmentsRequest& request) const;

  // --- features (controller_features.cc) and credentials (controller_scram.cc)

  ControllerEffects<UpdateFeaturesResponse> update_features(const UpdateFeaturesRequest& request,
                                                            int16_t version) const;
  ControllerEffects<AlterUserScramCredentialsResponse> alter_user_scram_credentials(
      const AlterUserScramCredentialsRequest& request) const;

  // --- ACLs (controller_acls.cc)

  ControllerEffects<CreateAclsResponse> create_acls(const CreateAclsRequest& request) const;
  ControllerEffects<DeleteAclsResponse> delete_acls(const DeleteAclsRequest& request) const;

  // --- configs (controller_configs.cc): of topics, brokers, groups and client metrics. Log levels (BROKER_LOGGER)
  // belong to the process: IncrementalAlterConfigs returns NONE for valid ones, and the caller sets them.

  ControllerEffects<IncrementalAlterConfigsResponse> incremental_alter_configs(
      const IncrementalAlterConfigsRequest& request) const;
  ControllerEffects<AlterConfigsResponse> alter_configs(const AlterConfigsRequest& request) const;

  // --- client quotas (controller_quotas.cc). `bad_hosts`: the names of ip entities that are not addresses and do not
  // resolve to any.

  ControllerEffects<AlterClientQuotasResponse> alter_client_quotas(const AlterClientQuotasRequest& request,
                                                                   const std::set<Bytes>& bad_hosts) const;

  // --- nodes (controller_nodes.cc)

  // Called first after loading. Starts a new cluster if the log is empty, with the levels of `bootstrap`
  // (bootstrap.checkpoint or default_bootstrap_records()), and aborts a transaction that was left open. No records:
  // nothing to do.
  ControllerEffects<std::monostate> activate(const MetadataRecords& bootstrap, bool in_transaction) const;
  // Registers this node as a controller. With metadata.version before 3.7 there is no such record.
  ControllerEffects<std::monostate> register_controller(int32_t controller_id, const Uuid& incarnation_id,
                                                        const std::vector<EndpointImage>& endpoints) const;
  // After an upgrade of metadata.version from `old_level`: registers this node and its replicas' directories again, if
  // the records of the old level lacked fields. `endpoints` are those of this controller.
  ControllerEffects<std::monostate> refresh_registrations(int32_t node_id, int16_t old_level,
                                                          const std::vector<EndpointImage>& endpoints) const;
  // The response is the broker epoch: `next_offset`, the offset that the first of the records will have. Other in-sync
  // replicas take over its partitions. Without any, after an unclean stop, the leader epoch is bumped, so that clients
  // and followers see where the log may have been truncated. The broker is fenced until unfence_broker.
  ControllerEffects<int64_t> register_broker(const BrokerStart& start, int64_t next_offset) const;
  // For a clean stop of the broker. Its partitions keep it as their leader, for its return.
  ControllerEffects<std::monostate> fence_broker(int32_t broker_id) const;
  // For when the broker can serve. It becomes leader of leaderless partitions that it may lead.
  ControllerEffects<std::monostate> unfence_broker(int32_t broker_id) const;
  // A quorum of one serves one broker: others that are unfenced in the log are fenced, and lead nothing.
  ControllerEffects<std::monostate> fence_other_brokers() const;
  // This node itself is not unregistered: it is alive and would register again at once.
  ControllerEffects<UnregisterBrokerResponse> unregister_broker(const UnregisterBrokerRequest& request) const;
  ControllerEffects<AllocateProducerIdsResponse> allocate_producer_ids(
      const AllocateProducerIdsRequest& request) const;

  // --- brokers in other processes (controller_brokers.cc, controller_in_sync.cc)

  // State of a broker that the controller's owner keeps and the image does not.
  struct BrokerContact {
    // It sent a heartbeat within its session.
    bool in_session = false;
    // The least metadata offset reported by an active broker, and the offset at which this one began to shut down.
    int64_t least_active_offset = -1;
    int64_t shutdown_offset = -1;
  };
  // The registration is the first of the records, and will be at `next_offset`, which becomes the broker's epoch. A
  // broker that registers again is removed from ISRs until it has caught up.
  ControllerEffects<BrokerRegistrationResponse> register_remote_broker(const BrokerRegistrationRequest& request,
                                                                       ByteView cluster_id,
                                                                       const BrokerContact& contact,
                                                                       int64_t next_offset) const;
  // Fences and unfences the broker on its request, and moves its leaderships when it wants to shut down.
  ControllerEffects<BrokerHeartbeatResponse> broker_heartbeat(const BrokerHeartbeatRequest& request,
                                                              const BrokerContact& contact) const;
  // Other brokers take over its leaderships; it stays registered and unfenced until it is fenced.
  ControllerEffects<std::monostate> begin_shutdown(int32_t broker_id) const;
  // The broker is lost: other brokers take over its leaderships.
  ControllerEffects<std::monostate> fence_lost_broker(int32_t broker_id) const;
  ControllerEffects<AlterPartitionResponse> alter_partition(const AlterPartitionRequest& request,
                                                            int16_t version) const;
  ControllerEffects<AssignReplicasToDirsResponse> assign_replicas_to_dirs(
      const AssignReplicasToDirsRequest& request) const;

  config::BrokerSettings broker_settings() const;

 private:
  struct TopicPlan;
  struct NewPartition;
  // The reason of a refusal.
  struct Refusal {
    ErrorCode code = ErrorCode::kNone;
    std::optional<Bytes> message;
  };
  using MaybeRefusal = std::optional<Refusal>;
  using CreatableTopic = CreateTopicsRequest::CreatableTopic;

  MaybeRefusal refuse_size(const CreateTopicsRequest& request) const;
  MaybeRefusal refuse_name(ByteView name) const;
  MaybeRefusal plan_topic(const CreatableTopic& topic, TopicPlan& plan) const;
  MaybeRefusal plan_configs(const CreatableTopic& topic, TopicPlan& plan) const;
  MaybeRefusal plan_assignments(const CreatableTopic& topic, TopicPlan& plan) const;
  MaybeRefusal plan_placement(const CreatableTopic& topic, TopicPlan& plan) const;
  void write_topic(const TopicPlan& plan, MetadataRecords& records) const;
  CreateTopicsResponse::CreatableTopicResult created(const TopicPlan& plan) const;

  MaybeRefusal check_assignment(std::span<const int32_t> replicas,
                                std::optional<size_t> replication_factor) const;
  MaybeRefusal place(int32_t count, int32_t replication_factor, size_t first,
                     std::vector<NewPartition>& out) const;
  MaybeRefusal place_by_hand(std::span<const int32_t> replicas, int32_t number,
                             std::vector<NewPartition>& out) const;
  NewPartition new_partition(std::span<const int32_t> replicas) const;
  MaybeRefusal plan_growth(const CreatePartitionsRequest::CreatePartitionsTopic& topic,
                           MetadataRecords& records) const;

  MaybeRefusal plan_quotas(const QuotaEntity& entity, const AlterClientQuotasRequest::EntryData& entry,
                           const std::set<Bytes>& bad_hosts, MetadataRecords& records) const;
  config::Settings effective_settings() const;
  PartitionDraft draft_of(const TopicImage& topic, int32_t number) const;
  void begin_anew(const BrokerStart& start, bool uncleanly, MetadataRecords& records) const;
  void take_out_of_partitions(const std::set<int32_t>& gone, MetadataRecords& records,
                              bool uncleanly = false) const;
  void take_directories_offline(const BrokerImage& broker, const std::vector<Uuid>& offline,
                                MetadataRecords& records) const;
  ErrorCode check_in_sync_change(const AlterPartitionRequest& request, const PartitionImage* partition,
                                 const AlterPartitionRequest::PartitionData& wanted, int16_t version) const;
  ErrorCode check_broker_epoch(int32_t broker_id, int64_t epoch) const;
  ErrorCode check_registration(const BrokerRegistrationRequest& request, ByteView cluster_id,
                               const BrokerContact& contact) const;
  bool leads_anything(int32_t broker_id) const;
  ElectLeadersResponse::PartitionResult elect_leader(ByteView topic, int32_t number, bool preferred,
                                                     MetadataRecords& records) const;
  MaybeRefusal plan_reassignment(ByteView topic,
                                 const AlterPartitionReassignmentsRequest::ReassignablePartition& wanted,
                                 bool may_change_count, MetadataRecords& records) const;
  MaybeRefusal plan_cancellation(const TopicImage& topic, int32_t number, MetadataRecords& records) const;
  std::optional<Bytes> refuse_support(ByteView feature, int16_t level) const;
  // `all` is in the order of names.
  std::optional<Bytes> refuse_feature(const FeatureChange& change, std::span<const FeatureChange> all) const;
  void write_feature(ByteView feature, int16_t level, MetadataRecords& records) const;
  void write_elr_safety(MetadataRecords& records) const;

  MaybeRefusal check_topic_configs(ByteView topic, const config::ConfigMap& configs) const;
  MaybeRefusal check_broker_configs(ByteView broker, const config::ConfigMap& configs) const;
  MaybeRefusal check_min_insync(const ConfigResource& resource, bool touched, const config::ConfigMap& before,
                                const config::ConfigMap& after) const;
  MaybeRefusal check_configs(const ConfigResource& resource, const config::ConfigMap& configs) const;
  MaybeRefusal check_resource_name(const ConfigResource& resource) const;
  std::optional<Bytes> default_list(ResourceType type, ByteView name) const;
  Refusal not_a_list(ResourceType type, ByteView name, bool append) const;
  MaybeRefusal apply_operation(const ConfigResource& resource,
                               const IncrementalAlterConfigsRequest::AlterableConfig& config,
                               config::ConfigMap& after) const;
  MaybeRefusal plan_configs_change(const ConfigResource& resource, bool touches_min_insync,
                                   const config::ConfigMap& before, const config::ConfigMap& after,
                                   MetadataRecords& records) const;
  MaybeRefusal plan_alteration(const IncrementalAlterConfigsRequest::AlterConfigsResource& resource,
                               MetadataRecords& records) const;
  MaybeRefusal plan_replacement(const AlterConfigsRequest::AlterConfigsResource& resource,
                                MetadataRecords& records) const;

  void forget_acl(const MetadataRecord& record);
  void note_acl(const MetadataRecord& record);

  // Topics whose names differ only in '.' and '_', by collision_key.
  using CollisionIndex = std::unordered_map<Bytes, std::set<Bytes>>;

  MetadataImage image_;
  ControllerSettings settings_;
  std::function<Uuid()> new_uuid_;
  CollisionIndex collisions_;
  // The image's ACLs by content.
  AclsByContent acls_;
};

}  // namespace milena::metadata
