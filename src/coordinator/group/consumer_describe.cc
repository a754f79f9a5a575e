// ConsumerGroups: ConsumerGroupDescribe. Version 1 returns which members use the classic protocol.
#include <utility>

#include "coordinator/group/consumer_groups.h"

namespace milena::coordinator {
namespace {

constexpr int8_t kClassicMember = 0;
constexpr int8_t kConsumerMember = 1;

// Deleted topics have no name and are left out.
ConsumerGroupDescribeResponse::Assignment describe_assignment(const Assignment& assignment,
                                                              const metadata::MetadataImage& image) {
  ConsumerGroupDescribeResponse::Assignment described;
  for (const auto& [id, partitions] : assignment) {
    const metadata::TopicImage* found = image.find_topic(id);
    if (found == nullptr) continue;
    auto& topic = described.topic_partitions.emplace_back();
    topic.topic_id = id;
    topic.topic_name = found->name;
    topic.partitions.assign(partitions.begin(), partitions.end());
  }
  return described;
}

ConsumerGroupDescribeResponse::Member describe_member(const ConsumerMember& member, const Assignment& target,
                                                      const metadata::MetadataImage& image) {
  ConsumerGroupDescribeResponse::Member described;
  described.member_id = member.id;
  described.instance_id = member.instance_id;
  described.rack_id = member.rack_id;
  described.member_epoch = member.epoch;
  described.client_id = member.client_id;
  described.client_host = member.client_host;
  described.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
  described.subscribed_topic_regex = member.regex;
  Assignment held = without_epochs(member.assigned);
  for (const auto& [topic, partitions] : without_epochs(member.pending_revocation)) held[topic].merge(partitions);
  described.assignment = describe_assignment(held, image);
  described.target_assignment = describe_assignment(target, image);
  described.member_type = member.uses_classic_protocol() ? kClassicMember : kConsumerMember;
  return described;
}

size_t size_of(const ConsumerGroupDescribeResponse::Assignment& assignment) {
  size_t bytes = 0;
  for (const auto& topic : assignment.topic_partitions) {
    bytes += sizeof(topic) + topic.topic_name.size() + topic.partitions.size() * sizeof(int32_t);
  }
  return bytes;
}

size_t size_of(const ConsumerGroupDescribeResponse::DescribedGroup& group) {
  size_t bytes = sizeof(group);
  for (const auto& member : group.members) {
    bytes += sizeof(member) + member.member_id.size() + member.client_id.size() + member.client_host.size() +
             size_of(member.assignment) + size_of(member.target_assignment);
    for (const Bytes& topic : member.subscribed_topic_names) bytes += sizeof(topic) + topic.size();
    bytes += member.subscribed_topic_regex.value_or("").size();
  }
  return bytes;
}

}  // namespace

void ConsumerGroups::describe(Turn& turn, const Caller& caller, std::span<const ByteView> groups) const {
  ConsumerGroupDescribeResponse response;
  for (ByteView id : groups) {
    auto& described = response.groups.emplace_back();
    described.group_id = id;
    if (is_answer_full(caller)) {
      described.error_code = ErrorCode::kUnknownServerError;
      continue;
    }
    const ConsumerGroup* known = find(id);
    if (known == nullptr) {
      described.error_code = ErrorCode::kGroupIdNotFound;
      described.error_message =
          "Group " + Bytes(id) + (space_.groups.find(id) == nullptr ? " not found." : " is not a consumer group.");
      continue;
    }
    described.group_state = consumer_group_state_name(known->state());
    described.group_epoch = known->epoch();
    described.assignment_epoch = known->assignment_epoch();
    described.assignor_name = known->preferred_assignor();
    if (described.assignor_name.empty()) described.assignor_name = config().consumer.assignors.front();
    for (const auto& [member_id, member] : known->members()) {
      described.members.push_back(describe_member(member, known->target(member_id), image()));
    }
    fill_answer(caller, id, size_of(described));
  }
  turn.answer(caller.token, std::move(response));
}

}  // namespace milena::coordinator
