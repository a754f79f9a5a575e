// ConsumerGroups: the settings of consumer groups. Each group may have its own; they are held to the server's bounds,
// which may have changed since they were stored (Kafka's GroupConfig.evaluate).
#include <algorithm>
#include <charconv>
#include <optional>

#include "coordinator/group/consumer_groups.h"

namespace milena::coordinator {
namespace {

std::optional<int32_t> number_in(const config::ConfigMap& configs, ByteView name) {
  const auto at = configs.find(name);
  if (at == configs.end()) return std::nullopt;
  int32_t value = 0;
  const auto [end, error] = std::from_chars(at->second.data(), at->second.data() + at->second.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace

int32_t ConsumerGroups::effective(ByteView group_id, ByteView name, const GroupSetting& setting) const {
  if (image().all_configs().empty()) return setting.value;
  const std::optional<int32_t> own = number_in(image().configs(metadata::ResourceType::kGroup, group_id), name);
  return own ? std::clamp(*own, setting.least, setting.greatest) : setting.value;
}

int32_t ConsumerGroups::consumer_session_timeout_ms(ByteView group_id) const {
  return effective(group_id, "consumer.session.timeout.ms", config().consumer.session_timeout_ms);
}

int32_t ConsumerGroups::session_timeout_of(const ConsumerGroup& group, const ConsumerMember& member) const {
  return member.classic ? member.classic->session_timeout_ms : consumer_session_timeout_ms(group.id());
}

int32_t ConsumerGroups::consumer_heartbeat_interval_ms(ByteView group_id) const {
  return effective(group_id, "consumer.heartbeat.interval.ms", config().consumer.heartbeat_interval_ms);
}

int32_t ConsumerGroups::consumer_assignment_interval_ms(ByteView group_id) const {
  return effective(group_id, "consumer.assignment.interval.ms", config().consumer.assignment_interval_ms);
}

}  // namespace milena::coordinator
