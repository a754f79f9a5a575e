#include "broker/cluster/broker_lifecycle.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "metadata/features.h"

namespace milena::broker {
namespace {

constexpr int64_t kFirstRegistrationPause_ms = 50;
constexpr int64_t kMaxRegistrationPause_ms = 1000;
// Until the broker is in service it sends heartbeats more often, as in Kafka.
constexpr int64_t kCatchingUpInterval_ms = 10;

std::shared_ptr<BrokerRegistrationRequest> registration_of(const BrokerIdentity& identity) {
  auto request = std::make_shared<BrokerRegistrationRequest>();
  request->broker_id = identity.node_id;
  request->cluster_id = identity.cluster_id;
  request->incarnation_id = identity.incarnation_id;
  for (const metadata::EndpointImage& one : identity.listeners) {
    auto& listener = request->listeners.emplace_back();
    listener.name = one.name;
    listener.host = one.host;
    listener.port = one.port;
    listener.security_protocol = one.security_protocol;
  }
  for (const metadata::FeatureRange& one : metadata::supported_features()) {
    auto& feature = request->features.emplace_back();
    feature.name = one.name;
    feature.min_supported_version = one.min_version;
    feature.max_supported_version = one.max_version;
  }
  request->rack.reset();
  if (identity.rack) request->rack = *identity.rack;
  request->log_dirs = identity.log_dirs;
  request->previous_broker_epoch = identity.previous_epoch;
  return request;
}

// Errors that another attempt will not change.
bool is_final(ErrorCode error) {
  return error == ErrorCode::kInconsistentClusterId || error == ErrorCode::kUnsupportedVersion ||
         error == ErrorCode::kInvalidRegistration;
}

}  // namespace

BrokerLifecycle::BrokerLifecycle(Executor& executor, std::unique_ptr<ActiveController> controller,
                                 BrokerIdentity identity, std::function<int64_t()> metadata_offset)
    : executor_(executor),
      controller_(std::move(controller)),
      identity_(std::move(identity)),
      metadata_offset_(std::move(metadata_offset)) {}

BrokerLifecycle::~BrokerLifecycle() { stop(); }

void BrokerLifecycle::start() {
  registration_deadline_ms_ = executor_.clock().steady_ms() + identity_.registration_timeout_ms;
  register_broker();
}

void BrokerLifecycle::stop() {
  if (std::exchange(stopped_, true)) return;
  executor_.cancel(std::exchange(timer_, 0));
  controller_->close();
}

void BrokerLifecycle::enter(State state) {
  if (state_ == state) return;
  state_ = state;
  if (on_change_) on_change_();
}

void BrokerLifecycle::fail(std::string why) {
  failure_ = std::move(why);
  if (on_change_) on_change_();
}

// --- registration

void BrokerLifecycle::register_broker() {
  if (stopped_) return;
  auto request = registration_of(identity_);
  auto bytes_of = std::shared_ptr<const BrokerRegistrationRequest>(request);
  controller_->send(outgoing_request<BrokerRegistrationResponse>(bytes_of, BrokerRegistrationRequest::kMaxVersion),
                    executor_.clock().steady_ms() + identity_.request_timeout_ms,
                    outgoing_reply<BrokerRegistrationResponse>(
                        [this](ErrorCode error, const BrokerRegistrationResponse& response) {
                          on_registered(error, response);
                        }));
}

void BrokerLifecycle::on_registered(ErrorCode error, const BrokerRegistrationResponse& response) {
  if (stopped_) return;
  if (error != ErrorCode::kNone) return retry_registration(controller_->last_failure());
  if (response.error_code == ErrorCode::kNone) {
    epoch_ = response.broker_epoch;
    registration_pause_ms_ = 0;
    log_info("Registered with the controller at {}, broker epoch {}", controller_->address().to_string(), epoch_);
    enter(State::kCatchingUp);
    return heartbeat();
  }
  if (response.error_code == ErrorCode::kNotController) controller_->try_another();
  if (is_final(response.error_code)) {
    return fail(fmt::format("the controller at {} refused the registration of this broker: {}",
                            controller_->address().to_string(), error_name(response.error_code)));
  }
  retry_registration(std::string(error_name(response.error_code)));
}

void BrokerLifecycle::retry_registration(const std::string& why) {
  const int64_t now_ms = executor_.clock().steady_ms();
  if (state_ == State::kUnregistered && now_ms >= registration_deadline_ms_) {
    return fail(fmt::format("no controller has registered this broker within "
                            "initial.broker.registration.timeout.ms={}; the last attempt was at {}: {}",
                            identity_.registration_timeout_ms, controller_->address().to_string(), why));
  }
  if (!std::exchange(waited_told_, true)) {
    log_info("Waiting for the controller at {} to register this broker ({})", controller_->address().to_string(), why);
  }
  registration_pause_ms_ = std::clamp(registration_pause_ms_ * 2, kFirstRegistrationPause_ms, kMaxRegistrationPause_ms);
  timer_ = executor_.call_after(registration_pause_ms_, [this] {
    timer_ = 0;
    register_broker();
  });
}

// --- heartbeats

void BrokerLifecycle::serve() {
  serves_ = true;
  heartbeat_in(0);
}

void BrokerLifecycle::shut_down() {
  if (stopped_ || epoch_ < 0) return enter(State::kEnded);
  wants_shutdown_ = true;
  enter(State::kShuttingDown);
  heartbeat_in(0);
}

void BrokerLifecycle::on_metadata() {
  if (state_ == State::kCatchingUp || state_ == State::kShuttingDown) heartbeat_in(0);
}

void BrokerLifecycle::directory_failed(const Uuid& id) {
  offline_.push_back(id);
  heartbeat_in(0);
}

void BrokerLifecycle::set_cordoned(std::vector<Uuid> cordoned) {
  if (cordoned_ == cordoned || (!cordoned_ && cordoned.empty())) return;
  cordoned_ = std::move(cordoned);
  heartbeat_in(0);
}

void BrokerLifecycle::heartbeat_in(int64_t ms) {
  if (stopped_ || state_ == State::kUnregistered || state_ == State::kEnded) return;
  if (under_way_) {
    again_at_once_ |= ms == 0;
    return;
  }
  executor_.cancel(timer_);
  timer_ = executor_.call_after(ms, [this] {
    timer_ = 0;
    heartbeat();
  });
}

void BrokerLifecycle::heartbeat() {
  if (stopped_ || under_way_) return;
  executor_.cancel(std::exchange(timer_, 0));
  under_way_ = true;
  again_at_once_ = false;
  auto request = std::make_shared<BrokerHeartbeatRequest>();
  request->broker_id = identity_.node_id;
  request->broker_epoch = epoch_;
  request->current_metadata_offset = metadata_offset_();
  request->want_fence = !serves_ && !wants_shutdown_;
  request->want_shut_down = wants_shutdown_;
  request->offline_log_dirs = offline_;
  request->cordoned_log_dirs = cordoned_;
  std::shared_ptr<const BrokerHeartbeatRequest> message(request);
  controller_->send(outgoing_request<BrokerHeartbeatResponse>(message, BrokerHeartbeatRequest::kMaxVersion),
                    executor_.clock().steady_ms() + identity_.request_timeout_ms,
                    outgoing_reply<BrokerHeartbeatResponse>(
                        [this](ErrorCode error, const BrokerHeartbeatResponse& response) {
                          on_heartbeat(error, response);
                        }));
}

void BrokerLifecycle::on_heartbeat(ErrorCode error, const BrokerHeartbeatResponse& response) {
  under_way_ = false;
  if (stopped_) return;
  if (error == ErrorCode::kNone) error = response.error_code;
  if (error == ErrorCode::kStaleBrokerEpoch || error == ErrorCode::kBrokerIdNotRegistered) {
    log_warn("the controller no longer knows this broker ({}); the broker registers again", error_name(error));
    return register_broker();
  }
  if (error == ErrorCode::kNotController) controller_->try_another();
  // The next heartbeat opens the connection again, soon, so that the session does not expire.
  if (error != ErrorCode::kNone) return heartbeat_in(kFirstRegistrationPause_ms);
  if (wants_shutdown_) {
    if (response.should_shut_down) return enter(State::kEnded);
    return heartbeat_in(again_at_once_ ? 0 : kCatchingUpInterval_ms);
  }
  if (!response.is_fenced) {
    if (state_ != State::kInService) log_info("This broker is unfenced");
    enter(State::kInService);
  } else if (response.is_caught_up) {
    if (state_ == State::kInService) log_warn("This broker is fenced by the controller");
    enter(State::kReady);
  } else {
    enter(State::kCatchingUp);
  }
  const bool settled = state_ == State::kInService || (state_ == State::kReady && !serves_);
  if (again_at_once_ || (serves_ && state_ == State::kReady)) return heartbeat_in(settled ? 0 : kCatchingUpInterval_ms);
  heartbeat_in(settled ? identity_.heartbeat_interval_ms : kCatchingUpInterval_ms);
}

}  // namespace milena::broker
