#include "tools/kafka/feature_levels.h"

#include <algorithm>

namespace milena::tools {
namespace {

constexpr MetadataRelease kReleases[] = {
    {7, "3.3-IV3"},  {8, "3.4-IV0"},  {9, "3.5-IV0"},  {10, "3.5-IV1"}, {11, "3.5-IV2"}, {12, "3.6-IV0"},
    {13, "3.6-IV1"}, {14, "3.6-IV2"}, {15, "3.7-IV0"}, {16, "3.7-IV1"}, {17, "3.7-IV2"}, {18, "3.7-IV3"},
    {19, "3.7-IV4"}, {20, "3.8-IV0"}, {21, "3.9-IV0"}, {22, "4.0-IV0"}, {23, "4.0-IV1"}, {24, "4.0-IV2"},
    {25, "4.0-IV3"}, {26, "4.1-IV0"}, {27, "4.1-IV1"}, {28, "4.2-IV0"}, {29, "4.2-IV1"}, {30, "4.3-IV0"},
};

constexpr FeatureLevel kKraft[] = {{0, 7, 0}, {1, 21, 0}};
constexpr FeatureLevel kTransaction[] = {{0, 7, 0}, {1, 24, 0}, {2, 24, 0}};
constexpr FeatureLevel kGroup[] = {{0, 7, 0}, {1, 22, 0}};
constexpr FeatureLevel kElr[] = {{0, 7, 0}, {1, 26, 23}};
constexpr FeatureLevel kShare[] = {{0, 7, 0}, {1, 28, 0}};
constexpr FeatureLevel kStreams[] = {{0, 7, 0}, {1, 29, 0}};
constexpr KafkaFeature kFeatures[] = {
    {"kraft.version", kKraft}, {"transaction.version", kTransaction},
    {"group.version", kGroup}, {"eligible.leader.replicas.version", kElr},
    {"share.version", kShare}, {"streams.version", kStreams},
};

}  // namespace

const MetadataRelease* find_metadata_release(const std::string& name) {
  const MetadataRelease* found = nullptr;
  for (const MetadataRelease& one : kReleases) {
    if (name == one.name || std::string(one.name).starts_with(name + "-IV")) found = &one;
  }
  return found;
}

const MetadataRelease* find_metadata_release(int16_t level) {
  const auto* found = std::find_if(std::begin(kReleases), std::end(kReleases),
                                   [level](const MetadataRelease& one) { return one.level == level; });
  return found == std::end(kReleases) ? nullptr : found;
}

const MetadataRelease& newest_metadata_release() {
  return *(std::end(kReleases) - 1);
}

int16_t KafkaFeature::level_with(int16_t metadata_version) const {
  int16_t found = 0;
  for (const FeatureLevel& one : levels) {
    if (one.from <= metadata_version) found = one.level;
  }
  return found;
}

std::span<const KafkaFeature> kafka_features() {
  return kFeatures;
}

}  // namespace milena::tools
