#include "broker/storage/producer_expiry.h"

#include <utility>

#include "broker/replica/replica_manager.h"
#include "broker/shard_context.h"

namespace milena::broker {

void ProducerExpiry::consider(Partition& partition) {
  const log::PartitionLog* log = partition.log_if_open();
  if (stopped_ || log == nullptr || !log->has_producers()) return;
  watched_.insert(partition.id());
  schedule();
}

void ProducerExpiry::stop() {
  stopped_ = true;
  if (timer_ != 0) shard_.executor().cancel(std::exchange(timer_, 0));
  watched_.clear();
}

void ProducerExpiry::schedule() {
  if (timer_ != 0) return;
  const int64_t interval_ms = shard_.settings().get_int("producer.id.expiration.check.interval.ms");
  timer_ = shard_.executor().call_at(shard_.steady_ms() + interval_ms, [this] { expire(); });
}

void ProducerExpiry::expire() {
  timer_ = 0;
  for (const TopicPartitionId& id : std::exchange(watched_, {})) {
    Partition* partition = replicas_.find_replica(id);
    log::PartitionLog* log = partition == nullptr ? nullptr : partition->log_if_open();
    if (log == nullptr) continue;
    if (Status expired = log->expire_producers(); !expired.ok()) {
      partition->take_offline(expired.error());
    } else {
      consider(*partition);
    }
  }
}

}  // namespace milena::broker
