// Requests of commands to group coordinators: lists and descriptions of groups of both protocols, committed offsets.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/admin.h"
#include "tools/cluster.h"

namespace milena::tools {

struct GroupOffset {
  int64_t offset = -1;
  int32_t leader_epoch = -1;
};

struct GroupListing {
  std::string name;
  std::string type;   // "classic", "consumer"
  std::string state;  // "Stable", ...
  std::string protocol_type;
};

struct GroupMemberInfo {
  std::string id;
  std::string instance_id;
  std::string host;
  std::string client_id;
  std::vector<TopicPartitionName> assignment;
  std::vector<TopicPartitionName> target;
  std::optional<int32_t> epoch;
  std::optional<bool> upgraded;  // of a consumer group: whether the member uses its protocol
};

struct GroupInfo {
  std::string name;
  std::string type;
  std::string state;
  std::string assignor;
  std::optional<int32_t> epoch;
  std::optional<int32_t> target_epoch;
  MetadataResponse::MetadataResponseBroker coordinator;
  std::vector<GroupMemberInfo> members;
};

// The consumers' groups of all brokers, sorted by name.
Result<std::vector<GroupListing>> list_groups(Cluster& cluster, const std::vector<std::string>& states = {},
                                              const std::vector<std::string>& types = {});
// kNotFound for an unknown group.
Result<GroupInfo> describe_group(Cluster& cluster, const std::string& group);
// The response's error; kNone if it was deleted.
Result<ErrorCode> delete_group(Cluster& cluster, const std::string& group);
Result<std::map<TopicPartitionName, GroupOffset>> fetch_committed(Cluster& cluster, const std::string& group);
// As a member if an epoch is given; otherwise as an administrator of an empty group.
Status commit_offsets(Cluster& cluster, const std::string& group,
                      const std::map<TopicPartitionName, GroupOffset>& offsets, const std::string& member_id = "",
                      int32_t epoch = -1);
// The result for each partition; an Error for the group as a whole.
Result<std::map<TopicPartitionName, ErrorCode>> delete_offsets(Cluster& cluster, const std::string& group,
                                                               const std::vector<TopicPartitionName>& partitions,
                                                               ErrorCode& group_error);

}  // namespace milena::tools
