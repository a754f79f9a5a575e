// ListPartitionReassignments (key 46), version 0 (KIP-455). The answer contains only reassignments in progress.
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/shard_context.h"
#include "protocol/messages/list_partition_reassignments.h"

namespace milena::broker {
namespace {

using ListPartitionReassignmentsCall = Call<ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse>;

void list_partition(const metadata::TopicImage& topic, int32_t number,
                    ListPartitionReassignmentsResponse::OngoingTopicReassignment& out) {
  const metadata::PartitionImage* partition = topic.partition(number);
  if (partition == nullptr) return;
  const metadata::PartitionExtras& extras = partition->extras();
  if (extras.adding_replicas.empty() && extras.removing_replicas.empty()) return;
  auto& one = out.partitions.emplace_back();
  one.partition_index = number;
  one.replicas = partition->replicas.to_vector();
  one.adding_replicas = extras.adding_replicas;
  one.removing_replicas = extras.removing_replicas;
}

// As in Kafka, the refusal contains the requested partitions, without replicas.
void refuse_list(ListPartitionReassignmentsCall& call, ErrorCode error) {
  ListPartitionReassignmentsResponse response;
  response.error_code = error;
  response.error_message = Bytes(error_message(error));
  if (call.request.topics) {
    for (const auto& asked : *call.request.topics) {
      auto& topic = response.topics.emplace_back();
      topic.name = Bytes(asked.name);
      for (int32_t number : asked.partition_indexes) topic.partitions.emplace_back().partition_index = number;
    }
  }
  call.reply(response);
}

void handle_list_partition_reassignments(std::shared_ptr<ListPartitionReassignmentsCall> call) {
  if (!call->allows(security::kDescribeTheCluster)) return refuse_list(*call, ErrorCode::kClusterAuthorizationFailed);
  const metadata::MetadataImage& image = call->context().image();
  ListPartitionReassignmentsResponse response;
  response.error_message.reset();
  auto keep = [&response](ListPartitionReassignmentsResponse::OngoingTopicReassignment out) {
    if (!out.partitions.empty()) response.topics.push_back(std::move(out));
  };
  if (!call->request.topics) {
    for (const metadata::TopicImage& topic : image.topics()) {
      ListPartitionReassignmentsResponse::OngoingTopicReassignment out;
      out.name = topic.name;
      for (int32_t number = 0; number < topic.partition_count(); number++) list_partition(topic, number, out);
      keep(std::move(out));
    }
    return call->reply(response);
  }
  for (const auto& asked : *call->request.topics) {
    const metadata::TopicImage* topic = image.find_topic(asked.name);
    if (topic == nullptr) continue;
    ListPartitionReassignmentsResponse::OngoingTopicReassignment out;
    out.name = topic->name;
    for (int32_t number : asked.partition_indexes) list_partition(*topic, number, out);
    keep(std::move(out));
  }
  call->reply(response);
}

}  // namespace

ApiEntry list_partition_reassignments_api() {
  return api_entry<ListPartitionReassignmentsCall, handle_list_partition_reassignments>(
      {security::kDescribeTheCluster});
}

}  // namespace milena::broker
