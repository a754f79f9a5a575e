#include "metadata/features.h"

#include "metadata/record_codec.h"

namespace milena {

const std::vector<FeatureRange>& supported_features() {
  static const std::vector<FeatureRange> features{
      {"eligible.leader.replicas.version", 0, 1},
      {"group.version", 0, 1},
      {"kraft.version", 0, 1},
      {"metadata.version", kMetadataVersion33Iv3, kMetadataVersionLatest},
      {"share.version", 0, 1},
      {"streams.version", 0, 1},
      {"transaction.version", 0, 2},
  };
  return features;
}

MetadataRecords default_bootstrap_records() {
  MetadataRecords records;
  const auto level = [&records](ByteView name, int16_t value) {
    FeatureLevelRecord record;
    record.name = name;
    record.feature_level = value;
    records.push_back(std::move(record));
  };
  level("metadata.version", kMetadataVersionLatest);
  level("eligible.leader.replicas.version", 1);
  level("group.version", 1);
  level("share.version", 1);
  level("streams.version", 1);
  level("transaction.version", 2);
  return records;
}

}  // namespace milena
