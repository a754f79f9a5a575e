// The controller's CreateTopics and DeleteTopics, of all versions.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "metadata/controller.h"
#include "metadata/controller_plans.h"
#include "metadata/replica_placement.h"
#include "metadata/topic_name.h"

namespace milena::metadata {
namespace {

using CreatedTopic = CreateTopicsResponse::CreatableTopicResult;
using DeletedTopic = DeleteTopicsResponse::DeletableTopicResult;

CreatedTopic refused_topic(ByteView name, ErrorCode code, std::optional<Bytes> message) {
  CreatedTopic result;
  result.name = name;
  result.error_code = code;
  result.error_message = std::move(message);
  return result;
}

DeletedTopic refused_deletion(const std::optional<ByteView>& name, const Uuid& id, ErrorCode code,
                              ByteView message) {
  DeletedTopic result;
  result.name.reset();
  if (name) result.name = Bytes(*name);
  result.topic_id = id;
  result.error_code = code;
  if (!message.empty()) result.error_message = Bytes(message);
  return result;
}

// Names that occur more than once.
template <class Topics>
std::set<ByteView> repeated_names(const Topics& topics) {
  std::set<ByteView> seen, repeated;
  for (const auto& topic : topics) {
    if (!seen.insert(topic.name).second) repeated.insert(topic.name);
  }
  return repeated;
}

}  // namespace

// --- CreateTopics

ControllerEffects<CreateTopicsResponse> Controller::create_topics(const CreateTopicsRequest& request,
                                                                  const MutationQuota& quota) const {
  ControllerEffects<CreateTopicsResponse> effects;
  auto& results = effects.response.topics;
  const std::set<ByteView> repeated = repeated_names(request.topics);
  const MaybeRefusal too_large = refuse_size(request);
  if (request.timeout_ms <= 0) {
    for (const CreatableTopic& topic : request.topics)
      results.push_back(refused_topic(topic.name, ErrorCode::kRequestTimedOut, std::nullopt));
    return effects;
  }

  for (const CreatableTopic& topic : request.topics) {
    if (repeated.contains(topic.name)) continue;
    TopicPlan plan;
    if (const MaybeRefusal refusal = too_large ? too_large : plan_topic(topic, plan)) {
      results.push_back(refused_topic(topic.name, refusal->code, refusal->message));
      continue;
    }
    if (quota && !quota(plan.partitions.size())) {
      results.push_back(refused_topic(topic.name, ErrorCode::kThrottlingQuotaExceeded,
                                      Bytes(error_message(ErrorCode::kThrottlingQuotaExceeded))));
      continue;
    }
    write_topic(plan, effects.records);
    results.push_back(created(plan));
  }
  for (const ByteView name : repeated) {
    results.push_back(refused_topic(name, ErrorCode::kInvalidRequest,
                                    "The topic name occurs more than once in the request"));
  }
  if (effects.records.size() > kMaxRecordsPerRequest) {
    for (CreatedTopic& result : results) {
      if (result.error_code != ErrorCode::kNone) continue;
      result = refused_topic(result.name, ErrorCode::kPolicyViolation,
                             "The request is too large for one operation");
    }
    effects.records.clear();
  }
  if (request.validate_only) effects.records.clear();
  return effects;
}

ControllerEffects<CreateTopicsResponse> Controller::auto_create_topics(
    std::span<const ByteView> names) const {
  CreateTopicsRequest request;
  // The request views into these.
  std::vector<InternalTopic> shapes;
  shapes.reserve(names.size());
  for (const ByteView name : names) {
    CreatableTopic& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    if (auto shape = internal_topic(name, with_replicas(settings_.internal_topics, image_.brokers().size()))) {
      shapes.push_back(std::move(*shape));
      topic.num_partitions = shapes.back().num_partitions;
      topic.replication_factor = shapes.back().replication_factor;
      for (const auto& [key, value] : shapes.back().configs) {
        CreateTopicsRequest::CreatableTopicConfig& config = topic.configs.emplace_back();
        config.name = key;
        config.value = value;
      }
    }
  }
  return create_topics(request);
}

// As in Kafka, it counts all requested partitions, refused or not.
Controller::MaybeRefusal Controller::refuse_size(const CreateTopicsRequest& request) const {
  int64_t total = 0;
  for (const CreatableTopic& topic : request.topics) {
    if (!topic.assignments.empty()) {
      total += static_cast<int64_t>(topic.assignments.size());
    } else {
      total += topic.num_partitions == -1 ? settings_.num_partitions : std::max(topic.num_partitions, 0);
    }
  }
  if (total <= static_cast<int64_t>(kMaxRecordsPerRequest)) return std::nullopt;
  return Refusal{ErrorCode::kPolicyViolation,
                 fmt::format("The request asks for {} partitions, more than the {} allowed in one", total,
                             kMaxRecordsPerRequest)};
}

Controller::MaybeRefusal Controller::refuse_name(ByteView name) const {
  if (name == kClusterMetadataTopic) {
    return Refusal{ErrorCode::kInvalidRequest, fmt::format("Creation of internal topic {} is prohibited.", name)};
  }
  if (image_.find_topic(name) != nullptr) {
    return Refusal{ErrorCode::kTopicAlreadyExists, fmt::format("Topic '{}' already exists.", name)};
  }
  if (std::optional<Bytes> why = invalid_topic_name(name))
    return Refusal{ErrorCode::kInvalidTopicException, std::move(why)};
  if (has_collision_chars(name)) {
    if (const auto found = collisions_.find(collision_key(name)); found != collisions_.end()) {
      return Refusal{ErrorCode::kInvalidTopicException,
                     fmt::format("The topic name '{}' differs from the existing topic {} only in '.' and '_'",
                                 name, *found->second.begin())};
    }
  }
  return std::nullopt;
}

Controller::MaybeRefusal Controller::plan_topic(const CreatableTopic& topic, TopicPlan& plan) const {
  if (MaybeRefusal refusal = refuse_name(topic.name)) return refusal;
  plan.name = topic.name;
  if (MaybeRefusal refusal = plan_configs(topic, plan)) return refusal;
  plan.id = new_uuid_();
  return topic.assignments.empty() ? plan_placement(topic, plan) : plan_assignments(topic, plan);
}

Controller::MaybeRefusal Controller::plan_configs(const CreatableTopic& topic, TopicPlan& plan) const {
  Bytes nulls;
  for (const auto& config : topic.configs) {
    if (config.value) {
      plan.configs[Bytes(config.name)] = *config.value;
    } else {
      nulls += (nulls.empty() ? "" : ",") + Bytes(config.name);
    }
  }
  if (!nulls.empty()) {
    return Refusal{ErrorCode::kInvalidConfig, fmt::format("Null value not supported for topic configs: {}", nulls)};
  }
  if (std::optional<config::ConfigError> error = config::validate_topic_configs(plan.configs, broker_settings())) {
    return Refusal{ErrorCode::kInvalidConfig, std::move(error->message)};
  }
  return std::nullopt;
}

Controller::MaybeRefusal Controller::plan_assignments(const CreatableTopic& topic, TopicPlan& plan) const {
  if (topic.replication_factor != -1) {
    return Refusal{ErrorCode::kInvalidRequest,
                   "Where replicas are assigned by hand, the replication factor must be -1"};
  }
  if (topic.num_partitions != -1) {
    return Refusal{ErrorCode::kInvalidRequest,
                   "Where replicas are assigned by hand, the number of partitions must be -1"};
  }
  std::vector<const CreateTopicsRequest::CreatableReplicaAssignment*> by_number;
  std::set<int32_t> numbers;
  std::optional<size_t> replication_factor;
  for (const auto& assignment : topic.assignments) {
    if (!numbers.insert(assignment.partition_index).second) {
      return Refusal{
          ErrorCode::kInvalidReplicaAssignment,
          fmt::format("Partition {} is assigned by hand more than once", assignment.partition_index)};
    }
    if (MaybeRefusal refusal = check_assignment(assignment.broker_ids, replication_factor)) return refusal;
    replication_factor = assignment.broker_ids.size();
    by_number.push_back(&assignment);
  }
  if (*numbers.begin() != 0 || *numbers.rbegin() != static_cast<int32_t>(numbers.size()) - 1) {
    return Refusal{ErrorCode::kInvalidReplicaAssignment,
                   "partitions should be a consecutive 0-based integer sequence"};
  }
  std::sort(by_number.begin(), by_number.end(),
            [](const auto* a, const auto* b) { return a->partition_index < b->partition_index; });
  for (const auto* assignment : by_number) {
    MaybeRefusal refusal =
        place_by_hand(assignment->broker_ids, assignment->partition_index, plan.partitions);
    if (refusal) return refusal;
  }
  return std::nullopt;
}

Controller::MaybeRefusal Controller::plan_placement(const CreatableTopic& topic, TopicPlan& plan) const {
  if (topic.replication_factor < -1 || topic.replication_factor == 0) {
    return Refusal{ErrorCode::kInvalidReplicationFactor,
                   "The replication factor must be larger than 0, or -1 for the default of the cluster"};
  }
  if (topic.num_partitions < -1 || topic.num_partitions == 0) {
    return Refusal{ErrorCode::kInvalidPartitions,
                   "The number of partitions must be larger than 0, or -1 for the default of the cluster"};
  }
  const int32_t count = topic.num_partitions == -1 ? settings_.num_partitions : topic.num_partitions;
  const int16_t replicas =
      topic.replication_factor == -1 ? settings_.default_replication_factor : topic.replication_factor;
  // Topics start at different brokers, so that their first partitions are not all on one.
  return place(count, replicas, plan.id.lo, plan.partitions);
}

// The order is Kafka's: topic, configs, partitions.
void Controller::write_topic(const TopicPlan& plan, MetadataRecords& records) const {
  TopicRecord topic;
  topic.name = plan.name;
  topic.topic_id = plan.id;
  records.emplace_back(std::move(topic));
  for (const auto& [name, value] : plan.configs) {
    ConfigRecord config;
    config.resource_type = static_cast<int8_t>(ResourceType::kTopic);
    config.resource_name = plan.name;
    config.name = name;
    config.value = value;
    records.emplace_back(std::move(config));
  }
  int32_t number = 0;
  for (const NewPartition& partition : plan.partitions)
    records.emplace_back(partition.record(plan.id, number++));
}

CreatedTopic Controller::created(const TopicPlan& plan) const {
  CreatedTopic result;
  result.name = plan.name;
  result.topic_id = plan.id;
  result.error_message.reset();
  result.num_partitions = static_cast<int32_t>(plan.partitions.size());
  result.replication_factor = static_cast<int16_t>(plan.partitions.front().replicas.size());
  for (config::DescribedConfig& described : config::effective_topic_configs(plan.configs, broker_settings())) {
    CreateTopicsResponse::CreatableTopicConfigs& config = result.configs->emplace_back();
    config.name = described.def->name;
    config.value = std::move(described.value);
    config.config_source = static_cast<int8_t>(described.source);
  }
  return result;
}

// --- DeleteTopics

ControllerEffects<DeleteTopicsResponse> Controller::delete_topics(const DeleteTopicsRequest& request,
                                                                  int16_t version,
                                                                  const MutationQuota& quota) const {
  ControllerEffects<DeleteTopicsResponse> effects;
  auto& results = effects.response.responses;
  std::vector<DeleteTopicsRequest::DeleteTopicState> topics = request.topics;
  for (const ByteView name : request.topic_names) topics.emplace_back().name = name;

  if (!settings_.delete_topic_enable) {
    // TOPIC_DELETION_DISABLED came with version 3.
    const ErrorCode code = version < 3 ? ErrorCode::kInvalidRequest : ErrorCode::kTopicDeletionDisabled;
    for (const auto& topic : topics) {
      results.push_back(refused_deletion(topic.name, topic.topic_id, code,
                                         "Topic deletion is disabled (delete.topic.enable)"));
    }
    return effects;
  }

  if (request.timeout_ms <= 0) {
    for (const auto& topic : topics)
      results.push_back(refused_deletion(topic.name, topic.topic_id, ErrorCode::kRequestTimedOut, {}));
    return effects;
  }

  std::map<ByteView, int> name_counts;
  std::map<Uuid, int> id_counts;
  for (const auto& topic : topics) {
    if (topic.name && topic.topic_id.is_zero()) ++name_counts[*topic.name];
    if (!topic.name && !topic.topic_id.is_zero()) ++id_counts[topic.topic_id];
  }
  std::set<Uuid> answered;
  std::set<ByteView> answered_names;
  const auto refuse = [&results](const auto& topic, ErrorCode code, ByteView message) {
    results.push_back(refused_deletion(topic.name, topic.topic_id, code, message));
  };
  for (const auto& topic : topics) {
    if (topic.name && !topic.topic_id.is_zero()) {
      refuse(topic, ErrorCode::kInvalidRequest,
             "A topic is named either by its name or by its id, not by both");
      continue;
    }
    if (!topic.name && topic.topic_id.is_zero()) {
      refuse(topic, ErrorCode::kInvalidRequest, "A topic must be named by its name or by its id");
      continue;
    }
    if (topic.name ? !answered_names.insert(*topic.name).second : !answered.insert(topic.topic_id).second)
      continue;
    if (topic.name && name_counts[*topic.name] > 1) {
      refuse(topic, ErrorCode::kInvalidRequest, "The topic name occurs more than once in the request");
      continue;
    }
    if (!topic.name && id_counts[topic.topic_id] > 1) {
      refuse(topic, ErrorCode::kInvalidRequest, "The topic id occurs more than once in the request");
      continue;
    }
    const TopicImage* found = topic.name ? image_.find_topic(*topic.name) : image_.find_topic(topic.topic_id);
    if (found == nullptr) {
      const ErrorCode code = topic.name ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kUnknownTopicId;
      refuse(topic, code, error_message(code));
      continue;
    }
    // Once by name and once by id: one result for both.
    if (topic.name && id_counts.contains(found->id)) {
      results.push_back(refused_deletion(topic.name, found->id, ErrorCode::kInvalidRequest,
                                         "The topic is named by its name and by its id in the same request"));
      continue;
    }
    if (!topic.name && name_counts.contains(found->name)) continue;
    if (quota && !quota(found->partitions.size())) {
      refuse(topic, ErrorCode::kThrottlingQuotaExceeded, error_message(ErrorCode::kThrottlingQuotaExceeded));
      continue;
    }
    DeletedTopic& result = results.emplace_back();
    result.name = found->name;
    result.topic_id = found->id;
    RemoveTopicRecord record;
    record.topic_id = found->id;
    effects.records.emplace_back(std::move(record));
  }
  return effects;
}

}  // namespace milena::metadata
