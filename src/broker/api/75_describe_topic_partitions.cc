// DescribeTopicPartitions (key 75), version 0 (KIP-966): topics and partitions in the order of their names, at most
// `response_partition_limit` of them, with a cursor for the next request.
#include <algorithm>

#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/shard_context.h"
#include "metadata/topic_name.h"
#include "protocol/messages/describe_topic_partitions.h"

namespace milena::broker {
namespace {

using DescribeTopicPartitionsCall = Call<DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse>;

using Response = DescribeTopicPartitionsResponse;

Response::DescribeTopicPartitionsResponsePartition describe_partition(const metadata::MetadataImage& metadata,
                                                                      const metadata::PartitionImage& image,
                                                                      int32_t index) {
  Response::DescribeTopicPartitionsResponsePartition out;
  out.partition_index = index;
  out.leader_id = image.leader;
  out.leader_epoch = image.leader_epoch;
  out.replica_nodes = image.replicas;
  out.isr_nodes = image.isr;
  out.offline_replicas = metadata.offline_replicas(image);
  out.eligible_leader_replicas = image.extras().eligible_leader_replicas;
  out.last_known_elr = image.extras().last_known_elr;
  if (image.leader == metadata::kNoLeader) out.error_code = ErrorCode::kLeaderNotAvailable;
  return out;
}

// Names to describe, sorted, from the cursor on. If all topics are asked for, no more than fit into the answer, and one
// for the next cursor. Requested topics that the client may not see are added to `forbidden`.
std::vector<ByteView> names_to_describe(const DescribeTopicPartitionsCall& call, int64_t room,
                                        std::vector<ByteView>& forbidden) {
  const auto& request = call.request;
  std::vector<ByteView> names;
  const auto add = [&](ByteView name) {
    if (!request.cursor || name >= request.cursor->topic_name) names.push_back(name);
  };
  if (request.topics.empty()) {
    for (const metadata::TopicImage& topic : call.context().image().topics()) {
      if (call.allows_quietly(security::kDescribeTopic, topic.name)) add(topic.name);
    }
    const auto wanted = std::min<size_t>(names.size(), static_cast<size_t>(room) + 1);
    std::partial_sort(names.begin(), names.begin() + static_cast<ptrdiff_t>(wanted), names.end());
    names.resize(wanted);
    return names;
  }
  for (const auto& topic : request.topics) add(topic.name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::erase_if(names, [&](ByteView name) {
    if (call.allows(security::kDescribeTopic, name)) return false;
    forbidden.push_back(name);
    return true;
  });
  return names;
}

// A cursor must name a partition of a requested topic.
bool is_valid_cursor(const DescribeTopicPartitionsRequest& request) {
  if (request.cursor->partition_index < 0) return false;
  return request.topics.empty() || std::any_of(request.topics.begin(), request.topics.end(), [&](const auto& topic) {
           return topic.name == request.cursor->topic_name;
         });
}

void handle_describe_topic_partitions(std::shared_ptr<DescribeTopicPartitionsCall> call) {
  const auto& request = call->request;
  int64_t server_limit = call->context().settings().get_long("max.request.partition.size.limit");
  int64_t room = std::max<int64_t>(std::min<int64_t>(server_limit, request.response_partition_limit), 1);
  Response response;
  if (request.cursor && !is_valid_cursor(request)) {
    for (const auto& asked : request.topics) {
      auto& topic = response.topics.emplace_back();
      topic.name = Bytes(asked.name);
      topic.error_code = ErrorCode::kInvalidRequest;
    }
    return call->reply(response);
  }
  std::vector<ByteView> forbidden;
  for (ByteView name : names_to_describe(*call, room, forbidden)) {
    const metadata::TopicImage* image = call->context().image().find_topic(name);
    if (room == 0) {
      response.next_cursor.emplace();
      response.next_cursor->topic_name = Bytes(name);
      break;
    }
    auto& topic = response.topics.emplace_back();
    topic.name = Bytes(name);
    if (image == nullptr) {
      topic.error_code =
          !metadata::invalid_topic_name(name) ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kInvalidTopicException;
      topic.topic_authorized_operations = call->authorized_operations(AclResourceType::kTopic, name);
      continue;
    }
    topic.topic_id = image->id;
    topic.is_internal = image->internal;
    topic.topic_authorized_operations = call->authorized_operations(AclResourceType::kTopic, name);
    int32_t first = request.cursor && request.cursor->topic_name == name ? request.cursor->partition_index : 0;
    int32_t end = static_cast<int32_t>(std::min<int64_t>(image->partition_count(), first + room));
    for (int32_t i = first; i < end; i++) {
      topic.partitions.push_back(
          describe_partition(call->context().image(), image->partitions[static_cast<size_t>(i)], i));
      room--;
    }
    if (end < image->partition_count()) {
      response.next_cursor.emplace();
      response.next_cursor->topic_name = Bytes(name);
      response.next_cursor->partition_index = end;
      break;
    }
  }
  for (ByteView name : forbidden) {
    auto& topic = response.topics.emplace_back();
    topic.name = Bytes(name);
    topic.error_code = ErrorCode::kTopicAuthorizationFailed;
  }
  call->reply(response);
}

}  // namespace

ApiEntry describe_topic_partitions_api() {
  return api_entry<DescribeTopicPartitionsCall, handle_describe_topic_partitions>({security::kDescribeTopic});
}

}  // namespace milena::broker
