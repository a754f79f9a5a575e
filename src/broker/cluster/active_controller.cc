#include "broker/cluster/active_controller.h"

#include <utility>

namespace milena::broker {

ActiveController::ActiveController(Executor& executor, Network& network, size_t shard, std::vector<NodeAddress> known,
                                   std::string client_id)
    : executor_(executor),
      network_(network),
      shard_(shard),
      addresses_(std::move(known)),
      client_id_(std::move(client_id)) {
  connect_to(addresses_.first());
}

ActiveController::~ActiveController() = default;

void ActiveController::connect_to(NodeAddress address) {
  auto old = std::exchange(connection_, std::make_shared<NodeConnection>(executor_, network_, shard_,
                                                                         std::move(address), client_id_));
  NodeConnection::retire(std::move(old), "another controller is active");
}

void ActiveController::send(OutgoingRequest request, int64_t deadline_ms, OutgoingReply reply) {
  connection_->send(std::move(request), deadline_ms,
                    [this, asked = connection_.get(), reply = std::move(reply)](ErrorCode error,
                                                                                std::shared_ptr<void> response) {
                      const bool lost =
                          error == ErrorCode::kNetworkException || error == ErrorCode::kRequestTimedOut;
                      if (lost && asked == connection_.get()) try_another();
                      reply(error, std::move(response));
                    });
}

void ActiveController::try_another() {
  NodeAddress other = addresses_.other_than(connection_->address());
  if (other != connection_->address()) connect_to(std::move(other));
}

void ActiveController::use(const NodeAddress& leader) {
  addresses_.set_leader(leader);
  if (connection_->address() != leader) connect_to(leader);
}

}  // namespace milena::broker
