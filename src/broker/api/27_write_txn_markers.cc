// WriteTxnMarkers (key 27), versions 0-2: from the coordinators of transactions, and from an administrator who ends a
// hanging one. Version 2 has the version of the transaction (KIP-1228).
#include <map>

#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/coordinators/transaction_requests.h"

namespace milena::broker {
namespace {

using WriteTxnMarkersCall = Call<WriteTxnMarkersRequest, WriteTxnMarkersResponse>;

// Kafka answers from maps: a producer, a topic or a partition that was named more than once is answered once, with its
// last result, and a producer or topic without partitions is not in the answer.
WriteTxnMarkersResponse merged(const WriteTxnMarkersResponse& each) {
  std::map<int64_t, std::map<ByteView, std::map<int32_t, ErrorCode>>> errors;
  for (const auto& marker : each.markers) {
    for (const auto& topic : marker.topics) {
      for (const auto& one : topic.partitions)
        errors[marker.producer_id][topic.name][one.partition_index] = one.error_code;
    }
  }
  WriteTxnMarkersResponse response;
  for (const auto& [producer_id, topics] : errors) {
    auto& marker = response.markers.emplace_back();
    marker.producer_id = producer_id;
    for (const auto& [name, partitions] : topics) {
      auto& topic = marker.topics.emplace_back();
      topic.name = Bytes(name);
      for (const auto& [partition, error] : partitions) topic.partitions.push_back({partition, error});
    }
  }
  return response;
}

void refuse_markers(WriteTxnMarkersCall& call) {
  WriteTxnMarkersResponse response;
  for (const auto& marker : call.request.markers) {
    auto& out = response.markers.emplace_back();
    out.producer_id = marker.producer_id;
    for (const auto& topic : marker.topics) {
      auto& topic_out = out.topics.emplace_back();
      topic_out.name = Bytes(topic.name);
      for (int32_t partition : topic.partition_indexes) {
        topic_out.partitions.push_back({partition, ErrorCode::kClusterAuthorizationFailed});
      }
    }
  }
  call.reply(merged(response));
}

void handle_write_txn_markers(std::shared_ptr<WriteTxnMarkersCall> call) {
  if (!call->allows_quietly(security::kAlterCluster) && !call->allows(security::kClusterAction))
    return refuse_markers(*call);
  std::shared_ptr<const WriteTxnMarkersRequest> request(call, &call->request);
  write_txn_markers(call->shard(), std::move(request),
                    [call](WriteTxnMarkersResponse response) { call->reply(merged(response)); });
}

}  // namespace

ApiEntry write_txn_markers_api() {
  return api_entry<WriteTxnMarkersCall, handle_write_txn_markers>({security::kAlterCluster, security::kClusterAction});
}

}  // namespace milena::broker
