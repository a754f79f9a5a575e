#include "broker/cluster/remote_peers.h"

#include <utility>

#include "broker/cluster/peer_security.h"
#include "broker/shard.h"

namespace milena::broker {

std::optional<NodeAddress> inter_broker_address(const ShardContext& shard, int32_t broker_id) {
  const metadata::BrokerImage* broker = shard.image().find_broker(broker_id);
  if (broker == nullptr || broker->endpoints.empty()) return std::nullopt;
  const metadata::EndpointImage* endpoint = broker->endpoint(inter_broker_listener(*shard.node().settings));
  if (endpoint == nullptr) endpoint = &broker->endpoints.front();
  return NodeAddress{std::string(endpoint->host), endpoint->port};
}

void RemotePeers::send_any(Shard& from, int32_t node, OutgoingRequest request, OutgoingReply reply) {
  if (node == from.node().node_id) return local_.send_any(from, node, std::move(request), std::move(reply));
  const auto address = inter_broker_address(from, node);
  if (!address || from.closed()) return reply(ErrorCode::kNetworkException, nullptr);
  // A node answers a connection's requests one after the other, and a marker may wait for replicas, so each kind of
  // request has its own connection.
  auto& connection = connections_[from.index()][{node, request.key}];
  if (connection == nullptr || connection->address() != *address) {
    auto old = std::exchange(connection, std::make_shared<NodeConnection>(
                                             from.executor(), network_, from.index(), *address,
                                             "broker-" + std::to_string(from.node().node_id)));
    NodeConnection::retire(std::move(old), "the broker has a new address");
  }
  connection->send(std::move(request), from.steady_ms() + from.settings().get_int("request.timeout.ms"),
                   std::move(reply));
}

void RemotePeers::on_fenced(ShardContext& from, int32_t node) {
  auto& all = connections_[from.index()];
  for (auto at = all.lower_bound({node, ApiKey{}}); at != all.end() && at->first.first == node;) {
    from.executor().post([&from, old = std::move(at->second)] {
      // Nobody waits any more when this node stops.
      from.closed() ? old->close() : NodeConnection::retire(old, "the broker is fenced");
    });
    at = all.erase(at);
  }
}

void RemotePeers::close(const ShardContext& shard) {
  for (auto& [purpose, connection] : connections_[shard.index()]) connection->close();
}

}  // namespace milena::broker
