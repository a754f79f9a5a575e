// The controller's AlterPartition: a leader changes the ISR. And AssignReplicasToDirs: a broker reports the directories
// of its replicas.
//
// Source: Kafka's ReplicationControlManager.alterPartition, handleAssignReplicasToDirs.
#include <algorithm>
#include <map>
#include <utility>

#include "metadata/controller.h"
#include "metadata/directory_rules.h"
#include "metadata/partition_draft.h"
#include "metadata/planted_replication_bugs.h"

namespace milena::metadata {
namespace {

std::vector<AlterPartitionRequest::BrokerState> wanted_set(const AlterPartitionRequest::PartitionData& wanted,
                                                           int16_t version) {
  if (version >= 3) return wanted.new_isr_with_epochs;
  std::vector<AlterPartitionRequest::BrokerState> set;
  for (const int32_t id : wanted.new_isr) set.push_back({id, -1});
  return set;
}

}  // namespace

ErrorCode Controller::check_in_sync_change(const AlterPartitionRequest& request, const PartitionImage* partition,
                                           const AlterPartitionRequest::PartitionData& wanted,
                                           int16_t version) const {
  if (partition == nullptr) return ErrorCode::kUnknownTopicOrPartition;
  if (wanted.leader_epoch > partition->leader_epoch || wanted.partition_epoch > partition->partition_epoch) {
    return ErrorCode::kNotController;
  }
  if (MILENA_REPLICATION_BUG(kNoVersionOfTheSet)) return ErrorCode::kNone;
  if (wanted.leader_epoch < partition->leader_epoch) return ErrorCode::kFencedLeaderEpoch;
  if (request.broker_id != partition->leader) return ErrorCode::kInvalidRequest;
  if (wanted.partition_epoch < partition->partition_epoch) return ErrorCode::kInvalidUpdateVersion;
  const auto set = wanted_set(wanted, version);
  bool has_leader = false;
  for (size_t i = 0; i < set.size(); ++i) {
    const int32_t id = set[i].broker_id;
    const bool twice = std::any_of(set.begin(), set.begin() + static_cast<ptrdiff_t>(i),
                                   [id](const auto& one) { return one.broker_id == id; });
    if (twice || !partition->replicas.contains(id)) return ErrorCode::kInvalidRequest;
    has_leader |= id == partition->leader;
  }
  if (!has_leader) return ErrorCode::kInvalidRequest;
  // While it recovers the leader is alone in the ISR, and a recovered one stays recovered.
  if (wanted.leader_recovery_state != 0 && (wanted.leader_recovery_state != 1 || set.size() > 1)) {
    return ErrorCode::kInvalidRequest;
  }
  if (wanted.leader_recovery_state == 1 && partition->leader_recovery_state == 0) return ErrorCode::kInvalidRequest;
  for (const auto& one : set) {
    const BrokerImage* broker = image_.find_broker(one.broker_id);
    const bool there = broker != nullptr && !broker->fenced && !broker->in_controlled_shutdown;
    if (!there || (one.broker_epoch >= 0 && one.broker_epoch != broker->epoch)) return ErrorCode::kIneligibleReplica;
  }
  return ErrorCode::kNone;
}

ControllerEffects<AlterPartitionResponse> Controller::alter_partition(const AlterPartitionRequest& request,
                                                                      int16_t version) const {
  ControllerEffects<AlterPartitionResponse> effects;
  effects.atomic = false;
  effects.response.error_code = check_broker_epoch(request.broker_id, request.broker_epoch);
  if (effects.response.error_code != ErrorCode::kNone) return effects;
  for (const auto& topic : request.topics) {
    auto& topic_out = effects.response.topics.emplace_back();
    topic_out.topic_name = Bytes(topic.topic_name);
    topic_out.topic_id = topic.topic_id;
    const TopicImage* image = version < 2 ? image_.find_topic(topic.topic_name) : image_.find_topic(topic.topic_id);
    for (const auto& wanted : topic.partitions) {
      auto& out = topic_out.partitions.emplace_back();
      out.partition_index = wanted.partition_index;
      if (image == nullptr) {
        out.error_code = version < 2 ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kUnknownTopicId;
        continue;
      }
      const PartitionImage* partition = image->partition(wanted.partition_index);
      out.error_code = check_in_sync_change(request, partition, wanted, version);
      if (out.error_code != ErrorCode::kNone) continue;
      PartitionDraft draft = draft_of(*image, wanted.partition_index);
      draft.isr.clear();
      for (const auto& one : wanted_set(wanted, version)) draft.isr.push_back(one.broker_id);
      draft.recovery_state = wanted.leader_recovery_state;
      std::optional<PartitionChangeRecord> change = draft.record();
      const int32_t kSameLeader = PartitionChangeRecord{}.leader;
      if (change && change->leader != kSameLeader && change->leader != request.broker_id) {
        // This completed a reassignment, and the leader is not among the new replicas.
        out.error_code = ErrorCode::kNewLeaderElected;
        effects.records.emplace_back(std::move(*change));
        continue;
      }
      out.leader_id = partition->leader;
      out.leader_epoch = partition->leader_epoch + (change && change->leader != kSameLeader ? 1 : 0);
      out.isr = change && change->isr ? *change->isr : partition->isr.to_vector();
      out.leader_recovery_state = wanted.leader_recovery_state;
      out.partition_epoch = partition->partition_epoch + (change ? 1 : 0);
      if (change) effects.records.emplace_back(std::move(*change));
    }
  }
  return effects;
}

ControllerEffects<AssignReplicasToDirsResponse> Controller::assign_replicas_to_dirs(
    const AssignReplicasToDirsRequest& request) const {
  ControllerEffects<AssignReplicasToDirsResponse> effects;
  effects.atomic = false;
  effects.response.error_code = check_broker_epoch(request.broker_id, request.broker_epoch);
  if (effects.response.error_code != ErrorCode::kNone) return effects;
  std::vector<std::pair<PartitionKey, Uuid>> places;
  for (const auto& directory : request.directories) {
    auto& directory_out = effects.response.directories.emplace_back();
    directory_out.id = directory.id;
    for (const auto& topic : directory.topics) {
      auto& topic_out = directory_out.topics.emplace_back();
      topic_out.topic_id = topic.topic_id;
      const TopicImage* image = image_.find_topic(topic.topic_id);
      for (const auto& one : topic.partitions) {
        auto& out = topic_out.partitions.emplace_back();
        out.partition_index = one.partition_index;
        const PartitionImage* partition = image == nullptr ? nullptr : image->partition(one.partition_index);
        if (image == nullptr) {
          out.error_code = ErrorCode::kUnknownTopicId;
        } else if (partition == nullptr) {
          out.error_code = ErrorCode::kUnknownTopicOrPartition;
        } else if (!partition->replicas.contains(request.broker_id)) {
          out.error_code = ErrorCode::kNotLeaderOrFollower;
        } else {
          places.push_back({{topic.topic_id, one.partition_index}, directory.id});
        }
      }
    }
  }
  effects.records = assign_directories(request.broker_id, places).records;
  return effects;
}

}  // namespace milena::metadata
