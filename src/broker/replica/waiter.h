// Waiters: how a request waits for a partition to move (Kafka's purgatories).
//
// A parked request makes one Waiter and registers it at all of its partitions, on their shards. It is called on its own
// shard, at most once a turn, when something has moved; it then looks again. It does not learn what has moved.
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

  // The shard, and a number in order of creation.
  using Id = std::pair<size_t, uint64_t>;
  const Id& id() const { return id_; }

  // Something has moved. From any shard's thread, which passes itself as `from`.
  void signal(ShardContext& from);
  // On home's thread: the request is answered, and on_progress is not called any more. Remaining registrations do
  // nothing.
  void finish();

 private:
  void schedule();

  ShardContext& home_;
  const Id id_;
  Task on_progress_;     // home's thread only; empty when finished
  bool scheduled_ = false;
};

// The waiters registered at one partition; lives with it. Each is notified once and then has to register again.
class WaiterList {
 public:
  void add(std::shared_ptr<Waiter> waiter) { waiters_.emplace(waiter->id(), std::move(waiter)); }
  void remove(const Waiter& waiter);
  void signal_all(ShardContext& from);
  bool empty() const { return waiters_.empty(); }
  size_t size() const { return waiters_.size(); }

 private:
  // Thousands may wait at one partition, and leave in any order. They are notified in an order that every run of the
  // node repeats.
  std::map<Waiter::Id, std::shared_ptr<Waiter>> waiters_;
};

}  // namespace milena::broker
