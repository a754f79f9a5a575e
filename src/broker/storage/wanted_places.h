// WantedPlaces: in which log directory replicas shall be made that this broker does not have yet. AlterReplicaLogDirs
// names them before a topic is created or a replica is assigned (kafka-reassign-partitions does so); who makes the
// replica takes it. Forgotten with the process. Any thread. Source: Kafka's LogManager.maybeUpdatePreferredLogDir.
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
  // A client may name partitions that never come.
  static constexpr size_t kMost = 20'000;

  // False where too many are remembered.
  bool want(const TopicPartition& name, log::LogDirectory& place) {
    std::lock_guard lock(mutex_);
    const auto found = places_.find(name);
    if (found == places_.end() && places_.size() >= kMost) return false;
    places_.insert_or_assign(name, &place);
    return true;
  }
  // Null if nobody named one.
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
