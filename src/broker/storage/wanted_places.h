// WantedPlaces: the log directories that clients chose for replicas that do not exist here yet. AlterReplicaLogDirs
// names them before a topic is created or a replica is assigned (kafka-reassign-partitions does so); the creation of
// the replica takes the entry. Lost at a restart. Any thread. Source: Kafka's LogManager.maybeUpdatePreferredLogDir.
#pragma once

#include <map>
#include <mutex>

#include "base/topic_partition.h"

namespace milena::log {
class LogDirectory;
}  // namespace milena::log

namespace milena::broker {

class WantedPlaces {
 public:
  // Bounded, since a client may name partitions that are never created.
  static constexpr size_t kMax = 20'000;

  // Returns false if too many are remembered.
  bool want(const TopicPartition& name, log::LogDirectory& place) {
    std::lock_guard lock(mutex_);
    const auto found = places_.find(name);
    if (found == places_.end() && places_.size() >= kMax) return false;
    places_.insert_or_assign(name, &place);
    return true;
  }
  // Returns null if no client chose one.
  log::LogDirectory* take(const TopicPartition& name) {
    std::lock_guard lock(mutex_);
    auto node = places_.extract(name);
    return node.empty() ? nullptr : node.mapped();
  }

 private:
  std::mutex mutex_;  // guards places_
  std::map<TopicPartition, log::LogDirectory*> places_;
};

}  // namespace milena::broker
