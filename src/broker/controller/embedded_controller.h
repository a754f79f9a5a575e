// EmbeddedController: the controller of this node as handlers reach it. Each request is decided by the pure controller
// (metadata/controller.h) through MetadataRuntime; a deadline does not matter to it, as nothing is on a wire.
#pragma once

#include <memory>

#include "broker/controller/controller_channel.h"

namespace milena::broker {

class BrokerSessions;
class LeaderElections;
class MetadataRuntime;

class EmbeddedController final : public ControllerChannel {
 public:
  explicit EmbeddedController(MetadataRuntime& runtime);
  ~EmbeddedController() override;

  // On the controller's shard: the brokers that the log takes for living have a session from now on.
  void start_sessions();
  // From any shard: the connection of that broker's heartbeats was closed by its side.
  void broker_disconnected(Shard& from, int32_t broker_id, int64_t broker_epoch);
  // On the controller's shard, at the end.
  void stop();

  void create_topics_for_use(Shard& from, std::vector<Bytes> names, std::optional<ControllerRequestContext> client,
                             Task done) override;
  void next_producer_id(Shard& from, std::function<void(Result<int64_t>)> done) override;
  void send_any(Shard& from, OutgoingRequest request, ControllerRequestContext context, OutgoingReply reply) override;

 private:
  MetadataRuntime& runtime_;
  std::unique_ptr<BrokerSessions> sessions_;
  std::unique_ptr<LeaderElections> elections_;
};

}  // namespace milena::broker
