// Partition, as a leader: begins and ends to lead, and handles the fetches of its followers.
#include <utility>

#include "base/log.h"
#include "broker/replica/in_sync_updates.h"
#include "broker/replica/partition.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard_context.h"
#include "metadata/planted_replication_bugs.h"

namespace milena::broker {

void Partition::take_role(const metadata::PartitionImage& image) {
  if (image.leader != shard_.node().node_id && MILENA_REPLICATION_BUG(kFencedLeaderGoesOn) && leads_) return;
  if (image.leader != shard_.node().node_id) return start_following(image);
  if (!leads_ || image.leader_epoch > leader_epoch_) return start_leading(image);
  const bool has_followers = image.replicas.size() > 1;
  if (has_followers && leader_ == nullptr) {
    leader_ = std::make_unique<PartitionLeader>(shard_.node().node_id, image, shard_.steady_ms());
    if (log_ != nullptr) leader_->set_epoch_start(log_->log_end_offset());
    replicas_.in_sync_updates().watch();
  }
  if (!has_followers) leader_.reset();
  if (leader_ != nullptr) leader_->update(image, shard_.steady_ms());
  if (log_ != nullptr) advance_high_watermark();
  if (leader_ != nullptr) replicas_.in_sync_updates().consider(id_);
  finish_low_waits();
}

// Records in the log have earlier epochs; from its end on they have this one.
void Partition::start_leading(const metadata::PartitionImage& image) {
  leads_ = true;
  leader_epoch_ = image.leader_epoch;
  leader_.reset();
  if (image.replicas.size() > 1) {
    leader_ = std::make_unique<PartitionLeader>(shard_.node().node_id, image, shard_.steady_ms());
    replicas_.in_sync_updates().watch();
  }
  if (log_ == nullptr) return;
  if (leader_ != nullptr) leader_->set_epoch_start(log_->log_end_offset());
  const ErrorCode noted =
      with_log([this](log::PartitionLog& log) { return log.assign_epoch(leader_epoch_, log.log_end_offset()); });
  if (noted != ErrorCode::kNone) return;
  advance_high_watermark();
  if (leader_ != nullptr) replicas_.in_sync_updates().consider(id_);
}

void Partition::start_following(const metadata::PartitionImage& image) {
  const bool led = std::exchange(leads_, false);
  leader_epoch_ = image.leader_epoch;
  leader_.reset();
  // These requests need a leader.
  if (led) end_waits(ErrorCode::kNotLeaderOrFollower);
}

int64_t Partition::max_lag_ms() const { return shard_.settings().get_long("replica.lag.time.max.ms"); }

bool Partition::enough_in_sync() const {
  if (leader_ == nullptr || MILENA_REPLICATION_BUG(kMinInSyncNotAsked)) return true;
  const metadata::TopicImage* topic = shard_.image().find_topic(id_.topic_id);
  if (topic == nullptr) return true;
  const auto wanted = static_cast<size_t>(std::max(replicas_.topic_config(*topic)->min_insync_replicas, 1));
  return leader_->in_sync_count() >= std::min(wanted, leader_->replica_count());
}

bool Partition::high_watermark_unknown() {
  return leader_ != nullptr && log() != nullptr && log_->high_watermark() < leader_->epoch_start();
}

void Partition::note_follower_fetch(int32_t broker_id, int64_t broker_epoch, int64_t offset, int64_t log_start) {
  if (leader_ == nullptr || log_ == nullptr) return;
  if (!leader_->note_fetch(broker_id, broker_epoch, offset, log_->log_end_offset(), shard_.steady_ms())) return;
  leader_->note_log_start(broker_id, log_start);
  // Waiting readers are only notified if something moved: the fetches of two waiting followers come here, and would
  // wake each other forever.
  if (offset > log_->high_watermark() && raise_high_watermark()) signal_progress();
  replicas_.in_sync_updates().consider(id_);
  finish_low_waits();
}

int32_t Partition::preferred_read_replica(ByteView rack, int64_t offset) const {
  if (leader_ == nullptr || rack.empty()) return -1;
  const metadata::BrokerImage* self = shard_.image().find_broker(shard_.node().node_id);
  if (self != nullptr && self->rack && *self->rack == rack) return -1;
  return leader_->in_sync_at_rack(shard_.image(), rack, offset);
}

std::optional<AlterPartitionRequest::PartitionData> Partition::propose_in_sync(bool may_shrink) {
  if (leader_ == nullptr || log_ == nullptr) return std::nullopt;
  auto data = leader_->propose(shard_.image(), log_->high_watermark(), log_->log_end_offset(), shard_.steady_ms(),
                               max_lag_ms(), may_shrink);
  if (!data) return std::nullopt;
  data->partition_index = id_.partition;
  std::string ids;
  for (const int32_t id : data->new_isr) ids += fmt::format("{}{}", ids.empty() ? "" : ",", id);
  log_info("Partition {}: changing the in-sync replicas to {}", name(), ids);
  return data;
}

bool Partition::on_in_sync_answer(ErrorCode error, const std::vector<int32_t>& in_sync, int32_t leader_epoch,
                                  int32_t partition_epoch) {
  if (leader_ == nullptr) return false;
  if (error != ErrorCode::kNone) {
    log_info("Partition {}: the controller refused the change of in-sync replicas: {}", name(), error_name(error));
  }
  const bool again = leader_->on_answer(error, in_sync, leader_epoch, partition_epoch);
  if (log_ != nullptr) advance_high_watermark();
  return again;
}

void Partition::set_replica_log_end_offset(int32_t broker_id, int64_t log_end_offset) {
  if (leader_ == nullptr) {
    const metadata::PartitionImage* image = shard_.image().find_partition({id_.topic_id, id_.partition});
    CHECK(image != nullptr, "{}", name());
    leader_ = std::make_unique<PartitionLeader>(shard_.node().node_id, *image, shard_.steady_ms());
  }
  leader_->pretend(broker_id, log_end_offset);
  if (log() != nullptr) advance_high_watermark();
}

void Partition::remove_replica(int32_t broker_id) {
  if (leader_ != nullptr) leader_->pretend_gone(broker_id);
  if (log() != nullptr) advance_high_watermark();
}

}  // namespace milena::broker
