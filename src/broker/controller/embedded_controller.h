// EmbeddedController: the controller of this node as handlers reach it. Each request is decided by the pure controller
// (metadata/controller.h) through MetadataRuntime; a deadline does not matter to it, as nothing is on a wire.
#pragma once

#include "broker/controller/controller_channel.h"

namespace milena {

class MetadataRuntime;

class EmbeddedController final : public ControllerChannel {
 public:
  explicit EmbeddedController(MetadataRuntime& runtime) : runtime_(runtime) {}

  void create_topics_for_use(Shard& from, std::vector<Bytes> names, Task done) override;
  void next_producer_id(Shard& from, std::function<void(Result<int64_t>)> done) override;
  void send_any(Shard& from, OutgoingRequest request, ControllerRequestContext context, OutgoingReply reply) override;

 private:
  MetadataRuntime& runtime_;
};

}  // namespace milena
