#include "broker/storage/flush_timer.h"

#include <limits>
#include <utility>

#include "broker/replica/partition.h"

namespace milena::broker {

void FlushTimer::consider(Partition& partition) {
  const log::PartitionLog* log = partition.log_if_open();
  if (stopped_ || log == nullptr || partition.sync_running()) return;  // considered again after the sync
  const int64_t due_ms = log->flush_due_at_ms();
  if (due_ms == std::numeric_limits<int64_t>::max()) return;
  waiting_.insert(partition.id());
  wake_at(due_ms);
}

void FlushTimer::stop() {
  stopped_ = true;
  if (timer_ != 0) executor_.cancel(std::exchange(timer_, 0));
  waiting_.clear();
}

void FlushTimer::wake_at(int64_t steady_ms) {
  if (timer_ != 0 && timer_at_ms_ <= steady_ms) return;
  if (timer_ != 0) executor_.cancel(timer_);
  timer_at_ms_ = steady_ms;
  timer_ = executor_.call_at(steady_ms, [this] { tell_what_is_due(); });
}

void FlushTimer::tell_what_is_due() {
  timer_ = 0;
  for (const TopicPartitionId& id : std::exchange(waiting_, {})) due_(id);
}

}  // namespace milena::broker
