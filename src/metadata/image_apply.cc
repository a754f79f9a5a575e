// MetadataImage::apply: one overload per record type.
#include <limits>
#include <utility>

#include "metadata/features.h"
#include "metadata/image.h"
#include "metadata/internal_topics.h"

namespace milena::metadata {
namespace {

template <class From>
std::vector<EndpointImage> endpoints_of(const std::vector<From>& from) {
  std::vector<EndpointImage> to;
  to.reserve(from.size());
  for (const From& each : from) to.push_back({each.name, each.host, each.port, each.security_protocol});
  return to;
}

template <class From>
std::vector<FeatureRange> features_of(const std::vector<From>& from) {
  std::vector<FeatureRange> to;
  to.reserve(from.size());
  for (const From& each : from)
    to.push_back({each.name, each.min_supported_version, each.max_supported_version});
  return to;
}

QuotaEntity entity_of(const ClientQuotaRecord& record) {
  QuotaEntity entity;
  for (const auto& part : record.entity) entity[part.entity_type] = part.entity_name;
  return entity;
}

// Replaces a list if the change record has one.
void replace(std::vector<int32_t>& list, const std::optional<std::vector<int32_t>>& change) {
  if (change) list = *change;
}

}  // namespace

struct MetadataImage::Applier {
  MetadataImage& image;
  ImageDelta& delta;

  // --- topics

  Status operator()(const TopicRecord& record) {
    // Snapshots and copied images have the topics in the order of their names.
    const bool is_last = image.topics_.empty() || image.topics_.rbegin()->first < record.name;
    const auto place = is_last ? image.topics_.end() : image.topics_.lower_bound(record.name);
    auto topic = std::make_unique<TopicImage>();
    const bool name_is_known = place != image.topics_.end() && place->first == record.name;
    if (name_is_known || !image.topics_by_id_.try_emplace(record.topic_id, topic.get()).second) {
      return make_error(ErrorKind::kCorrupt, "metadata log: topic {} ({}) is created but exists", record.name,
                        record.topic_id.to_string());
    }
    topic->name = record.name;
    topic->id = record.topic_id;
    topic->internal = is_internal_topic(record.name);
    delta.topics_created.push_back({topic->name, topic->id, 0});
    const ByteView key = topic->name;
    image.topics_.emplace_hint(place, key, std::move(topic));
    return ok_status();
  }

  Status operator()(const PartitionRecord& record) {
    TopicImage* topic = topic_of(record.topic_id);
    if (topic == nullptr) return unknown_topic(record.topic_id, "partition");
    if (record.partition_id < 0 || record.partition_id > kMaxPartitionId || record.partition_epoch < 0) {
      return make_error(ErrorKind::kCorrupt, "metadata log: topic {} has a partition {} with epoch {}",
                        topic->name, record.partition_id, record.partition_epoch);
    }
    const auto number = static_cast<size_t>(record.partition_id);
    if (topic->partitions.size() <= number) topic->partitions.resize(number + 1);
    PartitionImage& partition = topic->partitions[number];
    note(record.topic_id, record.partition_id, partition, !partition.exists());
    if (!partition.exists()) ++image.partition_count_;
    partition.leader = record.leader;
    partition.leader_epoch = record.leader_epoch;
    partition.partition_epoch = record.partition_epoch;
    partition.leader_recovery_state = record.leader_recovery_state;
    partition.replicas.assign(record.replicas);
    partition.isr.assign(record.isr);
    partition.directories.assign(record.directories);
    PartitionExtras extras{record.removing_replicas, record.adding_replicas, {}, {}};
    replace(extras.eligible_leader_replicas, record.eligible_leader_replicas);
    replace(extras.last_known_elr, record.last_known_elr);
    partition.set_extras(std::move(extras));
    return ok_status();
  }

  // Kafka's PartitionRegistration.merge.
  Status operator()(const PartitionChangeRecord& record) {
    TopicImage* topic = topic_of(record.topic_id);
    if (topic == nullptr) return unknown_topic(record.topic_id, "change of a partition");
    if (topic->partition(record.partition_id) == nullptr) {
      return make_error(ErrorKind::kCorrupt, "metadata log: topic {} has no partition {} to change",
                        topic->name, record.partition_id);
    }
    PartitionImage& partition = topic->partitions[static_cast<size_t>(record.partition_id)];
    note(record.topic_id, record.partition_id, partition, false);
    constexpr int32_t kLeaderUnchanged = -2;
    if (record.leader != kLeaderUnchanged) {
      partition.leader = record.leader;
      ++partition.leader_epoch;
    }
    ++partition.partition_epoch;
    if (record.leader_recovery_state >= 0) partition.leader_recovery_state = record.leader_recovery_state;
    if (record.isr) partition.isr.assign(*record.isr);
    if (record.replicas) {
      partition.replicas.assign(*record.replicas);
      if (!record.directories && partition.directories.size() != partition.replicas.size())
        partition.directories.assign({});
    }
    if (record.directories) partition.directories.assign(*record.directories);
    if (record.removing_replicas || record.adding_replicas || record.eligible_leader_replicas ||
        record.last_known_elr) {
      PartitionExtras extras = partition.extras();
      replace(extras.removing_replicas, record.removing_replicas);
      replace(extras.adding_replicas, record.adding_replicas);
      replace(extras.eligible_leader_replicas, record.eligible_leader_replicas);
      replace(extras.last_known_elr, record.last_known_elr);
      partition.set_extras(std::move(extras));
    }
    return ok_status();
  }

  // The topic's configs are removed with it; there is no record for that.
  Status operator()(const RemoveTopicRecord& record) {
    TopicImage* topic = topic_of(record.topic_id);
    if (topic == nullptr) return unknown_topic(record.topic_id, "removal");
    for (const PartitionImage& partition : topic->partitions)
      image.partition_count_ -= partition.exists() ? 1 : 0;
    delta.topics_deleted.push_back({topic->name, topic->id, topic->partition_count()});
    image.topics_by_id_.erase(topic->id);
    ConfigResource resource{ResourceType::kTopic, topic->name};
    image.topics_.erase(topic->name);
    if (image.configs_.erase(resource) > 0) delta.configs.push_back(std::move(resource));
    return ok_status();
  }

  // Written when eligible leader replicas are switched off; epochs stay.
  Status operator()(const ClearElrRecord& record) {
    if (!record.topic_name.empty()) {
      const auto found = image.topics_.find(record.topic_name);
      if (found == image.topics_.end()) {
        return make_error(ErrorKind::kCorrupt, "metadata log: no topic {} to clear", record.topic_name);
      }
      clear_elr(*found->second);
      return ok_status();
    }
    for (const auto& [name, topic] : image.topics_) clear_elr(*topic);
    return ok_status();
  }

  // --- nodes

  Status operator()(const RegisterBrokerRecord& record) {
    BrokerImage broker;
    broker.id = record.broker_id;
    broker.epoch = record.broker_epoch;
    broker.incarnation_id = record.incarnation_id;
    broker.endpoints = endpoints_of(record.end_points);
    broker.features = features_of(record.features);
    broker.rack = record.rack;
    broker.fenced = record.fenced;
    broker.in_controlled_shutdown = record.in_controlled_shutdown;
    broker.log_dirs = record.log_dirs;
    if (record.cordoned_log_dirs) broker.cordoned_log_dirs = *record.cordoned_log_dirs;
    delta.brokers.push_back(broker.id);
    image.brokers_[record.broker_id] = std::move(broker);
    return ok_status();
  }

  Status operator()(const UnregisterBrokerRecord& record) {
    return change_broker(record.broker_id, record.broker_epoch,
                         [this](BrokerImage& broker) { image.brokers_.erase(broker.id); });
  }
  Status operator()(const FenceBrokerRecord& record) {
    return change_broker(record.id, record.epoch, [](BrokerImage& broker) { broker.fenced = true; });
  }
  Status operator()(const UnfenceBrokerRecord& record) {
    return change_broker(record.id, record.epoch, [](BrokerImage& broker) { broker.fenced = false; });
  }
  Status operator()(const BrokerRegistrationChangeRecord& record) {
    return change_broker(record.broker_id, record.broker_epoch, [&record](BrokerImage& broker) {
      if (record.fenced != 0) broker.fenced = record.fenced > 0;
      if (record.in_controlled_shutdown != 0)
        broker.in_controlled_shutdown = record.in_controlled_shutdown > 0;
      if (!record.log_dirs.empty()) broker.log_dirs = record.log_dirs;
      if (record.cordoned_log_dirs) broker.cordoned_log_dirs = *record.cordoned_log_dirs;
    });
  }

  Status operator()(const RegisterControllerRecord& record) {
    image.controllers_[record.controller_id] = {record.controller_id, record.incarnation_id,
                                                endpoints_of(record.end_points),
                                                features_of(record.features)};
    delta.controllers = true;
    return ok_status();
  }

  // --- settings

  // An unknown level may change the meaning of anything, so it is an error, as in Kafka's FeatureControlManager.
  Status operator()(const FeatureLevelRecord& record) {
    if (!supports_feature(record.name, record.feature_level)) {
      return make_error(
          ErrorKind::kUnsupported,
          "the metadata has level {} of the feature {}, supported here is {}. A newer (or much older) Kafka "
          "wrote it: use that, or bring the feature to a supported level with its kafka-features.sh",
          record.feature_level, record.name, describe_supported(record.name));
    }
    if (record.feature_level == 0) {
      image.features_.erase(record.name);
    } else {
      image.features_[record.name] = record.feature_level;
    }
    delta.features = true;
    return ok_status();
  }

  Status operator()(const ConfigRecord& record) {
    ConfigResource resource{static_cast<ResourceType>(record.resource_type), record.resource_name};
    if (record.value) {
      image.configs_[resource][record.name] = *record.value;
    } else if (const auto found = image.configs_.find(resource); found != image.configs_.end()) {
      found->second.erase(record.name);
      if (found->second.empty()) image.configs_.erase(found);
    }
    if (delta.configs.empty() || delta.configs.back() != resource)
      delta.configs.push_back(std::move(resource));
    return ok_status();
  }

  Status operator()(const ClientQuotaRecord& record) {
    const QuotaEntity entity = entity_of(record);
    if (!record.remove) {
      image.client_quotas_[entity][record.key] = record.value;
    } else if (const auto found = image.client_quotas_.find(entity); found != image.client_quotas_.end()) {
      found->second.erase(record.key);
      if (found->second.empty()) image.client_quotas_.erase(found);
    }
    delta.client_quotas = true;
    return ok_status();
  }

  Status operator()(const ProducerIdsRecord& record) {
    if (record.next_producer_id < image.next_producer_id_) {
      return make_error(ErrorKind::kCorrupt, "metadata log: the next producer id goes back from {} to {}",
                        image.next_producer_id_, record.next_producer_id);
    }
    image.next_producer_id_ = record.next_producer_id;
    delta.producer_ids = true;
    return ok_status();
  }

  // --- security

  Status operator()(const AccessControlEntryRecord& record) {
    image.acls_[record.id] = record;
    delta.acls.push_back(record.id);
    return ok_status();
  }
  Status operator()(const RemoveAccessControlEntryRecord& record) {
    image.acls_.erase(record.id);
    delta.acls.push_back(record.id);
    return ok_status();
  }
  Status operator()(const UserScramCredentialRecord& record) {
    image.scram_[{record.mechanism, record.name}] = record;
    delta.scram_credentials = true;
    return ok_status();
  }
  Status operator()(const RemoveUserScramCredentialRecord& record) {
    image.scram_.erase({record.mechanism, record.name});
    delta.scram_credentials = true;
    return ok_status();
  }
  Status operator()(const DelegationTokenRecord& record) {
    image.tokens_[record.token_id] = record;
    delta.delegation_tokens = true;
    return ok_status();
  }
  Status operator()(const RemoveDelegationTokenRecord& record) {
    image.tokens_.erase(record.token_id);
    delta.delegation_tokens = true;
    return ok_status();
  }

  // --- without effect

  Status operator()(const NoOpRecord&) { return ok_status(); }
  Status operator()(const ZkMigrationStateRecord&) { return ok_status(); }
  Status operator()(const BeginTransactionRecord&) { return transaction_mark(); }
  Status operator()(const EndTransactionRecord&) { return transaction_mark(); }
  Status operator()(const AbortTransactionRecord&) { return transaction_mark(); }

 private:
  static Status transaction_mark() {
    return make_error(ErrorKind::kCorrupt,
                      "the mark of a metadata transaction where only its records may be");
  }
  static Status unknown_topic(const Uuid& id, ByteView what) {
    return make_error(ErrorKind::kCorrupt, "metadata log: {} of a topic {} that does not exist", what,
                      id.to_string());
  }

  TopicImage* topic_of(const Uuid& id) {
    const auto found = image.topics_by_id_.find(id);
    return found == image.topics_by_id_.end() ? nullptr : found->second;
  }

  void note(const Uuid& topic_id, int32_t number, const PartitionImage& before, bool created) {
    delta.partitions.push_back({{topic_id, number}, created, before.leader, before.leader_epoch});
  }

  void clear_elr(TopicImage& topic) {
    int32_t number = -1;
    for (PartitionImage& partition : topic.partitions) {
      ++number;
      PartitionExtras extras = partition.extras();
      if (extras.eligible_leader_replicas.empty() && extras.last_known_elr.empty()) continue;
      note(topic.id, number, partition, false);
      extras.eligible_leader_replicas.clear();
      extras.last_known_elr.clear();
      partition.set_extras(std::move(extras));
    }
  }

  template <class Change>
  Status change_broker(int32_t id, int64_t epoch, Change change) {
    const auto found = image.brokers_.find(id);
    if (found == image.brokers_.end() || found->second.epoch != epoch) {
      return make_error(ErrorKind::kCorrupt, "metadata log: no broker {} with epoch {} to change", id, epoch);
    }
    delta.brokers.push_back(id);
    change(found->second);
    return ok_status();
  }
};

Status MetadataImage::apply(const MetadataRecord& record, ImageDelta& delta) {
  return std::visit(Applier{*this, delta}, record);
}

}  // namespace milena::metadata
