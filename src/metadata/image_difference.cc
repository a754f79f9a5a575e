#include "metadata/image_difference.h"

#include <utility>
#include <variant>

namespace milena::metadata {
namespace {

template <class Map, class Key>
const typename Map::mapped_type* find_in(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

template <class T>
bool same(const T* one, const T* other) {
  return one != nullptr && other != nullptr && *one == *other;
}

// The configs of a topic go with it, and one of its name begins without.
const config::ConfigMap& configs_that_stay(const MetadataImage& from, const MetadataImage& to,
                                           const ConfigResource& resource) {
  static const config::ConfigMap kNone;
  if (resource.type != ResourceType::kTopic) return from.configs(resource.type, resource.name);
  const TopicImage* before = from.find_topic(resource.name);
  const bool gone = before != nullptr && to.find_topic(before->id) == nullptr;
  return gone ? kNone : from.configs(resource.type, resource.name);
}

// Whether a record of `to` tells nothing that `from` does not have.
struct IsKnown {
  const MetadataImage& from;
  const MetadataImage& to;

  bool operator()(const FeatureLevelRecord& record) const {
    return from.feature_level(record.name) == record.feature_level;
  }
  bool operator()(const RegisterControllerRecord& record) const {
    return same(find_in(from.controllers(), record.controller_id), find_in(to.controllers(), record.controller_id));
  }
  bool operator()(const RegisterBrokerRecord& record) const {
    return same(from.find_broker(record.broker_id), to.find_broker(record.broker_id));
  }
  bool operator()(const TopicRecord& record) const { return from.find_topic(record.topic_id) != nullptr; }
  bool operator()(const PartitionRecord& record) const {
    const PartitionKey key{record.topic_id, record.partition_id};
    return same(from.find_partition(key), to.find_partition(key));
  }
  bool operator()(const ConfigRecord& record) const {
    const ConfigResource resource{static_cast<ResourceType>(record.resource_type), record.resource_name};
    const Bytes* before = find_in(configs_that_stay(from, to, resource), record.name);
    return before != nullptr && record.value == *before;
  }
  bool operator()(const ClientQuotaRecord& record) const {
    QuotaEntity entity;
    for (const auto& part : record.entity) entity[part.entity_type] = part.entity_name;
    const QuotaMap* before = find_in(from.client_quotas(), entity);
    const double* value = before == nullptr ? nullptr : find_in(*before, record.key);
    return value != nullptr && *value == record.value;
  }
  bool operator()(const ProducerIdsRecord& record) const { return from.next_producer_id() == record.next_producer_id; }
  bool operator()(const AccessControlEntryRecord& record) const {
    return same(find_in(from.acls(), record.id), &record);
  }
  bool operator()(const UserScramCredentialRecord& record) const {
    return same(find_in(from.scram_credentials(), std::pair(record.mechanism, record.name)), &record);
  }
  bool operator()(const DelegationTokenRecord& record) const {
    return same(find_in(from.delegation_tokens(), record.token_id), &record);
  }
  // An image is written in none of the others.
  template <class Other>
  bool operator()(const Other&) const {
    return false;
  }
};

void remove_brokers_and_topics(const MetadataImage& from, const MetadataImage& to, MetadataRecords& records) {
  for (const auto& [id, broker] : from.brokers()) {
    if (to.find_broker(id) != nullptr) continue;
    UnregisterBrokerRecord record;
    record.broker_id = id;
    record.broker_epoch = broker.epoch;
    records.emplace_back(std::move(record));
  }
  for (const TopicImage& topic : from.topics()) {
    if (to.find_topic(topic.id) != nullptr) continue;
    RemoveTopicRecord record;
    record.topic_id = topic.id;
    records.emplace_back(std::move(record));
  }
}

void remove_settings(const MetadataImage& from, const MetadataImage& to, MetadataRecords& records) {
  for (const auto& [name, level] : from.features()) {
    if (to.feature_level(name) != 0) continue;
    FeatureLevelRecord record;
    record.name = name;
    record.feature_level = 0;
    records.emplace_back(std::move(record));
  }
  for (const auto& [resource, all] : from.all_configs()) {
    const config::ConfigMap& now = to.configs(resource.type, resource.name);
    for (const auto& [name, value] : configs_that_stay(from, to, resource)) {
      if (now.contains(name)) continue;
      ConfigRecord record;
      record.resource_type = static_cast<int8_t>(resource.type);
      record.resource_name = resource.name;
      record.name = name;
      record.value.reset();
      records.emplace_back(std::move(record));
    }
  }
  for (const auto& [entity, quotas] : from.client_quotas()) {
    const QuotaMap* now = find_in(to.client_quotas(), entity);
    for (const auto& [key, value] : quotas) {
      if (now != nullptr && now->contains(key)) continue;
      ClientQuotaRecord record;
      for (const auto& [type, name] : entity) record.entity.push_back({type, name});
      record.key = key;
      record.remove = true;
      records.emplace_back(std::move(record));
    }
  }
}

void remove_secrets(const MetadataImage& from, const MetadataImage& to, MetadataRecords& records) {
  for (const auto& [id, acl] : from.acls()) {
    if (to.acls().contains(id)) continue;
    RemoveAccessControlEntryRecord record;
    record.id = id;
    records.emplace_back(std::move(record));
  }
  for (const auto& [key, credential] : from.scram_credentials()) {
    if (to.scram_credentials().contains(key)) continue;
    RemoveUserScramCredentialRecord record;
    record.mechanism = key.first;
    record.name = key.second;
    records.emplace_back(std::move(record));
  }
  for (const auto& [id, token] : from.delegation_tokens()) {
    if (to.delegation_tokens().contains(id)) continue;
    RemoveDelegationTokenRecord record;
    record.token_id = id;
    records.emplace_back(std::move(record));
  }
}

}  // namespace

// Removals come first: a name may belong to another topic now.
MetadataRecords image_difference(const MetadataImage& from, const MetadataImage& to) {
  MetadataRecords records;
  remove_brokers_and_topics(from, to, records);
  remove_settings(from, to, records);
  remove_secrets(from, to, records);
  to.write([&](MetadataRecord record) {
    if (!std::visit(IsKnown{from, to}, record)) records.push_back(std::move(record));
  });
  return records;
}

}  // namespace milena::metadata
