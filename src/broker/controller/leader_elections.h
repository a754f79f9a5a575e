// LeaderElections: the elections that the controller holds by itself at intervals. Leadership goes back to preferred
// replicas (auto.leader.rebalance.enable, leader.imbalance.check.interval.seconds). Partitions without a leader whose
// topics allow an unclean one get it (unclean.leader.election.enable, unclean.leader.election.interval.ms); after a
// change of the setting at once, where Kafka waits for the interval.
//
// A part of the embedded controller, on its shard. Without a listener for other brokers there is nothing to elect, and
// no timer. Source: Kafka's QuorumController (maybeBalancePartitionLeaders, maybeElectUncleanLeaders).
#pragma once

#include <functional>

#include "base/executor.h"
#include "metadata/controller.h"

namespace milena::broker {

class MetadataRuntime;

class LeaderElections {
 public:
  explicit LeaderElections(MetadataRuntime& runtime);

  void start();
  void stop();
  // Does not wait for the interval. Does nothing if elections were not started.
  void elect_uncleanly_now();

 private:
  // One kind of election.
  struct Round {
    metadata::ControllerEffects<size_t> (metadata::Controller::*elect)(size_t most) const;
    std::function<int64_t()> interval_ms;
    const char* elected_text;
    TimerId timer = 0;
  };

  void check(Round& round);
  void check_in(Round& round, int64_t ms);

  MetadataRuntime& runtime_;
  Round preferred_;
  Round unclean_;
  bool runs_ = false;
};

}  // namespace milena::broker
