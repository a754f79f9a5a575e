// Kafka's internal topics, and how they are created on first use (Kafka's Topic, AutoTopicCreationManager).
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace milena::metadata {

inline constexpr ByteView kConsumerOffsetsTopic = "__consumer_offsets";
inline constexpr ByteView kTransactionStateTopic = "__transaction_state";
inline constexpr ByteView kShareGroupStateTopic = "__share_group_state";
inline constexpr ByteView kClusterMetadataTopic = "__cluster_metadata";

// Kafka's Topic.isInternal: clients may not produce to them, and Metadata marks them. __cluster_metadata is not a
// topic.
bool is_internal_topic(ByteView name);

// The settings for creating them. The defaults are for a single node: one replica, and one in sync.
struct InternalTopicSettings {
  int32_t offsets_partitions = 50;  // offsets.topic.num.partitions
  int16_t offsets_replication_factor = 1;
  int32_t offsets_segment_bytes = 100 << 20;
  int32_t transaction_partitions = 50;  // transaction.state.log.*
  int16_t transaction_replication_factor = 1;
  int32_t transaction_segment_bytes = 100 << 20;
  int32_t transaction_min_insync_replicas = 1;
  int32_t share_partitions = 50;  // share.coordinator.state.topic.*
  int16_t share_replication_factor = 1;
  int32_t share_segment_bytes = 100 << 20;
  int32_t share_min_insync_replicas = 1;
};

struct InternalTopic {
  int32_t num_partitions = 0;
  int16_t replication_factor = 0;
  std::vector<std::pair<Bytes, Bytes>> configs;
};

// nullopt for a topic that is not internal.
// The setting that says how many replicas it gets.
ByteView replicas_setting(ByteView topic);
std::optional<InternalTopic> internal_topic(ByteView name, const InternalTopicSettings& settings);

}  // namespace milena::metadata
