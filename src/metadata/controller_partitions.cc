// The controller's placement of replicas, and CreatePartitions.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "metadata/controller.h"
#include "metadata/controller_plans.h"
#include "metadata/directory_rules.h"
#include "metadata/partition_draft.h"
#include "metadata/replica_placement.h"

namespace milena::metadata {

PartitionRecord Controller::NewPartition::record(const Uuid& topic_id, int32_t number) const {
  PartitionRecord to;
  to.partition_id = number;
  to.topic_id = topic_id;
  to.replicas = replicas;
  to.isr = isr;
  to.leader = leader;
  to.leader_epoch = 0;
  to.partition_epoch = 0;
  to.directories = directories;
  return to;
}

// The live replicas are in sync.
Controller::NewPartition Controller::new_partition(std::span<const int32_t> replicas) const {
  NewPartition partition;
  partition.replicas.assign(replicas.begin(), replicas.end());
  for (const int32_t id : replicas) {
    if (can_lead(image_, id)) partition.isr.push_back(id);
    partition.directories.push_back(default_directory(image_, id));
  }
  if (!partition.isr.empty()) partition.leader = partition.isr.front();
  return partition;
}

// These texts are Kafka's to the letter: tools and tests compare them.
Controller::MaybeRefusal Controller::check_assignment(std::span<const int32_t> replicas,
                                                      std::optional<size_t> replication_factor) const {
  const auto refuse = [](Bytes message) {
    return Refusal{ErrorCode::kInvalidReplicaAssignment, std::move(message)};
  };
  if (replicas.empty()) return refuse("The manual partition assignment includes an empty replica list.");
  std::set<int32_t> seen;
  for (const int32_t id : replicas) {
    if (!seen.insert(id).second)
      return refuse(fmt::format("The manual partition assignment includes the broker {} more than once.", id));
  }
  for (const int32_t id : seen) {
    if (image_.find_broker(id) == nullptr) {
      return refuse(
          fmt::format("The manual partition assignment includes broker {}, but no such broker is registered.", id));
    }
  }
  if (replication_factor && *replication_factor != replicas.size()) {
    return refuse(
        fmt::format("The manual partition assignment includes a partition with {} replica(s), but this is not "
                    "consistent with previous partitions, which have {} replica(s).",
                    replicas.size(), *replication_factor));
  }
  return std::nullopt;
}

Controller::MaybeRefusal Controller::place_by_hand(std::span<const int32_t> replicas, int32_t number,
                                                   std::vector<NewPartition>& out) const {
  NewPartition partition = new_partition(replicas);
  if (partition.isr.empty()) {
    return Refusal{
        ErrorCode::kInvalidReplicaAssignment,
        fmt::format("All brokers specified in the manual partition assignment for partition {} are fenced or in "
                    "controlled shutdown.",
                    number)};
  }
  out.push_back(std::move(partition));
  return std::nullopt;
}

// Live brokers lead; the others follow when they come back.
Controller::MaybeRefusal Controller::place(int32_t count, int32_t replication_factor, size_t first,
                                           std::vector<NewPartition>& out) const {
  ReplicaPlacement placement;
  for (const auto& [id, broker] : image_.brokers()) {
    if (takes_new_replicas(image_, broker)) placement.add(id, broker.rack, can_lead(image_, id));
  }
  const auto refuse = [replication_factor](Bytes why) {
    return Refusal{ErrorCode::kInvalidReplicationFactor,
                   fmt::format("A partition cannot have {} replicas: {}", replication_factor, why)};
  };
  if (!placement.any_alive()) return refuse("every broker is fenced, or its log directories are cordoned");
  if (static_cast<size_t>(replication_factor) > placement.broker_count()) {
    return refuse(fmt::format("{} broker(s) are registered", placement.broker_count()));
  }
  // A topic id may be any number.
  constexpr size_t kFarEnough = 1 << 20;
  first %= kFarEnough;
  for (int32_t i = 0; i < count; ++i) {
    out.push_back(new_partition(
        placement.replicas(first + static_cast<size_t>(i), static_cast<size_t>(replication_factor))));
  }
  return std::nullopt;
}

ControllerEffects<CreatePartitionsResponse> Controller::create_partitions(
    const CreatePartitionsRequest& request, const MutationQuota& quota) const {
  ControllerEffects<CreatePartitionsResponse> effects;
  auto& results = effects.response.results;
  if (request.timeout_ms <= 0) {
    for (const auto& topic : request.topics)
      results.push_back({Bytes(topic.name), ErrorCode::kRequestTimedOut, std::nullopt});
    return effects;
  }
  std::set<ByteView> seen, repeated;
  for (const auto& topic : request.topics) {
    if (!seen.insert(topic.name).second) repeated.insert(topic.name);
  }
  for (const ByteView name : repeated) {
    results.push_back(
        {Bytes(name), ErrorCode::kInvalidRequest, "The topic name occurs more than once in the request"});
  }
  for (const auto& topic : request.topics) {
    if (repeated.contains(topic.name)) continue;
    auto& result = results.emplace_back();
    result.name = topic.name;
    MetadataRecords records;
    if (MaybeRefusal refusal = plan_growth(topic, records)) {
      result.error_code = refusal->code;
      result.error_message = std::move(refusal->message);
    } else if (quota && !quota(records.size())) {
      result.error_code = ErrorCode::kThrottlingQuotaExceeded;
      result.error_message = Bytes(error_message(ErrorCode::kThrottlingQuotaExceeded));
    } else if (effects.records.size() + records.size() > kMaxRecordsPerRequest) {
      // The code is Kafka's; it leaves the topic partly extended, we do not change it.
      result.error_code = ErrorCode::kUnknownServerError;
      result.error_message =
          fmt::format("More than {} partitions cannot be added by one request", kMaxRecordsPerRequest);
    } else {
      std::move(records.begin(), records.end(), std::back_inserter(effects.records));
    }
  }
  if (request.validate_only) effects.records.clear();
  return effects;
}

Controller::MaybeRefusal Controller::plan_growth(const CreatePartitionsRequest::CreatePartitionsTopic& topic,
                                                 MetadataRecords& records) const {
  const TopicImage* image = image_.find_topic(topic.name);
  if (image == nullptr) return Refusal{ErrorCode::kUnknownTopicOrPartition, std::nullopt};
  const int32_t have = image->partition_count();
  if (topic.count == have) {
    return Refusal{ErrorCode::kInvalidPartitions, fmt::format("Topic already has {} partition(s).", have)};
  }
  if (topic.count < have) {
    return Refusal{
        ErrorCode::kInvalidPartitions,
        fmt::format("The topic {} currently has {} partition(s); {} would not be an increase.", topic.name, have,
                    topic.count)};
  }
  const int32_t added = topic.count - have;
  // Checked here and not only by the quota: a count of billions must not be planned.
  if (static_cast<size_t>(added) > kMaxRecordsPerRequest) {
    return Refusal{
        ErrorCode::kUnknownServerError,
        fmt::format("More than {} partitions cannot be added by one request", kMaxRecordsPerRequest)};
  }
  // No controller creates a topic without partitions, but a log may end behind its first record.
  const size_t replication_factor = image->partitions.empty()
                                        ? static_cast<size_t>(settings_.default_replication_factor)
                                        : image->partitions.front().replicas.size();
  std::vector<NewPartition> partitions;
  if (topic.assignments) {
    if (topic.assignments->size() != static_cast<size_t>(added)) {
      return Refusal{ErrorCode::kInvalidReplicaAssignment,
                     fmt::format("Attempted to add {} additional partition(s), but only {} assignment(s) were "
                                 "specified.",
                                 added, topic.assignments->size())};
    }
    for (const auto& assignment : *topic.assignments) {
      if (MaybeRefusal refusal = check_assignment(assignment.broker_ids, replication_factor)) return refusal;
    }
    int32_t number = have;
    for (const auto& assignment : *topic.assignments) {
      if (MaybeRefusal refusal = place_by_hand(assignment.broker_ids, number++, partitions)) return refusal;
    }
  } else {
    const size_t first = image->id.lo + static_cast<size_t>(have);
    if (MaybeRefusal refusal = place(added, static_cast<int32_t>(replication_factor), first, partitions))
      return refusal;
  }
  int32_t number = have;
  for (const NewPartition& partition : partitions)
    records.emplace_back(partition.record(image->id, number++));
  return std::nullopt;
}

}  // namespace milena::metadata
