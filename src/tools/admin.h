// Requests shared by several commands, each in one call: topics, configs, offsets. Results are by value; a response's
// error code becomes an Error.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "protocol/messages/describe_configs.h"
#include "tools/cluster.h"

namespace milena::tools {

// The resource types of requests about configs.
enum class ConfigKind : int8_t { kTopic = 2, kBroker = 4, kBrokerLogger = 8, kClientMetrics = 16, kGroup = 32 };

// DescribeConfigsResponse's config_source.
inline constexpr int8_t kTopicSource = 1, kBrokerSource = 2, kDefaultBrokerSource = 3, kStaticSource = 4,
                        kDefaultSource = 5, kLoggerSource = 6, kClientMetricsSource = 7, kGroupSource = 8;

struct PartitionInfo {
  int32_t index = 0;
  int32_t leader = -1;
  std::vector<int32_t> replicas;
  std::vector<int32_t> isr;
  std::optional<std::vector<int32_t>> elr;  // absent if the broker does not return it
  std::optional<std::vector<int32_t>> last_known_elr;
};

struct TopicInfo {
  std::string name;
  Uuid id;
  bool internal = false;
  std::vector<PartitionInfo> partitions;
};

struct NewTopic {
  std::string name;
  int32_t partitions = -1;  // the broker's default
  int16_t replication_factor = -1;
  std::vector<std::vector<int32_t>> assignments;
  std::map<std::string, std::string> configs;
};

// Sorted.
Result<std::vector<std::string>> list_topics(Cluster& cluster, bool internal_too = true);
// The names that fully match a Java regex, as in Kafka's tools: commas are '|'.
Result<std::vector<std::string>> matching_names(const std::vector<std::string>& names, const std::string& expression);
Result<std::vector<TopicInfo>> describe_topics(Cluster& cluster, const std::vector<std::string>& names);
// kExists if it exists.
Status create_topic(Cluster& cluster, const NewTopic& topic);
Status delete_topics(Cluster& cluster, const std::vector<std::string>& names);
Status add_partitions(Cluster& cluster, const std::string& topic, int32_t count,
                      const std::vector<std::vector<int32_t>>& assignments = {});

using ConfigEntry = DescribeConfigsResponse::DescribeConfigsResourceResult;
// Sorted by name.
Result<std::vector<ConfigEntry>> describe_configs(Cluster& cluster, ConfigKind kind, const std::string& name);
// For several topics, in the order of the names; each in the broker's order, as in Kafka's tools.
Result<std::vector<std::vector<ConfigEntry>>> describe_topic_configs(Cluster& cluster,
                                                                     const std::vector<std::string>& names);
Status alter_configs(Cluster& cluster, ConfigKind kind, const std::string& name,
                     const std::map<std::string, std::string>& set, const std::vector<std::string>& remove);
// Names of resources that have configs; empty if the broker does not support this.
Result<std::vector<std::string>> list_config_resources(Cluster& cluster, ConfigKind kind);

using TopicPartitionName = std::pair<std::string, int32_t>;
// ListOffsetsRequest's special times.
inline constexpr int64_t kLatestTime = -1, kEarliestTime = -2;
// -1 if no record is that recent. Unknown or leaderless partitions are left out.
Result<std::map<TopicPartitionName, int64_t>> list_offsets(Cluster& cluster,
                                                           const std::map<TopicPartitionName, int64_t>& times,
                                                           bool read_committed = false);

}  // namespace milena::tools
