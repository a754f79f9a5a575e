// The features of Kafka 4.3 as kafka-storage.sh shows them: which levels come with which release. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace milena::tools {

struct MetadataRelease {
  int16_t level;
  const char* name;  // "4.3-IV0"
};
// "4.3-IV0", or "4.3": the last of that release.
const MetadataRelease* find_metadata_release(const std::string& name);
const MetadataRelease* find_metadata_release(int16_t level);
const MetadataRelease& newest_metadata_release();

struct FeatureLevel {
  int16_t level;
  int16_t from;       // with this level of metadata.version on, a new cluster has it
  int16_t requires_;  // this level of metadata.version; 0: none
};
struct KafkaFeature {
  const char* name;
  std::span<const FeatureLevel> levels;

  int16_t level_with(int16_t metadata_version) const;
};
// In Kafka's order, without metadata.version.
std::span<const KafkaFeature> kafka_features();

}  // namespace milena::tools
