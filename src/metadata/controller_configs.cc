// The controller's IncrementalAlterConfigs and AlterConfigs, for topics.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "metadata/controller.h"
#include "metadata/features.h"
#include "metadata/topic_name.h"

namespace milena {
namespace {

// IncrementalAlterConfigs (AlterConfigOp.OpType).
constexpr int8_t kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3;

ConfigRecord topic_config_record(ByteView topic, ByteView name, std::optional<Bytes> value) {
  ConfigRecord record;
  record.resource_type = static_cast<int8_t>(ResourceType::kTopic);
  record.resource_name = topic;
  record.name = name;
  record.value = std::move(value);
  return record;
}

// The records that lead from one set of configs to the other.
void write_difference(ByteView topic, const ConfigMap& before, const ConfigMap& after,
                      MetadataRecords& records) {
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != value)
      records.emplace_back(topic_config_record(topic, name, value));
  }
  for (const auto& [name, value] : before) {
    if (!after.contains(name)) records.emplace_back(topic_config_record(topic, name, std::nullopt));
  }
}

// Eligible leader replicas (KIP-966) were chosen under the old min.insync.replicas: with another one they are
// forgotten.
void clear_elr_if_needed(ByteView topic, bool elr_enabled, size_t first, MetadataRecords& records) {
  if (!elr_enabled) return;
  const bool changed = std::any_of(records.begin() + static_cast<ptrdiff_t>(first), records.end(),
                                   [](const MetadataRecord& record) {
                                     const auto* config = std::get_if<ConfigRecord>(&record);
                                     return config != nullptr && config->name == "min.insync.replicas";
                                   });
  if (!changed) return;
  ClearElrRecord clear;
  clear.topic_name = topic;
  records.emplace_back(std::move(clear));
}

Bytes joined(const std::vector<ByteView>& entries) {
  return fmt::format("{}", fmt::join(entries, ","));
}

// A list with the entries of `change` put in or taken out.
Bytes changed_list(ByteView current, ByteView change, bool append) {
  std::vector<ByteView> entries = parse_config_list(current);
  for (const ByteView entry : parse_config_list(change)) {
    const auto found = std::find(entries.begin(), entries.end(), entry);
    if (append && found == entries.end()) entries.push_back(entry);
    if (!append && found != entries.end()) entries.erase(found);
  }
  return joined(entries);
}

// Which resources of a request are named more than once. They are all refused, and the others go on.
template <class Resource>
std::set<std::pair<int8_t, ByteView>> repeated_resources(const std::vector<Resource>& resources) {
  std::set<std::pair<int8_t, ByteView>> seen, repeated;
  for (const Resource& resource : resources) {
    const std::pair<int8_t, ByteView> key(resource.resource_type, resource.resource_name);
    if (!seen.insert(key).second) repeated.insert(key);
  }
  return repeated;
}

// What is wrong with a resource whatever its kind (Kafka's ConfigAdminManager).
template <class Resource>
std::optional<std::pair<ErrorCode, Bytes>> refuse_resource(const Resource& resource, bool deletes_allowed) {
  std::set<ByteView> names;
  Bytes nulls;
  for (const auto& config : resource.configs) {
    if (!names.insert(config.name).second) {
      return std::pair(ErrorCode::kInvalidRequest,
                       fmt::format("The config {} occurs more than once", config.name));
    }
    bool deletes = false;
    if constexpr (requires { config.config_operation; })
      deletes = deletes_allowed && config.config_operation == kDelete;
    if (!config.value && !deletes) nulls += (nulls.empty() ? "" : ",") + Bytes(config.name);
  }
  if (!nulls.empty())
    return std::pair(ErrorCode::kInvalidRequest, fmt::format("A config must not be null: {}", nulls));
  if (resource.resource_type != static_cast<int8_t>(ResourceType::kTopic)) {
    return std::pair(
        ErrorCode::kInvalidRequest,
        fmt::format("Configs of resource type {} cannot be altered here", resource.resource_type));
  }
  return std::nullopt;
}

}  // namespace

Controller::MaybeRefusal Controller::check_topic_configs(ByteView topic, const ConfigMap& configs) const {
  if (topic.empty())
    return Refusal{ErrorCode::kInvalidRequest, "There are no default configs of topics: name a topic"};
  if (std::optional<Bytes> why = invalid_topic_name(topic))
    return Refusal{ErrorCode::kInvalidTopicException, std::move(why)};
  if (std::optional<ConfigError> error = validate_topic_configs(configs, broker_settings())) {
    return Refusal{ErrorCode::kInvalidConfig, std::move(error->message)};
  }
  if (image_.find_topic(topic) == nullptr) {
    return Refusal{ErrorCode::kUnknownTopicOrPartition, fmt::format("The topic '{}' does not exist.", topic)};
  }
  return std::nullopt;
}

Controller::MaybeRefusal Controller::plan_alteration(
    const IncrementalAlterConfigsRequest::AlterConfigsResource& resource, MetadataRecords& records) const {
  if (auto refusal = refuse_resource(resource, true))
    return Refusal{refusal->first, std::move(refusal->second)};
  const ConfigMap& before = image_.configs(ResourceType::kTopic, resource.resource_name);
  ConfigMap after = before;
  for (const auto& config : resource.configs) {
    switch (config.config_operation) {
      case kSet:
        after[Bytes(config.name)] = *config.value;
        break;
      case kDelete:
        if (const auto found = after.find(config.name); found != after.end()) after.erase(found);
        break;
      case kAppend:
      case kSubtract: {
        const bool append = config.config_operation == kAppend;
        const TopicConfigDef* def = find_topic_config(config.name);
        if (def == nullptr || def->def.type != ConfigType::kList) {
          return Refusal{ErrorCode::kInvalidConfig,
                         fmt::format("{} needs a config of type LIST, which {} is not",
                                     append ? "APPEND" : "SUBTRACT", config.name)};
        }
        const auto found = before.find(config.name);
        Bytes current = found != before.end() ? found->second : Bytes();
        if (found == before.end()) {
          for (const DescribedConfig& each : effective_topic_configs({}, broker_settings())) {
            if (each.def == &def->def) current = each.value;
          }
        }
        after[Bytes(config.name)] = changed_list(current, *config.value, append);
        break;
      }
      default:
        return Refusal{ErrorCode::kUnknownServerError,
                       fmt::format("There is no operation {}", config.config_operation)};
    }
  }
  if (MaybeRefusal refusal = check_topic_configs(resource.resource_name, after)) return refusal;
  const size_t first = records.size();
  write_difference(resource.resource_name, before, after, records);
  clear_elr_if_needed(resource.resource_name, image_.feature_level(kElrFeature) > 0, first, records);
  return std::nullopt;
}

Controller::MaybeRefusal Controller::plan_replacement(
    const AlterConfigsRequest::AlterConfigsResource& resource, MetadataRecords& records) const {
  if (auto refusal = refuse_resource(resource, false))
    return Refusal{refusal->first, std::move(refusal->second)};
  ConfigMap after;
  for (const auto& config : resource.configs) after[Bytes(config.name)] = *config.value;
  if (MaybeRefusal refusal = check_topic_configs(resource.resource_name, after)) return refusal;
  const size_t first = records.size();
  write_difference(resource.resource_name, image_.configs(ResourceType::kTopic, resource.resource_name),
                   after, records);
  clear_elr_if_needed(resource.resource_name, image_.feature_level(kElrFeature) > 0, first, records);
  return std::nullopt;
}

// What both forms share: each resource on its own, answered with its refusal or with nothing to say.
template <class Response, class Request, class Plan>
static ControllerEffects<Response> alter_resources(const Request& request, Plan plan) {
  ControllerEffects<Response> effects;
  const auto repeated = repeated_resources(request.resources);
  for (const auto& resource : request.resources) {
    decltype(plan(resource, effects.records)) refusal;
    if (repeated.contains({resource.resource_type, resource.resource_name})) {
      refusal.emplace(ErrorCode::kInvalidRequest, "The resource occurs more than once in the request");
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

}  // namespace milena
