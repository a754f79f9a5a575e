// The controller's own start, registration and fencing of brokers, and blocks of producer ids.
#include <algorithm>
#include <limits>
#include <utility>

#include "metadata/controller.h"
#include "metadata/controller_plans.h"
#include "metadata/directory_rules.h"
#include "metadata/features.h"
#include "metadata/partition_draft.h"
#include "metadata/record_codec.h"
#include "metadata/registration_records.h"

namespace milena::metadata {
namespace {

// Metadata transactions exist from 3.6-IV1 on, controllers register from 3.7-IV0 on.
constexpr int16_t kTransactionsSince = 13;
constexpr int16_t kControllerRegistrationSince = 15;

int16_t bootstrap_level(const MetadataRecords& bootstrap, ByteView name) {
  for (const MetadataRecord& record : bootstrap) {
    const auto* level = std::get_if<FeatureLevelRecord>(&record);
    if (level != nullptr && level->name == name) return level->feature_level;
  }
  return 0;
}

}  // namespace

ControllerEffects<std::monostate> Controller::activate(const MetadataRecords& bootstrap,
                                                       bool in_transaction) const {
  ControllerEffects<std::monostate> effects;
  if (in_transaction) {
    AbortTransactionRecord abort;
    abort.reason = "Controller failover";
    effects.records.emplace_back(std::move(abort));
  }
  if (image_.metadata_version() != 0) return effects;

  const bool transactions = bootstrap_level(bootstrap, kMetadataVersionFeature) >= kTransactionsSince;
  if (transactions) {
    BeginTransactionRecord begin;
    begin.name = "Bootstrap records";
    effects.records.emplace_back(std::move(begin));
  }
  effects.records.insert(effects.records.end(), bootstrap.begin(), bootstrap.end());
  if (bootstrap_level(bootstrap, kElrFeature) > 0) write_elr_safety(effects.records);
  if (transactions) effects.records.emplace_back(EndTransactionRecord());
  return effects;
}

ControllerEffects<std::monostate> Controller::register_controller(
    int32_t controller_id, const Uuid& incarnation_id, const std::vector<EndpointImage>& endpoints) const {
  ControllerEffects<std::monostate> effects;
  if (image_.metadata_version() < kControllerRegistrationSince) return effects;
  RegisterControllerRecord record;
  record.controller_id = controller_id;
  record.incarnation_id = incarnation_id;
  record.end_points = endpoint_records<RegisterControllerRecord::ControllerEndpoint>(endpoints);
  record.features = feature_records<RegisterControllerRecord::ControllerFeature>(supported_features());
  effects.records.emplace_back(std::move(record));
  return effects;
}

// As in Kafka's ControllerRegistrationManager and BrokerRegistrationTracker. The broker's epoch and fencing do not
// change.
ControllerEffects<std::monostate> Controller::refresh_registrations(int32_t node_id, int16_t old_level,
                                                                    const std::vector<EndpointImage>& endpoints) const {
  ControllerEffects<std::monostate> effects;
  const BrokerImage* broker = image_.find_broker(node_id);
  if (broker == nullptr) return effects;
  const auto passed = [&](int16_t level) { return old_level < level && image_.metadata_version() >= level; };
  if (passed(kControllerRegistrationSince)) effects = register_controller(node_id, broker->incarnation_id, endpoints);
  effects.atomic = false;
  const bool directories = passed(kMetadataVersion37Iv2);
  const bool cordoned = passed(kMetadataVersion43Iv0) && !broker->cordoned_log_dirs.empty();
  if (!directories && !cordoned) return effects;
  image_.write([&](MetadataRecord record) {
    if (const auto* registration = std::get_if<RegisterBrokerRecord>(&record)) {
      if (registration->broker_id == node_id) effects.records.push_back(std::move(record));
      return;
    }
    const auto* partition = std::get_if<PartitionRecord>(&record);
    if (!directories || partition == nullptr || partition->directories.empty()) return;
    PartitionChangeRecord change;
    change.partition_id = partition->partition_id;
    change.topic_id = partition->topic_id;
    change.directories = partition->directories;
    effects.records.emplace_back(std::move(change));
  });
  return effects;
}

ControllerEffects<int64_t> Controller::register_broker(const BrokerStart& start, int64_t next_offset) const {
  ControllerEffects<int64_t> effects;
  effects.response = next_offset;
  // Any part of it is a correct state: bumped leader epochs need no new registration.
  effects.atomic = false;
  const BrokerImage* before = image_.find_broker(start.broker_id);
  if (before != nullptr) begin_anew(start, before->epoch != start.previous_broker_epoch, effects.records);
  RegisterBrokerRecord record;
  record.broker_id = start.broker_id;
  record.incarnation_id = start.incarnation_id;
  record.broker_epoch = next_offset;
  record.end_points = endpoint_records<RegisterBrokerRecord::BrokerEndpoint>(start.endpoints);
  record.features = feature_records<RegisterBrokerRecord::BrokerFeature>(start.features);
  record.rack = start.rack;
  record.fenced = true;
  record.log_dirs = start.log_dirs;
  if (!start.cordoned_log_dirs.empty()) record.cordoned_log_dirs = start.cordoned_log_dirs;
  effects.records.emplace_back(std::move(record));
  return effects;
}

// Other replicas take over the partitions of this broker, as when any broker registers again: it may lack records that
// they have. Those are the replicas in sync that are there, and after an unclean stop the eligible ones (KIP-966), for
// which the partition waits without a leader. If no other is known to have all records, it continues to lead.
void Controller::begin_anew(const BrokerStart& start, bool uncleanly, MetadataRecords& records) const {
  const int32_t self = start.broker_id;
  const auto other_may_lead = [this, self](int32_t id) { return id != self && can_lead(image_, id); };
  image_.for_each_partition([&](const TopicImage& topic, int32_t number, const PartitionImage& partition) {
    const std::vector<int32_t>& eligible = partition.extras().eligible_leader_replicas;
    const bool others_have_all =
        std::any_of(partition.isr.begin(), partition.isr.end(), other_may_lead) ||
        (uncleanly && partition.isr.contains(self) &&
         std::any_of(eligible.begin(), eligible.end(), [self](int32_t id) { return id != self; }));
    if (start.others_live && partition.replicas.contains(self) && others_have_all) {
      PartitionDraft draft = draft_of(topic, number);
      if (uncleanly) draft.stopped_uncleanly = {self};
      draft.may_lead = other_may_lead;
      std::erase(draft.isr, self);
      if (auto change = draft.record()) records.emplace_back(std::move(*change));
    } else if (uncleanly && partition.leader == self) {
      PartitionChangeRecord change;
      change.partition_id = number;
      change.topic_id = topic.id;
      change.leader = self;
      records.emplace_back(std::move(change));
    }
  });
}

ControllerEffects<std::monostate> Controller::fence_broker(int32_t broker_id) const {
  ControllerEffects<std::monostate> effects;
  const BrokerImage* broker = image_.find_broker(broker_id);
  if (broker != nullptr && !broker->fenced)
    effects.records.emplace_back(fencing_change(*broker, Fencing::kFence));
  return effects;
}

ControllerEffects<std::monostate> Controller::unfence_broker(int32_t broker_id) const {
  ControllerEffects<std::monostate> effects;
  effects.atomic = false;
  const BrokerImage* broker = image_.find_broker(broker_id);
  if (broker == nullptr) return effects;
  if (broker->fenced) effects.records.emplace_back(fencing_change(*broker, Fencing::kUnfence));
  // Partitions that lost their last leader have one again: in sync, eligible (KIP-966), the one that led before it
  // stopped uncleanly, or any replica where the topic allows that. The last two may lack records and are marked as
  // recovering. The image has the broker fenced until the records apply.
  image_.for_each_partition([&](const TopicImage& topic, int32_t number, const PartitionImage& partition) {
    if (partition.leader != kNoLeader || !partition.replicas.contains(broker_id)) return;
    PartitionDraft draft = draft_of(topic, number);
    draft.may_lead = [this, broker_id](int32_t id) { return id == broker_id || can_lead(image_, id); };
    if (auto change = draft.record()) effects.records.emplace_back(std::move(*change));
  });
  return effects;
}

ControllerEffects<AllocateProducerIdsResponse> Controller::allocate_producer_ids(
    const AllocateProducerIdsRequest& request) const {
  ControllerEffects<AllocateProducerIdsResponse> effects;
  effects.response.error_code = check_broker_epoch(request.broker_id, request.broker_epoch);
  if (effects.response.error_code != ErrorCode::kNone) return effects;
  const int64_t first = image_.next_producer_id();
  if (first > std::numeric_limits<int64_t>::max() - kProducerIdBlockSize) {
    effects.response.error_code = ErrorCode::kUnknownServerError;
    return effects;
  }
  ProducerIdsRecord record;
  record.broker_id = request.broker_id;
  record.broker_epoch = request.broker_epoch;
  record.next_producer_id = first + kProducerIdBlockSize;
  effects.records.emplace_back(std::move(record));
  effects.response.producer_id_start = first;
  effects.response.producer_id_len = kProducerIdBlockSize;
  return effects;
}

}  // namespace milena::metadata
