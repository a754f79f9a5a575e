#include "coordinator/group/consumer_records.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "coordinator/record_bytes.h"

namespace milena::coordinator {
namespace {

template <class Key>
Key group_key(ByteView group) {
  Key key;
  key.group_id = group;
  return key;
}

template <class Key>
Key member_key(ByteView group, ByteView member_id) {
  Key key;
  key.group_id = group;
  key.member_id = member_id;
  return key;
}

using StoredPartitions = ConsumerGroupCurrentMemberAssignmentValue::TopicPartitions;

std::vector<StoredPartitions> to_record(const EpochAssignment& assignment) {
  std::vector<StoredPartitions> topics;
  topics.reserve(assignment.size());
  for (const auto& [id, epochs] : assignment) {
    StoredPartitions& topic = topics.emplace_back();
    topic.topic_id = id;
    topic.assignment_epochs.emplace();
    for (const auto& [partition, epoch] : epochs) {
      topic.partitions.push_back(partition);
      topic.assignment_epochs->push_back(epoch);
    }
  }
  return topics;
}

// Before 4.3 no epochs were written: then the member's epoch is used for all.
EpochAssignment from_record(const std::vector<StoredPartitions>& topics, int32_t member_epoch) {
  const int32_t unknown_epoch = std::max(member_epoch, 0);
  EpochAssignment assignment;
  for (const StoredPartitions& topic : topics) {
    const bool known = topic.assignment_epochs && topic.assignment_epochs->size() == topic.partitions.size();
    for (size_t i = 0; i < topic.partitions.size(); ++i) {
      assignment[topic.topic_id][topic.partitions[i]] = known ? (*topic.assignment_epochs)[i] : unknown_epoch;
    }
  }
  return assignment;
}

std::optional<ConsumerGroupMemberMetadataValue::ClassicMemberMetadata> classic_to_record(const ConsumerMember& member) {
  if (!member.classic) return std::nullopt;
  ConsumerGroupMemberMetadataValue::ClassicMemberMetadata classic;
  classic.session_timeout_ms = member.classic->session_timeout_ms;
  for (const MemberProtocol& protocol : member.classic->protocols) {
    auto& stored = classic.supported_protocols.emplace_back();
    stored.name = protocol.name;
    stored.metadata = protocol.metadata;
  }
  return classic;
}

MemberState state_from_record(int8_t state) {
  return state >= 0 && state <= 2 ? static_cast<MemberState>(state) : MemberState::kUnknown;
}

}  // namespace

CoordinatorRecord make_group_epoch_record(ByteView group, int32_t epoch, int64_t metadata_hash) {
  ConsumerGroupMetadataValue value;
  value.epoch = epoch;
  value.metadata_hash = metadata_hash;
  return make_record(group_key<ConsumerGroupMetadataKey>(group), value, 0);
}

CoordinatorRecord make_group_epoch_tombstone(ByteView group) {
  return make_tombstone(group_key<ConsumerGroupMetadataKey>(group));
}

CoordinatorRecord make_subscription_metadata_tombstone(ByteView group) {
  return make_tombstone(group_key<ConsumerGroupPartitionMetadataKey>(group));
}

CoordinatorRecord make_member_record(ByteView group, const ConsumerMember& member) {
  ConsumerGroupMemberMetadataValue value;
  value.instance_id = member.instance_id;
  value.rack_id = member.rack_id;
  value.client_id = member.client_id;
  value.client_host = member.client_host;
  value.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
  value.subscribed_topic_regex = member.regex;
  value.rebalance_timeout_ms = member.rebalance_timeout_ms;
  value.server_assignor = member.assignor;
  value.classic_member_metadata = classic_to_record(member);
  return make_record(member_key<ConsumerGroupMemberMetadataKey>(group, member.id), value, 0);
}

CoordinatorRecord make_member_tombstone(ByteView group, ByteView member_id) {
  return make_tombstone(member_key<ConsumerGroupMemberMetadataKey>(group, member_id));
}

CoordinatorRecord make_assignment_epoch_record(ByteView group, int32_t epoch, int64_t timestamp_ms) {
  ConsumerGroupTargetAssignmentMetadataValue value;
  value.assignment_epoch = epoch;
  value.assignment_timestamp = timestamp_ms;
  return make_record(group_key<ConsumerGroupTargetAssignmentMetadataKey>(group), value, 0);
}

CoordinatorRecord make_assignment_epoch_tombstone(ByteView group) {
  return make_tombstone(group_key<ConsumerGroupTargetAssignmentMetadataKey>(group));
}

CoordinatorRecord make_target_record(ByteView group, ByteView member_id, const Assignment& target) {
  ConsumerGroupTargetAssignmentMemberValue value;
  value.topic_partitions.reserve(target.size());
  for (const auto& [id, partitions] : target) {
    auto& topic = value.topic_partitions.emplace_back();
    topic.topic_id = id;
    topic.partitions.assign(partitions.begin(), partitions.end());
  }
  return make_record(member_key<ConsumerGroupTargetAssignmentMemberKey>(group, member_id), value, 0);
}

CoordinatorRecord make_target_tombstone(ByteView group, ByteView member_id) {
  return make_tombstone(member_key<ConsumerGroupTargetAssignmentMemberKey>(group, member_id));
}

CoordinatorRecord make_current_assignment_record(ByteView group, const ConsumerMember& member) {
  ConsumerGroupCurrentMemberAssignmentValue value;
  value.member_epoch = member.epoch;
  value.previous_member_epoch = member.previous_epoch;
  value.state = static_cast<int8_t>(member.state);
  value.assigned_partitions = to_record(member.assigned);
  value.partitions_pending_revocation = to_record(member.pending_revocation);
  return make_record(member_key<ConsumerGroupCurrentMemberAssignmentKey>(group, member.id), value, 0);
}

CoordinatorRecord make_current_assignment_tombstone(ByteView group, ByteView member_id) {
  return make_tombstone(member_key<ConsumerGroupCurrentMemberAssignmentKey>(group, member_id));
}

CoordinatorRecord make_regex_record(ByteView group, ByteView regex, const ResolvedRegex& resolved) {
  ConsumerGroupRegularExpressionKey key;
  key.group_id = group;
  key.regular_expression = regex;
  ConsumerGroupRegularExpressionValue value;
  value.topics.assign(resolved.topics.begin(), resolved.topics.end());
  value.version = resolved.version;
  value.timestamp = resolved.timestamp_ms;
  return make_record(key, value, 0);
}

CoordinatorRecord make_regex_tombstone(ByteView group, ByteView regex) {
  ConsumerGroupRegularExpressionKey key;
  key.group_id = group;
  key.regular_expression = regex;
  return make_tombstone(key);
}

void update_member(ConsumerMember& member, const ConsumerGroupMemberMetadataValue& value) {
  member.instance_id = value.instance_id;
  member.rack_id = value.rack_id;
  member.client_id = value.client_id;
  member.client_host = value.client_host;
  member.topics = TopicNames(value.subscribed_topic_names.begin(), value.subscribed_topic_names.end());
  member.regex = value.subscribed_topic_regex;
  member.rebalance_timeout_ms = value.rebalance_timeout_ms;
  member.assignor = value.server_assignor;
  member.classic.reset();
  // Without a protocol it cannot get an assignment.
  if (!value.classic_member_metadata || value.classic_member_metadata->supported_protocols.empty()) return;
  ClassicMemberMetadata& classic = member.classic.emplace();
  classic.session_timeout_ms = value.classic_member_metadata->session_timeout_ms;
  for (const auto& protocol : value.classic_member_metadata->supported_protocols) {
    classic.protocols.push_back({protocol.name, protocol.metadata});
  }
}

void update_member(ConsumerMember& member, const ConsumerGroupCurrentMemberAssignmentValue& value) {
  member.epoch = value.member_epoch;
  member.previous_epoch = value.previous_member_epoch;
  member.state = state_from_record(value.state);
  member.assigned = from_record(value.assigned_partitions, value.member_epoch);
  member.pending_revocation = from_record(value.partitions_pending_revocation, value.member_epoch);
}

Assignment target_from_record(const ConsumerGroupTargetAssignmentMemberValue& value) {
  UnorderedAssignment target;
  for (const auto& topic : value.topic_partitions) {
    if (topic.partitions.empty()) continue;
    std::vector<int32_t>& numbers = target[topic.topic_id];
    numbers.insert(numbers.end(), topic.partitions.begin(), topic.partitions.end());
  }
  return in_order(target);
}

ResolvedRegex regex_from_record(const ConsumerGroupRegularExpressionValue& value) {
  return {.topics = TopicNames(value.topics.begin(), value.topics.end()),
          .version = value.version,
          .timestamp_ms = value.timestamp};
}

}  // namespace milena::coordinator
