#include "tools/commands.h"

#include <fmt/format.h>

namespace milena::tools {
namespace {

constexpr ToolCommand kToolCommands[] = {
    {"topics", "lists, describes, creates and deletes topics", run_topics},
    {"groups", "consumer groups: members and lag; moves and deletes them", run_groups},
    {"configs", "shows and changes configs of topics, brokers, groups", run_configs},
    {"users", "users with passwords (SCRAM): lists, sets, deletes them", run_users},
    {"acls", "lists, creates and deletes ACLs", run_acls},
    {"cat", "prints all records of a topic", run_cat},
    {"consume", "prints records as they arrive", run_consume},
    {"produce", "writes lines of standard input to a topic", run_produce},
    {"dump", "prints the contents of a log's files", run_dump},
    {"features", "the features of the cluster and their levels", run_features},
    {"quorum", "the voters and observers of the metadata quorum", run_quorum},
    {"logdirs", "the brokers' directories and their contents", run_logdirs},
    {"transactions", "open transactions and their start times", run_transactions},
    {"perf", "measures producing and consuming", run_perf},
    {"cluster", "starts several nodes on this machine as one cluster", run_cluster},
    {"doctor", "finds problems of brokers, with advice", run_doctor},
    {"tap", "the requests of one client as they arrive", run_tap},
    {"check", "checks data directories, or a cluster for Nagios", run_check},
    {"completion", "completion of commands for bash or zsh", run_completion},
    {"api-versions", "the request versions that brokers support", run_kafka_broker_api_versions},
    {"storage", "formats directories, to choose the cluster's id", run_kafka_storage},
    {"kafka-topics", nullptr, run_kafka_topics},
    {"kafka-console-producer", nullptr, run_kafka_console_producer},
    {"kafka-console-consumer", nullptr, run_kafka_console_consumer},
    {"kafka-consumer-groups", nullptr, run_kafka_consumer_groups},
    {"kafka-configs", nullptr, run_kafka_configs},
    {"kafka-acls", nullptr, run_kafka_acls},
    {"kafka-broker-api-versions", nullptr, run_kafka_broker_api_versions},
    {"kafka-storage", nullptr, run_kafka_storage},
    {"kafka-dump-log", nullptr, run_kafka_dump_log},
    {"kafka-producer-perf-test", nullptr, run_kafka_producer_perf_test},
    {"kafka-consumer-perf-test", nullptr, run_kafka_consumer_perf_test},
    {"redpanda", nullptr, nullptr},
    {"rpk", nullptr, nullptr},
};

}  // namespace

std::span<const ToolCommand> tool_commands() {
  return kToolCommands;
}

const ToolCommand* find_tool_command(std::string name) {
  name.erase(0, name.rfind('/') + 1);
  if (name.ends_with(".sh")) name.resize(name.size() - 3);
  for (const ToolCommand& command : kToolCommands) {
    if (name == command.name) return &command;
  }
  return nullptr;
}

}  // namespace milena::tools
