// The controller's ElectLeaders, and the handling of a lost broker's partitions.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "metadata/controller.h"
#include "metadata/partition_draft.h"
#include "metadata/registration_records.h"

namespace milena::metadata {
namespace {

// ElectLeaders.ElectionType.
constexpr int8_t kPreferredElection = 0, kUncleanElection = 1;

// The same result for every partition of the request.
ElectLeadersResponse same_for_all(const ElectLeadersRequest& request, ErrorCode code, std::optional<Bytes> message) {
  ElectLeadersResponse response;
  response.error_code = code;
  if (!request.topic_partitions) return response;
  for (const auto& topic : *request.topic_partitions) {
    auto& out = response.replica_election_results.emplace_back();
    out.topic = topic.topic;
    for (const int32_t number : topic.partitions) out.partition_result.push_back({number, code, message});
  }
  return response;
}

// Elects by the drafts that `draft_for(topic, number, partition)` gives, for so many partitions at most; the response
// counts them.
template <class DraftFor>
ControllerEffects<size_t> elect_some(const MetadataImage& image, size_t most, DraftFor draft_for) {
  ControllerEffects<size_t> effects;
  effects.atomic = false;
  effects.response = 0;
  (void)image.any_partition([&](const TopicImage& topic, int32_t number, const PartitionImage& partition) {
    std::optional<PartitionDraft> draft = draft_for(topic, number, partition);
    if (!draft) return false;
    if (effects.response == most) return true;
    auto change = draft->record();
    if (!change || change->leader == PartitionChangeRecord{}.leader) return false;
    effects.records.emplace_back(std::move(*change));
    ++effects.response;
    return false;
  });
  return effects;
}

}  // namespace

PartitionDraft Controller::draft_of(const TopicImage& topic, int32_t number) const {
  const config::TopicConfig config =
      config::resolve_topic_config(image_.configs(ResourceType::kTopic, topic.name), broker_settings());
  PartitionDraft draft(image_, topic, number, config.min_insync_replicas);
  if (config.unclean_leader_election) draft.election = PartitionDraft::Election::kUnclean;
  return draft;
}

ElectLeadersResponse::PartitionResult Controller::elect_leader(ByteView topic, int32_t number, bool preferred,
                                                               MetadataRecords& records) const {
  const auto answer = [number](ErrorCode code, std::optional<Bytes> message = std::nullopt) {
    if (!message && code != ErrorCode::kNone) message = Bytes(error_message(code));
    return ElectLeadersResponse::PartitionResult{number, code, std::move(message)};
  };
  const TopicImage* found = image_.find_topic(topic);
  if (found == nullptr)
    return answer(ErrorCode::kUnknownTopicOrPartition, fmt::format("No such topic as {}", topic));
  const PartitionImage* partition = found->partition(number);
  if (partition == nullptr) {
    return answer(ErrorCode::kUnknownTopicOrPartition, fmt::format("No such partition as {}-{}", topic, number));
  }
  const bool preferred_leads = !partition->replicas.empty() && partition->leader == partition->replicas[0];
  if (preferred ? preferred_leads : partition->leader != kNoLeader) return answer(ErrorCode::kElectionNotNeeded);

  PartitionDraft draft = draft_of(*found, number);
  draft.election = preferred ? PartitionDraft::Election::kPreferred : PartitionDraft::Election::kUnclean;
  std::optional<PartitionChangeRecord> change = draft.record();
  if (!change) {
    return answer(preferred ? ErrorCode::kPreferredLeaderNotAvailable : ErrorCode::kEligibleLeadersNotAvailable);
  }
  records.emplace_back(std::move(*change));
  return answer(ErrorCode::kNone);
}

ControllerEffects<ElectLeadersResponse> Controller::elect_leaders(const ElectLeadersRequest& request,
                                                                  int16_t version) const {
  ControllerEffects<ElectLeadersResponse> effects;
  // Each election is on its own.
  effects.atomic = false;
  if (request.topic_partitions && request.topic_partitions->empty()) return effects;
  const int8_t type = version == 0 ? kPreferredElection : request.election_type;
  if (type != kPreferredElection && type != kUncleanElection) {
    effects.response =
        same_for_all(request, ErrorCode::kInvalidRequest, fmt::format("There is no election type {}", type));
    return effects;
  }
  if (request.timeout_ms <= 0) {
    effects.response = same_for_all(request, ErrorCode::kRequestTimedOut, std::nullopt);
    return effects;
  }
  const bool preferred = type == kPreferredElection;
  auto& results = effects.response.replica_election_results;
  if (request.topic_partitions) {
    for (const auto& topic : *request.topic_partitions) {
      auto& out = results.emplace_back();
      out.topic = topic.topic;
      for (const int32_t number : topic.partitions) {
        out.partition_result.push_back(elect_leader(topic.topic, number, preferred, effects.records));
      }
    }
    return effects;
  }
  // All partitions: those that need no election are left out of the response.
  for (const TopicImage& topic : image_.topics()) {
    auto& out = results.emplace_back();
    out.topic = topic.name;
    for (int32_t number = 0; number < topic.partition_count(); ++number) {
      if (topic.partition(number) == nullptr) continue;
      auto result = elect_leader(topic.name, number, preferred, effects.records);
      if (result.error_code != ErrorCode::kElectionNotNeeded) out.partition_result.push_back(std::move(result));
    }
  }
  return effects;
}

ControllerEffects<size_t> Controller::balance_leaders(size_t most) const {
  using Draft = std::optional<PartitionDraft>;
  return elect_some(image_, most,
                    [this](const TopicImage& topic, int32_t number, const PartitionImage& partition) -> Draft {
                      if (partition.replicas.size() < 2) return std::nullopt;
                      const int32_t preferred = partition.replicas[0];
                      if (partition.leader == preferred || !partition.isr.contains(preferred)) return std::nullopt;
                      if (!can_lead(image_, preferred)) return std::nullopt;
                      PartitionDraft draft = draft_of(topic, number);
                      draft.election = PartitionDraft::Election::kPreferred;
                      return draft;
                    });
}

ControllerEffects<size_t> Controller::elect_unclean_leaders(size_t most) const {
  const TopicImage* refusing = nullptr;  // its config is looked up once, not for each of its partitions
  using Draft = std::optional<PartitionDraft>;
  return elect_some(image_, most,
                    [&](const TopicImage& topic, int32_t number, const PartitionImage& partition) -> Draft {
                      if (partition.leader != kNoLeader || refusing == &topic) return std::nullopt;
                      PartitionDraft draft = draft_of(topic, number);
                      if (draft.election == PartitionDraft::Election::kUnclean) return draft;
                      refusing = &topic;
                      return std::nullopt;
                    });
}

// --- lost brokers

// `uncleanly`: they may have lost records, and are no longer eligible leader replicas.
void Controller::take_out_of_partitions(const std::set<int32_t>& gone, MetadataRecords& records,
                                        bool uncleanly) const {
  if (gone.empty()) return;
  const auto any_gone = [&gone](const auto& list) {
    return std::any_of(list.begin(), list.end(), [&gone](int32_t id) { return gone.contains(id); });
  };
  image_.for_each_partition([&](const TopicImage& topic, int32_t number, const PartitionImage& partition) {
    const bool concerns = gone.contains(partition.leader) || any_gone(partition.isr) ||
                          (uncleanly && any_gone(partition.extras().eligible_leader_replicas));
    if (!concerns) return;
    PartitionDraft draft = draft_of(topic, number);
    if (uncleanly) draft.stopped_uncleanly.assign(gone.begin(), gone.end());
    draft.may_lead = [this, &gone](int32_t id) { return !gone.contains(id) && can_lead(image_, id); };
    std::erase_if(draft.isr, [&gone](int32_t id) { return gone.contains(id); });
    if (auto change = draft.record()) records.emplace_back(std::move(*change));
  });
}

ControllerEffects<std::monostate> Controller::fence_other_brokers() const {
  ControllerEffects<std::monostate> effects;
  effects.atomic = false;
  std::set<int32_t> gone;
  for (const auto& [id, broker] : image_.brokers()) {
    if (id == settings_.node_id || broker.fenced) continue;
    gone.insert(id);
    effects.records.emplace_back(fencing_change(broker, Fencing::kFence));
  }
  take_out_of_partitions(gone, effects.records);
  return effects;
}

ControllerEffects<UnregisterBrokerResponse> Controller::unregister_broker(
    const UnregisterBrokerRequest& request) const {
  ControllerEffects<UnregisterBrokerResponse> effects;
  effects.atomic = false;
  const BrokerImage* broker = image_.find_broker(request.broker_id);
  if (broker == nullptr) {
    effects.response.error_code = ErrorCode::kBrokerIdNotRegistered;
    effects.response.error_message = fmt::format("Broker {} is not registered", request.broker_id);
    return effects;
  }
  if (broker->id == settings_.node_id) return effects;
  take_out_of_partitions({broker->id}, effects.records);
  UnregisterBrokerRecord record;
  record.broker_id = broker->id;
  record.broker_epoch = broker->epoch;
  effects.records.emplace_back(std::move(record));
  return effects;
}

}  // namespace milena::metadata
