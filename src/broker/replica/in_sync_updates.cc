#include "broker/replica/in_sync_updates.h"

#include <memory>
#include <utility>

#include "base/log.h"
#include "broker/controller/controller_channel.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard_context.h"
#include "broker/storage/log_directories.h"

namespace milena::broker {
namespace {

constexpr int64_t kAskAgain_ms = 50;

using WantedSets = std::map<Uuid, std::map<int32_t, AlterPartitionRequest::PartitionData>>;

const AlterPartitionRequest::PartitionData* find_in(const WantedSets& sets, const Uuid& topic, int32_t partition) {
  const auto of_topic = sets.find(topic);
  if (of_topic == sets.end()) return nullptr;
  const auto found = of_topic->second.find(partition);
  return found == of_topic->second.end() ? nullptr : &found->second;
}

// If the metadata came before the answer, the partition may want another set by now; then the answer is dropped.
void leave_out_outdated(AlterPartitionResponse& response, const WantedSets& asked, const WantedSets& wanted) {
  for (auto& topic : response.topics) {
    std::erase_if(topic.partitions, [&](const auto& answer) {
      const auto* then = find_in(asked, topic.topic_id, answer.partition_index);
      const auto* now = find_in(wanted, topic.topic_id, answer.partition_index);
      return then == nullptr || now == nullptr || !(*then == *now);
    });
  }
}

}  // namespace

void InSyncUpdates::consider(const TopicPartitionId& id, bool may_shrink) {
  if (stopped_ || shard_.node().directories->loading()) return;
  considered_[id] |= may_shrink;
  if (std::exchange(collects_, true)) return;
  shard_.executor().at_end_of_turn([this] {
    collects_ = false;
    if (!stopped_) collect();
  });
}

void InSyncUpdates::collect() {
  for (const auto& [id, may_shrink] : std::exchange(considered_, {})) {
    Partition* partition = replicas_.find_partition(id);
    if (partition == nullptr) continue;
    if (auto data = partition->propose_in_sync(may_shrink)) wanted_[id.topic_id][id.partition] = std::move(*data);
  }
  send();
}

void InSyncUpdates::send() {
  if (under_way_ || stopped_ || wanted_.empty() || retry_timer_ != 0) return;
  const metadata::BrokerImage* self = shard_.image().find_broker(shard_.node().node_id);
  if (self == nullptr) return;
  under_way_ = true;
  auto request = std::make_shared<AlterPartitionRequest>();
  request->broker_id = self->id;
  request->broker_epoch = self->epoch;
  for (const auto& [topic_id, partitions] : wanted_) {
    auto& topic = request->topics.emplace_back();
    topic.topic_id = topic_id;
    for (const auto& [number, data] : partitions) topic.partitions.push_back(data);
  }
  shard_.controller().send<AlterPartitionResponse>(
      shard_.shard(), std::shared_ptr<const AlterPartitionRequest>(request), AlterPartitionRequest::kMaxVersion, {},
      [this, asked = wanted_](ErrorCode error, AlterPartitionResponse response) {
        under_way_ = false;
        if (stopped_) return;
        leave_out_outdated(response, asked, wanted_);
        on_answer(error, response);
      });
}

void InSyncUpdates::on_answer(ErrorCode error, const AlterPartitionResponse& response) {
  if (error == ErrorCode::kNone) error = response.error_code;
  bool again = error != ErrorCode::kNone;
  if (again) {
    log_debug("the controller refused a change of in-sync replicas: {}", error_name(error));
  } else {
    for (const auto& topic : response.topics) {
      auto asked = wanted_.find(topic.topic_id);
      if (asked == wanted_.end()) continue;
      for (const auto& answer : topic.partitions) {
        Partition* partition = replicas_.find_partition({topic.topic_id, answer.partition_index});
        const bool repeat = partition != nullptr && partition->on_in_sync_answer(answer.error_code, answer.isr,
                                                                                 answer.leader_epoch,
                                                                                 answer.partition_epoch);
        if (repeat) {
          again = true;
        } else {
          asked->second.erase(answer.partition_index);
        }
        if (partition != nullptr && !repeat) consider({topic.topic_id, answer.partition_index});
      }
      if (asked->second.empty()) wanted_.erase(asked);
    }
  }
  if (!again) return send();
  // Drops the changes that partitions do not wait for any more.
  for (auto topic = wanted_.begin(); topic != wanted_.end();) {
    std::erase_if(topic->second, [&](const auto& one) {
      Partition* partition = replicas_.find_partition({topic->first, one.first});
      return partition == nullptr || partition->leader() == nullptr || !partition->leader()->change_under_way();
    });
    topic = topic->second.empty() ? wanted_.erase(topic) : std::next(topic);
  }
  retry_timer_ = shard_.executor().call_after(kAskAgain_ms, [this] {
    retry_timer_ = 0;
    send();
  });
}

void InSyncUpdates::watch() {
  if (watch_timer_ != 0 || stopped_ || shard_.node().directories->loading()) return;
  const int64_t half_ms = std::max<int64_t>(shard_.settings().get_long("replica.lag.time.max.ms") / 2, 1);
  watch_timer_ = shard_.executor().call_after(half_ms, [this] {
    watch_timer_ = 0;
    look_for_laggards();
  });
}

void InSyncUpdates::look_for_laggards() {
  bool any = false;
  replicas_.for_each_partition([&](Partition& partition) {
    if (partition.leader() == nullptr) return;
    any = true;
    consider(partition.id(), true);
  });
  if (any) watch();
}

void InSyncUpdates::stop() {
  stopped_ = true;
  shard_.executor().cancel(std::exchange(watch_timer_, 0));
  shard_.executor().cancel(std::exchange(retry_timer_, 0));
}

}  // namespace milena::broker
