// ConsumerGroupDescribe (key 69), versions 0-1. Version 1 tells which members use the classic protocol.
#include "broker/api/describe_groups_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/consumer_group_describe.h"

namespace milena {
namespace {

using ConsumerGroupDescribeCall = Call<ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse>;

void handle_consumer_group_describe(std::shared_ptr<ConsumerGroupDescribeCall> call) {
  const Shard& shard = call->shard();
  auto response = std::make_shared<ConsumerGroupDescribeResponse>();
  std::vector<ByteView> groups;
  for (ByteView group : call->request.group_ids) {
    if (!offers_consumer_groups(shard)) {
      add_group_error(*response, group, ErrorCode::kUnsupportedVersion);
    } else if (group.empty()) {
      add_group_error(*response, group, ErrorCode::kInvalidGroupId);
    } else {
      groups.push_back(group);
    }
  }
  describe_at_coordinators(std::move(call), groups, &GroupShard::describe_consumer_groups, std::move(response));
}

}  // namespace

ApiEntry consumer_group_describe_api() { return api_entry<ConsumerGroupDescribeCall, handle_consumer_group_describe>(); }

}  // namespace milena
