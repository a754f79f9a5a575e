// ActiveController: sends requests to the controller that leads the quorum, over a connection of its own. It begins
// with the addresses of the settings, and goes on to the next one if a node is not reached or does not lead. The
// observer of the metadata log calls use() when it learns the leader, which is from then on among those in turn.
//
// Lives on one shard. Each purpose has its own, since a node answers the requests of a connection one after the other.
#pragma once

#include <memory>
#include <vector>

#include "broker/cluster/controller_addresses.h"
#include "broker/cluster/node_connection.h"

namespace milena::broker {

class ActiveController {
 public:
  // `known` must not be empty.
  ActiveController(Executor& executor, Network& network, size_t shard, std::vector<NodeAddress> known,
                   std::string client_id);
  ~ActiveController();

  // Like NodeConnection::send. After kNetworkException and kRequestTimedOut the next request goes to another
  // controller.
  void send(OutgoingRequest request, int64_t deadline_ms, OutgoingReply reply);
  // The node answered that it does not lead (NOT_CONTROLLER).
  void try_another();
  void use(const NodeAddress& leader);
  const NodeAddress& address() const { return connection_->address(); }
  const std::string& last_failure() const { return connection_->last_failure(); }
  void close() { connection_->close(); }

 private:
  void connect_to(NodeAddress address);

  Executor& executor_;
  Network& network_;
  const size_t shard_;
  ControllerAddresses addresses_;
  const std::string client_id_;
  std::shared_ptr<NodeConnection> connection_;
};

}  // namespace milena::broker
