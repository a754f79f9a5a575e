#include "tools/seed/declared_topics.h"

#include "base/log.h"
#include "config/config_values.h"
#include "tools/kafka/script.h"

namespace milena::tools {

Result<std::vector<NewTopic>> parse_declared_topics(const std::string& text) {
  std::vector<NewTopic> topics;
  std::string commas = text;
  for (char& c : commas) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ';') c = ',';
  }
  for (const std::string& one : split(commas, ',')) {
    if (one.empty()) continue;
    std::vector<std::string> parts = split(one, ':');
    auto number = [&](size_t at, int64_t most) -> std::optional<int64_t> {
      if (parts.size() <= at || parts[at].empty()) return -1;
      std::optional<int64_t> value = config::parse_integer(parts[at]);
      return value && *value >= 1 && *value <= most ? value : std::nullopt;
    };
    std::optional<int64_t> partitions = number(1, INT32_MAX), replicas = number(2, INT16_MAX);
    if (parts.front().empty() || parts.size() > 4 || !partitions || !replicas) {
      return make_error(ErrorKind::kInvalid,
                        "KAFKA_CREATE_TOPICS: {}: expected name, name:partitions, name:partitions:replicas or "
                        "name:partitions:replicas:cleanup.policy",
                        one);
    }
    NewTopic& topic = topics.emplace_back();
    topic.name = parts.front();
    topic.partitions = static_cast<int32_t>(*partitions);
    topic.replication_factor = static_cast<int16_t>(*replicas);
    if (parts.size() == 4 && !parts[3].empty()) topic.configs["cleanup.policy"] = parts[3];
  }
  return topics;
}

Status create_declared_topics(Cluster& cluster, const std::vector<NewTopic>& topics) {
  for (const NewTopic& topic : topics) {
    Status created = create_topic(cluster, topic);
    if (!created.ok() && created.error().kind != ErrorKind::kExists) {
      return make_error(created.error().kind, "KAFKA_CREATE_TOPICS: {}: {}", topic.name, created.error().message);
    }
    if (created.ok()) log_info("Created topic {} of KAFKA_CREATE_TOPICS", topic.name);
  }
  return ok_status();
}

}  // namespace milena::tools
