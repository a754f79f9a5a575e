// Waiters: how a request waits for a partition to move (Kafka's purgatories).
//
// A parked request makes one Waiter, registers it at every partition it looks at, on their shards, and is told on its
// own shard, at most once a turn, that something moved; it then looks again. Nothing is promised about what moved.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "base/executor.h"

namespace milena::broker {

class ShardContext;

class Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  // `on_progress` runs on `home`'s thread, until finish().
  Waiter(ShardContext& home, Task on_progress);

  // By shard, and there in the order in which they were made.
  using Id = std::pair<size_t, uint64_t>;
  const Id& id() const { return id_; }

  // Something moved. From any shard's thread, which passes itself as `from`.
  void signal(ShardContext& from);
  // On home's thread: the request is answered, no more calls. Registrations left behind do nothing.
  void finish();

 private:
  void schedule();

  ShardContext& home_;
  const Id id_;
  Task on_progress_;     // home's thread only; empty when finished
  bool scheduled_ = false;
};

// The waiters registered at one partition; lives with it. Each is told once and then has to register again.
class WaiterList {
 public:
  void add(std::shared_ptr<Waiter> waiter) { waiters_.emplace(waiter->id(), std::move(waiter)); }
  void remove(const Waiter& waiter);
  void signal_all(ShardContext& from);
  bool empty() const { return waiters_.empty(); }
  size_t size() const { return waiters_.size(); }

 private:
  // Thousands may wait at one partition, and each of them goes at a time of its own. They are told in an order that
  // every run of the node repeats.
  std::map<Waiter::Id, std::shared_ptr<Waiter>> waiters_;
};

}  // namespace milena::broker
