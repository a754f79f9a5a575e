// Log levels as configs of the resource type BROKER_LOGGER (KIP-412): Kafka's names of levels, our names of loggers
// and those of Kafka's that people use, each of which stands for one of ours.
// They belong to the process and are not kept over a restart. Source: Kafka's RuntimeLoggerManager, LoggingController.
#pragma once

#include <optional>
#include <string_view>

#include "base/log.h"
#include "config/described_config.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/incremental_alter_configs.h"

namespace milena::broker {

// All loggers with the levels they go by.
std::vector<config::DescribedConfig> describe_loggers();
// nullopt: done, or could be done if `validate_only`. All of the resource or nothing.
std::optional<config::ConfigError> alter_loggers(const IncrementalAlterConfigsRequest::AlterConfigsResource& resource,
                                                 int32_t node_id, bool validate_only);

}  // namespace milena::broker
