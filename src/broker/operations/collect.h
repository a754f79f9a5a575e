// collect_figures(): asks every shard for what it knows, and puts it together.
//
// Each shard looks at its own in slices, between which it serves its clients; what is made of all that (order, labels,
// lags) is worked out on another thread. Nothing is opened or read for it: a log that nobody used since the start is
// told of as far as the checkpoints know it.
#pragma once

#include <functional>
#include <memory>

#include "broker/operations/node_figures.h"

namespace milena::broker {

class Shard;

enum class Look {
  kHealth,  // partitions and directories alone
  kAll,
  kDoctor,  // all, and what only /doctor asks for; without the offsets of groups
};

// `done` runs on `from`, with figures that are not complete() yet.
void collect_figures(Shard& from, Look look, std::function<void(std::shared_ptr<NodeFigures>)> done);

}  // namespace milena::broker
