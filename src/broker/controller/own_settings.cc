#include "broker/controller/own_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "broker/shard_context.h"
#include "config/broker_config.h"
#include "config/config_values.h"
#include "metadata/altered_resource.h"
#include "metadata/controller.h"

namespace milena::broker {
namespace {

// A controller that decides for this broker alone: what it would do is not done.
metadata::Controller controller_of_own_settings(const ShardContext& shard) {
  metadata::MetadataImage image;
  metadata::ImageDelta delta;
  const auto add = [&](metadata::MetadataRecord record) {
    CHECK(image.apply(record, delta).ok(), "the records of an image do not make one");
  };
  for (const auto& [name, level] : shard.image().features()) {
    FeatureLevelRecord record;
    record.name = name;
    record.feature_level = level;
    add(std::move(record));
  }
  for (const Bytes& broker : {Bytes(), fmt::format("{}", shard.node().node_id)}) {
    for (const auto& [name, value] : shard.image().configs(metadata::ResourceType::kBroker, broker)) {
      ConfigRecord record;
      record.resource_type = static_cast<int8_t>(metadata::ResourceType::kBroker);
      record.resource_name = broker;
      record.name = name;
      record.value = value;
      add(std::move(record));
    }
  }
  return metadata::Controller(std::move(image), metadata::ControllerSettings::from(*shard.node().settings),
                              [] { return Uuid(); });
}

template <class Request, class Resource, class Decide>
std::optional<config::ConfigError> refuse_own(const ShardContext& shard, const Resource& altered, Decide decide) {
  if (altered.resource_type != static_cast<int8_t>(metadata::ResourceType::kBroker)) return std::nullopt;
  const int32_t mine = shard.node().node_id;
  const auto id = config::parse_broker_id(altered.resource_name);
  if (id && *id != mine) {
    return config::ConfigError{
        fmt::format("Unexpected broker id, expected {}, but received {}", mine, altered.resource_name),
        ErrorCode::kInvalidRequest};
  }
  // Where the controller is here it sees the same.
  if (shard.node().embedded_controller != nullptr) return std::nullopt;
  Request request;
  request.validate_only = true;
  request.resources.push_back(altered);
  const auto decided = decide(controller_of_own_settings(shard), request);
  const auto& answer = decided.response.responses.at(0);
  if (answer.error_code == ErrorCode::kNone) return std::nullopt;
  return config::ConfigError{answer.error_message.value_or(Bytes()), answer.error_code};
}

// Whether `value` has entries that the broker's cordoned.log.dirs does not have now.
bool cordons_more(const ShardContext& shard, ByteView broker, ByteView value) {
  const config::ConfigMap& configs = shard.image().configs(metadata::ResourceType::kBroker, broker);
  const auto set = configs.find("cordoned.log.dirs");
  const std::vector<ByteView> now = config::split_list(set == configs.end() ? ByteView() : ByteView(set->second));
  const std::vector<ByteView> wanted = config::split_list(value);
  return std::any_of(wanted.begin(), wanted.end(), [&now](ByteView each) {
    return std::find(now.begin(), now.end(), each) == now.end();
  });
}

// `adds` says of a config of the resource whether its value is set or appended to.
template <class Resource, class Adds>
std::optional<config::ConfigError> refuse_more_cordoned(const ShardContext& shard, const Resource& altered, Adds adds) {
  if (altered.resource_type != static_cast<int8_t>(metadata::ResourceType::kBroker)) return std::nullopt;
  for (const auto& config : altered.configs) {
    if (config.name != "cordoned.log.dirs" || !config.value || !adds(config)) continue;
    if (!cordons_more(shard, altered.resource_name, *config.value)) continue;
    return config::ConfigError{
        fmt::format("cordoned.log.dirs={}: a controller only removes entries, as it does not know the directories of "
                    "broker {}; add entries through that broker",
                    *config.value, altered.resource_name)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<config::ConfigError> refuse_unknown_directories(
    const ShardContext& shard, const IncrementalAlterConfigsRequest::AlterConfigsResource& altered) {
  return refuse_more_cordoned(shard, altered, [](const auto& config) {
    return config.config_operation == metadata::config_operation::kSet ||
           config.config_operation == metadata::config_operation::kAppend;
  });
}

std::optional<config::ConfigError> refuse_unknown_directories(
    const ShardContext& shard, const AlterConfigsRequest::AlterConfigsResource& altered) {
  return refuse_more_cordoned(shard, altered, [](const auto&) { return true; });
}

std::optional<config::ConfigError> refuse_own_settings(
    const ShardContext& shard, const IncrementalAlterConfigsRequest::AlterConfigsResource& altered) {
  return refuse_own<IncrementalAlterConfigsRequest>(
      shard, altered,
      [](const metadata::Controller& here, const auto& request) { return here.incremental_alter_configs(request); });
}

std::optional<config::ConfigError> refuse_own_settings(const ShardContext& shard,
                                                       const AlterConfigsRequest::AlterConfigsResource& altered) {
  return refuse_own<AlterConfigsRequest>(shard, altered, [](const metadata::Controller& here, const auto& request) {
    return here.alter_configs(request);
  });
}

}  // namespace milena::broker
