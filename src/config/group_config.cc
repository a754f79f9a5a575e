#include "config/group_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/broker_config.h"
#include "config/config_values.h"

namespace milena::config {
namespace {

constexpr ConfigDef group_row(const char* name, ConfigType type, const char* default_value, const char* valid,
                              const char* documentation) {
  return {name, type, default_value, valid, ConfigScope::kClusterWide, 0, documentation};
}
constexpr ConfigDef group_number(const char* name, const char* default_value, const char* valid,
                                 const char* documentation) {
  return group_row(name, ConfigType::kInt, default_value, valid, documentation);
}

constexpr GroupConfigDef kGroupDefs[]{
    {group_number("consumer.assignment.interval.ms", "1000", "[0,...]",
                  "Least time between two computations of the consumer group's assignment."),
     "group.consumer.assignment.interval.ms", "group.consumer.min.assignment.interval.ms",
     "group.consumer.max.assignment.interval.ms"},
    {group_number("consumer.heartbeat.interval.ms", "5000", "[1,...]",
                  "How often members of the consumer group send a heartbeat."),
     "group.consumer.heartbeat.interval.ms", "group.consumer.min.heartbeat.interval.ms",
     "group.consumer.max.heartbeat.interval.ms"},
    {group_number("consumer.session.timeout.ms", "45000", "[1,...]",
                  "A member of the consumer group that sends no heartbeat for this time is removed."),
     "group.consumer.session.timeout.ms", "group.consumer.min.session.timeout.ms",
     "group.consumer.max.session.timeout.ms"},
    {group_number("share.assignment.interval.ms", "1000", "[0,...]",
                  "Least time between two computations of the share group's assignment."),
     "group.share.assignment.interval.ms", "group.share.min.assignment.interval.ms",
     "group.share.max.assignment.interval.ms"},
    {group_row(
        "share.auto.offset.reset", ConfigType::kString, "latest", "offset-reset",
        "Where a share group starts in a partition that it has not read: earliest, latest, or by_duration:PERIOD for "
        "this time ago.")},
    {group_number("share.delivery.count.limit", "5", "[2,...]",
                  "How often a record is delivered to the share group before it is archived."),
     "group.share.delivery.count.limit", "group.share.min.delivery.count.limit",
     "group.share.max.delivery.count.limit"},
    {group_number("share.heartbeat.interval.ms", "5000", "[1,...]", "How often members of the share group send a "
                                                                    "heartbeat."),
     "group.share.heartbeat.interval.ms", "group.share.min.heartbeat.interval.ms",
     "group.share.max.heartbeat.interval.ms"},
    {group_row("share.isolation.level", ConfigType::kString, "read_uncommitted", "{read_committed, read_uncommitted}",
               "Whether the share group gets records of open and aborted transactions (read_uncommitted) or not "
               "(read_committed).")},
    {group_number("share.partition.max.record.locks", "2000", "[100,...]",
                  "Records of a partition that the share group's members may lock at a time."),
     "group.share.partition.max.record.locks", "group.share.min.partition.max.record.locks",
     "group.share.max.partition.max.record.locks"},
    {group_number("share.record.lock.duration.ms", "30000", "[1000,...]",
                  "How long a member of the share group holds the lock on a record before another member may get it."),
     "group.share.record.lock.duration.ms", "group.share.min.record.lock.duration.ms",
     "group.share.max.record.lock.duration.ms"},
    {group_row("share.renew.acknowledge.enable", ConfigType::kBoolean, "true", "",
               "Whether members of the share group may renew the lock on a record.")},
    {group_number("share.session.timeout.ms", "45000", "[1,...]",
                  "A member of the share group that sends no heartbeat for this time is removed."),
     "group.share.session.timeout.ms", "group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms"},
    {group_number("streams.assignment.interval.ms", "1000", "[0,...]",
                  "Least time between two computations of the streams group's assignment."),
     "group.streams.assignment.interval.ms", "group.streams.min.assignment.interval.ms",
     "group.streams.max.assignment.interval.ms"},
    {group_number("streams.heartbeat.interval.ms", "5000", "[1,...]", "How often members of the streams group send a "
                                                                      "heartbeat."),
     "group.streams.heartbeat.interval.ms", "group.streams.min.heartbeat.interval.ms",
     "group.streams.max.heartbeat.interval.ms"},
    {group_number("streams.initial.rebalance.delay.ms", "3000", "[0,...]",
                  "How long a new streams group waits for more members."),
     "group.streams.initial.rebalance.delay.ms"},
    {group_number("streams.num.standby.replicas", "0", "[0,...]", "Standby copies of each task's state."),
     "group.streams.num.standby.replicas", nullptr, "group.streams.max.standby.replicas"},
    {group_number("streams.session.timeout.ms", "45000", "[1,...]",
                  "A member of the streams group that sends no heartbeat for this time is removed."),
     "group.streams.session.timeout.ms", "group.streams.min.session.timeout.ms",
     "group.streams.max.session.timeout.ms"},
};

// Within the broker's limits.
std::optional<Bytes> limit_complaint(const GroupConfigDef& config, int64_t value, const Settings& broker) {
  if (config.least != nullptr && value < broker.get_long(config.least)) {
    return fmt::format("{} must be greater than or equal to {}", config.def.name, config.least);
  }
  if (config.most != nullptr && value > broker.get_long(config.most)) {
    return fmt::format("{} must be less than or equal to {}", config.def.name, config.most);
  }
  return std::nullopt;
}

const GroupConfigDef& known_group_config(ByteView name) {
  const GroupConfigDef* config = find_group_config(name);
  CHECK(config != nullptr, "there is no group config {}", name);
  return *config;
}

int64_t value_to_check(const GroupConfigDef& config, const ConfigMap& own, const Settings& broker) {
  const auto found = own.find(config.def.name);
  if (found != own.end()) return parse_integer_of(config.def.type, found->second).value_or(0);
  return broker.get_long(config.follows);
}

}  // namespace

std::span<const GroupConfigDef> group_config_defs() { return kGroupDefs; }

const GroupConfigDef* find_group_config(ByteView name) {
  for (const GroupConfigDef& config : kGroupDefs) {
    if (config.def.name == name) return &config;
  }
  return nullptr;
}

std::optional<ConfigError> validate_group_configs(const ConfigMap& own, const Settings& broker) {
  for (const auto& [name, value] : own) {
    if (find_group_config(name) == nullptr) return ConfigError{fmt::format("Unknown group config name: {}", name)};
  }
  for (const auto& [name, value] : own) {
    if (auto complaint = config_complaint(known_group_config(name).def, value))
      return ConfigError{std::move(*complaint)};
  }
  for (const GroupConfigDef& config : kGroupDefs) {
    if (config.follows == nullptr || !own.contains(config.def.name)) continue;
    if (auto complaint = limit_complaint(config, value_to_check(config, own, broker), broker)) {
      return ConfigError{std::move(*complaint)};
    }
  }
  for (const char* kind : {"consumer", "share", "streams"}) {
    const Bytes session = fmt::format("{}.session.timeout.ms", kind);
    const Bytes heartbeat = fmt::format("{}.heartbeat.interval.ms", kind);
    if (value_to_check(known_group_config(session), own, broker) <=
        value_to_check(known_group_config(heartbeat), own, broker)) {
      return ConfigError{fmt::format("{} must be greater than {}", session, heartbeat)};
    }
  }
  return std::nullopt;
}

int32_t group_config_int(ByteView name, const ConfigMap& own, const Settings& broker) {
  const GroupConfigDef& config = known_group_config(name);
  CHECK(config.follows != nullptr, "{} is not a number", name);
  const auto found = own.find(name);
  const auto set = found == own.end() ? std::nullopt : parse_integer_of(config.def.type, found->second);
  if (!set) return broker.get_int(config.follows);
  int64_t value = *set;
  if (config.most != nullptr) value = std::min(value, broker.get_long(config.most));
  if (config.least != nullptr) value = std::max(value, broker.get_long(config.least));
  return static_cast<int32_t>(value);
}

Bytes group_config_text(ByteView name, const ConfigMap& own, const Settings& broker) {
  const GroupConfigDef& config = known_group_config(name);
  const auto found = own.find(name);
  if (found != own.end() && !config_complaint(config.def, found->second)) {
    return canonical_config_value(config.def, found->second);
  }
  return config.follows != nullptr ? broker.get_string(config.follows) : Bytes(default_text(config.def));
}

std::vector<DescribedConfig> describe_group_configs(const ConfigMap& own, const Settings& start,
                                                    const ConfigMap& for_all, const ConfigMap& for_this) {
  const Settings broker = start.with_altered(for_all, for_this);
  std::vector<DescribedConfig> all;
  for (const GroupConfigDef& config : kGroupDefs) {
    DescribedConfig& one = all.emplace_back();
    one.def = &config.def;
    one.name = config.def.name;
    const auto found = own.find(one.name);
    one.value = found != own.end() ? canonical_config_value(config.def, found->second)
                                   : group_config_text(one.name, own, broker);
    if (found != own.end()) one.synonyms.push_back({one.name, one.value, ConfigSource::kGroup});
    if (config.follows == nullptr) {
      one.synonyms.push_back({one.name, Bytes(default_text(config.def)), ConfigSource::kDefault});
    } else {
      DescribedConfig followed = describe_broker_config({start, for_all, for_this}, config.follows);
      for (auto& synonym : followed.synonyms) one.synonyms.push_back(std::move(synonym));
    }
    take_source_of_first_synonym(one);
  }
  return all;
}

}  // namespace milena::config
