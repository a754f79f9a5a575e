// LeaderBalance: gives leadership back to preferred replicas now and then (auto.leader.rebalance.enable,
// leader.imbalance.check.interval.seconds).
//
// A part of the embedded controller, on its shard. Without a listener for other brokers there is nothing to balance,
// and no timer. Source: Kafka's QuorumController (maybeBalancePartitionLeaders).
#pragma once

#include "base/executor.h"

namespace milena {

class MetadataRuntime;

class LeaderBalance {
 public:
  explicit LeaderBalance(MetadataRuntime& runtime) : runtime_(runtime) {}

  void start();
  void stop();

 private:
  void check();
  void check_in(int64_t ms);
  int64_t interval_ms() const;

  MetadataRuntime& runtime_;
  TimerId timer_ = 0;
  bool stopped_ = false;
};

}  // namespace milena
