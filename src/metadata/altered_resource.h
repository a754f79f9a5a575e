// Checks of AlterConfigs and IncrementalAlterConfigs for a resource of any kind. Pure. The controller uses them for the
// configs that it stores, a broker for the log levels of its own process. Source: Kafka's
// ConfigAdminManager.preprocess.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <type_traits>

#include "config/described_config.h"
#include "metadata/image.h"
#include "protocol/messages/incremental_alter_configs.h"

namespace milena::metadata {

// AlterConfigOp.OpType.
namespace config_operation {
inline constexpr int8_t kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3;
}

template <class Resource>
std::optional<config::ConfigError> refuse_altered_resource(const Resource& resource) {
  constexpr bool kIncremental = std::is_same_v<Resource, IncrementalAlterConfigsRequest::AlterConfigsResource>;
  std::set<ByteView> names;
  Bytes nulls;
  for (const auto& config : resource.configs) {
    if (!names.insert(config.name).second)
      return config::ConfigError{"Error due to duplicate config keys", ErrorCode::kInvalidRequest};
    bool deletes = false;
    if constexpr (kIncremental) deletes = config.config_operation == config_operation::kDelete;
    if (!config.value && !deletes) nulls += (nulls.empty() ? "" : ", ") + Bytes(config.name);
  }
  if (!nulls.empty()) return config::ConfigError{"Null value not supported for : " + nulls, ErrorCode::kInvalidRequest};
  switch (static_cast<ResourceType>(resource.resource_type)) {
    case ResourceType::kTopic:
    case ResourceType::kBroker:
    case ResourceType::kGroup:
    case ResourceType::kClientMetrics:
      return std::nullopt;
    case ResourceType::kBrokerLogger:
      if (kIncremental) return std::nullopt;
      break;
    default:
      break;
  }
  return config::ConfigError{"Unknown resource type " + std::to_string(resource.resource_type),
                             ErrorCode::kInvalidRequest};
}

}  // namespace milena::metadata
