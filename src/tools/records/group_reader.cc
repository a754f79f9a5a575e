#include "tools/records/group_reader.h"

#include <algorithm>
#include <thread>

#include "base/random.h"
#include "protocol/messages/consumer_group_heartbeat.h"

namespace milena::tools {
namespace {

constexpr int32_t kJoin = 0, kLeave = -1;
constexpr int32_t kRebalanceTimeout_ms = 60'000;

}  // namespace

GroupReader::GroupReader(Cluster& cluster, GroupOptions options, FetcherOptions fetcher)
    : cluster_(cluster),
      options_(std::move(options)),
      fetcher_(cluster, fetcher),
      member_id_(Uuid::random(system_random()).to_string()),
      next_heartbeat_(deadline_in(0)),
      next_commit_(deadline_in(options_.commit_interval_ms)) {}

Status GroupReader::heartbeat(int32_t epoch) {
  Result<BrokerClient*> coordinator = cluster_.group_coordinator(options_.group);
  RETURN_IF_ERROR(coordinator);
  ConsumerGroupHeartbeatRequest request;
  request.group_id = options_.group;
  request.member_id = member_id_;
  request.member_epoch = epoch;
  if (epoch == kJoin || !told_all_) {
    request.rebalance_timeout_ms = kRebalanceTimeout_ms;
    request.subscribed_topic_names.emplace(options_.topics.begin(), options_.topics.end());
    if (!options_.pattern.empty()) request.subscribed_topic_regex = ByteView(options_.pattern);
    auto& owned = request.topic_partitions.emplace();
    if (epoch != kJoin) {
      for (const auto& [name, id] : owned_) {
        if (owned.empty() || owned.back().topic_id != id) owned.emplace_back().topic_id = id;
        owned.back().partitions.push_back(name.second);
      }
    }
  }
  auto answer = (*coordinator)->ask<ConsumerGroupHeartbeatResponse>(request);
  RETURN_IF_ERROR(answer);
  if (answer->error_code == ErrorCode::kFencedMemberEpoch || answer->error_code == ErrorCode::kUnknownMemberId) {
    for (const auto& [name, id] : owned_) fetcher_.unassign(name);
    owned_.clear();
    epoch_ = kJoin;
    told_all_ = false;
    next_heartbeat_ = deadline_in(0);
    return ok_status();
  }
  if (is_passing(answer->error_code)) {
    wait_a_little();
    return ok_status();
  }
  if (answer->error_code != ErrorCode::kNone) return answer_error(answer->error_code, answer->error_message);
  if (epoch == kLeave) return ok_status();
  told_all_ = true;
  epoch_ = answer->member_epoch;
  if (answer->member_id && !answer->member_id->empty()) member_id_ = *answer->member_id;
  next_heartbeat_ = deadline_in(answer->heartbeat_interval_ms);
  if (!answer->assignment) return ok_status();
  std::vector<std::pair<Uuid, int32_t>> assigned;
  for (const auto& topic : answer->assignment->topic_partitions) {
    for (int32_t partition : topic.partitions) assigned.emplace_back(topic.topic_id, partition);
  }
  return take_assignment(assigned);
}

Status GroupReader::take_assignment(const std::vector<std::pair<Uuid, int32_t>>& assigned) {
  auto metadata = cluster_.metadata();
  RETURN_IF_ERROR(metadata);
  std::map<Uuid, std::string> names;
  for (const auto& topic : metadata->topics) names[topic.topic_id] = topic.name.value_or("");
  std::map<TopicPartitionName, Uuid> wanted;
  for (const auto& [id, partition] : assigned) {
    if (names.contains(id)) wanted[{names[id], partition}] = id;
  }
  bool loses = std::any_of(owned_.begin(), owned_.end(), [&](auto& one) { return !wanted.contains(one.first); });
  if (loses) RETURN_IF_ERROR(commit());
  for (const auto& [name, id] : owned_) {
    if (!wanted.contains(name)) fetcher_.unassign(name);
  }
  std::map<TopicPartitionName, Uuid> added;
  for (const auto& one : wanted) {
    if (!owned_.contains(one.first)) added.insert(one);
  }
  owned_ = wanted;
  told_all_ = false;  // the coordinator waits for the confirmation that partitions were revoked
  next_heartbeat_ = deadline_in(0);
  if (added.empty()) return ok_status();
  auto found = fetch_committed(cluster_, options_.group);
  RETURN_IF_ERROR(found);
  std::map<TopicPartitionName, int64_t> missing;
  for (const auto& [name, id] : added) {
    if (!found->contains(name)) missing[name] = options_.start_at;
  }
  auto starts = list_offsets(cluster_, missing);
  RETURN_IF_ERROR(starts);
  for (const auto& [name, id] : added) {
    bool is_new = missing.contains(name);
    int64_t offset = is_new ? (*starts)[name] : (*found)[name].offset;
    if (!is_new) committed_[name] = offset;
    fetcher_.assign(name.first, id, name.second, offset);
  }
  return ok_status();
}

Status GroupReader::commit() {
  next_commit_ = deadline_in(options_.commit_interval_ms);
  if (!options_.commit) return ok_status();
  std::map<TopicPartitionName, GroupOffset> changed;
  for (const auto& [name, offset] : fetcher_.positions()) {
    auto known = committed_.find(name);
    if (known == committed_.end() || known->second != offset.offset) changed[name] = offset;
  }
  if (changed.empty()) return ok_status();
  RETURN_IF_ERROR(commit_offsets(cluster_, options_.group, changed, member_id_, epoch_));
  for (const auto& [name, offset] : changed) committed_[name] = offset.offset;
  return ok_status();
}

Status GroupReader::poll(int32_t wait_ms, const RecordFetcher::Take& take) {
  auto now = std::chrono::steady_clock::now();
  if (now >= next_heartbeat_) RETURN_IF_ERROR(heartbeat(epoch_));
  if (now >= next_commit_) RETURN_IF_ERROR(commit());
  auto until = std::chrono::ceil<std::chrono::milliseconds>(next_heartbeat_ - std::chrono::steady_clock::now()).count();
  wait_ms = static_cast<int32_t>(std::clamp<int64_t>(until, 0, wait_ms));
  if (fetcher_.empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(wait_ms, 20)));
    return ok_status();
  }
  return fetcher_.poll(wait_ms, take);
}

Status GroupReader::close() {
  Status committed = commit();
  if (epoch_ > 0) RETURN_IF_ERROR(heartbeat(kLeave));
  return committed;
}

}  // namespace milena::tools
