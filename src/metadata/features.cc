#include "metadata/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "metadata/record_codec.h"

namespace milena::metadata {

const std::vector<FeatureRange>& supported_features() {
  static const std::vector<FeatureRange> features{
      {Bytes(kElrFeature), 0, 1},
      {Bytes(kGroupVersionFeature), 0, 1},
      {Bytes(kKraftVersionFeature), 0, 1},
      {Bytes(kMetadataVersionFeature), kMetadataVersion33Iv3, kMetadataVersionLatest},
      {"share.version", 0, 1},
      {"streams.version", 0, 1},
      {Bytes(kTransactionVersionFeature), 0, 2},
  };
  return features;
}

namespace {

const FeatureRange* find_supported(ByteView feature) {
  const auto& all = supported_features();
  const auto at =
      std::find_if(all.begin(), all.end(), [feature](const FeatureRange& each) { return each.name == feature; });
  return at == all.end() ? nullptr : &*at;
}

}  // namespace

bool supports_feature(ByteView feature, int16_t level) {
  if (level == 0) return true;
  const FeatureRange* range = find_supported(feature);
  return range != nullptr && level >= range->min_version && level <= range->max_version;
}

Bytes describe_supported(ByteView feature) {
  const FeatureRange* range = find_supported(feature);
  if (range == nullptr) return "none";
  return fmt::format("levels {} to {}", range->min_version, range->max_version);
}

bool metadata_changed_between(int16_t low, int16_t high) {
  constexpr int16_t kChanging[] = {7, 8, 11, 13, 14, 15, 17, 23, 30};
  return std::any_of(std::begin(kChanging), std::end(kChanging),
                     [low, high](int16_t level) { return level > low && level <= high; });
}

std::vector<std::pair<ByteView, int16_t>> feature_dependencies(ByteView feature, int16_t level) {
  if (feature == kElrFeature && level >= 1) return {{kMetadataVersionFeature, kMetadataVersion40Iv1}};
  return {};
}

MetadataRecords default_bootstrap_records() {
  MetadataRecords records;
  const auto level = [&records](ByteView name, int16_t value) {
    FeatureLevelRecord record;
    record.name = name;
    record.feature_level = value;
    records.push_back(std::move(record));
  };
  level(kMetadataVersionFeature, kMetadataVersionLatest);
  level(kElrFeature, 1);
  level(kGroupVersionFeature, 1);
  level("share.version", 1);
  level("streams.version", 1);
  level(kTransactionVersionFeature, 2);
  return records;
}

}  // namespace milena::metadata
