// The commands of the binary besides serving, for machines and images that have no other tools of Kafka's: whether a
// broker serves, its topics, its versions, a data directory. They print to standard output and return the process's
// exit code; what went wrong goes to standard error.
#pragma once

#include <span>
#include <string>

#include "tools/broker_client.h"

namespace milena {

// `milena health`: 0 if the broker answers.
int run_health(const BrokerAddress& address);

// The words are those of Kafka's own scripts, as far as image health checks and build scripts use them.
// kafka-topics.sh: --bootstrap-server, and --list, --create, --describe or --delete with --topic, --partitions,
// --replication-factor, --config, --if-not-exists, --if-exists.
int run_topics(std::span<const char* const> words);
// kafka-broker-api-versions.sh: --bootstrap-server.
int run_api_versions(std::span<const char* const> words);
// kafka-storage.sh: random-uuid; format -t CLUSTER_ID -c FILE. `log_dirs` and `node_id` are what the file says.
int run_storage_random_uuid();
int run_storage_format(const std::string& cluster_id, std::span<const std::string> log_dirs, int32_t node_id,
                       bool ignore_formatted);


// Several nodes on this machine as one cluster: --brokers, --dir, --port, --override. Runs until a signal.
int run_cluster(std::span<const char* const> words);

}  // namespace milena
