#include "tools/group_admin.h"

#include <algorithm>

#include "protocol/messages/consumer_group_describe.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_delete.h"
#include "protocol/messages/offset_fetch.h"

namespace milena::tools {
namespace {

// Asks the group's coordinator, and retries while it loads.
template <class Response, class Request, class CodeOf>
Result<Response> ask_coordinator(Cluster& cluster, const std::string& group, const Request& request, CodeOf code_of) {
  Deadline deadline = deadline_in(cluster.options().timeout_ms);
  for (;;) {
    Result<BrokerClient*> coordinator = cluster.group_coordinator(group);
    RETURN_IF_ERROR(coordinator);
    auto answer = (*coordinator)->template ask<Response>(request);
    if (!answer.ok() || !is_passing(code_of(*answer)) || std::chrono::steady_clock::now() > deadline) return answer;
    wait_a_little();
  }
}

// The assignment of a classic member in the consumers' format: version, topics with their partitions.
std::vector<TopicPartitionName> parse_assignment(ByteView bytes) {
  std::vector<TopicPartitionName> found;
  Reader reader(bytes);
  reader.read_int16();
  int32_t topics = reader.read_int32();
  for (int32_t i = 0; i < topics && reader.ok(); i++) {
    int16_t length = reader.read_int16();
    ByteView name = reader.read_raw(static_cast<size_t>(std::max<int16_t>(length, 0)));
    int32_t partitions = reader.read_int32();
    for (int32_t k = 0; k < partitions && reader.ok(); k++) {
      int32_t partition = reader.read_int32();
      if (reader.ok()) found.emplace_back(std::string(name), partition);
    }
  }
  return found;
}

std::vector<TopicPartitionName> flattened(const ConsumerGroupDescribeResponse::Assignment& assignment) {
  std::vector<TopicPartitionName> found;
  for (const auto& topic : assignment.topic_partitions) {
    for (int32_t partition : topic.partitions) found.emplace_back(topic.topic_name, partition);
  }
  std::sort(found.begin(), found.end());
  return found;
}

Status fill_consumer_group(const ConsumerGroupDescribeResponse::DescribedGroup& from, GroupInfo& to) {
  to.type = "consumer";
  to.state = from.group_state;
  to.assignor = from.assignor_name;
  to.epoch = from.group_epoch;
  to.target_epoch = from.assignment_epoch;
  for (const auto& member : from.members) {
    GroupMemberInfo& info = to.members.emplace_back();
    info.id = member.member_id;
    info.instance_id = member.instance_id.value_or("");
    info.host = member.client_host;
    info.client_id = member.client_id;
    info.epoch = member.member_epoch;
    info.assignment = flattened(member.assignment);
    info.target = flattened(member.target_assignment);
    if (member.member_type >= 0) info.upgraded = member.member_type == 1;
  }
  return ok_status();
}

void fill_classic_group(const DescribeGroupsResponse::DescribedGroup& from, GroupInfo& to) {
  to.type = "classic";
  to.state = from.group_state;
  to.assignor = from.protocol_data;
  for (const auto& member : from.members) {
    GroupMemberInfo& info = to.members.emplace_back();
    info.id = member.member_id;
    info.instance_id = member.group_instance_id.value_or("");
    info.host = member.client_host;
    info.client_id = member.client_id;
    info.assignment = parse_assignment(member.member_assignment);
    std::sort(info.assignment.begin(), info.assignment.end());
  }
}

}  // namespace

Result<std::vector<GroupListing>> list_groups(Cluster& cluster, const std::vector<std::string>& states,
                                              const std::vector<std::string>& types) {
  ListGroupsRequest request;
  request.states_filter.assign(states.begin(), states.end());
  request.types_filter.assign(types.begin(), types.end());
  auto brokers = cluster.all_brokers();
  RETURN_IF_ERROR(brokers);
  std::vector<GroupListing> found;
  for (BrokerClient* broker : *brokers) {
    auto answer = broker->ask<ListGroupsResponse>(request);
    RETURN_IF_ERROR(answer);
    if (answer->error_code != ErrorCode::kNone) return answer_error(answer->error_code);
    for (const auto& group : answer->groups) {
      if (group.protocol_type != "consumer" && !group.protocol_type.empty()) continue;
      found.push_back({group.group_id, group.group_type, group.group_state, group.protocol_type});
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return found;
}

Result<GroupInfo> describe_group(Cluster& cluster, const std::string& group) {
  GroupInfo info;
  info.name = group;
  ConsumerGroupDescribeRequest modern;
  modern.group_ids = {ByteView(group)};
  auto answer = ask_coordinator<ConsumerGroupDescribeResponse>(cluster, group, modern, [](const auto& one) {
    return one.groups.empty() ? ErrorCode::kNone : one.groups[0].error_code;
  });
  Result<BrokerClient*> coordinator = cluster.group_coordinator(group);
  RETURN_IF_ERROR(coordinator);
  for (const auto& broker : cluster.brokers()) {
    if (broker.host == (*coordinator)->address().host && broker.port == (*coordinator)->address().port) {
      info.coordinator = broker;
    }
  }
  if (!answer.ok() && answer.error().kind != ErrorKind::kUnsupported) return answer.error();
  if (answer.ok() && !answer->groups.empty()) {
    const auto& found = answer->groups.front();
    if (found.error_code == ErrorCode::kNone) {
      RETURN_IF_ERROR(fill_consumer_group(found, info));
      return info;
    }
    // A classic group is not found here.
    if (found.error_code != ErrorCode::kGroupIdNotFound) return answer_error(found.error_code, found.error_message);
  }
  DescribeGroupsRequest classic;
  classic.groups = {ByteView(group)};
  auto older = ask_coordinator<DescribeGroupsResponse>(cluster, group, classic, [](const auto& one) {
    return one.groups.empty() ? ErrorCode::kNone : one.groups[0].error_code;
  });
  RETURN_IF_ERROR(older);
  if (older->groups.empty()) return make_error(ErrorKind::kCorrupt, "the broker's response lacks group {}", group);
  const auto& found = older->groups.front();
  if (found.error_code == ErrorCode::kGroupIdNotFound || found.group_state == "Dead") {
    std::string why = found.error_message.value_or(Bytes(error_message(ErrorCode::kGroupIdNotFound)));
    return make_error(ErrorKind::kNotFound, "{}", why);
  }
  if (found.error_code != ErrorCode::kNone) return answer_error(found.error_code, found.error_message);
  fill_classic_group(found, info);
  return info;
}

Result<ErrorCode> delete_group(Cluster& cluster, const std::string& group) {
  DeleteGroupsRequest request;
  request.groups_names = {ByteView(group)};
  auto answer = ask_coordinator<DeleteGroupsResponse>(cluster, group, request, [](const auto& one) {
    return one.results.empty() ? ErrorCode::kNone : one.results[0].error_code;
  });
  RETURN_IF_ERROR(answer);
  return answer->results.empty() ? ErrorCode::kUnknownServerError : answer->results.front().error_code;
}

Result<std::map<TopicPartitionName, GroupOffset>> fetch_committed(Cluster& cluster, const std::string& group) {
  OffsetFetchRequest request;
  request.group_id = group;
  request.topics.reset();
  auto& asked = request.groups.emplace_back();
  asked.group_id = group;
  asked.topics.reset();
  auto answer = ask_coordinator<OffsetFetchResponse>(cluster, group, request, [](const auto& one) {
    return one.groups.empty() ? one.error_code : one.groups.front().error_code;
  });
  RETURN_IF_ERROR(answer);
  std::map<TopicPartitionName, GroupOffset> found;
  ErrorCode code = answer->groups.empty() ? answer->error_code : answer->groups.front().error_code;
  if (code == ErrorCode::kGroupIdNotFound) return found;
  if (code != ErrorCode::kNone) return answer_error(code);
  auto take = [&](const auto& topics, const auto& name_of) {
    for (const auto& topic : topics) {
      for (const auto& one : topic.partitions) {
        if (one.error_code != ErrorCode::kNone || one.committed_offset < 0) continue;
        found[{name_of(topic), one.partition_index}] = {one.committed_offset, one.committed_leader_epoch};
      }
    }
  };
  take(answer->topics, [](const auto& topic) { return topic.name; });
  if (answer->groups.empty()) return found;
  // Newer responses only have the topic's id.
  std::map<Uuid, std::string> names;
  bool by_id = std::any_of(answer->groups.front().topics.begin(), answer->groups.front().topics.end(),
                           [](const auto& topic) { return topic.name.empty(); });
  if (by_id) {
    auto metadata = cluster.metadata();
    RETURN_IF_ERROR(metadata);
    for (const auto& topic : metadata->topics) names[topic.topic_id] = topic.name.value_or("");
  }
  take(answer->groups.front().topics,
       [&](const auto& topic) { return topic.name.empty() ? names[topic.topic_id] : std::string(topic.name); });
  return found;
}

Status commit_offsets(Cluster& cluster, const std::string& group,
                      const std::map<TopicPartitionName, GroupOffset>& offsets, const std::string& member_id,
                      int32_t epoch) {
  std::map<std::string, Uuid> ids;
  auto metadata = cluster.metadata();
  RETURN_IF_ERROR(metadata);
  for (const auto& topic : metadata->topics) ids[topic.name.value_or("")] = topic.topic_id;
  OffsetCommitRequest request;
  request.group_id = group;
  request.generation_id_or_member_epoch = epoch;
  request.member_id = member_id;
  for (const auto& [name, offset] : offsets) {
    if (request.topics.empty() || request.topics.back().name != name.first) {
      auto& topic = request.topics.emplace_back();
      topic.name = name.first;
      topic.topic_id = ids[name.first];
    }
    auto& partition = request.topics.back().partitions.emplace_back();
    partition.partition_index = name.second;
    partition.committed_offset = offset.offset;
    partition.committed_leader_epoch = offset.leader_epoch;
    partition.committed_metadata = ByteView();
  }
  auto first_error = [](const OffsetCommitResponse& answer) {
    for (const auto& topic : answer.topics) {
      for (const auto& partition : topic.partitions) {
        if (partition.error_code != ErrorCode::kNone) return partition.error_code;
      }
    }
    return ErrorCode::kNone;
  };
  auto answer = ask_coordinator<OffsetCommitResponse>(cluster, group, request, first_error);
  RETURN_IF_ERROR(answer);
  ErrorCode code = first_error(*answer);
  return code == ErrorCode::kNone ? ok_status() : Status(answer_error(code));
}

Result<std::map<TopicPartitionName, ErrorCode>> delete_offsets(Cluster& cluster, const std::string& group,
                                                               const std::vector<TopicPartitionName>& partitions,
                                                               ErrorCode& group_error) {
  OffsetDeleteRequest request;
  request.group_id = group;
  for (const TopicPartitionName& name : partitions) {
    if (request.topics.empty() || request.topics.back().name != name.first)
      request.topics.emplace_back().name = name.first;
    request.topics.back().partitions.emplace_back().partition_index = name.second;
  }
  auto answer =
      ask_coordinator<OffsetDeleteResponse>(cluster, group, request, [](const auto& one) { return one.error_code; });
  RETURN_IF_ERROR(answer);
  group_error = answer->error_code;
  std::map<TopicPartitionName, ErrorCode> found;
  for (const auto& topic : answer->topics) {
    for (const auto& partition : topic.partitions)
      found[{topic.name, partition.partition_index}] = partition.error_code;
  }
  return found;
}

}  // namespace milena::tools
