// GroupShard: the settings of consumer groups, which each group may have its own of. What is stored for a group is held to
// the server's bounds, which may have changed since (Kafka's GroupConfig.evaluate).
#include <algorithm>
#include <charconv>

#include "coordinator/group_shard.h"

namespace milena {

int32_t GroupShard::effective(ByteView group_id, ByteView name, const GroupSetting& setting) const {
  if (image_->all_configs().empty()) return setting.value;
  const ConfigMap& configs = image_->configs(ResourceType::kGroup, group_id);
  const auto at = configs.find(name);
  if (at == configs.end()) return setting.value;
  int32_t value = 0;
  const auto [end, error] = std::from_chars(at->second.data(), at->second.data() + at->second.size(), value);
  if (error != std::errc()) return setting.value;
  return std::clamp(value, setting.least, setting.greatest);
}

int32_t GroupShard::consumer_session_timeout_ms(ByteView group_id) const {
  return effective(group_id, "consumer.session.timeout.ms", config_.consumer.session_timeout_ms);
}

int32_t GroupShard::consumer_heartbeat_interval_ms(ByteView group_id) const {
  return effective(group_id, "consumer.heartbeat.interval.ms", config_.consumer.heartbeat_interval_ms);
}

int32_t GroupShard::consumer_assignment_interval_ms(ByteView group_id) const {
  return effective(group_id, "consumer.assignment.interval.ms", config_.consumer.assignment_interval_ms);
}

}  // namespace milena
