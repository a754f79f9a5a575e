// The features of a cluster and the levels that Kafka 4.3 knows (Kafka's Feature, MetadataVersion; KIP-584,
// KIP-1022).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "metadata/image.h"
#include "metadata/metadata_record.h"

namespace milena::metadata {

inline constexpr ByteView kMetadataVersionFeature = "metadata.version";
inline constexpr ByteView kGroupVersionFeature = "group.version";
inline constexpr ByteView kElrFeature = "eligible.leader.replicas.version";
inline constexpr ByteView kKraftVersionFeature = "kraft.version";
inline constexpr ByteView kTransactionVersionFeature = "transaction.version";

// The features that a 4.3 node registers with, in the order of the names.
const std::vector<FeatureRange>& supported_features();

// Level 0 of a feature is that of a cluster without it, and so supported even for an unknown one.
bool supports_feature(ByteView feature, int16_t level);
// "levels 7 to 30", "none", for people.
Bytes describe_supported(ByteView feature);

// Whether a level of metadata.version above `low`, up to `high`, changed the records, so that a downgrade could lose
// data.
bool metadata_changed_between(int16_t low, int16_t high);

// The levels of other features that this level of a feature requires.
std::vector<std::pair<ByteView, int16_t>> feature_dependencies(ByteView feature, int16_t level);

// The records that `kafka-storage format` of 4.3.1 writes into bootstrap.checkpoint: the levels of a new cluster.
MetadataRecords default_bootstrap_records();

}  // namespace milena::metadata
