// The controller's IncrementalAlterConfigs and AlterConfigs.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "config/broker_config.h"
#include "config/client_metrics_config.h"
#include "config/group_config.h"
#include "metadata/altered_resource.h"
#include "metadata/controller.h"
#include "metadata/features.h"
#include "metadata/record_codec.h"
#include "metadata/topic_name.h"

namespace milena::metadata {
namespace {

// IncrementalAlterConfigs (AlterConfigOp.OpType).
using namespace config_operation;  // NOLINT

constexpr ByteView kMinInsyncReplicas = "min.insync.replicas";

ConfigRecord config_record(const ConfigResource& resource, ByteView name, std::optional<Bytes> value) {
  ConfigRecord record;
  record.resource_type = static_cast<int8_t>(resource.type);
  record.resource_name = resource.name;
  record.name = name;
  record.value = std::move(value);
  return record;
}

// Writes the records for the difference of two sets of configs.
void write_difference(const ConfigResource& resource, const config::ConfigMap& before, const config::ConfigMap& after,
                      MetadataRecords& records) {
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != value) records.emplace_back(config_record(resource, name, value));
  }
  for (const auto& [name, value] : before) {
    if (!after.contains(name)) records.emplace_back(config_record(resource, name, std::nullopt));
  }
}

// Eligible leader replicas (KIP-966) depend on min.insync.replicas: a change clears them, for the topic, or for all
// topics if the cluster's default changed.
void clear_elr_if_needed(const ConfigResource& resource, size_t first, MetadataRecords& records) {
  const bool changed = std::any_of(records.begin() + static_cast<ptrdiff_t>(first), records.end(),
                                   [](const MetadataRecord& record) {
                                     const auto* config = std::get_if<ConfigRecord>(&record);
                                     return config != nullptr && config->name == kMinInsyncReplicas;
                                   });
  if (!changed) return;
  ClearElrRecord clear;
  if (resource.type == ResourceType::kTopic) clear.topic_name = resource.name;
  records.emplace_back(std::move(clear));
}

// Like Java's split(","): blanks stay, and empty entries at the end are dropped; but a text without any comma, even an
// empty one, is one entry.
std::vector<ByteView> raw_entries(ByteView text) {
  if (text.find(',') == ByteView::npos) return {text};
  std::vector<ByteView> entries;
  while (true) {
    const size_t comma = text.find(',');
    entries.push_back(text.substr(0, comma));
    if (comma == ByteView::npos) break;
    text.remove_prefix(comma + 1);
  }
  while (!entries.empty() && entries.back().empty()) entries.pop_back();
  return entries;
}

// A list with the entries of `change` appended or removed.
Bytes changed_list(ByteView current, ByteView change, bool append) {
  std::vector<ByteView> entries = raw_entries(current);
  std::erase(entries, ByteView());
  for (const ByteView entry : raw_entries(change)) {
    const auto found = std::find(entries.begin(), entries.end(), entry);
    if (append && found == entries.end()) entries.push_back(entry);
    if (!append && found != entries.end()) entries.erase(found);
  }
  return fmt::format("{}", fmt::join(entries, ","));
}

// The resources that a request names more than once. All of these are refused, and the others are processed.
template <class Resource>
std::set<std::pair<int8_t, ByteView>> repeated_resources(const std::vector<Resource>& resources) {
  std::set<std::pair<int8_t, ByteView>> seen, repeated;
  for (const Resource& resource : resources) {
    const std::pair<int8_t, ByteView> key(resource.resource_type, resource.resource_name);
    if (!seen.insert(key).second) repeated.insert(key);
  }
  return repeated;
}

}  // namespace

// The cluster's default first: brokers without their own value use it.
config::Settings Controller::effective_settings() const {
  static const config::Settings kDefaults;
  const config::Settings& start = settings_.start != nullptr ? *settings_.start : kDefaults;
  return start.with_altered(image_.configs(ResourceType::kBroker, ""),
                            image_.configs(ResourceType::kBroker, fmt::format("{}", settings_.node_id)));
}

Controller::MaybeRefusal Controller::check_topic_configs(ByteView topic, const config::ConfigMap& configs) const {
  if (topic.empty()) return Refusal{ErrorCode::kInvalidRequest, "Default topic resources are not allowed."};
  if (std::optional<Bytes> why = invalid_topic_name(topic))
    return Refusal{ErrorCode::kInvalidTopicException, std::move(why)};
  if (std::optional<config::ConfigError> error = config::validate_topic_configs(configs, broker_settings())) {
    return Refusal{error->code, std::move(error->message)};
  }
  if (image_.find_topic(topic) == nullptr) {
    return Refusal{ErrorCode::kUnknownTopicOrPartition, fmt::format("The topic '{}' does not exist.", topic)};
  }
  return std::nullopt;
}

// Each broker checks its own settings before it asks the controller. The start settings of other nodes are not known
// here, and Kafka's controller does not check them either.
Controller::MaybeRefusal Controller::check_broker_configs(ByteView broker, const config::ConfigMap& configs) const {
  if (!broker.empty() && config::parse_broker_id(broker) != settings_.node_id) {
    std::optional<config::ConfigError> error = config::validate_broker_config_values(configs, true);
    if (error) return Refusal{error->code, std::move(error->message)};
    return std::nullopt;
  }
  static const config::Settings kDefaults;
  const config::ConfigMap& for_all = image_.configs(ResourceType::kBroker, "");
  const config::ConfigMap& for_this = image_.configs(ResourceType::kBroker, fmt::format("{}", settings_.node_id));
  const config::BrokerLayers layers{settings_.start != nullptr ? *settings_.start : kDefaults, for_all, for_this};
  if (std::optional<config::ConfigError> error = config::validate_broker_configs(configs, !broker.empty(), layers)) {
    return Refusal{error->code, std::move(error->message)};
  }
  return std::nullopt;
}

// With eligible leader replicas the controller uses the cluster's min.insync.replicas: it must be set, and brokers may
// not override it. `touched`: whether the request names it.
Controller::MaybeRefusal Controller::check_min_insync(const ConfigResource& resource, bool touched,
                                                      const config::ConfigMap& before,
                                                      const config::ConfigMap& after) const {
  if (resource.type != ResourceType::kBroker || image_.feature_level(kElrFeature) == 0) return std::nullopt;
  if (!resource.name.empty() &&
      (touched || before.contains(kMinInsyncReplicas) != after.contains(kMinInsyncReplicas))) {
    return Refusal{ErrorCode::kInvalidConfig,
                   "Broker-level min.insync.replicas cannot be altered while ELR is enabled."};
  }
  if (resource.name.empty() && !after.contains(kMinInsyncReplicas) &&
      (touched || before.contains(kMinInsyncReplicas))) {
    return Refusal{ErrorCode::kInvalidConfig,
                   "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."};
  }
  return std::nullopt;
}

// As in Kafka, refused for any value.
static bool cordons_too_early(const ConfigResource& resource, const config::ConfigMap& after,
                              int16_t metadata_version) {
  return resource.type == ResourceType::kBroker && metadata_version < kMetadataVersion43Iv0 &&
         after.contains("cordoned.log.dirs");
}

Controller::MaybeRefusal Controller::check_configs(const ConfigResource& resource,
                                                   const config::ConfigMap& configs) const {
  std::optional<config::ConfigError> error;
  switch (resource.type) {
    case ResourceType::kTopic:
      return check_topic_configs(resource.name, configs);
    case ResourceType::kBroker:
      return check_broker_configs(resource.name, configs);
    case ResourceType::kGroup:
      if (resource.name.empty()) return Refusal{ErrorCode::kInvalidRequest, "Default group resources are not allowed."};
      error = config::validate_group_configs(configs, effective_settings());
      break;
    default: error = config::validate_client_metrics_configs(resource.name, configs);
  }
  if (error) return Refusal{error->code, std::move(error->message)};
  return std::nullopt;
}

// "+1" is broker 1, too.
static ConfigResource stored_as(const ConfigResource& resource) {
  if (resource.type != ResourceType::kBroker || resource.name.empty()) return resource;
  return {resource.type, fmt::format("{}", config::parse_broker_id(resource.name).value_or(-1))};
}

// Only the broker itself is accepted.
Controller::MaybeRefusal Controller::check_resource_name(const ConfigResource& resource) const {
  if (resource.type != ResourceType::kBroker || resource.name.empty()) return std::nullopt;
  const auto id = config::parse_broker_id(resource.name);
  if (!id) return Refusal{ErrorCode::kInvalidRequest, "Node id must be an integer, but it is: " + resource.name};
  if (*id == settings_.node_id || image_.find_broker(*id) != nullptr) return std::nullopt;
  return Refusal{ErrorCode::kInvalidRequest, fmt::format("Unexpected broker id, expected {}, but received {}",
                                                         settings_.node_id, resource.name)};
}

// The default of a list, to append to or subtract from; nothing if the config is not a list.
std::optional<Bytes> Controller::default_list(ResourceType type, ByteView name) const {
  if (type == ResourceType::kTopic) {
    const config::TopicConfigDef* topic = config::find_topic_config(name);
    if (topic == nullptr || topic->def.type != config::ConfigType::kList) return std::nullopt;
    for (const config::DescribedConfig& each : config::effective_topic_configs({}, broker_settings())) {
      if (each.def == &topic->def) return each.value.value_or("");
    }
  }
  if (type == ResourceType::kBroker) {
    const config::ConfigDef* def = config::find_alterable_broker_config(name);
    if (def != nullptr && def->type == config::ConfigType::kList) return Bytes(config::default_text(*def));
  }
  // Kafka treats no config of other kinds of resources as a list here, though client metrics have two.
  return std::nullopt;
}

Controller::Refusal Controller::not_a_list(ResourceType type, ByteView name, bool append) const {
  if (type != ResourceType::kBroker) {
    return {ErrorCode::kInvalidConfig,
            fmt::format("Can't {} to key {} because its type is not LIST.", append ? "APPEND" : "SUBTRACT", name)};
  }
  if (config::find_alterable_broker_config(name) == nullptr)
    return {ErrorCode::kInvalidConfig, fmt::format("Unknown config name: {}", name)};
  return {ErrorCode::kInvalidConfig, fmt::format("Config value {} is not allowed for config key: {}",
                                                 append ? "append" : "subtract", name)};
}

Controller::MaybeRefusal Controller::apply_operation(const ConfigResource& resource,
                                                     const IncrementalAlterConfigsRequest::AlterableConfig& config,
                                                     config::ConfigMap& after) const {
  const auto set = after.find(config.name);
  switch (config.config_operation) {
    case kSet:
      after[Bytes(config.name)] = *config.value;
      return std::nullopt;
    case kDelete:
      if (set != after.end()) after.erase(set);
      return std::nullopt;
    case kAppend:
    case kSubtract: {
      const bool append = config.config_operation == kAppend;
      const std::optional<Bytes> unset = default_list(resource.type, config.name);
      if (!unset) return not_a_list(resource.type, config.name, append);
      after[Bytes(config.name)] = changed_list(set != after.end() ? set->second : *unset, *config.value, append);
      return std::nullopt;
    }
    default:
      break;
  }
  if (resource.type == ResourceType::kBroker) {
    return Refusal{ErrorCode::kInvalidRequest, fmt::format("Unknown operations type {}", config.config_operation)};
  }
  return Refusal{ErrorCode::kUnknownServerError, std::nullopt};
}

Controller::MaybeRefusal Controller::plan_configs_change(const ConfigResource& resource, bool touches_min_insync,
                                                         const config::ConfigMap& before,
                                                         const config::ConfigMap& after,
                                                         MetadataRecords& records) const {
  if (MaybeRefusal refusal = check_configs(resource, after)) return refusal;
  if (MaybeRefusal refusal = check_min_insync(resource, touches_min_insync, before, after)) return refusal;
  if (cordons_too_early(resource, after, image_.metadata_version())) {
    return Refusal{ErrorCode::kInvalidConfig, fmt::format("cordoned.log.dirs needs metadata.version {}, which is {}",
                                                          kMetadataVersion43Iv0, image_.metadata_version())};
  }
  const size_t first = records.size();
  write_difference(resource, before, after, records);
  if (image_.feature_level(kElrFeature) > 0) clear_elr_if_needed(resource, first, records);
  return std::nullopt;
}

Controller::MaybeRefusal Controller::plan_alteration(
    const IncrementalAlterConfigsRequest::AlterConfigsResource& altered, MetadataRecords& records) const {
  if (auto error = refuse_altered_resource(altered)) return Refusal{error->code, std::move(error->message)};
  const ConfigResource resource{static_cast<ResourceType>(altered.resource_type), Bytes(altered.resource_name)};
  if (resource.type == ResourceType::kBrokerLogger) return std::nullopt;
  if (MaybeRefusal refusal = check_resource_name(resource)) return refusal;
  const ConfigResource stored = stored_as(resource);
  const config::ConfigMap& before = image_.configs(stored.type, stored.name);
  config::ConfigMap after = before;
  bool touches_min_insync = false;
  for (const auto& config : altered.configs) {
    if (MaybeRefusal refusal = apply_operation(resource, config, after)) return refusal;
    touches_min_insync |= config.name == kMinInsyncReplicas;
  }
  return plan_configs_change(stored, touches_min_insync, before, after, records);
}

Controller::MaybeRefusal Controller::plan_replacement(const AlterConfigsRequest::AlterConfigsResource& altered,
                                                      MetadataRecords& records) const {
  if (auto error = refuse_altered_resource(altered)) return Refusal{error->code, std::move(error->message)};
  const ConfigResource resource{static_cast<ResourceType>(altered.resource_type), Bytes(altered.resource_name)};
  if (MaybeRefusal refusal = check_resource_name(resource)) return refusal;
  const ConfigResource stored = stored_as(resource);
  const config::ConfigMap& before = image_.configs(stored.type, stored.name);
  config::ConfigMap after;
  for (const auto& config : altered.configs) after[Bytes(config.name)] = *config.value;
  const auto old = before.find(kMinInsyncReplicas);
  const auto now = after.find(kMinInsyncReplicas);
  const bool touches = now != after.end() && (old == before.end() || old->second != now->second);
  return plan_configs_change(stored, touches, before, after, records);
}

// Shared by both forms: each resource on its own, answered with its error or success.
template <class Response, class Request, class Plan>
static ControllerEffects<Response> alter_resources(const Request& request, Plan plan) {
  ControllerEffects<Response> effects;
  const auto repeated = repeated_resources(request.resources);
  for (const auto& resource : request.resources) {
    decltype(plan(resource, effects.records)) refusal;
    if (repeated.contains({resource.resource_type, resource.resource_name})) {
      refusal.emplace(ErrorCode::kInvalidRequest, "Each resource must appear at most once.");
    } else {
      refusal = plan(resource, effects.records);
    }
    auto& result = effects.response.responses.emplace_back();
    result.resource_type = resource.resource_type;
    result.resource_name = resource.resource_name;
    result.error_message.reset();
    if (!refusal) continue;
    result.error_code = refusal->code;
    result.error_message = std::move(refusal->message);
  }
  if (request.validate_only) effects.records.clear();
  return effects;
}

ControllerEffects<IncrementalAlterConfigsResponse> Controller::incremental_alter_configs(
    const IncrementalAlterConfigsRequest& request) const {
  return alter_resources<IncrementalAlterConfigsResponse>(
      request, [this](const auto& resource, MetadataRecords& records) { return plan_alteration(resource, records); });
}

ControllerEffects<AlterConfigsResponse> Controller::alter_configs(const AlterConfigsRequest& request) const {
  return alter_resources<AlterConfigsResponse>(
      request, [this](const auto& resource, MetadataRecords& records) { return plan_replacement(resource, records); });
}

}  // namespace milena::metadata
