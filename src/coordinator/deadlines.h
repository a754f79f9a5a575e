// Deadlines: the timers of one GroupShard, without a clock. A timer is two numbers inside its owner (a member, a
// group); the queue holds names, not pointers, so an owner may be removed at any time and its entry is dropped when it
// is due.
//
// Heartbeats move a deadline a thousand times for each time that it fires. So moving it later only writes a number;
// when the old entry is due, the queue reinserts it. Single-threaded, owned by the shard.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace milena::coordinator {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// The last four are of members of consumer groups.
enum class TimerKind : uint8_t {
  kSession, kJoin, kSync, kConsumerSession, kConsumerRebalance, kConsumerJoin, kConsumerSync
};

struct Timer {
  int64_t deadline_ms = kNever;
  // The earliest entry of this timer in the queue.
  int64_t queued_ms = kNever;
};

struct TimerName {
  TimerKind kind = TimerKind::kSession;
  Bytes group_id;
  Bytes member_id;  // not of kJoin and kSync
};

class Deadlines {
 public:
  void set(Timer& timer, const TimerName& name, int64_t deadline_ms) {
    timer.deadline_ms = deadline_ms;
    if (deadline_ms >= timer.queued_ms) return;
    timer.queued_ms = deadline_ms;
    queue_.push({deadline_ms, next_order_++, name});
  }
  static void cancel(Timer& timer) { timer.deadline_ms = kNever; }

  // When to check the queue next: never later than the earliest deadline, sometimes earlier.
  std::optional<int64_t> next_ms() const {
    if (queue_.empty()) return std::nullopt;
    return queue_.top().at_ms;
  }

  // Removes and returns the name of a due timer; nullopt if there is none. `find` returns the timer of a name, or null
  // if its owner is gone.
  template <class Find>
  std::optional<TimerName> pop_due(int64_t now_ms, Find find) {
    while (!queue_.empty() && queue_.top().at_ms <= now_ms) {
      Entry entry = queue_.top();
      queue_.pop();
      Timer* timer = find(entry.name);
      if (timer == nullptr || timer->queued_ms != entry.at_ms) continue;
      timer->queued_ms = kNever;
      if (timer->deadline_ms == kNever) continue;
      if (timer->deadline_ms <= now_ms) {
        timer->deadline_ms = kNever;
        return std::move(entry.name);
      }
      set(*timer, entry.name, timer->deadline_ms);
    }
    return std::nullopt;
  }

  size_t size() const { return queue_.size(); }

 private:
  struct Entry {
    int64_t at_ms;
    uint64_t order;  // equal deadlines fire in the order they were set
    TimerName name;
    bool operator<(const Entry& other) const {
      return std::pair(at_ms, order) > std::pair(other.at_ms, other.order);
    }
  };
  std::priority_queue<Entry> queue_;
  uint64_t next_order_ = 0;
};

}  // namespace milena::coordinator
