// ClusterNode: the lives of one node of a simulated cluster, on a disk and a machine of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/node.h"
#include "config/settings.h"
#include "sim/cluster/sim_network.h"
#include "sim/node/virtual_disk.h"
#include "sim/node/virtual_machine.h"

namespace milena::sim {

class ClusterNode final : private broker::Network {
 public:
  ClusterNode(int id, SimRandom& random, VirtualClock& clock, SimNetwork& network, size_t shards);
  ~ClusterNode() override;

  int id() const { return id_; }
  size_t shard_count() const { return shards_; }
  VirtualDisk& disk() { return disk_; }
  VirtualMachine& machine() { return machine_; }
  config::Settings& settings() { return settings_; }
  void add_listener(const std::string& name, uint16_t port) { listeners_[port] = name; }
  std::vector<uint16_t> ports() const;
  std::string listener_at(uint16_t port) const { return listeners_.at(port); }

  // Starts its main thread, which starts the node.
  void start();
  // Like SIGTERM.
  void stop();
  // Removes a process that has died or ended. `with_machine`: the power is off until the next start, and unsynced data
  // is lost.
  void bury(bool with_machine);

  // Counts its processes.
  uint64_t life() const { return life_; }
  // Whether there is a process.
  bool alive() const { return alive_ && !machine_.dead(); }
  // Whether there is one that was not buried.
  bool has_process() const { return alive_; }
  // Whether connections are accepted.
  bool listens() const { return alive() && node_ != nullptr && !leaving_; }
  bool leaving() const { return leaving_; }
  // It has ended by itself; error() has the error of a failed start.
  bool ended() const { return ended_; }
  const std::string& error() const { return error_; }
  bool without_power() const { return without_power_; }
  // No turn until then, as under SIGSTOP.
  void pause_until(int64_t ms) { paused_until_ms_ = ms; }
  int64_t paused_until_ms() const { return paused_until_ms_; }

  // Only if it listens().
  broker::Node& node() { return *node_; }
  // Null before it has started.
  broker::Node* node_or_null() { return node_.get(); }
  Executor& executor(size_t shard) { return machine_.loop(shard); }

 private:
  std::unique_ptr<broker::Link> connect(size_t shard, const std::string& host, uint16_t port,
                                        broker::LinkWatcher& watcher) override;

  int id_;
  size_t shards_;
  SimNetwork& network_;
  VirtualDisk disk_;
  VirtualMachine machine_;
  config::Settings settings_;
  std::map<uint16_t, std::string> listeners_;
  std::unique_ptr<broker::Node> node_;
  uint64_t life_ = 0;
  bool alive_ = false;
  bool leaving_ = false;
  bool ended_ = false;
  std::string error_;
  bool without_power_ = false;
  int64_t paused_until_ms_ = 0;
};

}  // namespace milena::sim
