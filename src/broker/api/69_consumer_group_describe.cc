// ConsumerGroupDescribe (key 69), versions 0-1. Version 1 marks the members that use the classic protocol.
#include "broker/api/describe_groups_call.h"
#include "broker/api_entry.h"
#include "broker/shard_context.h"
#include "protocol/messages/consumer_group_describe.h"

namespace milena::broker {
namespace {

using ConsumerGroupDescribeCall = Call<ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse>;

// A group that uses a topic that the client may not see is not shown.
void hide_group(const ConsumerGroupDescribeCall& call, ConsumerGroupDescribeResponse::DescribedGroup& group) {
  const auto sees = [&](const auto& assignment) {
    return std::all_of(assignment.topic_partitions.begin(), assignment.topic_partitions.end(),
                       [&](const auto& topic) { return call.allows(security::kDescribeTopic, topic.topic_name); });
  };
  const bool visible = std::all_of(group.members.begin(), group.members.end(), [&](const auto& member) {
    return sees(member.assignment) && sees(member.target_assignment);
  });
  if (visible) return;
  ConsumerGroupDescribeResponse::DescribedGroup hidden;
  hidden.group_id = std::move(group.group_id);
  hidden.error_code = ErrorCode::kTopicAuthorizationFailed;
  hidden.error_message = "The client may not describe all topics of the group.";
  group = std::move(hidden);
}

void handle_consumer_group_describe(std::shared_ptr<ConsumerGroupDescribeCall> call) {
  auto response = std::make_shared<ConsumerGroupDescribeResponse>();
  std::vector<ByteView> groups;
  const bool offered = offers_consumer_groups(call->context());
  for (ByteView group : call->request.group_ids) {
    if (!offered) {
      add_group_error(*response, group, ErrorCode::kUnsupportedVersion);
    } else if (group.empty()) {
      add_group_error(*response, group, ErrorCode::kInvalidGroupId);
    } else {
      groups.push_back(group);
    }
  }
  describe_at_coordinators(std::move(call), groups, &coordinator::GroupShard::describe_consumer_groups,
                           std::move(response), &hide_group);
}

}  // namespace

ApiEntry consumer_group_describe_api() {
  return api_entry<ConsumerGroupDescribeCall, handle_consumer_group_describe>(
      {security::kDescribeGroup, security::kDescribeTopic});
}

}  // namespace milena::broker
