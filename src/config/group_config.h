// Configs of groups (resource type GROUP): the table, validation, effective values, descriptions for DescribeConfigs.
//
// A group without a value follows the broker's settings. Its own value must be within the broker's limits, and is
// capped by them when it is used, since the limits may change. Pure functions over text. Source: Kafka's GroupConfig,
// GroupConfigManager.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "config/described_config.h"
#include "config/settings.h"

namespace milena::config {

struct GroupConfigDef {
  ConfigDef def;
  const char* follows = nullptr;  // the broker's setting
  const char* least = nullptr;    // the broker's limits
  const char* most = nullptr;
};

// By name.
std::span<const GroupConfigDef> group_config_defs();
const GroupConfigDef* find_group_config(ByteView name);

// nullopt: `own` is valid. `broker` are the effective settings.
std::optional<ConfigError> validate_group_configs(const ConfigMap& own, const Settings& broker);

// The effective value of a group: its own within the limits, else the broker's.
int32_t group_config_int(ByteView name, const ConfigMap& own, const Settings& broker);
Bytes group_config_text(ByteView name, const ConfigMap& own, const Settings& broker);

// `start` and the altered settings give the source of the broker's value.
std::vector<DescribedConfig> describe_group_configs(const ConfigMap& own, const Settings& start,
                                                    const ConfigMap& for_all, const ConfigMap& for_this);

}  // namespace milena::config
