// DeleteGroups (key 42), versions 0-2: deletes empty groups, with their offsets. A group that is named twice is
// answered once.
#include <set>

#include "broker/api/group_call.h"
#include "broker/api/group_fan_out.h"
#include "broker/api_entry.h"
#include "protocol/messages/delete_groups.h"

namespace milena::broker {
namespace {

using DeleteGroupsCall = Call<DeleteGroupsRequest, DeleteGroupsResponse>;

void handle_delete_groups(std::shared_ptr<DeleteGroupsCall> call) {
  auto response = std::make_shared<DeleteGroupsResponse>();
  std::set<ByteView> names(call->request.groups_names.begin(), call->request.groups_names.end());
  std::erase_if(names, [&](ByteView group) {
    if (call->allows(security::kDeleteGroup, group)) return false;
    response->results.push_back({Bytes(group), ErrorCode::kGroupAuthorizationFailed});
    return true;
  });
  ask_parts(
      call->shard(), split_by_coordinator(call->context(), {names.begin(), names.end()}),
      [call](coordinator::GroupShard& state, const GroupPart& part, coordinator::AnswerToken token,
             coordinator::Now now) { return state.delete_groups(GroupCaller(*call, token), part.groups, now); },
      [response](const GroupPart& part, ErrorCode error, coordinator::GroupResponse* answer) {
        if (error == ErrorCode::kNone) {
          for (auto& group : std::get<DeleteGroupsResponse>(*answer).results)
            response->results.push_back(std::move(group));
          return;
        }
        for (ByteView group : part.groups) response->results.push_back({Bytes(group), error});
      },
      [call, response] { call->reply(*response); });
}

}  // namespace

ApiEntry delete_groups_api() { return api_entry<DeleteGroupsCall, handle_delete_groups>({security::kDeleteGroup}); }

}  // namespace milena::broker
