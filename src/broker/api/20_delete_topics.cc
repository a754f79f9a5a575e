// DeleteTopics (key 20), versions 0-6; by id since version 6.
#include <map>

#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "broker/shard_context.h"
#include "protocol/messages/delete_topics.h"
#include "security/audit_line.h"

namespace milena::broker {
namespace {

using DeleteTopicsCall = Call<DeleteTopicsRequest, DeleteTopicsResponse>;

using DeletedResult = DeleteTopicsResponse::DeletableTopicResult;

DeletedResult refusal_of(std::optional<Bytes> name, const Uuid& id) {
  DeletedResult refused;
  refused.name = std::move(name);
  refused.topic_id = id;
  refused.error_code = ErrorCode::kTopicAuthorizationFailed;
  refused.error_message = Bytes(error_message(refused.error_code));
  return refused;
}

// By name: only a client that may describe the topic learns whether it exists. Nullopt: passed to the controller.
std::optional<DeletedResult> check_name(const DeleteTopicsCall& call, ByteView name) {
  const bool there = call.context().image().find_topic(name) != nullptr;
  const bool describable = call.allows(security::kDescribeTopic, name);
  if (describable && (!there || call.allows(security::kDeleteTopic, name))) return std::nullopt;
  return refusal_of(Bytes(name), {});
}

// By id, which is no secret; only a client that may describe the topic gets its name.
std::optional<DeletedResult> check_id(const DeleteTopicsCall& call, const Uuid& id) {
  const metadata::TopicImage* topic = call.context().image().find_topic(id);
  if (topic == nullptr || call.allows(security::kDeleteTopic, topic->name)) return std::nullopt;
  return refusal_of(call.allows(security::kDescribeTopic, topic->name) ? std::optional(topic->name) : std::nullopt, id);
}

// Removes the topics from the request that the client may not delete, and returns their answers. The controller refuses
// topics that are named twice, or by name and id, for everybody. If deletion is disabled, nothing is removed and the
// controller answers.
std::vector<DeletedResult> take_forbidden(DeleteTopicsCall& call) {
  std::vector<DeletedResult> forbidden;
  if (call.allows_quietly(security::kDeleteInCluster) || !call.context().settings().get_bool("delete.topic.enable"))
    return forbidden;
  std::map<ByteView, int> names;
  std::map<Uuid, int> ids;
  for (ByteView name : call.request.topic_names) names[name]++;
  for (const auto& topic : call.request.topics) topic.name ? names[*topic.name]++ : ids[topic.topic_id]++;
  auto take = [&](std::optional<DeletedResult> refused) {
    if (refused) forbidden.push_back(std::move(*refused));
    return refused.has_value();
  };
  std::erase_if(call.request.topic_names,
                [&](ByteView name) { return names[name] == 1 && take(check_name(call, name)); });
  std::erase_if(call.request.topics, [&](const auto& topic) {
    if (topic.name) return topic.topic_id.is_zero() && names[*topic.name] == 1 && take(check_name(call, *topic.name));
    return ids[topic.topic_id] == 1 && take(check_id(call, topic.topic_id));
  });
  return forbidden;
}

void handle_delete_topics(std::shared_ptr<DeleteTopicsCall> call) {
  if (call->is_audited()) {
    for (ByteView name : call->request.topic_names) call->audit_trail().add_target(Bytes(name));
    for (const auto& topic : call->request.topics)
      call->audit_trail().add_target(topic.name ? Bytes(*topic.name) : topic.topic_id.to_string());
  }
  auto finish = [forbidden = take_forbidden(*call)](DeleteTopicsResponse& response) {
    response.responses.insert(response.responses.end(), forbidden.begin(), forbidden.end());
  };
  ask_controller(std::move(call), std::move(finish));
}

}  // namespace

ApiEntry delete_topics_api() {
  return api_entry<DeleteTopicsCall, handle_delete_topics>(
      {security::kDeleteInCluster, security::kDescribeTopic, security::kDeleteTopic});
}

}  // namespace milena::broker
