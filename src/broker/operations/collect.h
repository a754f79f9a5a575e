// collect_figures(): collects the figures of every shard, and merges them.
//
// Each shard collects its figures in slices, and serves its clients in between. Derived values (order, labels, lags)
// are computed on another thread. No log is opened or read for it: a log that was not used since the start has the
// figures of the checkpoints.
#pragma once

#include <functional>
#include <memory>

#include "broker/operations/node_figures.h"

namespace milena::broker {

class Shard;

enum class Look {
  kHealth,  // only partitions and directories
  kAll,
  kDoctor,  // everything, plus the figures of /doctor; without the offsets of groups
};

// `done` runs on `from`, with figures that are not complete() yet.
void collect_figures(Shard& from, Look look, std::function<void(std::shared_ptr<NodeFigures>)> done);

}  // namespace milena::broker
