// The features of a cluster and the levels that Kafka 4.3 knows (Kafka's Feature, MetadataVersion; KIP-584,
// KIP-1022).
#pragma once

#include <cstdint>
#include <vector>

#include "metadata/image.h"
#include "metadata/metadata_record.h"

namespace milena {

inline constexpr ByteView kMetadataVersionFeature = "metadata.version";
inline constexpr ByteView kGroupVersionFeature = "group.version";
inline constexpr ByteView kElrFeature = "eligible.leader.replicas.version";

// What a 4.3 node registers itself with, in the order of the names.
const std::vector<FeatureRange>& supported_features();

// What `kafka-storage format` of 4.3.1 writes into bootstrap.checkpoint: the levels a new cluster begins
// with.
MetadataRecords default_bootstrap_records();

}  // namespace milena
