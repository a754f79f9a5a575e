// DescribeGroups (key 15), versions 0-6. A group that is not there is Dead, and from version 6 an error (KIP-1043).
#include "broker/api/group_call.h"
#include "broker/api/group_fan_out.h"
#include "broker/api_entry.h"
#include "broker/authorized_operations.h"
#include "protocol/messages/describe_groups.h"

namespace milena {
namespace {

using DescribeGroupsCall = Call<DescribeGroupsRequest, DescribeGroupsResponse>;

void handle_describe_groups(std::shared_ptr<DescribeGroupsCall> call) {
  Shard& shard = call->shard();
  auto response = std::make_shared<DescribeGroupsResponse>();
  ask_parts(
      shard, split_by_coordinator(shard, call->request.groups),
      [call](GroupShard& state, const GroupPart& part, AnswerToken token, Now) {
        return state.describe_groups(GroupCaller(*call, token), part.groups);
      },
      [response](const GroupPart& part, ErrorCode error, GroupResponse* answer) {
        if (error == ErrorCode::kNone) {
          for (auto& group : std::get<DescribeGroupsResponse>(*answer).groups) response->groups.push_back(std::move(group));
          return;
        }
        for (ByteView group : part.groups) {
          auto& out = response->groups.emplace_back();
          out.group_id = Bytes(group);
          out.error_code = error;
        }
      },
      [call, response] {
        if (call->request.include_authorized_operations) {
          for (auto& group : response->groups) {
            if (group.error_code == ErrorCode::kNone) group.authorized_operations = kAllGroupOperations;
          }
        }
        call->reply(*response);
      });
}

}  // namespace

ApiEntry describe_groups_api() { return api_entry<DescribeGroupsCall, handle_describe_groups>(); }

}  // namespace milena
