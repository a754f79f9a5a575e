// The tables of kafka-consumer-groups.sh.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/group_admin.h"

namespace milena::tools {

struct GroupOffsetRow {
  std::optional<TopicPartitionName> partition;
  std::optional<GroupOffset> committed;
  std::optional<int64_t> end;
  std::string consumer = "-";
  std::string host = "-";
  std::string client = "-";

  std::optional<int64_t> lag() const;
};

// The partitions of the members, those with most first, and then those with an offset and no member.
Result<std::vector<GroupOffsetRow>> group_offset_rows(Cluster& cluster, const GroupInfo& group);

// Prints that a group has no members, or is rebalancing. False if there is nothing to show.
bool say_what_state(const GroupInfo& group);
void print_group_offsets(const std::string& group, const std::vector<GroupOffsetRow>& rows, bool verbose);
void print_group_members(const GroupInfo& group, bool verbose);
void print_group_state(const GroupInfo& group, bool verbose);

// The partitions of "topic" or "topic:0,2". kNotFound for an unknown topic.
Result<std::vector<TopicPartitionName>> named_partitions(Cluster& cluster, const std::vector<std::string>& topics);
// delete_offsets() for a list that may be empty.
Result<std::map<TopicPartitionName, ErrorCode>> delete_offsets_of(Cluster& cluster, const std::string& group,
                                                                  const std::vector<TopicPartitionName>& partitions,
                                                                  ErrorCode& whole);
// "org.apache.kafka.common.errors.GroupNotEmptyException: The group is not empty."
std::string java_exception(ErrorCode code, const std::string& message = {});

}  // namespace milena::tools
