// BrokerLifecycle: this broker's state at a controller on another node: it registers, sends heartbeats, is fenced until
// it has caught up with the metadata, is in service, and hands over its leaderships before it stops.
//
// Lives on the controller's shard (shard 0). Source: Kafka's BrokerLifecycleManager.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/cluster/active_controller.h"
#include "metadata/image.h"
#include "protocol/messages/broker_heartbeat.h"
#include "protocol/messages/broker_registration.h"

namespace milena::broker {

struct BrokerIdentity {
  int32_t node_id = -1;
  std::string cluster_id;
  Uuid incarnation_id;
  std::vector<metadata::EndpointImage> listeners;
  std::optional<Bytes> rack;
  std::vector<Uuid> log_dirs;
  int64_t previous_epoch = -1;
  int64_t heartbeat_interval_ms = 2000;
  int64_t registration_timeout_ms = 60'000;
  int64_t request_timeout_ms = 30'000;
};

class BrokerLifecycle {
 public:
  enum class State {
    kUnregistered,
    kCatchingUp,    // registered, fenced
    kReady,         // caught up, according to the controller
    kInService,     // not fenced
    kShuttingDown,  // hands over leaderships
    kEnded,         // may stop
  };

  // `metadata_offset` returns the last offset of the metadata that is applied here.
  BrokerLifecycle(Executor& executor, std::unique_ptr<ActiveController> controller, BrokerIdentity identity,
                  std::function<int64_t()> metadata_offset);
  ~BrokerLifecycle();

  void start();
  // Everything is loaded: the controller may unfence this broker.
  void serve();
  // Hands over the leaderships of this broker.
  void shut_down();
  void stop();

  State state() const { return state_; }
  int64_t broker_epoch() const { return epoch_; }
  // Not empty: the controller refused this broker permanently, or was not reached in time.
  const std::string& failure() const { return failure_; }
  // Called at every change of state, and at a failure.
  void set_on_change(Task changed) { on_change_ = std::move(changed); }
  ActiveController& controller() { return *controller_; }
  // Metadata was applied. If the controller waits for this broker to catch up, a heartbeat is sent at once.
  void on_metadata();
  // The replicas in this directory are lost.
  void directory_failed(const Uuid& id);
  void set_cordoned(std::vector<Uuid> cordoned);

 private:
  void register_broker();
  void on_registered(ErrorCode error, const BrokerRegistrationResponse& response);
  void retry_registration(const std::string& why);
  void heartbeat_in(int64_t ms);
  void heartbeat();
  void on_heartbeat(ErrorCode error, const BrokerHeartbeatResponse& response);
  void enter(State state);
  void fail(std::string why);

  Executor& executor_;
  std::unique_ptr<ActiveController> controller_;
  BrokerIdentity identity_;
  std::function<int64_t()> metadata_offset_;
  State state_ = State::kUnregistered;
  int64_t epoch_ = -1;
  int64_t registration_deadline_ms_ = 0;
  int64_t registration_pause_ms_ = 0;
  bool serves_ = false;
  bool wants_shutdown_ = false;
  bool stopped_ = false;
  bool waited_told_ = false;
  bool under_way_ = false;
  bool again_at_once_ = false;
  TimerId timer_ = 0;
  std::vector<Uuid> offline_;
  std::optional<std::vector<Uuid>> cordoned_;
  std::string failure_;
  Task on_change_;
};

}  // namespace milena::broker
