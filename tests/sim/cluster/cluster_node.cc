#include "sim/cluster/cluster_node.h"

#include <utility>

#include "base/check.h"

namespace milena::sim {

ClusterNode::ClusterNode(int id, SimRandom& random, VirtualClock& clock, SimNetwork& network, size_t shards)
    : id_(id), shards_(shards), network_(network), disk_(random), machine_(random, disk_, &clock) {
  CHECK(disk_.make_directories("/a").ok());
}

ClusterNode::~ClusterNode() {
  if (alive_) bury(false);
}

std::vector<uint16_t> ClusterNode::ports() const {
  std::vector<uint16_t> all;
  for (const auto& [port, name] : listeners_) all.push_back(port);
  return all;
}

std::unique_ptr<broker::Link> ClusterNode::connect(size_t shard, const std::string&, uint16_t port,
                                                   broker::LinkWatcher& watcher) {
  return network_.connect(this, shard, port, watcher);
}

void ClusterNode::start() {
  CHECK(!alive_);
  life_++;
  alive_ = true;
  leaving_ = ended_ = without_power_ = false;
  error_.clear();
  std::vector<Executor*> loops = machine_.start_loops(shards_);
  machine_.start_main([this, loops] {
    broker::NodeSurroundings surroundings;
    surroundings.network = this;
    surroundings.pump = [this] { machine_.wait_in_main(); };
    auto node = broker::Node::start(settings_, loops, disk_, std::move(surroundings));
    if (node) {
      node_ = node.take();
    } else {
      error_ = node.error().message;
      ended_ = true;
    }
  });
}

void ClusterNode::stop() {
  CHECK(listens() && !machine_.main_runs());
  machine_.start_main([this] {
    node_->leave();
    leaving_ = true;
    network_.close_by_server(*this);
    auto closed = std::make_shared<size_t>(0);
    for (size_t i = 0; i < shards_; i++) {
      machine_.loop(i).post([this, i, closed] {
        node_->close_shard(i);
        ++*closed;
      });
    }
    // The last checkpoints are written after those that are being written now.
    while (*closed < shards_ || machine_.workers() > 0) machine_.wait_in_main();
    node_->finish_stop();
    ended_ = true;
  });
}

void ClusterNode::bury(bool with_machine) {
  machine_.never_kill();
  machine_.bury_workers();
  network_.process_died(*this, with_machine);
  node_.reset();
  machine_.bury_loops();
  alive_ = false;
  paused_until_ms_ = 0;
  without_power_ = with_machine;
  if (with_machine) disk_.lose_power();
}

}  // namespace milena::sim
