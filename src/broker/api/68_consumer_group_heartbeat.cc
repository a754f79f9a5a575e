// ConsumerGroupHeartbeat (key 68), versions 0-1. Version 1 brings member ids made by the client, and patterns. The rules
// are the coordinator's (coordinator/consumer_heartbeat.cc).
#include "broker/api/group_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/consumer_group_heartbeat.h"

namespace milena {
namespace {

using ConsumerGroupHeartbeatCall = Call<ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse>;

void handle_consumer_group_heartbeat(std::shared_ptr<ConsumerGroupHeartbeatCall> call) {
  ConsumerGroupHeartbeatResponse refused;
  if (!offers_consumer_groups(call->shard())) {
    refused.error_code = ErrorCode::kUnsupportedVersion;
    return call->reply(refused);
  }
  ByteView group_id = call->request.group_id;
  // The coordinator says what is wrong with an empty id, and any will do for that.
  if (group_id.empty()) group_id = " ";
  ask_coordinator(std::move(call), group_id, &GroupShard::consumer_group_heartbeat);
}

}  // namespace

ApiEntry consumer_group_heartbeat_api() { return api_entry<ConsumerGroupHeartbeatCall, handle_consumer_group_heartbeat>(); }

}  // namespace milena
