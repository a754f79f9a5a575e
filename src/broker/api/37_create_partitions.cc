// CreatePartitions (key 37), versions 0-3. Answered when the new partitions can be used.
#include <map>

#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/create_partitions.h"

namespace milena::broker {
namespace {

using CreatePartitionsCall = Call<CreatePartitionsRequest, CreatePartitionsResponse>;

// Removes the topics from the request that the client may not alter, and returns their names. The controller refuses
// names that occur twice for everybody.
std::vector<Bytes> take_forbidden(CreatePartitionsCall& call) {
  std::map<ByteView, int> counts;
  for (const auto& topic : call.request.topics) counts[topic.name]++;
  std::vector<Bytes> forbidden;
  std::erase_if(call.request.topics, [&](const auto& topic) {
    if (counts[topic.name] > 1 || call.allows(security::kAlterTopic, topic.name)) return false;
    forbidden.emplace_back(topic.name);
    return true;
  });
  return forbidden;
}

void handle_create_partitions(std::shared_ptr<CreatePartitionsCall> call) {
  auto finish = [forbidden = take_forbidden(*call)](CreatePartitionsResponse& response) {
    for (const Bytes& name : forbidden) {
      auto& refused = response.results.emplace_back();
      refused.name = name;
      refused.error_code = ErrorCode::kTopicAuthorizationFailed;
    }
  };
  ask_controller(std::move(call), std::move(finish));
}

}  // namespace

ApiEntry create_partitions_api() {
  return api_entry<CreatePartitionsCall, handle_create_partitions>({security::kAlterTopic});
}

}  // namespace milena::broker
