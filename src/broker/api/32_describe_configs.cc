// DescribeConfigs (key 32), versions 0-4, of topics and of this broker. Version 1 tells sources and synonyms, version 3
// types and documentation.
#include <algorithm>
#include <charconv>

#include "broker/api/handlers.h"
#include "broker/call.h"
#include "broker/shard.h"
#include "metadata/topic_name.h"
#include "protocol/messages/describe_configs.h"

namespace milena {
namespace {

using Result32 = DescribeConfigsResponse::DescribeConfigsResult;
using Config = DescribeConfigsResponse::DescribeConfigsResourceResult;

// Null asks for all, and so does an empty list.
bool wanted(const std::optional<std::vector<ByteView>>& keys, ByteView name) {
  return !keys || keys->empty() || std::find(keys->begin(), keys->end(), name) != keys->end();
}

void refuse(Result32& out, ErrorCode error, Bytes message) {
  out.error_code = error;
  out.error_message = std::move(message);
}

void describe_topic(const DescribeConfigsCall& call, const std::optional<std::vector<ByteView>>& keys, Result32& out) {
  const Shard& shard = call.shard();
  if (auto invalid = invalid_topic_name(out.resource_name)) return refuse(out, ErrorCode::kInvalidTopicException, *invalid);
  if (shard.image().find_topic(out.resource_name) == nullptr) {
    return refuse(out, ErrorCode::kUnknownTopicOrPartition, "This server does not host this topic-partition.");
  }
  const ConfigMap& overrides = shard.image().configs(ResourceType::kTopic, out.resource_name);
  for (DescribedConfig& described : describe_topic_configs(overrides, shard.broker_settings())) {
    if (!wanted(keys, described.def->name)) continue;
    Config& config = out.configs.emplace_back();
    config.name = Bytes(described.def->name);
    config.value = std::move(described.value);
    config.is_default = described.source == ConfigSource::kDefault;
    config.config_source = static_cast<int8_t>(described.source);
    config.config_type = static_cast<int8_t>(described.def->type);
    config.documentation.reset();
    if (call.request.include_documentation) config.documentation = Bytes(described.def->documentation);
    if (!call.request.include_synonyms) continue;
    for (auto& synonym : described.synonyms) {
      config.synonyms.push_back({std::move(synonym.name), std::move(synonym.value), static_cast<int8_t>(synonym.source)});
    }
  }
}

// One value that a broker setting has at some layer.
struct LayeredValue {
  std::optional<Bytes> value;
  ConfigSource source;
};

// Strongest first: altered for this broker, altered for all, the settings file, the default.
std::vector<LayeredValue> layers_of(const Shard& shard, const ConfigDef& def, bool only_cluster_wide) {
  std::vector<LayeredValue> layers;
  auto add_altered = [&](const Bytes& broker, ConfigSource source) {
    const ConfigMap& altered = shard.image().configs(ResourceType::kBroker, broker);
    if (auto found = altered.find(def.name); found != altered.end()) layers.push_back({found->second, source});
  };
  if (!only_cluster_wide) add_altered(std::to_string(shard.node().node_id), ConfigSource::kDynamicBroker);
  add_altered("", ConfigSource::kDynamicDefaultBroker);
  if (only_cluster_wide) return layers;
  if (shard.settings().is_set(def.name)) layers.push_back({shard.settings().text(def.name), ConfigSource::kStaticBroker});
  if (def.default_value != nullptr) layers.push_back({Bytes(def.default_value), ConfigSource::kDefault});
  return layers;
}

void describe_broker_setting(const DescribeConfigsCall& call, const ConfigDef& def, bool only_cluster_wide,
                             Result32& out) {
  std::vector<LayeredValue> layers = layers_of(call.shard(), def, only_cluster_wide);
  bool set = !layers.empty() && layers.front().source != ConfigSource::kDefault;
  if (!set && (only_cluster_wide || (def.marks & kConfigInternal) != 0)) return;
  Config& config = out.configs.emplace_back();
  config.name = def.name;
  config.is_sensitive = def.type == ConfigType::kPassword;
  auto shown = [&](const std::optional<Bytes>& value) { return config.is_sensitive ? std::nullopt : value; };
  config.value = shown(set ? layers.front().value : call.shard().settings().text(def.name));
  config.is_default = !set;
  config.read_only = def.scope == ConfigScope::kReadOnly;
  config.config_source = static_cast<int8_t>(set ? layers.front().source : ConfigSource::kDefault);
  config.config_type = static_cast<int8_t>(def.type);
  config.documentation.reset();
  if (call.request.include_documentation) config.documentation = def.documentation;
  if (!call.request.include_synonyms) return;
  for (const LayeredValue& layer : layers) {
    config.synonyms.push_back({def.name, shown(layer.value), static_cast<int8_t>(layer.source)});
  }
}

void describe_broker(const DescribeConfigsCall& call, const std::optional<std::vector<ByteView>>& keys, Result32& out) {
  bool only_cluster_wide = out.resource_name.empty();
  for (const ConfigDef& def : broker_configs()) {
    if (only_cluster_wide && wanted(keys, def.name)) describe_broker_setting(call, def, true, out);
  }
  if (only_cluster_wide) return;
  int32_t id = -1;
  const Bytes& name = out.resource_name;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  int32_t mine = call.shard().node().node_id;
  if (error != std::errc() || end != name.data() + name.size()) {
    return refuse(out, ErrorCode::kInvalidRequest, "Broker id must be an integer, but it is: " + name);
  }
  if (id != mine) {
    return refuse(out, ErrorCode::kInvalidRequest,
                  fmt::format("Unexpected broker id, expected {} or empty string, but received {}", mine, name));
  }
  for (const ConfigDef& def : broker_configs()) {
    if (wanted(keys, def.name)) describe_broker_setting(call, def, false, out);
  }
}

}  // namespace

void handle_describe_configs(std::shared_ptr<DescribeConfigsCall> call) {
  DescribeConfigsResponse response;
  for (const auto& resource : call->request.resources) {
    Result32& out = response.results.emplace_back();
    out.resource_type = resource.resource_type;
    out.resource_name = Bytes(resource.resource_name);
    switch (static_cast<ResourceType>(resource.resource_type)) {
      case ResourceType::kTopic: describe_topic(*call, resource.configuration_keys, out); break;
      case ResourceType::kBroker: describe_broker(*call, resource.configuration_keys, out); break;
      default:
        refuse(out, ErrorCode::kInvalidRequest,
               fmt::format("resource type {} is not described by this broker", resource.resource_type));
    }
  }
  call->reply(response);
}

}  // namespace milena
