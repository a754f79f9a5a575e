#include "metadata/image.h"

#include <tuple>
#include <utility>

#include "metadata/internal_topics.h"

namespace milena::metadata {

// --- PartitionExtras and PartitionImage

bool PartitionExtras::empty() const {
  return removing_replicas.empty() && adding_replicas.empty() && eligible_leader_replicas.empty() &&
         last_known_elr.empty();
}

Uuid PartitionImage::directory(int32_t broker_id) const {
  for (size_t i = 0; i < replicas.size() && i < directories.size(); ++i) {
    if (replicas[i] == broker_id) return directories[i];
  }
  return kDirectoryUnassigned;
}

const PartitionExtras& PartitionImage::extras() const {
  static const PartitionExtras none;
  return extras_ ? *extras_ : none;
}

void PartitionImage::set_extras(PartitionExtras extras) {
  if (extras.empty()) {
    extras_.reset();
  } else {
    extras_ = std::make_unique<PartitionExtras>(std::move(extras));
  }
}

bool PartitionImage::operator==(const PartitionImage& other) const {
  return leader == other.leader && leader_epoch == other.leader_epoch &&
         partition_epoch == other.partition_epoch && leader_recovery_state == other.leader_recovery_state &&
         replicas == other.replicas && isr == other.isr && directories == other.directories &&
         extras() == other.extras();
}

// --- the other parts

const PartitionImage* TopicImage::partition(int32_t number) const {
  if (number < 0 || number >= partition_count()) return nullptr;
  const PartitionImage& partition = partitions[static_cast<size_t>(number)];
  return partition.exists() ? &partition : nullptr;
}

const EndpointImage* BrokerImage::endpoint(ByteView listener) const {
  for (const EndpointImage& endpoint : endpoints) {
    if (endpoint.name == listener) return &endpoint;
  }
  return nullptr;
}

bool ImageDelta::empty() const {
  return topics_created.empty() && topics_deleted.empty() && partitions.empty() && configs.empty() &&
         brokers.empty() && !controllers && !features && !client_quotas && !producer_ids && acls.empty() &&
         !scram_credentials && !delegation_tokens;
}

// --- MetadataImage: looking up

MetadataImage::MetadataImage() = default;
MetadataImage::~MetadataImage() = default;
MetadataImage::MetadataImage(MetadataImage&&) noexcept = default;
MetadataImage& MetadataImage::operator=(MetadataImage&&) noexcept = default;

const TopicImage* MetadataImage::find_topic(ByteView name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.get();
}

const TopicImage* MetadataImage::find_topic(const Uuid& id) const {
  const auto found = topics_by_id_.find(id);
  return found == topics_by_id_.end() ? nullptr : found->second;
}

const PartitionImage* MetadataImage::find_partition(ByteView topic, int32_t partition) const {
  const TopicImage* found = find_topic(topic);
  return found == nullptr ? nullptr : found->partition(partition);
}

const PartitionImage* MetadataImage::find_partition(const PartitionKey& key) const {
  const TopicImage* found = find_topic(key.topic_id);
  return found == nullptr ? nullptr : found->partition(key.partition);
}

const BrokerImage* MetadataImage::find_broker(int32_t id) const {
  const auto found = brokers_.find(id);
  return found == brokers_.end() ? nullptr : &found->second;
}

std::vector<int32_t> MetadataImage::offline_replicas(const PartitionImage& partition) const {
  std::vector<int32_t> offline;
  for (const int32_t id : partition.replicas) {
    const BrokerImage* broker = find_broker(id);
    if (broker == nullptr || broker->fenced) offline.push_back(id);
  }
  return offline;
}

int16_t MetadataImage::feature_level(ByteView name) const {
  const auto found = features_.find(name);
  return found == features_.end() ? int16_t{0} : found->second;
}

const config::ConfigMap& MetadataImage::configs(ResourceType type, ByteView name) const {
  static const config::ConfigMap none;
  const auto found = configs_.find(ConfigResource{type, Bytes(name)});
  return found == configs_.end() ? none : found->second;
}

bool MetadataImage::operator==(const MetadataImage& other) const {
  const auto same_topic = [](const auto& a, const auto& b) { return *a.second == *b.second; };
  return std::equal(topics_.begin(), topics_.end(), other.topics_.begin(), other.topics_.end(), same_topic) &&
         std::tie(brokers_, controllers_, features_, configs_, client_quotas_, next_producer_id_, acls_,
                  scram_, tokens_) == std::tie(other.brokers_, other.controllers_, other.features_,
                                               other.configs_, other.client_quotas_, other.next_producer_id_,
                                               other.acls_, other.scram_, other.tokens_);
}

}  // namespace milena::metadata
