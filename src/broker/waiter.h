// Waiters: how a request waits for a partition to move (Kafka's purgatories).
//
// A parked request makes one Waiter, registers it at every partition it looks at, on their shards, and is told on its
// own shard, at most once a turn, that something moved; it then looks again. Nothing is promised about what moved.
#pragma once

#include <memory>
#include <unordered_map>

#include "base/executor.h"

namespace milena {

class Shard;

class Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  // `on_progress` runs on `home`'s thread, until finish().
  Waiter(Shard& home, Task on_progress) : home_(home), on_progress_(std::move(on_progress)) {}

  // Something moved. From any shard's thread, which passes itself as `from`.
  void signal(Shard& from);
  // On home's thread: the request is answered, no more calls. Registrations left behind do nothing.
  void finish();

 private:
  void schedule();

  Shard& home_;
  Task on_progress_;     // home's thread only; empty when finished
  bool scheduled_ = false;
};

// The waiters registered at one partition; lives with it. Each is told once and then has to register again.
class WaiterList {
 public:
  void add(std::shared_ptr<Waiter> waiter) { waiters_.emplace(waiter.get(), std::move(waiter)); }
  void remove(const Waiter* waiter);
  void signal_all(Shard& from);
  bool empty() const { return waiters_.empty(); }
  size_t size() const { return waiters_.size(); }

 private:
  // Thousands may wait at one partition, and each of them goes at a time of its own.
  std::unordered_map<const Waiter*, std::shared_ptr<Waiter>> waiters_;
};

}  // namespace milena
