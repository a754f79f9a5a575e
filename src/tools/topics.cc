// `milena topics`: the everyday part of kafka-topics.sh. Its output is that of Kafka's tool.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "config/config_values.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/metadata.h"
#include "tools/commands.h"
#include "tools/words.h"

namespace milena {
namespace {

Result<MetadataResponse> ask_about(BrokerClient& client, const std::string& topic) {
  MetadataRequest request;
  request.allow_auto_topic_creation = false;
  request.topics.reset();
  if (!topic.empty()) request.topics.emplace().emplace_back().name = ByteView(topic);
  return client.ask<MetadataResponse>(request, 9);
}

int list_topics(BrokerClient& client) {
  auto answer = ask_about(client, "");
  if (!answer.ok()) return complain(answer.error().message);
  std::vector<Bytes> names;
  for (const auto& topic : answer->topics) names.push_back(topic.name.value_or(""));
  std::sort(names.begin(), names.end());
  for (const Bytes& name : names) fmt::print("{}\n", name);
  return 0;
}

int describe_topics(BrokerClient& client, const std::string& name) {
  auto answer = ask_about(client, name);
  if (!answer.ok()) return complain(answer.error().message);
  for (auto& topic : answer->topics) {
    Bytes shown = topic.name.value_or("");
    if (topic.error_code != ErrorCode::kNone)
      return complain(fmt::format("{}: {}", shown, error_name(topic.error_code)));
    std::sort(topic.partitions.begin(), topic.partitions.end(),
              [](const auto& a, const auto& b) { return a.partition_index < b.partition_index; });
    size_t replicas = topic.partitions.empty() ? 0 : topic.partitions.front().replica_nodes.size();
    fmt::print("Topic: {}\tPartitionCount: {}\tReplicationFactor: {}\n", shown, topic.partitions.size(), replicas);
    for (const auto& partition : topic.partitions) {
      fmt::print("\tTopic: {}\tPartition: {}\tLeader: {}\tReplicas: {}\tIsr: {}\n", shown, partition.partition_index,
                 partition.leader_id, fmt::join(partition.replica_nodes, ","), fmt::join(partition.isr_nodes, ","));
    }
  }
  return 0;
}

int create_topic(BrokerClient& client, const ToolWords& words, const std::string& name) {
  CreateTopicsRequest request;
  request.timeout_ms = static_cast<int32_t>(kCommandTimeoutMs);
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  auto number = [&words](const char* option) -> std::optional<int64_t> {
    return words.has(option) ? parse_integer(words.value(option)) : -1;
  };
  auto partitions = number("--partitions"), factor = number("--replication-factor");
  if (!partitions || *partitions > INT32_MAX || !factor || *factor > INT16_MAX) {
    return complain("--partitions, --replication-factor: expected a number");
  }
  topic.num_partitions = static_cast<int32_t>(*partitions);
  topic.replication_factor = static_cast<int16_t>(*factor);
  std::vector<std::string> configs = words.values("--config");
  for (const std::string& config : configs) {
    size_t equals = config.find('=');
    if (equals == std::string::npos) return complain(fmt::format("--config {}: expected key=value", config));
    topic.configs.push_back({ByteView(config).substr(0, equals), ByteView(config).substr(equals + 1)});
  }
  auto answer = client.ask<CreateTopicsResponse>(request, 5);
  if (!answer.ok()) return complain(answer.error().message);
  for (const auto& result : answer->topics) {
    bool there = result.error_code == ErrorCode::kTopicAlreadyExists && words.has("--if-not-exists");
    if (result.error_code != ErrorCode::kNone && !there) {
      return complain(fmt::format("{}: {} {}", name, error_name(result.error_code), result.error_message.value_or("")));
    }
    if (!there) fmt::print("Created topic {}.\n", name);
  }
  return 0;
}

int delete_topic(BrokerClient& client, const ToolWords& words, const std::string& name) {
  DeleteTopicsRequest request;
  request.timeout_ms = static_cast<int32_t>(kCommandTimeoutMs);
  request.topic_names = {name};
  auto answer = client.ask<DeleteTopicsResponse>(request, 5);
  if (!answer.ok()) return complain(answer.error().message);
  for (const auto& result : answer->responses) {
    if (result.error_code == ErrorCode::kUnknownTopicOrPartition && words.has("--if-exists")) continue;
    if (result.error_code != ErrorCode::kNone) {
      return complain(fmt::format("{}: {} {}", name, error_name(result.error_code), result.error_message.value_or("")));
    }
  }
  return 0;
}

}  // namespace

int run_topics(std::span<const char* const> words) {
  ToolWords options(
      words, {"--bootstrap-server", "--command-config", "--topic", "--partitions", "--replication-factor", "--config"},
      {"--list", "--create", "--describe", "--delete", "--if-not-exists", "--if-exists"});
  auto client = options.connect();
  if (!client.ok()) return complain(client.error().message);
  std::string topic = options.value("--topic");
  if (options.has("--list")) return list_topics(**client);
  if (options.has("--describe")) return describe_topics(**client, topic);
  if (topic.empty()) return complain("--topic: expected the name of a topic");
  if (options.has("--create")) return create_topic(**client, options, topic);
  if (options.has("--delete")) return delete_topic(**client, options, topic);
  return complain("expected one of --list, --create, --describe and --delete");
}

}  // namespace milena
