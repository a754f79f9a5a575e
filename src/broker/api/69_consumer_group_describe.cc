// ConsumerGroupDescribe (key 69), versions 0-1. Version 1 tells which members use the classic protocol.
#include "broker/api/group_call.h"
#include "broker/api/group_fan_out.h"
#include "broker/api_entry.h"
#include "broker/authorized_operations.h"
#include "protocol/messages/consumer_group_describe.h"

namespace milena {
namespace {

using ConsumerGroupDescribeCall = Call<ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse>;

void add_error(ConsumerGroupDescribeResponse& response, ByteView group, ErrorCode error) {
  auto& out = response.groups.emplace_back();
  out.group_id = Bytes(group);
  out.error_code = error;
}

void handle_consumer_group_describe(std::shared_ptr<ConsumerGroupDescribeCall> call) {
  Shard& shard = call->shard();
  auto response = std::make_shared<ConsumerGroupDescribeResponse>();
  std::vector<ByteView> groups;
  for (ByteView group : call->request.group_ids) {
    if (!offers_consumer_groups(shard)) {
      add_error(*response, group, ErrorCode::kUnsupportedVersion);
    } else if (group.empty()) {
      add_error(*response, group, ErrorCode::kInvalidGroupId);
    } else {
      groups.push_back(group);
    }
  }
  ask_parts(
      shard, split_by_coordinator(shard, groups),
      [call](GroupShard& state, const GroupPart& part, AnswerToken token, Now) {
        return state.describe_consumer_groups(GroupCaller(*call, token), part.groups);
      },
      [response](const GroupPart& part, ErrorCode error, GroupResponse* answer) {
        if (error != ErrorCode::kNone) {
          for (ByteView group : part.groups) add_error(*response, group, error);
          return;
        }
        for (auto& group : std::get<ConsumerGroupDescribeResponse>(*answer).groups) {
          response->groups.push_back(std::move(group));
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

ApiEntry consumer_group_describe_api() { return api_entry<ConsumerGroupDescribeCall, handle_consumer_group_describe>(); }

}  // namespace milena
