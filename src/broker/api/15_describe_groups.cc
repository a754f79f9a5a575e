// DescribeGroups (key 15), versions 0-6. A missing group is Dead, and from version 6 an error (KIP-1043).
#include "broker/api/describe_groups_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/describe_groups.h"

namespace milena::broker {
namespace {

using DescribeGroupsCall = Call<DescribeGroupsRequest, DescribeGroupsResponse>;

void handle_describe_groups(std::shared_ptr<DescribeGroupsCall> call) {
  const std::vector<ByteView>& groups = call->request.groups;
  describe_at_coordinators(std::move(call), groups, &coordinator::GroupShard::describe_groups,
                           std::make_shared<DescribeGroupsResponse>());
}

}  // namespace

ApiEntry describe_groups_api() {
  return api_entry<DescribeGroupsCall, handle_describe_groups>({security::kDescribeGroup});
}

}  // namespace milena::broker
