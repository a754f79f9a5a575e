// The commands of the binary besides serving, for machines and images without Kafka's tools. They print to standard
// output and return the process's exit code; errors go to standard error.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/broker_client.h"

namespace milena::tools {

using ToolWords = std::span<const char* const>;

// `milena health`: 0 if the broker responds and all partitions of the cluster are available. Else it prints why not.
int run_health(const BrokerAddress& address, const ClientSecurity& security = {});

// Replacements for Kafka's scripts, with their options, output and exit codes.
int run_kafka_topics(ToolWords words);
int run_kafka_console_producer(ToolWords words);
int run_kafka_console_consumer(ToolWords words);
int run_kafka_consumer_groups(ToolWords words);
int run_kafka_configs(ToolWords words);
int run_kafka_acls(ToolWords words);
int run_kafka_broker_api_versions(ToolWords words);
int run_kafka_storage(ToolWords words);
int run_kafka_dump_log(ToolWords words);
int run_kafka_producer_perf_test(ToolWords words);
int run_kafka_consumer_perf_test(ToolWords words);

// Translates the arguments of Redpanda's containers into those of `serve`; without a result, `code` is the exit code.
std::optional<std::vector<std::string>> redpanda_words(ToolWords words, int& code);

// milena's own commands.
int run_topics(ToolWords words);
int run_groups(ToolWords words);
int run_configs(ToolWords words);
int run_users(ToolWords words);
int run_acls(ToolWords words);
int run_produce(ToolWords words);
int run_consume(ToolWords words);
int run_cat(ToolWords words);
int run_dump(ToolWords words);
int run_features(ToolWords words);
int run_quorum(ToolWords words);
int run_logdirs(ToolWords words);
int run_transactions(ToolWords words);
int run_perf(ToolWords words);
int run_cluster(ToolWords words);
int run_doctor(ToolWords words);
int run_tap(ToolWords words);
int run_completion(ToolWords words);
// `milena check`: 0: no problems, or all were repaired; 1: problems; 2: it could not be examined.
int run_check(ToolWords words);

// Writes the users of --add-scram (kafka-storage format) into a new directory of the metadata; with an empty directory
// it only checks them. src/broker has the records, so src/main.cc sets it. Null: --add-scram is refused.
inline Status (*write_scram_users)(std::span<const std::string> users, const std::string& directory) = nullptr;

// A command of the binary by name: `milena NAME ...`, or, for a script of Kafka's, a link of that name.
struct ToolCommand {
  const char* name;
  const char* summary;          // null: not in the list of commands
  int (*run)(ToolWords words);  // null: redpanda_words(), and serve
};
std::span<const ToolCommand> tool_commands();
// "kafka-topics.sh", "/opt/kafka/bin/kafka-topics", "topics"; null if there is none.
const ToolCommand* find_tool_command(std::string name);

// Prints to standard error; returns the exit code.
int complain(const std::string& message);


// Several nodes on this machine as one cluster: --brokers, --dir, --port, --override. Runs until a signal.
int run_cluster(std::span<const char* const> words);

}  // namespace milena::tools
