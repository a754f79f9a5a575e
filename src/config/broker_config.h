// Broker settings as resources of the protocol: descriptions for DescribeConfigs, and validation of alterations. The
// rows are those of config/config_def.h; Settings::with_altered() applies altered values.
//
// Pure functions over text. Source: Kafka's DynamicBrokerConfig, ConfigAdminManager, ConfigHelper; error codes and
// messages are theirs.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "config/described_config.h"
#include "config/settings.h"

namespace milena::config {

// The configs set in the three layers over the defaults. Views: nothing is kept.
struct BrokerLayers {
  const Settings& start;      // given at start
  const ConfigMap& for_all;   // BROKER ""
  const ConfigMap& for_this;  // BROKER "<id>"
};

// All settings of this broker by name, including unknown ones from a file or an alteration.
std::vector<DescribedConfig> describe_broker_configs(const BrokerLayers& layers);
// One of them.
DescribedConfig describe_broker_config(const BrokerLayers& layers, ByteView name);
// Only the configs altered for all brokers.
std::vector<DescribedConfig> describe_cluster_defaults(const ConfigMap& for_all);

// The row of a config that can be altered, whose type decides whether values can be appended; null if there is none.
const ConfigDef* find_alterable_broker_config(ByteView name);

// Validates `after` as the altered configs of this broker, or of all brokers. `layers` has the configs altered for the
// other of the two, and those given at start.
std::optional<ConfigError> validate_broker_configs(const ConfigMap& after, bool for_this_broker,
                                                   const BrokerLayers& layers);

// The same as far as it can be told of a broker whose settings are not known: the controller of a cluster has this to
// say of another node, which has looked at the rest itself.
std::optional<ConfigError> validate_broker_config_values(const ConfigMap& after, bool for_one_broker);

// "1" -> 1, as Integer.parseInt.
std::optional<int32_t> parse_broker_id(ByteView name);

}  // namespace milena::config
