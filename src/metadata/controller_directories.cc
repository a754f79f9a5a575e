// The controller's handling of brokers with several log directories (KIP-858, KIP-1066). A single node needs no
// AssignReplicasToDirs requests: its embedded controller places replicas itself, by the rule of Kafka's LogManager
// (nextLogDirs).
#include <algorithm>
#include <map>
#include <utility>

#include "metadata/controller.h"
#include "metadata/directory_rules.h"
#include "metadata/record_codec.h"

namespace milena::metadata {
namespace {

// The number of replicas in each usable directory of a broker.
using DirectoryLoad = std::map<Uuid, size_t>;

DirectoryLoad load_of(const MetadataImage& image, const BrokerImage& broker) {
  DirectoryLoad load;
  const std::vector<Uuid> cordoned = cordoned_directories(image, broker);
  for (const Uuid& id : broker.log_dirs) {
    if (std::find(cordoned.begin(), cordoned.end(), id) == cordoned.end()) load.emplace(id, 0);
  }
  // A replica that was manually assigned to a broker that takes none is placed there all the same.
  if (load.empty()) {
    for (const Uuid& id : broker.log_dirs) load.emplace(id, 0);
  }
  if (load.size() < 2) return load;
  image.for_each_partition([&](const TopicImage&, int32_t, const PartitionImage& partition) {
    auto at = load.find(partition.directory(broker.id));
    if (at != load.end()) ++at->second;
  });
  return load;
}

}  // namespace

void Controller::place_in_directories(MetadataRecords& records) const {
  std::map<int32_t, DirectoryLoad> loads;
  for (MetadataRecord& each : records) {
    auto* record = std::get_if<PartitionRecord>(&each);
    if (record == nullptr) continue;
    for (size_t i = 0; i < record->directories.size() && i < record->replicas.size(); ++i) {
      if (record->directories[i] != kDirectoryUnassigned) continue;
      const BrokerImage* broker = image_.find_broker(record->replicas[i]);
      if (broker == nullptr || broker->log_dirs.empty()) continue;
      auto [load, first] = loads.try_emplace(broker->id);
      if (first) load->second = load_of(image_, *broker);
      const auto least = std::min_element(load->second.begin(), load->second.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
      if (least == load->second.end()) continue;
      record->directories[i] = least->first;
      ++least->second;
    }
  }
}

ControllerEffects<std::monostate> Controller::assign_directories(
    int32_t broker_id, std::span<const std::pair<PartitionKey, Uuid>> replicas) const {
  ControllerEffects<std::monostate> effects;
  effects.atomic = false;
  for (const auto& [key, directory] : replicas) {
    const PartitionImage* partition = image_.find_partition(key);
    if (partition == nullptr || partition->directory(broker_id) == directory) continue;
    PartitionChangeRecord change;
    change.partition_id = key.partition;
    change.topic_id = key.topic_id;
    change.directories.emplace();
    for (const int32_t replica : partition->replicas) {
      change.directories->push_back(replica == broker_id ? directory : partition->directory(replica));
    }
    effects.records.emplace_back(std::move(change));
  }
  return effects;
}

ControllerEffects<std::monostate> Controller::cordon_directories(int32_t broker_id,
                                                                 const std::vector<Uuid>& cordoned) const {
  ControllerEffects<std::monostate> effects;
  effects.atomic = false;
  const BrokerImage* broker = image_.find_broker(broker_id);
  if (broker == nullptr || broker->cordoned_log_dirs == cordoned || image_.metadata_version() < kMetadataVersion43Iv0) {
    return effects;
  }
  BrokerRegistrationChangeRecord change;
  change.broker_id = broker_id;
  change.broker_epoch = broker->epoch;
  change.cordoned_log_dirs = cordoned;
  effects.records.emplace_back(std::move(change));
  return effects;
}

ControllerEffects<std::monostate> Controller::lose_directories(int32_t broker_id, const std::vector<Uuid>& left) const {
  ControllerEffects<std::monostate> effects;
  effects.atomic = false;
  const BrokerImage* broker = image_.find_broker(broker_id);
  if (broker == nullptr) return effects;
  BrokerImage after;
  after.log_dirs = left;
  if (broker->log_dirs != left) {
    BrokerRegistrationChangeRecord change;
    change.broker_id = broker_id;
    change.broker_epoch = broker->epoch;
    change.log_dirs = left;
    effects.records.emplace_back(std::move(change));
  }
  image_.for_each_partition([&](const TopicImage& topic, int32_t number, const PartitionImage& partition) {
    if (partition.leader != broker_id || directory_works(after, partition.directory(broker_id))) return;
    PartitionChangeRecord change;
    change.partition_id = number;
    change.topic_id = topic.id;
    change.leader = kNoLeader;
    effects.records.emplace_back(std::move(change));
  });
  return effects;
}

}  // namespace milena::metadata
