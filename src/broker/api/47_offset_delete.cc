// OffsetDelete (key 47), versions 0. The rules are the coordinator's (coordinator/group_shard.h).
#include "broker/api/group_call.h"
#include "broker/api/handlers.h"
#include "protocol/messages/offset_delete.h"

namespace milena {

void handle_offset_delete(std::shared_ptr<OffsetDeleteCall> call) {
  ByteView group_id = call->request.group_id;
  ask_coordinator(std::move(call), group_id, &GroupShard::delete_offsets);
}

}  // namespace milena
