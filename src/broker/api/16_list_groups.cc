// ListGroups (key 16), versions 0-5, with the filters of states (4) and types (5). Every coordinator is asked.
#include "broker/api/group_call.h"
#include "broker/api/group_fan_out.h"
#include "broker/api_entry.h"
#include "broker/later_turn.h"
#include "broker/shard_context.h"
#include "protocol/messages/list_groups.h"

namespace milena::broker {
namespace {

using ListGroupsCall = Call<ListGroupsRequest, ListGroupsResponse>;

void list_on_all(const std::shared_ptr<ListGroupsCall>& call) {
  std::vector<GroupPart> parts;
  for (int32_t p = 0; p < GroupRuntime::partition_count(call->context()); p++) parts.push_back({p, {}});
  auto response = std::make_shared<ListGroupsResponse>();
  ask_parts(
      call->shard(), std::move(parts),
      [call](coordinator::GroupShard& state, const GroupPart&, coordinator::AnswerToken token, coordinator::Now) {
        return state.list_groups(GroupCaller(*call, token), call->request);
      },
      [response](const GroupPart&, ErrorCode error, coordinator::GroupResponse* answer) {
        // A part that is not here, or cannot be loaded, has no groups; the others have.
        if (error == ErrorCode::kNotCoordinator) return;
        if (error != ErrorCode::kNone) response->error_code = error;
        if (response->error_code != ErrorCode::kNone) return response->groups.clear();
        for (auto& group : std::get<ListGroupsResponse>(*answer).groups) response->groups.push_back(std::move(group));
      },
      [call, response] {
        // A client that may describe the cluster sees every group.
        if (!call->allows_quietly(security::kDescribeTheCluster)) {
          std::erase_if(response->groups, [&](const auto& group) {
            return !call->allows_quietly(security::kDescribeGroup, group.group_id);
          });
        }
        call->reply(*response);
      });
}

// Each coordinator compares each of its groups with the filters, so duplicates are removed first.
void handle_list_groups(std::shared_ptr<ListGroupsCall> call) {
  put_filters_in_order(
      call->context().executor(), call->request.states_filter.size() + call->request.types_filter.size(),
      [call] { coordinator::shorten_group_filters(call->request); }, [call] { list_on_all(call); });
}

}  // namespace

ApiEntry list_groups_api() {
  return api_entry<ListGroupsCall, handle_list_groups>({security::kDescribeTheCluster, security::kDescribeGroup});
}

}  // namespace milena::broker
