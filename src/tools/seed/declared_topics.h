// Topics that KAFKA_CREATE_TOPICS names, made when the broker starts.
#pragma once

#include <string>
#include <vector>

#include "tools/admin.h"

namespace milena::tools {

// "orders:3:1,users:1:1:compact": name, partitions, replicas, cleanup.policy; only the name is needed. Blanks, commas
// and ends of lines separate topics. An Error names the one that cannot be right.
Result<std::vector<NewTopic>> parse_declared_topics(const std::string& text);
// Those that are there stay as they are.
Status create_declared_topics(Cluster& cluster, const std::vector<NewTopic>& topics);

}  // namespace milena::tools
