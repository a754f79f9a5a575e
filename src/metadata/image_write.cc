// MetadataImage::write: the image as records, for snapshots. The order of the parts is that of Kafka's
// MetadataImage.write.
#include "metadata/image.h"
#include "metadata/registration_records.h"

namespace milena::metadata {
namespace {

std::optional<std::vector<int32_t>> unless_empty(const std::vector<int32_t>& list) {
  if (list.empty()) return std::nullopt;
  return list;
}

PartitionRecord partition_record(const TopicImage& topic, int32_t number, const PartitionImage& partition) {
  PartitionRecord record;
  record.partition_id = number;
  record.topic_id = topic.id;
  record.replicas = partition.replicas.to_vector();
  record.isr = partition.isr.to_vector();
  record.leader = partition.leader;
  record.leader_recovery_state = partition.leader_recovery_state;
  record.leader_epoch = partition.leader_epoch;
  record.partition_epoch = partition.partition_epoch;
  record.directories = partition.directories.to_vector();
  const PartitionExtras& extras = partition.extras();
  record.removing_replicas = extras.removing_replicas;
  record.adding_replicas = extras.adding_replicas;
  record.eligible_leader_replicas = unless_empty(extras.eligible_leader_replicas);
  record.last_known_elr = unless_empty(extras.last_known_elr);
  return record;
}

RegisterBrokerRecord broker_record(const BrokerImage& broker) {
  RegisterBrokerRecord record;
  record.broker_id = broker.id;
  record.incarnation_id = broker.incarnation_id;
  record.broker_epoch = broker.epoch;
  record.end_points = endpoint_records<RegisterBrokerRecord::BrokerEndpoint>(broker.endpoints);
  record.features = feature_records<RegisterBrokerRecord::BrokerFeature>(broker.features);
  record.rack = broker.rack;
  record.fenced = broker.fenced;
  record.in_controlled_shutdown = broker.in_controlled_shutdown;
  record.log_dirs = broker.log_dirs;
  if (!broker.cordoned_log_dirs.empty()) record.cordoned_log_dirs = broker.cordoned_log_dirs;
  return record;
}

RegisterControllerRecord controller_record(const ControllerImage& controller) {
  RegisterControllerRecord record;
  record.controller_id = controller.id;
  record.incarnation_id = controller.incarnation_id;
  record.end_points = endpoint_records<RegisterControllerRecord::ControllerEndpoint>(controller.endpoints);
  record.features = feature_records<RegisterControllerRecord::ControllerFeature>(controller.features);
  return record;
}

FeatureLevelRecord feature_level_record(const Bytes& name, int16_t level) {
  FeatureLevelRecord record;
  record.name = name;
  record.feature_level = level;
  return record;
}

ConfigRecord config_record(const ConfigResource& resource, const Bytes& name, const Bytes& value) {
  ConfigRecord record;
  record.resource_type = static_cast<int8_t>(resource.type);
  record.resource_name = resource.name;
  record.name = name;
  record.value = value;
  return record;
}

ClientQuotaRecord quota_record(const QuotaEntity& entity, const Bytes& key, double value) {
  ClientQuotaRecord record;
  for (const auto& [type, name] : entity) {
    ClientQuotaRecord::EntityData part;
    part.entity_type = type;
    part.entity_name = name;
    record.entity.push_back(std::move(part));
  }
  record.key = key;
  record.value = value;
  return record;
}

}  // namespace

void MetadataImage::write(const std::function<void(MetadataRecord)>& emit) const {
  // metadata.version comes first: the rest is read by it.
  if (metadata_version() != 0) emit(feature_level_record("metadata.version", metadata_version()));
  for (const auto& [name, level] : features_) {
    if (name != "metadata.version") emit(feature_level_record(name, level));
  }
  for (const auto& [id, controller] : controllers_) emit(controller_record(controller));
  for (const auto& [id, broker] : brokers_) emit(broker_record(broker));
  for (const auto& [name, topic] : topics_) {
    TopicRecord record;
    record.name = topic->name;
    record.topic_id = topic->id;
    emit(std::move(record));
    for (int32_t number = 0; number < topic->partition_count(); ++number) {
      if (const PartitionImage* partition = topic->partition(number))
        emit(partition_record(*topic, number, *partition));
    }
  }
  for (const auto& [resource, configs] : configs_) {
    for (const auto& [name, value] : configs) emit(config_record(resource, name, value));
  }
  for (const auto& [entity, quotas] : client_quotas_) {
    for (const auto& [key, value] : quotas) emit(quota_record(entity, key, value));
  }
  if (next_producer_id_ > 0) {
    ProducerIdsRecord record;
    record.broker_id = -1;
    record.next_producer_id = next_producer_id_;
    emit(std::move(record));
  }
  for (const auto& [id, acl] : acls_) emit(acl);
  for (const auto& [key, credential] : scram_) emit(credential);
  for (const auto& [id, token] : tokens_) emit(token);
}

}  // namespace milena::metadata
