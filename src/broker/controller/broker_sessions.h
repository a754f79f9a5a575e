// BrokerSessions: when the controller last heard from each broker of another process. A broker that is silent for
// broker.session.timeout.ms is fenced. A broker whose process has died is fenced as soon as its kernel has closed the
// connection of its heartbeats (milena.broker.disconnect.grace.ms), unless it is heard from on another one.
//
// A part of the embedded controller, on its shard. A node without such brokers has no timer here. Source: Kafka's
// BrokerHeartbeatManager.
#pragma once

#include <cstdint>
#include <map>

#include "base/executor.h"
#include "metadata/controller.h"

namespace milena::broker {

class MetadataRuntime;

class BrokerSessions {
 public:
  explicit BrokerSessions(MetadataRuntime& runtime) : runtime_(runtime) {}

  // Starts a session for each broker that is not fenced in the metadata.
  void start();
  void stop();

  metadata::Controller::BrokerContact contact(int32_t broker_id) const;
  // A registration or a heartbeat was accepted.
  void touch(int32_t broker_id, int64_t broker_epoch);
  // How far the broker has followed the metadata.
  void note_offset(int32_t broker_id, int64_t metadata_offset);
  // The broker began to shut down when the metadata ended at `offset`.
  void note_shutdown(int32_t broker_id, int64_t offset);
  void forget(int32_t broker_id) { sessions_.erase(broker_id); }
  void on_disconnected(int32_t broker_id, int64_t broker_epoch);

 private:
  struct SessionState {
    int64_t broker_epoch = -1;
    int64_t heard_ms = 0;
    int64_t expires_ms = 0;
    int64_t metadata_offset = -1;
    int64_t shutdown_offset = -1;
    // Read from the log, and not heard from yet: the broker may have stopped as this controller had.
    bool assumed = false;
  };

  void arm(int64_t at_ms);
  void expire();
  void fence(int32_t broker_id, int64_t broker_epoch, const char* why);

  MetadataRuntime& runtime_;
  std::map<int32_t, SessionState> sessions_;
  TimerId timer_ = 0;
  int64_t timer_ms_ = 0;
  bool stopped_ = false;
};

}  // namespace milena::broker
