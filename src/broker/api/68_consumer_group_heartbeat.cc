// ConsumerGroupHeartbeat (key 68), versions 0-1. Version 1 has member ids that the client makes, and patterns. The
// rules are the coordinator's (coordinator/group/consumer_heartbeat.cc).
#include "broker/api/group_call.h"
#include "broker/api_entry.h"
#include "broker/shard_context.h"
#include "protocol/messages/consumer_group_heartbeat.h"

namespace milena::broker {
namespace {

using ConsumerGroupHeartbeatCall = Call<ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse>;

void refuse_member(ConsumerGroupHeartbeatCall& call, ErrorCode error) {
  call.reply(plain_failure<ConsumerGroupHeartbeatResponse>(error));
}

void handle_consumer_group_heartbeat(std::shared_ptr<ConsumerGroupHeartbeatCall> call) {
  if (!offers_consumer_groups(call->context())) return refuse_member(*call, ErrorCode::kUnsupportedVersion);
  ByteView group_id = call->request.group_id;
  if (!call->allows(security::kReadGroup, group_id)) return refuse_member(*call, ErrorCode::kGroupAuthorizationFailed);
  const auto& topics = call->request.subscribed_topic_names;
  const bool sees_all = !topics || std::all_of(topics->begin(), topics->end(), [&](ByteView topic) {
    return call->allows(security::kDescribeTopic, topic);
  });
  if (!sees_all) return refuse_member(*call, ErrorCode::kTopicAuthorizationFailed);
  // The coordinator refuses an empty id with its message; any coordinator can do that.
  if (group_id.empty()) group_id = " ";
  send_to_coordinator(std::move(call), group_id, &coordinator::GroupShard::consumer_group_heartbeat,
                      &plain_failure<ConsumerGroupHeartbeatResponse>);
}

}  // namespace

ApiEntry consumer_group_heartbeat_api() {
  return api_entry<ConsumerGroupHeartbeatCall, handle_consumer_group_heartbeat>(
      {security::kReadGroup, security::kDescribeTopic});
}

}  // namespace milena::broker
