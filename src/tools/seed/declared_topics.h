// Topics of KAFKA_CREATE_TOPICS, created when the broker starts.
#pragma once

#include <string>
#include <vector>

#include "tools/admin.h"

namespace milena::tools {

// "orders:3:1,users:1:1:compact": name, partitions, replicas, cleanup.policy; only the name is required. Blanks, commas
// and line ends separate topics. An Error names the invalid one.
Result<std::vector<NewTopic>> parse_declared_topics(const std::string& text);
// Existing topics are not changed.
Status create_declared_topics(Cluster& cluster, const std::vector<NewTopic>& topics);

}  // namespace milena::tools
