#include "metadata/internal_topics.h"

#include <string>

namespace milena::metadata {

bool is_internal_topic(ByteView name) {
  return name == kConsumerOffsetsTopic || name == kTransactionStateTopic || name == kShareGroupStateTopic;
}

ByteView replicas_setting(ByteView topic) {
  if (topic == kConsumerOffsetsTopic) return "offsets.topic.replication.factor";
  return topic == kTransactionStateTopic ? "transaction.state.log.replication.factor"
                                         : "share.coordinator.state.topic.replication.factor";
}

std::optional<InternalTopic> internal_topic(ByteView name, const InternalTopicSettings& settings) {
  if (name == kConsumerOffsetsTopic) {
    return InternalTopic{settings.offsets_partitions,
                         settings.offsets_replication_factor,
                         {{"cleanup.policy", "compact"},
                          {"compression.type", "producer"},
                          {"segment.bytes", std::to_string(settings.offsets_segment_bytes)}}};
  }
  if (name == kTransactionStateTopic) {
    return InternalTopic{settings.transaction_partitions,
                         settings.transaction_replication_factor,
                         {{"cleanup.policy", "compact"},
                          {"compression.type", "uncompressed"},
                          {"min.insync.replicas", std::to_string(settings.transaction_min_insync_replicas)},
                          {"segment.bytes", std::to_string(settings.transaction_segment_bytes)},
                          {"unclean.leader.election.enable", "false"}}};
  }
  if (name == kShareGroupStateTopic) {
    return InternalTopic{settings.share_partitions,
                         settings.share_replication_factor,
                         {{"cleanup.policy", "delete"},
                          {"compression.type", "producer"},
                          {"min.insync.replicas", std::to_string(settings.share_min_insync_replicas)},
                          {"retention.ms", "-1"},
                          {"segment.bytes", std::to_string(settings.share_segment_bytes)}}};
  }
  return std::nullopt;
}

}  // namespace milena::metadata
