#include "tools/admin.h"

#include <re2/re2.h>

#include <algorithm>

#include "config/config_values.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_topic_partitions.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/list_config_resources.h"
#include "protocol/messages/list_offsets.h"

namespace milena::tools {
namespace {

template <class List>
std::vector<int32_t> numbers(const List& from) {
  return {from.begin(), from.end()};
}

// Only the message, as in Kafka's tools.
Error sentence(ErrorCode code, const std::optional<Bytes>& message) {
  ErrorKind kind = code == ErrorCode::kTopicAlreadyExists ? ErrorKind::kExists : ErrorKind::kInvalid;
  std::string text(message && !message->empty() ? ByteView(*message) : ByteView(error_message(code)));
  return make_error(kind, "{}", text.empty() ? std::string(error_name(code)) : text);
}

}  // namespace

Result<std::vector<std::string>> list_topics(Cluster& cluster, bool internal_too) {
  auto answer = cluster.metadata();
  RETURN_IF_ERROR(answer);
  std::vector<std::string> names;
  for (const auto& topic : answer->topics) {
    if (internal_too || !topic.is_internal) names.push_back(topic.name.value_or(""));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<std::string>> matching_names(const std::vector<std::string>& names, const std::string& expression) {
  std::string pattern = expression;
  std::erase_if(pattern, [](char c) { return c == ' ' || c == '"' || c == '\''; });
  std::replace(pattern.begin(), pattern.end(), ',', '|');
  RE2 compiled(pattern, RE2::Quiet);
  if (!compiled.ok()) return make_error(ErrorKind::kInvalid, "{} is an invalid regex.", expression);
  std::vector<std::string> found;
  for (const std::string& name : names) {
    if (RE2::FullMatch(name, compiled)) found.push_back(name);
  }
  return found;
}

namespace {

std::vector<TopicInfo> from_metadata(const MetadataResponse& answer) {
  std::vector<TopicInfo> topics;
  for (const auto& topic : answer.topics) {
    TopicInfo& info = topics.emplace_back();
    info.name = topic.name.value_or("");
    info.id = topic.topic_id;
    info.internal = topic.is_internal;
    for (const auto& partition : topic.partitions) {
      info.partitions.push_back({partition.partition_index, partition.leader_id, numbers(partition.replica_nodes),
                                 numbers(partition.isr_nodes), std::nullopt, std::nullopt});
    }
  }
  return topics;
}

// Adds the eligible leader replicas, which Metadata does not have: replicas that may lead though they are not in sync.
Status add_eligible_leaders(Cluster& cluster, std::vector<TopicInfo>& topics) {
  DescribeTopicPartitionsRequest request;
  for (const TopicInfo& topic : topics) request.topics.emplace_back().name = topic.name;
  for (;;) {
    auto answer = cluster.ask<DescribeTopicPartitionsResponse>(request);
    if (!answer.ok()) {
      if (answer.error().kind == ErrorKind::kUnsupported) return ok_status();
      return answer.error();
    }
    for (const auto& topic : answer->topics) {
      auto info = std::find_if(topics.begin(), topics.end(), [&](auto& one) { return one.name == topic.name; });
      if (info == topics.end()) continue;
      for (const auto& partition : topic.partitions) {
        auto index = static_cast<size_t>(partition.partition_index);
        if (index >= info->partitions.size()) continue;
        info->partitions[index].elr = partition.eligible_leader_replicas.value_or(std::vector<int32_t>());
        info->partitions[index].last_known_elr = partition.last_known_elr.value_or(std::vector<int32_t>());
      }
    }
    if (!answer->next_cursor) return ok_status();
    // The cursor's topic is one of ours, so its name outlives the response.
    auto next = std::find_if(topics.begin(), topics.end(),
                             [&](auto& one) { return one.name == answer->next_cursor->topic_name; });
    if (next == topics.end()) return make_error(ErrorKind::kCorrupt, "the broker's response continues with a topic "
                                                                     "that was not requested");
    request.topics.clear();
    for (auto rest = next; rest != topics.end(); ++rest) request.topics.emplace_back().name = rest->name;
    request.cursor = {next->name, answer->next_cursor->partition_index};
  }
}

}  // namespace

Result<std::vector<TopicInfo>> describe_topics(Cluster& cluster, const std::vector<std::string>& names) {
  if (names.empty()) return std::vector<TopicInfo>();
  auto answer = cluster.metadata(names);
  RETURN_IF_ERROR(answer);
  for (const auto& topic : answer->topics) {
    if (topic.error_code != ErrorCode::kNone) {
      return make_error(ErrorKind::kNotFound, "{}: {}", topic.name.value_or(""),
                        answer_error(topic.error_code).message);
    }
  }
  std::vector<TopicInfo> topics = from_metadata(*answer);
  std::sort(topics.begin(), topics.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  RETURN_IF_ERROR(add_eligible_leaders(cluster, topics));
  return topics;
}

Status create_topic(Cluster& cluster, const NewTopic& topic) {
  CreateTopicsRequest request;
  request.timeout_ms = static_cast<int32_t>(kCommandTimeout_ms);
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic.name;
  wanted.num_partitions = topic.partitions;
  wanted.replication_factor = topic.replication_factor;
  for (size_t i = 0; i < topic.assignments.size(); i++) {
    wanted.assignments.push_back({static_cast<int32_t>(i), topic.assignments[i]});
  }
  for (const auto& [key, value] : topic.configs) wanted.configs.push_back({ByteView(key), ByteView(value)});
  auto answer = cluster.ask<CreateTopicsResponse>(request);
  RETURN_IF_ERROR(answer);
  for (const auto& result : answer->topics) {
    if (result.error_code != ErrorCode::kNone) return sentence(result.error_code, result.error_message);
  }
  return ok_status();
}

Status delete_topics(Cluster& cluster, const std::vector<std::string>& names) {
  DeleteTopicsRequest request;
  request.timeout_ms = static_cast<int32_t>(kCommandTimeout_ms);
  for (const std::string& name : names) {
    request.topic_names.push_back(name);
    request.topics.emplace_back().name = ByteView(name);
  }
  auto answer = cluster.ask<DeleteTopicsResponse>(request);
  RETURN_IF_ERROR(answer);
  for (const auto& result : answer->responses) {
    if (result.error_code != ErrorCode::kNone) return sentence(result.error_code, result.error_message);
  }
  return ok_status();
}

Status add_partitions(Cluster& cluster, const std::string& topic, int32_t count,
                      const std::vector<std::vector<int32_t>>& assignments) {
  CreatePartitionsRequest request;
  request.timeout_ms = static_cast<int32_t>(kCommandTimeout_ms);
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic;
  wanted.count = count;
  if (assignments.empty()) wanted.assignments.reset();
  for (const auto& replicas : assignments) wanted.assignments->push_back({replicas});
  auto answer = cluster.ask<CreatePartitionsResponse>(request);
  RETURN_IF_ERROR(answer);
  for (const auto& result : answer->results) {
    if (result.error_code != ErrorCode::kNone) return sentence(result.error_code, result.error_message);
  }
  return ok_status();
}

namespace {

// Only a broker itself knows its configs and loggers.
Result<BrokerClient*> owner_of(Cluster& cluster, ConfigKind kind, const std::string& name) {
  bool of_one_broker = (kind == ConfigKind::kBroker || kind == ConfigKind::kBrokerLogger) && !name.empty();
  if (!of_one_broker) return &cluster.any();
  std::optional<int64_t> id = config::parse_integer(name);
  if (!id || *id < 0 || *id > INT32_MAX) {
    return make_error(ErrorKind::kInvalid, "The entity name for brokers must be a valid integer broker id, found: {}",
                      name);
  }
  return cluster.broker(static_cast<int32_t>(*id));
}

Result<std::vector<std::vector<ConfigEntry>>> ask_for_configs(BrokerClient& broker, ConfigKind kind,
                                                              const std::vector<std::string>& names) {
  DescribeConfigsRequest request;
  request.include_synonyms = true;
  for (const std::string& name : names) {
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<int8_t>(kind);
    resource.resource_name = name;
    resource.configuration_keys.reset();
  }
  auto answer = broker.ask<DescribeConfigsResponse>(request);
  RETURN_IF_ERROR(answer);
  std::vector<std::vector<ConfigEntry>> found(names.size());
  for (auto& result : answer->results) {
    if (result.error_code != ErrorCode::kNone) return sentence(result.error_code, result.error_message);
    for (size_t i = 0; i < names.size(); i++) {
      if (result.resource_name == names[i]) found[i] = std::move(result.configs);
    }
  }
  return found;
}

}  // namespace

Result<std::vector<ConfigEntry>> describe_configs(Cluster& cluster, ConfigKind kind, const std::string& name) {
  Result<BrokerClient*> broker = owner_of(cluster, kind, name);
  RETURN_IF_ERROR(broker);
  auto found = ask_for_configs(**broker, kind, {name});
  RETURN_IF_ERROR(found);
  std::vector<ConfigEntry> entries = std::move(found->front());
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

Result<std::vector<std::vector<ConfigEntry>>> describe_topic_configs(Cluster& cluster,
                                                                     const std::vector<std::string>& names) {
  return ask_for_configs(cluster.any(), ConfigKind::kTopic, names);
}

Status alter_configs(Cluster& cluster, ConfigKind kind, const std::string& name,
                     const std::map<std::string, std::string>& set, const std::vector<std::string>& remove) {
  constexpr int8_t kSet = 0, kDelete = 1;
  Result<BrokerClient*> broker = owner_of(cluster, kind, name);
  RETURN_IF_ERROR(broker);
  IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = static_cast<int8_t>(kind);
  resource.resource_name = name;
  for (const std::string& key : remove) resource.configs.push_back({key, kDelete, ByteView()});
  for (const auto& [key, value] : set) resource.configs.push_back({key, kSet, ByteView(value)});
  auto answer = (*broker)->ask<IncrementalAlterConfigsResponse>(request);
  RETURN_IF_ERROR(answer);
  for (const auto& result : answer->responses) {
    if (result.error_code != ErrorCode::kNone) return sentence(result.error_code, result.error_message);
  }
  return ok_status();
}

Result<std::vector<std::string>> list_config_resources(Cluster& cluster, ConfigKind kind) {
  ListConfigResourcesRequest request;
  request.resource_types = {static_cast<int8_t>(kind)};
  auto answer = cluster.ask<ListConfigResourcesResponse>(request);
  std::vector<std::string> names;
  if (!answer.ok()) {
    if (answer.error().kind == ErrorKind::kUnsupported) return names;
    return answer.error();
  }
  if (answer->error_code != ErrorCode::kNone) return answer_error(answer->error_code);
  for (const auto& resource : answer->config_resources) {
    if (resource.resource_type == static_cast<int8_t>(kind)) names.push_back(resource.resource_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::map<TopicPartitionName, int64_t>> list_offsets(Cluster& cluster,
                                                           const std::map<TopicPartitionName, int64_t>& times,
                                                           bool read_committed) {
  std::map<int32_t, ListOffsetsRequest> requests;  // by leader
  std::map<std::string, bool> exists;
  for (const auto& [partition, time] : times) {
    if (!exists.contains(partition.first)) exists[partition.first] = cluster.topic(partition.first).ok();
    if (!exists[partition.first]) continue;
    Result<int32_t> leader = cluster.leader_id(partition.first, partition.second);
    if (!leader.ok() || *leader < 0) continue;
    ListOffsetsRequest& request = requests[*leader];
    request.replica_id = -1;
    request.isolation_level = read_committed ? 1 : 0;
    request.timeout_ms = static_cast<int32_t>(kCommandTimeout_ms);
    if (request.topics.empty() || request.topics.back().name != partition.first) {
      request.topics.emplace_back().name = partition.first;
    }
    auto& wanted = request.topics.back().partitions.emplace_back();
    wanted.partition_index = partition.second;
    wanted.timestamp = time;
  }
  std::map<TopicPartitionName, int64_t> offsets;
  for (const auto& [leader, request] : requests) {
    Result<BrokerClient*> broker = cluster.broker(leader);
    RETURN_IF_ERROR(broker);
    auto answer = (*broker)->ask<ListOffsetsResponse>(request);
    RETURN_IF_ERROR(answer);
    for (const auto& topic : answer->topics) {
      for (const auto& partition : topic.partitions) {
        if (partition.error_code == ErrorCode::kUnknownTopicOrPartition || is_passing(partition.error_code)) continue;
        if (partition.error_code != ErrorCode::kNone) return answer_error(partition.error_code);
        offsets[{topic.name, partition.partition_index}] = partition.offset;
      }
    }
  }
  return offsets;
}

}  // namespace milena::tools
