// DescribeQuorum at the embedded controller, which leads the one partition of __cluster_metadata alone.
#include "broker/controller/embedded_controller_call.h"
#include "broker/shard.h"
#include "metadata/internal_topics.h"
#include "protocol/messages/describe_quorum.h"

namespace milena::broker {
namespace {

bool asks_for_metadata(const DescribeQuorumRequest& request) {
  return request.topics.size() == 1 && request.topics[0].topic_name == metadata::kClusterMetadataTopic &&
         request.topics[0].partitions.size() == 1 && request.topics[0].partitions[0].partition_index == 0;
}

// All other partitions are unknown.
DescribeQuorumResponse refuse(const DescribeQuorumRequest& request) {
  DescribeQuorumResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.topic_name = Bytes(topic.topic_name);
    for (const auto& partition : topic.partitions) {
      auto& p = out.partitions.emplace_back();
      p.partition_index = partition.partition_index;
      p.error_code = ErrorCode::kUnknownTopicOrPartition;
      p.error_message = Bytes(error_message(p.error_code));
    }
  }
  return response;
}

DescribeQuorumResponse describe(const Shard& shard, const MetadataQuorum& quorum) {
  const int32_t node_id = shard.node().node_id;
  DescribeQuorumResponse response;
  auto& topic = response.topics.emplace_back();
  topic.topic_name = Bytes(metadata::kClusterMetadataTopic);
  auto& partition = topic.partitions.emplace_back();
  partition.leader_id = node_id;
  partition.leader_epoch = quorum.epoch;
  partition.high_watermark = quorum.high_watermark;
  auto& voter = partition.current_voters.emplace_back();
  voter.replica_id = node_id;
  if (shard.node().kraft_version > 0) voter.replica_directory_id = shard.node().directory_id;
  voter.log_end_offset = quorum.log_end_offset;
  voter.last_fetch_timestamp = shard.now_ms();
  voter.last_caught_up_timestamp = voter.last_fetch_timestamp;
  for (const ObserverOfMetadata& one : quorum.observers) {
    auto& observer = partition.observers.emplace_back();
    observer.replica_id = one.id;
    observer.replica_directory_id = one.directory_id;
    observer.log_end_offset = one.log_end_offset;
    observer.last_fetch_timestamp = one.fetch_ms;
    observer.last_caught_up_timestamp = one.caught_up_ms;
  }
  auto& node = response.nodes.emplace_back();
  node.node_id = node_id;
  auto controller = shard.image().controllers().find(node_id);
  if (controller == shard.image().controllers().end()) return response;
  for (const metadata::EndpointImage& endpoint : controller->second.endpoints) {
    node.listeners.push_back({endpoint.name, endpoint.host, endpoint.port});
  }
  return response;
}

}  // namespace

void describe_quorum_embedded(const EmbeddedCallPtr& call) {
  auto request = call->request.as<DescribeQuorumRequest>();
  if (!asks_for_metadata(*request)) return call->answer(refuse(*request));
  call->runtime.describe_quorum(call->from,
                                [call](const MetadataQuorum& quorum) { call->answer(describe(call->from, quorum)); });
}

}  // namespace milena::broker
