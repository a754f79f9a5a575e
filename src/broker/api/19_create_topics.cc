// CreateTopics (key 19), versions 0-7. Decided by the controller; answered when every partition can be used.
#include <map>

#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "metadata/internal_topics.h"
#include "protocol/messages/create_topics.h"
#include "security/audit_line.h"

namespace milena::broker {
namespace {

using CreateTopicsCall = Call<CreateTopicsRequest, CreateTopicsResponse>;

// Removes the topics from the request that the client may not create, and returns their names. The controller refuses
// names that occur twice, and the metadata topic, for everybody.
std::vector<Bytes> take_forbidden(CreateTopicsCall& call) {
  std::vector<Bytes> forbidden;
  if (call.allows_quietly(security::kCreateInCluster)) return forbidden;
  std::map<ByteView, int> counts;
  for (const auto& topic : call.request.topics) counts[topic.name]++;
  std::erase_if(call.request.topics, [&](const auto& topic) {
    if (counts[topic.name] > 1 || topic.name == metadata::kClusterMetadataTopic ||
        call.allows(security::kCreateTopic, topic.name))
      return false;
    forbidden.emplace_back(topic.name);
    return true;
  });
  return forbidden;
}

// The configs of a topic are returned only to clients that may describe them.
void hide_configs(const CreateTopicsCall& call, CreateTopicsResponse& response) {
  for (auto& topic : response.topics) {
    if (topic.error_code != ErrorCode::kNone || call.allows_quietly(security::kDescribeTopicConfigs, topic.name))
      continue;
    topic.topic_config_error_code = ErrorCode::kTopicAuthorizationFailed;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.configs.emplace();
  }
}

void handle_create_topics(std::shared_ptr<CreateTopicsCall> call) {
  if (call->is_audited()) {
    for (const auto& topic : call->request.topics) call->audit_trail().add_target(Bytes(topic.name));
  }
  auto finish = [call, forbidden = take_forbidden(*call)](CreateTopicsResponse& response) {
    hide_configs(*call, response);
    for (const Bytes& name : forbidden) {
      auto& refused = response.topics.emplace_back();
      refused.name = name;
      refused.error_code = ErrorCode::kTopicAuthorizationFailed;
      refused.error_message = "Authorization failed.";
    }
  };
  ask_controller(std::move(call), std::move(finish));
}

}  // namespace

ApiEntry create_topics_api() {
  return api_entry<CreateTopicsCall, handle_create_topics>(
      {security::kCreateInCluster, security::kCreateTopic, security::kDescribeTopicConfigs});
}

}  // namespace milena::broker
