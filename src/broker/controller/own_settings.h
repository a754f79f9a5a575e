// Checks AlterConfigs and IncrementalAlterConfigs of this broker's settings. The broker knows the settings that it was
// started with; the controller, perhaps another node, does not. Source: Kafka's ConfigAdminManager.preprocess.
#pragma once

#include <optional>

#include "config/described_config.h"
#include "protocol/messages/alter_configs.h"
#include "protocol/messages/incremental_alter_configs.h"

namespace milena::broker {

class ShardContext;

// Why this broker does not take it; nullopt for other resources, too.
std::optional<config::ConfigError> refuse_own_settings(
    const ShardContext& shard, const IncrementalAlterConfigsRequest::AlterConfigsResource& altered);
std::optional<config::ConfigError> refuse_own_settings(const ShardContext& shard,
                                                       const AlterConfigsRequest::AlterConfigsResource& altered);

// Why the controller's own listener does not take it. A controller does not know the paths of a broker's directories:
// it only takes entries out of cordoned.log.dirs. Source: Kafka's ConfigurationControlManager.isCordonedLogDirsInvalid.
std::optional<config::ConfigError> refuse_unknown_directories(
    const ShardContext& shard, const IncrementalAlterConfigsRequest::AlterConfigsResource& altered);
std::optional<config::ConfigError> refuse_unknown_directories(
    const ShardContext& shard, const AlterConfigsRequest::AlterConfigsResource& altered);

}  // namespace milena::broker
