// EmbeddedController: how handlers reach the controller of this node. The pure controller (metadata/controller.h)
// decides each request through MetadataRuntime. Deadlines are not needed, as nothing goes over a wire.
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

  // On the controller's shard: starts a session for each broker that is not fenced in the log.
  void start_sessions();
  // From any shard: that broker closed the connection of its heartbeats.
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
