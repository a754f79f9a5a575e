// RemoteController: how handlers reach the controller of another node. Clients' requests are forwarded in an Envelope
// with the client's principal. A request is sent again if the node is not the controller any more, until the deadline.
//
// Handlers call from any shard; the connection is on the controller's shard. Source: Kafka's ForwardingManager,
// AutoTopicCreationManager, RPCProducerIdManager.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/cluster/active_controller.h"
#include "broker/controller/controller_channel.h"

namespace milena::broker {

class RemoteController final : public ControllerChannel {
 public:
  // `broker_epoch` is called on the home shard.
  RemoteController(Shard& home, std::unique_ptr<ActiveController> controller, std::function<int64_t()> broker_epoch);
  ~RemoteController() override;

  void create_topics_for_use(Shard& from, std::vector<Bytes> names, std::optional<ControllerRequestContext> client,
                             Task done) override;
  void next_producer_id(Shard& from, std::function<void(Result<int64_t>)> done) override;
  void send_any(Shard& from, OutgoingRequest request, ControllerRequestContext context, OutgoingReply reply) override;

  // On the home shard.
  ActiveController& controller() { return *controller_; }

 private:
  struct Forward;
  struct WantsProducerId {
    Shard* from;
    std::function<void(Result<int64_t>)> done;
  };

  void begin(const std::shared_ptr<Forward>& what);
  void forward(const std::shared_ptr<Forward>& what);
  void send_as_broker(const std::shared_ptr<Forward>& what);
  void retry(const std::shared_ptr<Forward>& what);
  void answer(const std::shared_ptr<Forward>& what, ErrorCode error, std::shared_ptr<void> response);
  void answer_when_usable(const std::shared_ptr<Forward>& what, std::shared_ptr<void> response);
  void wait_for_topics(std::vector<Bytes> names, int64_t deadline_ms, Task done);
  void hand_out_producer_ids();
  void allocate_producer_ids();
  void fail_producer_ids(ErrorCode error);

  Shard& home_;
  std::unique_ptr<ActiveController> controller_;
  std::function<int64_t()> broker_epoch_;
  std::vector<WantsProducerId> want_producer_id_;
  bool allocating_ = false;
  int64_t next_producer_id_ = 0;
  int64_t producer_ids_end_ = 0;
};

}  // namespace milena::broker
