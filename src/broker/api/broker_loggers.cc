#include "broker/api/broker_loggers.h"

#include <algorithm>

#include "metadata/broker_config.h"

namespace milena {
namespace {

using Altered = IncrementalAlterConfigsRequest::AlterableConfig;

constexpr int8_t kSetLevel = 0, kUnsetLevel = 1, kAppendLevel = 2, kSubtractLevel = 3;
constexpr std::string_view kLevelNames[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"};

std::optional<LogLevel> parse_level(ByteView name) {
  // OFF can be set at start only, as in Kafka.
  for (int8_t i = 0; i < static_cast<int8_t>(LogLevel::kOff); i++) {
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

std::optional<uint8_t> find_logger(ByteView name) {
  auto names = logger_names();
  auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<uint8_t>(found - names.begin());
}

ConfigError invalid(Bytes message) { return {std::move(message), ErrorCode::kInvalidRequest}; }

std::optional<ConfigError> check_logger(const Altered& config) {
  const bool sets = config.config_operation == kSetLevel;
  if (sets || config.config_operation == kUnsetLevel) {
    auto logger = find_logger(config.name);
    if (!logger) return ConfigError{fmt::format("Logger {} does not exist!", config.name)};
    if (sets && !parse_level(*config.value)) {
      return ConfigError{fmt::format("Cannot set the log level of {} to {} as it is not a supported log level. Valid log "
                                     "levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN", config.name, *config.value)};
    }
    if (!sets && *logger == 0) return invalid("Removing the log level of the root logger is not allowed");
    return std::nullopt;
  }
  if (config.config_operation == kAppendLevel || config.config_operation == kSubtractLevel) {
    return invalid(fmt::format("{} operation is not allowed for the BROKER_LOGGER resource",
                               config.config_operation == kAppendLevel ? "APPEND" : "SUBTRACT"));
  }
  return ConfigError{"", ErrorCode::kUnknownServerError};
}

}  // namespace

std::vector<DescribedConfig> describe_loggers() {
  std::vector<DescribedConfig> all;
  auto names = logger_names();
  for (uint8_t i = 0; i < names.size(); i++) {
    DescribedConfig& one = all.emplace_back();
    one.name = names[i];
    one.value = kLevelNames[static_cast<int8_t>(log_level(i))];
    one.source = ConfigSource::kDynamicBrokerLogger;
  }
  return all;
}

std::optional<ConfigError> alter_loggers(const IncrementalAlterConfigsRequest::AlterConfigsResource& resource,
                                         int32_t node_id, bool validate_only) {
  auto id = parse_broker_id(resource.resource_name);
  if (!id) return invalid(fmt::format("Node id must be an integer, but it is: {}", resource.resource_name));
  if (*id != node_id) return invalid(fmt::format("Unexpected node id. Expected {}, but received {}", node_id, *id));
  for (const Altered& config : resource.configs) {
    if (auto error = check_logger(config)) return error;
  }
  if (validate_only) return std::nullopt;
  for (const Altered& config : resource.configs) {
    const bool sets = config.config_operation == kSetLevel;
    set_logger_level(*find_logger(config.name), sets ? parse_level(*config.value) : std::nullopt);
    log_warn("The log level of {} is {} now", config.name, sets ? *config.value : "that of root");
  }
  return std::nullopt;
}

}  // namespace milena
