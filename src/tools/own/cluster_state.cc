// milena features, quorum, logdirs and transactions: the state of a cluster.
#include <fmt/format.h>

#include <algorithm>

#include "base/executor.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/describe_log_dirs.h"
#include "protocol/messages/describe_quorum.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/list_transactions.h"
#include "tools/output.h"
#include "tools/own/own.h"

namespace milena::tools {
namespace {

Status show_features(Cluster& cluster, bool json) {
  ApiVersionsRequest request;
  request.client_software_name = "milena";
  request.client_software_version = "1";
  auto answer = cluster.ask<ApiVersionsResponse>(request);
  RETURN_IF_ERROR(answer);
  Table table({"FEATURE", "LEVEL", "OLDEST", "NEWEST"});
  for (const auto& feature : answer->supported_features) {
    auto level = std::find_if(answer->finalized_features.begin(), answer->finalized_features.end(),
                              [&](const auto& one) { return one.name == feature.name; });
    table.row({feature.name, level == answer->finalized_features.end() ? "0" : std::to_string(level->max_version_level),
               std::to_string(feature.min_version), std::to_string(feature.max_version)});
  }
  table.print(json);
  return ok_status();
}

Status show_quorum(Cluster& cluster, bool json) {
  DescribeQuorumRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic_name = "__cluster_metadata";
  topic.partitions.emplace_back().partition_index = 0;
  auto answer = cluster.ask<DescribeQuorumResponse>(request);
  RETURN_IF_ERROR(answer);
  if (answer->error_code != ErrorCode::kNone) return answer_error(answer->error_code, answer->error_message);
  Table table({"NODE", "ROLE", "END", "LAG", "EPOCH"});
  for (const auto& found : answer->topics) {
    for (const auto& partition : found.partitions) {
      if (partition.error_code != ErrorCode::kNone) return answer_error(partition.error_code, partition.error_message);
      int64_t end = 0;
      for (const auto& one : partition.current_voters) end = std::max(end, one.log_end_offset);
      auto add = [&](const DescribeQuorumResponse::ReplicaState& one, const char* role) {
        table.row({std::to_string(one.replica_id), one.replica_id == partition.leader_id ? "leader" : role,
                   std::to_string(one.log_end_offset), std::to_string(std::max<int64_t>(0, end - one.log_end_offset)),
                   std::to_string(partition.leader_epoch)});
      };
      for (const auto& one : partition.current_voters) add(one, "voter");
      for (const auto& one : partition.observers) add(one, "observer");
    }
  }
  table.print(json);
  return ok_status();
}

Status show_directories(Cluster& cluster, bool json) {
  DescribeLogDirsRequest request;
  request.topics.reset();
  auto metadata = cluster.metadata();
  RETURN_IF_ERROR(metadata);
  Table table({"BROKER", "DIRECTORY", "STATE", "PARTITIONS", "USED", "FREE", "TOTAL"});
  for (const auto& broker : metadata->brokers) {
    Result<BrokerClient*> client = cluster.broker(broker.node_id);
    RETURN_IF_ERROR(client);
    auto answer = (*client)->ask<DescribeLogDirsResponse>(request);
    RETURN_IF_ERROR(answer);
    for (const auto& directory : answer->results) {
      int64_t used = 0;
      size_t partitions = 0;
      for (const auto& topic : directory.topics) {
        partitions += topic.partitions.size();
        for (const auto& partition : topic.partitions) used += partition.partition_size;
      }
      auto size = [json](int64_t bytes) {
        if (bytes < 0) return std::string("-");
        return json ? std::to_string(bytes) : readable_bytes(bytes);
      };
      bool fine = directory.error_code == ErrorCode::kNone;
      table.row({std::to_string(broker.node_id), directory.log_dir,
                 fine ? "online" : std::string(error_name(directory.error_code)), std::to_string(partitions),
                 size(used), size(directory.usable_bytes), size(directory.total_bytes)});
    }
  }
  table.print(json);
  return ok_status();
}

Status show_transactions(Cluster& cluster, bool json, bool all) {
  ListTransactionsRequest request;
  if (!all) request.state_filters = {"Ongoing", "PrepareCommit", "PrepareAbort"};
  auto brokers = cluster.all_brokers();
  RETURN_IF_ERROR(brokers);
  Table table({"TRANSACTION", "STATE", "PRODUCER", "EPOCH", "OPEN FOR", "PARTITIONS", "TIMEOUT"});
  for (BrokerClient* broker : *brokers) {
    auto listed = broker->ask<ListTransactionsResponse>(request);
    RETURN_IF_ERROR(listed);
    if (listed->error_code != ErrorCode::kNone) return answer_error(listed->error_code);
    DescribeTransactionsRequest details;
    for (const auto& one : listed->transaction_states) details.transactional_ids.push_back(one.transactional_id);
    if (details.transactional_ids.empty()) continue;
    auto answer = broker->ask<DescribeTransactionsResponse>(details);
    RETURN_IF_ERROR(answer);
    for (const auto& one : answer->transaction_states) {
      if (one.error_code != ErrorCode::kNone) continue;  // gone meanwhile
      size_t partitions = 0;
      for (const auto& topic : one.topics) partitions += topic.partitions.size();
      bool open = one.transaction_start_time_ms >= 0;
      table.row({one.transactional_id, one.transaction_state, std::to_string(one.producer_id),
                 std::to_string(one.producer_epoch),
                 open
                     ? fmt::format("{:.1f} s",
                                   static_cast<double>(system_clock().wall_ms() - one.transaction_start_time_ms) / 1000)
                     : "-",
                 std::to_string(partitions), fmt::format("{} ms", one.transaction_timeout_ms)});
    }
  }
  table.print(json);
  return ok_status();
}

}  // namespace

int run_features(ToolWords words) {
  OwnCommand command("features", "Shows the features of the cluster and their levels.", "[options]");
  command.add_common();
  command.options.example("milena features --json");
  return command.run(words, [&](Cluster& cluster) { return show_features(cluster, command.json); });
}

int run_quorum(ToolWords words) {
  OwnCommand command("quorum", "Shows the voters and observers of the metadata quorum, and their progress.",
                     "[options]");
  command.add_common();
  command.options.example("milena quorum");
  return command.run(words, [&](Cluster& cluster) { return show_quorum(cluster, command.json); });
}

int run_logdirs(ToolWords words) {
  OwnCommand command("logdirs", "Shows the brokers' directories and their sizes.", "[options]");
  command.add_common();
  command.options.example("milena logdirs");
  return command.run(words, [&](Cluster& cluster) { return show_directories(cluster, command.json); });
}

int run_transactions(ToolWords words) {
  OwnCommand command("transactions", "Shows open transactions, their producers and start times.", "[--all] [options]");
  bool all = false;
  command.options.flag("-a,--all", all, "Shows completed transactions, too.");
  command.add_common();
  command.options.example("milena transactions");
  return command.run(words, [&](Cluster& cluster) { return show_transactions(cluster, command.json, all); });
}

}  // namespace milena::tools
