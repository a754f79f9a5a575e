// Log levels as configs of the resource type BROKER_LOGGER (KIP-412): Kafka's names of levels, Milena's names of
// loggers, and the commonly used names of Kafka's loggers, each an alias of one of Milena's.
// They belong to the process and are lost at a restart. Source: Kafka's RuntimeLoggerManager, LoggingController.
#pragma once

#include <optional>
#include <string_view>

#include "base/log.h"
#include "config/described_config.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/incremental_alter_configs.h"

namespace milena::broker {

// All loggers with their effective levels.
std::vector<config::DescribedConfig> describe_loggers();
// Returns nullopt if it was done, or could be done if `validate_only`. Alters all of the resource or nothing.
std::optional<config::ConfigError> alter_loggers(const IncrementalAlterConfigsRequest::AlterConfigsResource& resource,
                                                 int32_t node_id, bool validate_only);

}  // namespace milena::broker
