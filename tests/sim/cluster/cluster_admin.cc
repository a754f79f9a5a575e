// Administrators of the cluster simulator.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/elect_leaders.h"
#include "sim/cluster/cluster_simulator.h"

namespace milena::sim {
namespace {

constexpr int64_t kPatience_ms = 8000;

}  // namespace

void ClusterSimulator::elect(bool preferred) {
  const auto id = a_partition();
  if (id && (preferred || partitions_.at(*id).unclean)) elect_in(*id, preferred);
}

void ClusterSimulator::elect_in(const PartitionId& id, bool preferred) {
  note(fmt::format("{} election in {}", preferred ? "preferred" : "unclean", describe(id)));
  ElectLeadersRequest request;
  request.election_type = preferred ? 0 : 1;
  request.timeout_ms = 5000;
  request.topic_partitions.emplace();
  auto& topic = request.topic_partitions->emplace_back();
  topic.topic = metadata_.image().find_topic(id.first)->name;
  topic.partitions.push_back(id.second);
  ask<ElectLeadersResponse>(a_broker(), 9, request, 2, kPatience_ms, [](const ElectLeadersResponse*) {});
}

void ClusterSimulator::reassign() {
  const auto id = a_partition();
  if (!id) return;
  std::vector<int32_t> replicas{1, 2, 3};
  for (size_t i = 2; i > 0; i--) std::swap(replicas[i], replicas[pick(i + 1)]);
  replicas.resize(pick(3) == 0 ? 2 : image_of(*id)->replicas.size());
  reassign_to(*id, replicas);
}

void ClusterSimulator::reassign_to(const PartitionId& id, const std::vector<int32_t>& replicas) {
  note(fmt::format("{} is to be on {}", describe(id), fmt::join(replicas, ",")));
  AlterPartitionReassignmentsRequest request;
  request.timeout_ms = 5000;
  auto& topic = request.topics.emplace_back();
  topic.name = metadata_.image().find_topic(id.first)->name;
  auto& partition = topic.partitions.emplace_back();
  partition.partition_index = id.second;
  partition.replicas = replicas;
  ask<AlterPartitionReassignmentsResponse>(
      a_broker(), 9, request, 0, kPatience_ms, [this](const AlterPartitionReassignmentsResponse* response) {
        if (response != nullptr && !response->responses.empty() && !failed())
          note(fmt::format("the reassignment: {}", error_name(response->responses[0].partitions.at(0).error_code)));
      });
}

void ClusterSimulator::delete_topic() {
  const TopicPlan& plan = plan_.topics[pick(plan_.topics.size())];
  const metadata::TopicImage* image = metadata_.image().find_topic(plan.name);
  if (image == nullptr) return create_topic(plan);
  note(fmt::format("{} is to be deleted", plan.name));
  // With it go its offsets, and markers are not written any more.
  if (plan.name == plan_.topics[0].name) offsets_lost_ = true;
  for (auto& [number, transaction] : transactions_) transaction.excused = true;
  DeleteTopicsRequest request;
  request.timeout_ms = 5000;
  auto& topic = request.topics.emplace_back();
  topic.topic_id = image->id;
  ask<DeleteTopicsResponse>(a_broker(), 9, request, 6, kPatience_ms, [](const DeleteTopicsResponse*) {});
  after(static_cast<int64_t>(pick(2000)), [this, &plan] {
    if (!failed() && !over_) create_topic(plan);
  });
}

void ClusterSimulator::delete_records() {
  const auto id = a_partition();
  if (!id) return;
  PartitionState& state = partitions_.at(*id);
  if (state.settled_end() == 0) return;
  const auto offset = static_cast<int64_t>(pick(static_cast<size_t>(state.settled_end()))) + 1;
  state.deletable = std::max(state.deletable, offset);
  note(fmt::format("records of {} below {} are to be deleted", describe(*id), offset));
  DeleteRecordsRequest request;
  request.timeout_ms = 5000;
  auto& topic = request.topics.emplace_back();
  topic.name = metadata_.image().find_topic(id->first)->name;
  topic.partitions.push_back({id->second, offset});
  ask<DeleteRecordsResponse>(leader_to_ask(*id), 9, request, 2, kPatience_ms,
                             [this](const DeleteRecordsResponse* response) {
                               if (response == nullptr || failed()) return;
                               const auto& answer = response->topics.at(0).partitions.at(0);
                               note(fmt::format("deleted: {} {}", error_name(answer.error_code), answer.low_watermark));
                             });
}

}  // namespace milena::sim
