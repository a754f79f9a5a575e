// SyncGroup (key 14), versions 0-5. The rules are the coordinator's (coordinator/group/group_shard.h).
#include "broker/api/group_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/sync_group.h"

namespace milena::broker {
namespace {

using SyncGroupCall = Call<SyncGroupRequest, SyncGroupResponse>;

// From this version on Kafka's coordinator requires both, although the schema allows null.
constexpr int16_t kFirstVersionWithProtocol = 5;

void handle_sync_group(std::shared_ptr<SyncGroupCall> call) {
  const SyncGroupRequest& request = call->request;
  if (call->version() >= kFirstVersionWithProtocol && (!request.protocol_type || !request.protocol_name)) {
    SyncGroupResponse response;
    response.error_code = ErrorCode::kInconsistentGroupProtocol;
    return call->reply(response);
  }
  ByteView group_id = request.group_id;
  ask_coordinator(std::move(call), group_id, &coordinator::GroupShard::sync_group);
}

}  // namespace

ApiEntry sync_group_api() { return api_entry<SyncGroupCall, handle_sync_group>({security::kReadGroup}); }

}  // namespace milena::broker
