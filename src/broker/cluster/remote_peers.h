// RemotePeers: requests to the other brokers of a cluster, over one connection per shard and purpose, at the
// inter-broker listener. A request to this node itself is a plain call.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "broker/cluster/node_connection.h"
#include "broker/coordinators/peer.h"
#include "config/settings.h"

namespace milena::broker {

class ShardContext;

// The broker's inter-broker address; nullopt if it is not in the metadata.
std::optional<NodeAddress> inter_broker_address(const ShardContext& shard, int32_t broker_id);

class RemotePeers final : public Peers {
 public:
  RemotePeers(Network& network, size_t shards) : network_(network), connections_(shards) {}

  void send_any(Shard& from, int32_t node, OutgoingRequest request, OutgoingReply reply) override;
  void on_fenced(ShardContext& from, int32_t node) override;
  // On the shard's thread, at the end.
  void close(const ShardContext& shard);

 private:
  Network& network_;
  LocalPeers local_;
  using Purpose = std::pair<int32_t, ApiKey>;
  std::vector<std::map<Purpose, std::shared_ptr<NodeConnection>>> connections_;  // by shard
};

}  // namespace milena::broker
