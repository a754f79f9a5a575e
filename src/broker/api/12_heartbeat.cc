// Heartbeat (key 12), versions 0-4. The rules are the coordinator's (coordinator/group/heartbeat_leave.cc).
#include "broker/api/group_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/heartbeat.h"

namespace milena::broker {
namespace {

using HeartbeatCall = Call<HeartbeatRequest, HeartbeatResponse>;

void handle_heartbeat(std::shared_ptr<HeartbeatCall> call) {
  ByteView group_id = call->request.group_id;
  ask_coordinator(std::move(call), group_id, &coordinator::GroupShard::heartbeat, [](ErrorCode error) {
    HeartbeatResponse response;
    // A loading coordinator must not make members rejoin, so Kafka answers without an error.
    response.error_code = error == ErrorCode::kCoordinatorLoadInProgress ? ErrorCode::kNone : error;
    return response;
  });
}

}  // namespace

ApiEntry heartbeat_api() { return api_entry<HeartbeatCall, handle_heartbeat>({security::kReadGroup}); }

}  // namespace milena::broker
