#include "metadata/features.h"

#include <algorithm>
#include <iterator>

#include "metadata/record_codec.h"

namespace milena {

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

}  // namespace milena
