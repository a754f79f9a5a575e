// Fetch (key 1), versions 0-18. Old versions get their records converted down to magic 0 and 1, as Kafka 3.9 does;
// sessions came with version 7, leader epochs with 9, diverging epochs with 12, topic ids with 13.
#include "broker/api_entry.h"
#include "broker/controller/metadata_fetch.h"
#include "broker/replica/fetch_operation.h"

namespace milena::broker {
namespace {

// On the controller's listener the only log is that of the metadata.
void handle_controller_fetch(std::shared_ptr<FetchCall> call) {
  if (call->allows(security::kClusterAction)) return fetch_metadata(std::move(call));
  FetchResponse response;
  response.error_code = ErrorCode::kClusterAuthorizationFailed;
  response.session_id = call->request.session_id;
  // Versions without topic ids have the error at each partition, too, as Kafka's FetchRequest.getErrorResponse.
  if (call->version() < kFetchWithTopicIds) {
    for (const auto& topic : call->request.topics) {
      auto& out = response.responses.emplace_back();
      out.topic = Bytes(topic.topic);
      for (const auto& partition : topic.partitions) {
        auto& refused = out.partitions.emplace_back();
        refused.partition_index = partition.partition;
        refused.error_code = response.error_code;
        refused.high_watermark = -1;
      }
    }
  }
  call->reply(response);
}

void handle_fetch(std::shared_ptr<FetchCall> call) {
  if (call->connection().to_controller) return handle_controller_fetch(std::move(call));
  std::make_shared<FetchOperation>(std::move(call))->start();
}

}  // namespace

ApiEntry fetch_api() { return api_entry<FetchCall, handle_fetch>({security::kReadTopic, security::kClusterAction}); }

}  // namespace milena::broker
