#include "tools/commands.h"

#include <fmt/format.h>

namespace milena::tools {
namespace {

constexpr ToolCommand kToolCommands[] = {
    {"topics", "lists, describes, creates and deletes topics", run_topics},
    {"groups", "consumer groups: members and lag; moves and deletes them", run_groups},
    {"configs", "shows and changes configs of topics, brokers, groups", run_configs},
    {"users", "users with passwords (SCRAM): lists, sets, deletes them", run_users},
    {"acls", "who may do what: lists, makes and deletes ACLs", run_acls},
    {"cat", "writes what a topic holds to standard output", run_cat},
    {"consume", "writes records to standard output as they come", run_consume},
    {"produce", "writes lines of standard input to a topic", run_produce},
    {"dump", "what is in the files of a log", run_dump},
    {"features", "the features of the cluster and their levels", run_features},
    {"quorum", "who votes in the quorum of the metadata", run_quorum},
    {"logdirs", "the directories of the brokers, and what is in them", run_logdirs},
    {"transactions", "transactions that are open, and since when", run_transactions},
    {"perf", "how fast records go in and out", run_perf},
    {"cluster", "starts several nodes on this machine as one cluster", run_cluster},
    {"doctor", "what is wrong with a broker, and what to do", run_doctor},
    {"tap", "the requests of one client as they come", run_tap},
    {"check", "data directories and their repair; a cluster, for Nagios", run_check},
    {"completion", "completion of commands for bash or zsh", run_completion},
    {"api-versions", "the versions of requests that brokers take", run_kafka_broker_api_versions},
    {"storage", "formats directories: only to choose the cluster's id", run_kafka_storage},
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
