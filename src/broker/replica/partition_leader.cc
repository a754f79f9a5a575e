#include "broker/replica/partition_leader.h"

#include <algorithm>
#include <utility>

#include "metadata/planted_replication_bugs.h"

namespace milena::broker {
namespace {

bool is_one_of(const std::vector<int32_t>& list, int32_t id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

}  // namespace

PartitionLeader::PartitionLeader(int32_t self, const metadata::PartitionImage& image, int64_t now_ms)
    : self_(self), leader_epoch_(image.leader_epoch) {
  take_replicas(image, now_ms);
}

void PartitionLeader::take_replicas(const metadata::PartitionImage& image, int64_t now_ms) {
  partition_epoch_ = image.partition_epoch;
  recovery_state_ = image.leader_recovery_state;
  in_sync_ = image.isr.to_vector();
  std::erase_if(followers_, [&](const auto& one) { return !image.replicas.contains(one.first); });
  for (const int32_t id : image.replicas) {
    if (id == self_) continue;
    auto [at, first] = followers_.try_emplace(id);
    if (first && is_one_of(in_sync_, id)) at->second.caught_up_ms = now_ms;
  }
}

void PartitionLeader::update(const metadata::PartitionImage& image, int64_t now_ms) {
  if (image.partition_epoch <= partition_epoch_) return;
  take_replicas(image, now_ms);
  proposed_.reset();
}

bool PartitionLeader::is_in_sync(int32_t id) const { return is_one_of(in_sync_, id); }

bool PartitionLeader::counts_as_in_sync(int32_t id) const {
  if (MILENA_REPLICATION_BUG(kShrunkBeforeAgreed) && proposed_ && !is_one_of(*proposed_, id)) return false;
  return is_in_sync(id) || (proposed_ && is_one_of(*proposed_, id));
}

bool PartitionLeader::note_fetch(int32_t broker_id, int64_t broker_epoch, int64_t offset, int64_t log_end,
                                 int64_t now_ms) {
  const auto found = followers_.find(broker_id);
  if (found == followers_.end()) return false;
  Follower& follower = found->second;
  // Fetches of an old process of the broker do not count for the new one.
  if (broker_epoch >= 0 && broker_epoch < follower.broker_epoch) return true;
  if (offset >= log_end) {
    follower.caught_up_ms = std::max(follower.caught_up_ms, now_ms);
  } else if (follower.leader_end_at_fetch >= 0 && offset >= follower.leader_end_at_fetch) {
    // It has reached the log end of its previous fetch.
    follower.caught_up_ms = std::max(follower.caught_up_ms, follower.fetch_ms);
  }
  follower.log_end = offset;
  follower.broker_epoch = broker_epoch;
  follower.fetch_ms = now_ms;
  follower.has_fetched = true;
  follower.leader_end_at_fetch = std::max(follower.leader_end_at_fetch, log_end);
  return true;
}

void PartitionLeader::note_log_start(int32_t broker_id, int64_t offset) {
  if (auto found = followers_.find(broker_id); found != followers_.end()) found->second.log_start = offset;
}

int64_t PartitionLeader::low_watermark(const metadata::MetadataImage& image, int64_t log_start) const {
  int64_t lowest = log_start;
  for (const auto& [id, follower] : followers_) {
    const metadata::BrokerImage* broker = image.find_broker(id);
    if (broker != nullptr && !broker->fenced) lowest = std::min(lowest, follower.log_start);
  }
  return lowest;
}

int32_t PartitionLeader::in_sync_at_rack(const metadata::MetadataImage& image, ByteView rack, int64_t offset) const {
  int32_t best = -1;
  int64_t furthest = -1;
  for (const auto& [id, follower] : followers_) {
    const metadata::BrokerImage* broker = image.find_broker(id);
    const bool there = broker != nullptr && !broker->fenced && broker->rack && *broker->rack == rack;
    if (!there || !is_in_sync(id) || follower.log_end < offset || follower.log_start > offset) continue;
    if (follower.log_end > furthest) {
      best = id;
      furthest = follower.log_end;
    }
  }
  return best;
}

bool PartitionLeader::caught_up(const Follower& follower, int64_t log_end, int64_t now_ms, int64_t max_lag_ms) {
  return follower.log_end == log_end || now_ms - follower.caught_up_ms <= max_lag_ms;
}

bool PartitionLeader::may_join(const metadata::MetadataImage& image, int32_t id, const Follower& follower) {
  const metadata::BrokerImage* broker = image.find_broker(id);
  if (broker == nullptr || broker->fenced || broker->in_controlled_shutdown) return false;
  return follower.broker_epoch < 0 || follower.broker_epoch == broker->epoch;
}

int64_t PartitionLeader::settled_end(const metadata::MetadataImage& image, int64_t log_end, int64_t now_ms,
                                     int64_t max_lag_ms) const {
  int64_t least = log_end;
  if (MILENA_REPLICATION_BUG(kHighWatermarkTooEarly)) return least;
  for (const auto& [id, follower] : followers_) {
    if (follower.log_end >= least) continue;
    const bool counts = counts_as_in_sync(id) ||
                        (caught_up(follower, log_end, now_ms, max_lag_ms) && may_join(image, id, follower));
    if (counts) least = follower.log_end;
  }
  return least;
}

std::optional<AlterPartitionRequest::PartitionData> PartitionLeader::propose(const metadata::MetadataImage& image,
                                                                             int64_t high_watermark, int64_t log_end,
                                                                             int64_t now_ms, int64_t max_lag_ms,
                                                                             bool may_shrink) {
  if (proposed_) return std::nullopt;
  std::vector<int32_t> wanted{self_};
  for (auto& [id, follower] : followers_) {
    const bool has_fetched = std::exchange(follower.has_fetched, false);
    // A broker fetches before it is unfenced. Its fetch then still counts: the epoch tells that it is the same process.
    follower.has_fetched = has_fetched && follower.broker_epoch >= 0 && !may_join(image, id, follower);
    if (is_in_sync(id)) {
      if (!may_shrink || caught_up(follower, log_end, now_ms, max_lag_ms)) wanted.push_back(id);
    } else if (has_fetched && MILENA_REPLICATION_BUG(kStaleReplicaJoins)) {
      wanted.push_back(id);
    } else if (has_fetched && follower.log_end >= high_watermark && follower.log_end >= epoch_start_ &&
               epoch_start_ >= 0 && may_join(image, id, follower)) {
      wanted.push_back(id);
    }
  }
  // After an unclean election the leader is the only in-sync replica until it reports that it has recovered.
  const bool recovers = recovery_state_ != 0;
  if (recovers) wanted = {self_};
  std::vector<int32_t> now = in_sync_;
  std::sort(now.begin(), now.end());
  std::sort(wanted.begin(), wanted.end());
  if (now == wanted && !recovers) return std::nullopt;
  AlterPartitionRequest::PartitionData data;
  data.leader_epoch = leader_epoch_;
  data.partition_epoch = partition_epoch_;
  data.leader_recovery_state = 0;
  for (const int32_t id : wanted) {
    const metadata::BrokerImage* broker = image.find_broker(id);
    data.new_isr.push_back(id);
    data.new_isr_with_epochs.push_back({id, broker == nullptr ? -1 : broker->epoch});
  }
  proposed_ = std::move(wanted);
  return data;
}

bool PartitionLeader::on_answer(ErrorCode error, const std::vector<int32_t>& in_sync, int32_t leader_epoch,
                                int32_t partition_epoch) {
  if (!proposed_) return false;  // the metadata came first
  switch (error) {
    case ErrorCode::kNone:
      // It was made, and the next leader epoch began with it: at the end of a reassignment. Until the metadata of that
      // comes, a replica of the new set counts.
      if (leader_epoch != leader_epoch_ && !MILENA_REPLICATION_BUG(kSetOfNextEpochForgotten)) return false;
      proposed_.reset();
      if (leader_epoch == leader_epoch_ && partition_epoch > partition_epoch_) {
        partition_epoch_ = partition_epoch;
        in_sync_ = in_sync;
        recovery_state_ = 0;
      }
      return false;
    // The metadata will have the current state.
    case ErrorCode::kInvalidUpdateVersion:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kNewLeaderElected:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kUnknownTopicOrPartition: return false;
    case ErrorCode::kIneligibleReplica: proposed_.reset(); return false;
    default: {
      // The change may or may not have been made: the replica counts until the controller answers again.
      return true;
    }
  }
}

void PartitionLeader::pretend(int32_t broker_id, int64_t log_end) {
  followers_[broker_id].log_end = log_end;
  if (!is_in_sync(broker_id)) in_sync_.push_back(broker_id);
}

void PartitionLeader::pretend_gone(int32_t broker_id) {
  followers_.erase(broker_id);
  std::erase(in_sync_, broker_id);
}

}  // namespace milena::broker
