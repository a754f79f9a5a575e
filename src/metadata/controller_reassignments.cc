// The controller's AlterPartitionReassignments (KIP-455, KIP-860). A reassignment without new replicas, or with new
// replicas that are in sync already, completes at once; on a single node all do, unless its log has lost brokers.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "metadata/controller.h"
#include "metadata/partition_draft.h"

namespace milena::metadata {
namespace {

size_t count_after_reassignment(const PartitionImage& partition) {
  return partition.replicas.size() - partition.extras().removing_replicas.size();
}

}  // namespace

Controller::MaybeRefusal Controller::plan_cancellation(const TopicImage& topic, int32_t number,
                                                       MetadataRecords& records) const {
  const PartitionExtras& extras = topic.partition(number)->extras();
  if (extras.adding_replicas.empty() && extras.removing_replicas.empty())
    return Refusal{ErrorCode::kNoReassignmentInProgress, std::nullopt};
  PartitionDraft draft = draft_of(topic, number);
  if (!draft.revert_reassignment()) {
    return Refusal{ErrorCode::kInvalidReplicaAssignment,
                   fmt::format("The reassignment of {}-{} cannot be cancelled: none of the replicas that were there "
                               "before is in sync",
                               topic.name, number)};
  }
  if (auto change = draft.record()) records.emplace_back(std::move(*change));
  return std::nullopt;
}

Controller::MaybeRefusal Controller::plan_reassignment(
    ByteView topic, const AlterPartitionReassignmentsRequest::ReassignablePartition& wanted, bool may_change_count,
    MetadataRecords& records) const {
  const int32_t number = wanted.partition_index;
  const TopicImage* found = image_.find_topic(topic);
  if (found == nullptr)
    return Refusal{ErrorCode::kUnknownTopicOrPartition, fmt::format("There is no topic named {}", topic)};
  const PartitionImage* partition = found->partition(number);
  if (partition == nullptr) {
    return Refusal{ErrorCode::kUnknownTopicOrPartition, fmt::format("There is no partition {}-{}", topic, number)};
  }
  if (!wanted.replicas) return plan_cancellation(*found, number, records);
  if (MaybeRefusal refusal = check_assignment(*wanted.replicas, std::nullopt)) return refusal;
  if (!may_change_count && wanted.replicas->size() != count_after_reassignment(*partition)) {
    return Refusal{ErrorCode::kInvalidReplicationFactor,
                   fmt::format("The replication factor is changed from {} to {}",
                               count_after_reassignment(*partition), wanted.replicas->size())};
  }
  PartitionDraft draft = draft_of(*found, number);
  draft.reassign_to(*wanted.replicas);
  if (auto change = draft.record()) records.emplace_back(std::move(*change));
  return std::nullopt;
}

ControllerEffects<AlterPartitionReassignmentsResponse> Controller::alter_partition_reassignments(
    const AlterPartitionReassignmentsRequest& request) const {
  ControllerEffects<AlterPartitionReassignmentsResponse> effects;
  effects.atomic = false;
  AlterPartitionReassignmentsResponse& response = effects.response;
  response.allow_replication_factor_change = request.allow_replication_factor_change;
  if (request.topics.empty()) return effects;
  response.error_message.reset();
  const bool too_late = request.timeout_ms <= 0;
  if (too_late) response.error_code = ErrorCode::kRequestTimedOut;
  for (const auto& topic : request.topics) {
    auto& out = response.responses.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& result = out.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.error_message.reset();
      if (too_late) {
        result.error_code = ErrorCode::kRequestTimedOut;
        continue;
      }
      MetadataRecords records;
      MaybeRefusal refusal =
          plan_reassignment(topic.name, partition, request.allow_replication_factor_change, records);
      if (refusal) {
        result.error_code = refusal->code;
        result.error_message = std::move(refusal->message);
      }
      std::move(records.begin(), records.end(), std::back_inserter(effects.records));
    }
  }
  return effects;
}

}  // namespace milena::metadata
