// OutgoingNetwork: the connections that this node opens to others, over sockets (broker/cluster/network.h). Names are
// looked up on a worker; the addresses of a name are tried one after the other.
#pragma once

#include "broker/cluster/network.h"
#include "net/loop_group.h"

namespace milena {

class OutgoingNetwork final : public Network {
 public:
  // The loops outlive it.
  explicit OutgoingNetwork(LoopGroup& loops) : loops_(loops) {}

  std::unique_ptr<Link> connect(size_t shard, const std::string& host, uint16_t port, LinkWatcher& watcher) override;

 private:
  LoopGroup& loops_;
};

}  // namespace milena
