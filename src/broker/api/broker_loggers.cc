#include "broker/api/broker_loggers.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "config/broker_config.h"
#include "metadata/altered_resource.h"

namespace milena::broker {
namespace {

using Altered = IncrementalAlterConfigsRequest::AlterableConfig;

constexpr std::string_view kLevelNames[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"};

std::optional<LogLevel> parse_level(ByteView name) {
  // OFF can only be set at start, as in Kafka.
  for (int8_t i = 0; i < static_cast<int8_t>(LogLevel::kOff); i++) {
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

std::optional<uint8_t> find_own_logger(ByteView name) {
  auto names = logger_names();
  auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<uint8_t>(found - names.begin());
}

// Commonly used loggers of Kafka, each with Milena's logger for the same messages. In order of the names.
struct KafkaLogger {
  ByteView name;
  ByteView own;
};
constexpr KafkaLogger kKafkaLoggers[] = {
    {"kafka", "root"},
    {"kafka.authorizer.logger", "milena.broker"},
    {"kafka.cluster.Partition", "milena.broker"},
    {"kafka.cluster.Replica", "milena.broker"},
    {"kafka.controller", "milena.metadata"},
    {"kafka.coordinator.group", "milena.coordinator"},
    {"kafka.coordinator.transaction", "milena.coordinator"},
    {"kafka.coordinator.transaction.TransactionCoordinator", "milena.coordinator"},
    {"kafka.log", "milena.log"},
    {"kafka.log.LogCleaner", "milena.log"},
    {"kafka.log.LogManager", "milena.log"},
    {"kafka.log.UnifiedLog", "milena.log"},
    {"kafka.network", "milena.net"},
    {"kafka.network.DataPlaneAcceptor", "milena.net"},
    {"kafka.network.Processor", "milena.net"},
    {"kafka.network.RequestChannel$", "milena.net"},
    {"kafka.network.SocketServer", "milena.net"},
    {"kafka.request.logger", "milena.broker"},
    {"kafka.server", "milena.broker"},
    {"kafka.server.BrokerServer", "milena.broker"},
    {"kafka.server.ControllerServer", "milena.broker"},
    {"kafka.server.KafkaApis", "milena.broker"},
    {"kafka.server.KafkaConfig", "milena.base"},
    {"kafka.server.KafkaRaftServer", "milena.broker"},
    {"kafka.server.KafkaRequestHandler", "milena.broker"},
    {"kafka.server.ReplicaFetcherThread", "milena.broker"},
    {"kafka.server.ReplicaManager", "milena.broker"},
    {"org.apache.kafka", "root"},
    {"org.apache.kafka.controller", "milena.metadata"},
    {"org.apache.kafka.controller.QuorumController", "milena.metadata"},
    {"org.apache.kafka.coordinator.group", "milena.coordinator"},
    {"org.apache.kafka.image", "milena.metadata"},
    {"org.apache.kafka.raft", "milena.metadata"},
    {"org.apache.kafka.server", "milena.broker"},
    {"org.apache.kafka.server.quota.ClientQuotaManager", "milena.broker"},
    {"org.apache.kafka.server.quota.ClientQuotaManager$ThrottledChannelReaper", "milena.broker"},
    {"org.apache.kafka.storage.internals.log", "milena.log"},
    {"org.apache.kafka.storage.internals.log.LogCleaner", "milena.log"},
    {"org.apache.kafka.storage.internals.log.UnifiedLog", "milena.log"},
    {"state.change.logger", "milena.broker"},
};

const KafkaLogger* find_kafka_logger(ByteView name) {
  auto found = std::find_if(std::begin(kKafkaLoggers), std::end(kKafkaLoggers),
                            [name](const KafkaLogger& each) { return each.name == name; });
  return found == std::end(kKafkaLoggers) ? nullptr : found;
}

// Levels that were set on Kafka's loggers. They belong to the process, like Milena's own.
class KafkaLevels {
 public:
  // Its own level, or that of the nearest parent that has one, or that of Milena's logger.
  LogLevel effective(const KafkaLogger& logger) {
    std::lock_guard lock(mutex_);
    for (ByteView name = logger.name;; name = name.substr(0, name.rfind('.'))) {
      if (const auto at = own_.find(name); at != own_.end()) return at->second;
      if (name.rfind('.') == ByteView::npos) break;
    }
    return log_level(*find_own_logger(logger.own));
  }
  void set(const KafkaLogger& logger, std::optional<LogLevel> level) {
    std::lock_guard lock(mutex_);
    if (level) own_[logger.name] = *level;
    else own_.erase(logger.name);
    for (uint8_t i = 1; i < logger_names().size(); i++) follow(i);
  }

 private:
  // Milena's logger gets the most verbose level of its aliases.
  void follow(uint8_t own) {
    std::optional<LogLevel> wanted;
    for (const auto& [name, level] : own_) {
      const ByteView target = find_kafka_logger(name)->own;
      if (target == logger_names()[own] || target == "root") wanted = std::min(wanted.value_or(level), level);
    }
    if (wanted || follows_[own]) set_logger_level(own, wanted);
    follows_[own] = wanted.has_value();
  }

  std::mutex mutex_;
  std::map<ByteView, LogLevel> own_;  // names of kKafkaLoggers
  std::map<uint8_t, bool> follows_;
};

KafkaLevels& kafka_levels() {
  static KafkaLevels levels;
  return levels;
}

config::ConfigError invalid(Bytes message) { return {std::move(message), ErrorCode::kInvalidRequest}; }

std::optional<config::ConfigError> check_logger(const Altered& config) {
  const bool sets = config.config_operation == metadata::config_operation::kSet;
  if (sets || config.config_operation == metadata::config_operation::kDelete) {
    if (!find_own_logger(config.name) && find_kafka_logger(config.name) == nullptr) {
      return config::ConfigError{fmt::format("Logger {} does not exist!", config.name)};
    }
    if (sets && !parse_level(*config.value)) {
      return config::ConfigError{
          fmt::format("Cannot set the log level of {} to {} as it is not a supported log level. Valid log "
                      "levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN",
                      config.name, *config.value)};
    }
    if (!sets && find_own_logger(config.name) == 0)
      return invalid("Removing the log level of the root logger is not allowed");
    return std::nullopt;
  }
  if (config.config_operation == metadata::config_operation::kAppend ||
      config.config_operation == metadata::config_operation::kSubtract) {
    return invalid(fmt::format("{} operation is not allowed for the BROKER_LOGGER resource",
                               config.config_operation == metadata::config_operation::kAppend ? "APPEND" : "SUBTRACT"));
  }
  return config::ConfigError{"", ErrorCode::kUnknownServerError};
}

}  // namespace

std::vector<config::DescribedConfig> describe_loggers() {
  std::vector<config::DescribedConfig> all;
  auto names = logger_names();
  for (uint8_t i = 0; i < names.size(); i++) {
    config::DescribedConfig& one = all.emplace_back();
    one.name = names[i];
    one.value = kLevelNames[static_cast<int8_t>(log_level(i))];
    one.source = config::ConfigSource::kDynamicBrokerLogger;
  }
  for (const KafkaLogger& logger : kKafkaLoggers) {
    config::DescribedConfig& one = all.emplace_back();
    one.name = logger.name;
    one.value = kLevelNames[static_cast<int8_t>(kafka_levels().effective(logger))];
    one.source = config::ConfigSource::kDynamicBrokerLogger;
  }
  return all;
}

std::optional<config::ConfigError> alter_loggers(const IncrementalAlterConfigsRequest::AlterConfigsResource& resource,
                                                 int32_t node_id, bool validate_only) {
  if (auto error = metadata::refuse_altered_resource(resource)) return error;
  auto id = config::parse_broker_id(resource.resource_name);
  if (!id) return invalid(fmt::format("Node id must be an integer, but it is: {}", resource.resource_name));
  if (*id != node_id) return invalid(fmt::format("Unexpected node id. Expected {}, but received {}", node_id, *id));
  for (const Altered& config : resource.configs) {
    if (auto error = check_logger(config)) return error;
  }
  if (validate_only) return std::nullopt;
  for (const Altered& config : resource.configs) {
    const bool sets = config.config_operation == metadata::config_operation::kSet;
    const std::optional<LogLevel> level = sets ? parse_level(*config.value) : std::nullopt;
    if (auto own = find_own_logger(config.name)) set_logger_level(*own, level);
    else kafka_levels().set(*find_kafka_logger(config.name), level);
    log_warn("The log level of {} is now {}", config.name, sets ? *config.value : "that of the logger above it");
  }
  return std::nullopt;
}

}  // namespace milena::broker
