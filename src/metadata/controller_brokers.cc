// The controller's handling of brokers of other processes: registration, heartbeats, and their partitions when they are
// lost. The controller's owner tracks when each broker was last heard of.
//
// Source: Kafka's ClusterControlManager.registerBroker, BrokerHeartbeatManager.calculateNextBrokerState,
// ReplicationControlManager.processBrokerHeartbeat.
#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "metadata/controller.h"
#include "metadata/directory_rules.h"
#include "metadata/features.h"
#include "metadata/partition_draft.h"
#include "metadata/record_codec.h"
#include "metadata/registration_records.h"

namespace milena::metadata {
namespace {

std::vector<EndpointImage> requested_endpoints(const BrokerRegistrationRequest& request) {
  std::vector<EndpointImage> endpoints;
  for (const auto& one : request.listeners) {
    endpoints.push_back({Bytes(one.name), Bytes(one.host), one.port, one.security_protocol});
  }
  return endpoints;
}

// A broker must support every finalized level.
bool supports_all(const BrokerRegistrationRequest& request, const std::map<Bytes, int16_t, std::less<>>& finalized) {
  return std::all_of(finalized.begin(), finalized.end(), [&](const auto& level) {
    for (const auto& one : request.features) {
      if (one.name != level.first) continue;
      return level.second >= one.min_supported_version && level.second <= one.max_supported_version;
    }
    return level.second == 0;
  });
}

bool good_directories(const BrokerRegistrationRequest& request, const MetadataImage& image) {
  std::set<Uuid> seen;
  for (const Uuid& id : request.log_dirs) {
    // Kafka reserves the first hundred.
    const bool reserved = id.hi == 0 && id.lo < 100;
    if (reserved || !seen.insert(id).second) return false;
  }
  for (const auto& [id, broker] : image.brokers()) {
    if (id == request.broker_id) continue;
    for (const Uuid& one : broker.log_dirs) {
      if (seen.contains(one)) return false;
    }
  }
  return !seen.empty();
}

}  // namespace

ErrorCode Controller::check_broker_epoch(int32_t broker_id, int64_t epoch) const {
  const BrokerImage* broker = image_.find_broker(broker_id);
  // A broker without a registration is told the same: it has no epoch (ClusterControlManager.checkBrokerEpoch).
  return broker != nullptr && broker->epoch == epoch ? ErrorCode::kNone : ErrorCode::kStaleBrokerEpoch;
}

ErrorCode Controller::check_registration(const BrokerRegistrationRequest& request, ByteView cluster_id,
                                         const BrokerContact& contact) const {
  if (request.cluster_id != cluster_id) return ErrorCode::kInconsistentClusterId;
  const BrokerImage* before = image_.find_broker(request.broker_id);
  // The controller's own broker is always in session.
  const bool lives = contact.in_session || request.broker_id == settings_.node_id;
  if (before != nullptr && lives && before->incarnation_id != request.incarnation_id) {
    return ErrorCode::kDuplicateBrokerRegistration;
  }
  if (request.is_migrating_zk_broker) return ErrorCode::kBrokerIdNotRegistered;
  if (request.broker_id < 0 || request.listeners.empty()) return ErrorCode::kInvalidRegistration;
  if (image_.metadata_version() >= kMetadataVersion37Iv2 && !good_directories(request, image_)) {
    return ErrorCode::kInvalidRegistration;
  }
  const bool knows_metadata = std::any_of(request.features.begin(), request.features.end(),
                                          [](const auto& one) { return one.name == kMetadataVersionFeature; });
  if (!knows_metadata) return ErrorCode::kInvalidRegistration;
  return supports_all(request, image_.features()) ? ErrorCode::kNone : ErrorCode::kUnsupportedVersion;
}

ControllerEffects<BrokerRegistrationResponse> Controller::register_remote_broker(
    const BrokerRegistrationRequest& request, ByteView cluster_id, const BrokerContact& contact,
    int64_t next_offset) const {
  ControllerEffects<BrokerRegistrationResponse> effects;
  // Half of it is a correct state: a fenced broker gets no new leaderships.
  effects.atomic = false;
  effects.response.error_code = check_registration(request, cluster_id, contact);
  if (effects.response.error_code != ErrorCode::kNone) return effects;
  const BrokerImage* before = image_.find_broker(request.broker_id);
  const bool same = before != nullptr && before->incarnation_id == request.incarnation_id;
  RegisterBrokerRecord record;
  record.broker_id = request.broker_id;
  record.incarnation_id = request.incarnation_id;
  record.broker_epoch = same ? before->epoch : next_offset;
  record.end_points = endpoint_records<RegisterBrokerRecord::BrokerEndpoint>(requested_endpoints(request));
  for (const auto& feature : request.features) {
    auto& one = record.features.emplace_back();
    one.name = Bytes(feature.name);
    one.min_supported_version = feature.min_supported_version;
    one.max_supported_version = feature.max_supported_version;
  }
  record.rack.reset();  // no rack differs from an empty one
  if (request.rack) record.rack = Bytes(*request.rack);
  record.fenced = same ? before->fenced : true;
  record.in_controlled_shutdown = same && before->in_controlled_shutdown;
  if (image_.metadata_version() >= kMetadataVersion37Iv2) record.log_dirs = request.log_dirs;
  effects.response.broker_epoch = record.broker_epoch;
  effects.records.emplace_back(std::move(record));
  if (!same) {
    const bool clean = before != nullptr && before->epoch == request.previous_broker_epoch;
    take_out_of_partitions({request.broker_id}, effects.records, !clean);
  }
  return effects;
}

bool Controller::leads_anything(int32_t broker_id) const {
  return image_.any_partition([broker_id](const TopicImage&, int32_t, const PartitionImage& partition) {
    return partition.leader == broker_id;
  });
}

ControllerEffects<BrokerHeartbeatResponse> Controller::broker_heartbeat(const BrokerHeartbeatRequest& request,
                                                                        const BrokerContact& contact) const {
  ControllerEffects<BrokerHeartbeatResponse> effects;
  effects.atomic = false;
  BrokerHeartbeatResponse& response = effects.response;
  response.error_code = check_broker_epoch(request.broker_id, request.broker_epoch);
  if (response.error_code != ErrorCode::kNone) return effects;
  const BrokerImage& broker = *image_.find_broker(request.broker_id);
  response.is_caught_up = request.current_metadata_offset >= broker.epoch;
  response.is_fenced = broker.fenced;
  take_directories_offline(broker, request.offline_log_dirs, effects.records);
  if (request.cordoned_log_dirs) {
    auto cordoned = cordon_directories(broker.id, *request.cordoned_log_dirs);
    std::move(cordoned.records.begin(), cordoned.records.end(), std::back_inserter(effects.records));
  }
  const auto add = [&effects](ControllerEffects<std::monostate> more) {
    std::move(more.records.begin(), more.records.end(), std::back_inserter(effects.records));
  };
  if (broker.fenced) {
    response.should_shut_down = request.want_shut_down;
    if (request.want_shut_down || request.want_fence || !response.is_caught_up) return effects;
    add(unfence_broker(broker.id));
    response.is_fenced = false;
    return effects;
  }
  if (request.want_shut_down && !request.want_fence && leads_anything(broker.id)) {
    add(begin_shutdown(broker.id));
    return effects;
  }
  const bool others_know = !broker.in_controlled_shutdown || contact.shutdown_offset <= contact.least_active_offset;
  if (request.want_fence || (request.want_shut_down && others_know)) {
    add(fence_lost_broker(broker.id));
    response.is_fenced = true;
    response.should_shut_down = request.want_shut_down;
  }
  return effects;
}

ControllerEffects<std::monostate> Controller::begin_shutdown(int32_t broker_id) const {
  ControllerEffects<std::monostate> effects;
  effects.atomic = false;
  const BrokerImage* broker = image_.find_broker(broker_id);
  if (broker == nullptr || broker->in_controlled_shutdown) return effects;
  BrokerRegistrationChangeRecord change;
  change.broker_id = broker_id;
  change.broker_epoch = broker->epoch;
  change.in_controlled_shutdown = 1;
  effects.records.emplace_back(std::move(change));
  take_out_of_partitions({broker_id}, effects.records);
  return effects;
}

ControllerEffects<std::monostate> Controller::fence_lost_broker(int32_t broker_id) const {
  ControllerEffects<std::monostate> effects = fence_broker(broker_id);
  effects.atomic = false;
  if (!effects.records.empty()) take_out_of_partitions({broker_id}, effects.records);
  return effects;
}

// Removes their replicas from ISRs, and elects other leaders.
void Controller::take_directories_offline(const BrokerImage& broker, const std::vector<Uuid>& offline,
                                          MetadataRecords& records) const {
  BrokerImage after;
  for (const Uuid& id : broker.log_dirs) {
    if (std::find(offline.begin(), offline.end(), id) == offline.end()) after.log_dirs.push_back(id);
  }
  if (after.log_dirs.size() == broker.log_dirs.size() || after.log_dirs.empty()) return;
  BrokerRegistrationChangeRecord change;
  change.broker_id = broker.id;
  change.broker_epoch = broker.epoch;
  change.log_dirs = after.log_dirs;
  records.emplace_back(std::move(change));
  image_.for_each_partition([&](const TopicImage& topic, int32_t number, const PartitionImage& partition) {
    if (directory_works(after, partition.directory(broker.id))) return;
    PartitionDraft draft = draft_of(topic, number);
    draft.may_lead = [this, &broker](int32_t id) { return id != broker.id && can_lead(image_, id); };
    std::erase(draft.isr, broker.id);
    if (auto moved = draft.record()) records.emplace_back(std::move(*moved));
  });
}

}  // namespace milena::metadata
