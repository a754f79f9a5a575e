// Node, as a broker of a cluster whose controllers are other nodes: it joins, enters service, and leaves.
//
// The start waits, on its own thread, for events on shard 0: the metadata is followed until the controller treats this
// broker as caught up, the shards get it, the logs are opened, and the controller unfences the broker. Source: Kafka's
// BrokerServer.startup, BrokerMetadataPublisher.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/log.h"
#include "broker/clients/endpoints.h"
#include "broker/cluster/active_controller.h"
#include "broker/cluster/broker_lifecycle.h"
#include "broker/cluster/metadata_observer.h"
#include "broker/cluster/remote_controller.h"
#include "broker/cluster/remote_peers.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/node.h"
#include "broker/shard.h"
#include "broker/storage/log_directories.h"
#include "protocol/messages/assign_replicas_to_dirs.h"
#include "protocol/messages/describe_cluster.h"

namespace milena::broker {
namespace {

constexpr int8_t kControllerEndpoints = 2;
constexpr int64_t kLookAgain_ms = 50;
// How long a stop waits until others lead this broker's partitions.
constexpr int64_t kLeave_ms = 10'000;
constexpr int64_t kTellAgain_ms = 500;
// The same if this node is the controller: the others learn it at once, or do not listen.
constexpr int64_t kHandover_ms = 2'000;

std::vector<NodeAddress> addresses_of(const std::vector<config::QuorumAddress>& quorum) {
  std::vector<NodeAddress> addresses;
  for (const config::QuorumAddress& one : quorum) addresses.push_back({one.host, one.port});
  return addresses;
}

}  // namespace

// A condition that the starting thread waits for. It is checked on shard 0, after each change there.
struct Node::HomeWait {
  std::mutex mutex;
  std::function<bool()> ready;
  std::condition_variable changed;
  bool done = false;
};

void Node::on_cluster_change() {
  auto wait = home_wait_;
  if (wait == nullptr) return;
  std::lock_guard lock(wait->mutex);
  if (!wait->ready || !wait->ready()) return;
  wait->ready = nullptr;
  wait->done = true;
  wait->changed.notify_all();
}

Status Node::wait_at_home(std::function<bool()> ready, int64_t most_ms) {
  auto wait = std::make_shared<HomeWait>();
  wait->ready = std::move(ready);
  executors_[0]->post([this, wait] {
    home_wait_ = wait;
    on_cluster_change();
  });
  const Clock& clock = executors_[0]->clock();
  const int64_t end_ms = add_saturating(clock.steady_ms(), most_ms);
  bool done = false;
  bool cancelled = false;
  while (!done && !cancelled && clock.steady_ms() < end_ms) {
    if (surroundings_.pump) surroundings_.pump();
    std::unique_lock lock(wait->mutex);
    if (!surroundings_.pump) {
      wait->changed.wait_for(lock, std::chrono::milliseconds(kLookAgain_ms), [&] { return wait->done; });
    }
    done = wait->done;
    cancelled = surroundings_.cancelled && surroundings_.cancelled();
  }
  if (done) return ok_status();
  // The objects of the condition may be gone after this function.
  std::lock_guard lock(wait->mutex);
  if (wait->done) return ok_status();
  wait->ready = nullptr;
  return make_error(ErrorKind::kExhausted, "{}", cancelled ? "stopped while waiting for the controllers"
                                                           : "the controllers did not respond in time");
}

Network& Node::controller_network() const {
  return *(surroundings_.controller_network != nullptr ? surroundings_.controller_network : surroundings_.network);
}

std::unique_ptr<ActiveController> Node::connect_to_controller(const char* purpose) {
  auto quorum = config::quorum_addresses(settings_);
  return std::make_unique<ActiveController>(*executors_[0], controller_network(), 0, addresses_of(*quorum),
                                            fmt::format("broker-{}-{}", context_->node_id, purpose));
}

Status Node::join_cluster() {
  if (surroundings_.network == nullptr) {
    return make_error(ErrorKind::kInvalid, "there is no network to join a cluster");
  }
  auto quorum = config::quorum_addresses(settings_);
  RETURN_IF_ERROR(quorum);
  std::string cluster_id;
  if (!directories_->metadata().meta_properties() && settings_.text("milena.cluster.id").value_or("").empty()) {
    RETURN_IF_ERROR(learn_cluster_id(cluster_id));
  }
  in_use_ = true;
  RETURN_IF_ERROR(directories_->take_into_use(settings_, context_->node_id, cluster_id));
  context_->cluster_id = directories_->cluster_id();
  context_->directory_id = directories_->metadata().id();
  RETURN_IF_ERROR(open_observer());
  start_lifecycle();
  std::optional<metadata::MetadataImage> image;
  int64_t offset = -1;
  RETURN_IF_ERROR(wait_at_home(
      [this, &image, &offset] {
        if (!lifecycle_->failure().empty()) return true;
        if (lifecycle_->state() != BrokerLifecycle::State::kReady || !observer_->has_whole_image()) return false;
        offset = observer_->applied_offset();
        image = observer_->take_image();
        return true;
      },
      INT64_MAX));
  if (!image) return make_error(ErrorKind::kUnsupported, "{}", lifecycle_->failure());
  broker_epoch_ = lifecycle_->broker_epoch();
  std::vector<std::string> doomed;
  RETURN_IF_ERROR(directories_->find_replicas(*image, context_->node_id, LogDirectories::Names::kChecked, doomed));
  misplaced_ = directories_->misplaced(*image, context_->node_id);
  make_shards();
  give_image_to_shards(*image, offset);
  auto controller = std::make_unique<RemoteController>(*shards_[0], connect_to_controller("forwarding"),
                                                       [this] { return lifecycle_->broker_epoch(); });
  // From then on the observer tells it of new leaders.
  RETURN_IF_ERROR(wait_at_home(
      [this, &controller] {
        if (const auto& leader = observer_->leader_address()) controller->controller().use(*leader);
        controller_ = std::move(controller);
        return true;
      },
      INT64_MAX));
  context_->controller = controller_.get();
  if (!doomed.empty()) remove_in_background(std::move(doomed));
  return ok_status();
}

// An unformatted directory joins the cluster of its controllers.
Status Node::learn_cluster_id(std::string& cluster_id) {
  std::shared_ptr<ActiveController> controller = connect_to_controller("cluster-id");
  struct Asked {
    std::function<void()> ask;
    std::string cluster_id;
    std::string failure;
  };
  auto asked = std::make_shared<Asked>();
  Executor& home = *executors_[0];
  asked->ask = [this, weak = std::weak_ptr(asked), controller, &home] {
    DescribeClusterRequest request;
    request.endpoint_type = kControllerEndpoints;
    auto message = std::make_shared<const DescribeClusterRequest>(request);
    controller->send(outgoing_request<DescribeClusterResponse>(message, int16_t{1}),
                     home.clock().steady_ms() + settings_.get_int("request.timeout.ms"),
                     outgoing_reply<DescribeClusterResponse>(
                         [this, weak, controller, &home](ErrorCode error, const DescribeClusterResponse& response) {
                           auto still = weak.lock();
                           if (still == nullptr) return;
                           if (error == ErrorCode::kNone) error = response.error_code;
                           if (error == ErrorCode::kNone) {
                             still->cluster_id = std::string(response.cluster_id);
                             return on_cluster_change();
                           }
                           if (still->failure.empty()) {
                             still->failure = error_name(error);
                             log_info("Waiting for the cluster id from the controller at {} ({} {})",
                                      controller->address().to_string(), error_name(error), controller->last_failure());
                           }
                           home.call_after(kLookAgain_ms, [weak] {
                             if (auto again = weak.lock()) again->ask();
                           });
                         }));
  };
  home.post([asked] { asked->ask(); });
  Status learned = wait_at_home([asked] { return !asked->cluster_id.empty(); },
                                settings_.get_int("initial.broker.registration.timeout.ms"));
  cluster_id = asked->cluster_id;
  // On its own thread, where no code of it runs any more.
  Status closed = wait_at_home(
      [controller] {
        controller->close();
        return true;
      },
      INT64_MAX);
  RETURN_IF_ERROR(std::move(learned));
  log_info("Joining cluster {}", cluster_id);
  return closed;
}

Status Node::open_observer() {
  auto quorum = config::quorum_addresses(settings_);
  ObserverSettings observer;
  observer.node_id = context_->node_id;
  observer.cluster_id = context_->cluster_id;
  observer.directory_id = context_->directory_id;
  observer.known = addresses_of(*quorum);
  for (const config::QuorumAddress& one : *quorum) {
    if (one.id >= 0) observer.voters.emplace_back(one.id, NodeAddress{one.host, one.port});
  }
  observer.fetch_timeout_ms = settings_.get_int("controller.quorum.fetch.timeout.ms");
  observer.log_config.segment_bytes = settings_.get_int("metadata.log.segment.bytes");
  observer.log_config.segment_ms = settings_.get_long("metadata.log.segment.ms");
  auto opened = MetadataObserver::open(*file_cache_, *executors_[0], controller_network(),
                                       directories_->metadata().path(), std::move(observer));
  RETURN_IF_ERROR(opened);
  observer_ = opened.take();
  observer_->set_halt(&Node::halt);
  return ok_status();
}

void Node::start_lifecycle() {
  BrokerIdentity identity;
  identity.node_id = context_->node_id;
  identity.cluster_id = context_->cluster_id;
  identity.incarnation_id = Uuid::random(executors_[0]->random());
  identity.listeners = registered_endpoints(settings_, context_->advertised);
  if (!settings_.is_null("broker.rack")) identity.rack = settings_.get_string("broker.rack");
  identity.log_dirs = directories_->online_ids();
  if (directories_->clean_shutdown()) identity.previous_epoch = directories_->metadata().clean_shutdown_epoch();
  identity.heartbeat_interval_ms = settings_.get_int("broker.heartbeat.interval.ms");
  identity.registration_timeout_ms = settings_.get_int("initial.broker.registration.timeout.ms");
  identity.request_timeout_ms = std::min(settings_.get_int("request.timeout.ms"),
                                         settings_.get_int("broker.session.timeout.ms"));
  lifecycle_ = std::make_unique<BrokerLifecycle>(*executors_[0], connect_to_controller("heartbeat"),
                                                 std::move(identity), [this] { return observer_->applied_offset(); });
  lifecycle_->set_on_change([this] { on_cluster_change(); });
  observer_->set_on_applied([this] {
    lifecycle_->on_metadata();
    on_cluster_change();
  });
  observer_->set_on_leader([this](const NodeAddress& leader) {
    lifecycle_->controller().use(leader);
    if (controller_ != nullptr) static_cast<RemoteController&>(*controller_).controller().use(leader);
  });
  executors_[0]->post([this] {
    observer_->start();
    lifecycle_->start();
  });
}

// Everything is loaded. Records that were committed since the image was taken are applied first.
Status Node::enter_service() {
  context_->lifecycle = lifecycle_.get();
  context_->observer = observer_.get();
  executors_[0]->post([this] {
    observer_->publish_to(*shards_[0]);
    tell_misplaced();
    lifecycle_->serve();
  });
  RETURN_IF_ERROR(wait_at_home(
      [this] { return lifecycle_->state() == BrokerLifecycle::State::kInService || !lifecycle_->failure().empty(); },
      INT64_MAX));
  return lifecycle_->failure().empty() ? ok_status() : make_error(ErrorKind::kUnsupported, "{}", lifecycle_->failure());
}

// Replicas are where they were found on the disk: the metadata is corrected. Asks again until it is.
void Node::tell_misplaced() {
  if (misplaced_.empty()) return;
  Shard& home = *shards_[0];
  auto request = std::make_shared<AssignReplicasToDirsRequest>();
  request->broker_id = context_->node_id;
  request->broker_epoch = lifecycle_->broker_epoch();
  for (const auto& [key, directory] : misplaced_) {
    auto& one = request->directories.emplace_back();
    one.id = directory;
    auto& topic = one.topics.emplace_back();
    topic.topic_id = key.topic_id;
    topic.partitions.push_back({key.partition});
  }
  controller_->send<AssignReplicasToDirsResponse>(
      home, std::shared_ptr<const AssignReplicasToDirsRequest>(request), AssignReplicasToDirsRequest::kMaxVersion, {},
      [this, &home](ErrorCode error, const AssignReplicasToDirsResponse& response) {
        if (error == ErrorCode::kNone) error = response.error_code;
        if (error == ErrorCode::kNone) return misplaced_.clear();
        if (home.first_time("misplaced")) {
          log_warn("the controller was not told the directories of replicas: {}", error_name(error));
        }
        if (error == ErrorCode::kUnsupportedVersion || home.closed()) return;
        home.executor().call_after(kTellAgain_ms, [this, &home] {
          if (!home.closed()) tell_misplaced();
        });
      });
}

// Without a controlled shutdown others lead when the controller has noticed that this broker is gone.
void Node::leave() {
  if (!settings_.get_bool("controlled.shutdown.enable")) return;
  if (metadata_ != nullptr && !context_->controller_endpoints.empty()) return hand_over();
  if (lifecycle_ == nullptr) return;
  executors_[0]->post([this] { lifecycle_->shut_down(); });
  Status left = wait_at_home([this] { return lifecycle_->state() == BrokerLifecycle::State::kEnded; }, kLeave_ms);
  if (!left.ok()) log_warn("This broker stops before its leaderships are handed over: {}", left.error().message);
}

// Also for a broker whose controller is on this node: other brokers become leaders when they fetch the change, which
// must happen before the controller is gone.
void Node::hand_over() {
  struct Handover {
    int64_t offset = -1;
    bool done = false;
  };
  auto state = std::make_shared<Handover>();
  Shard& home = *shards_[0];
  const auto living_others = [this, &home] {
    std::vector<int32_t> ids;
    for (const auto& [id, broker] : home.image().brokers()) {
      if (id != context_->node_id && !broker.fenced) ids.push_back(id);
    }
    return ids;
  };
  executors_[0]->post([this, state, &home, living_others] {
    metadata_->observers().set_on_fetch([this] { on_cluster_change(); });
    if (living_others().empty() || !settings_.has_role("broker")) {
      state->done = true;
      return on_cluster_change();
    }
    metadata_->submit<std::monostate>(
        home,
        [id = context_->node_id](const metadata::Controller& controller) { return controller.begin_shutdown(id); },
        [this, state](std::monostate) {
          state->offset = metadata_->end_offset();
          on_cluster_change();
        });
  });
  Status left = wait_at_home(
      [this, state, living_others] {
        if (state->done) return true;
        const std::vector<int32_t> others = living_others();
        return state->offset >= 0 && std::all_of(others.begin(), others.end(), [&](int32_t id) {
                 return metadata_->observers().end_of(id) >= state->offset;
               });
      },
      kHandover_ms);
  if (!left.ok()) {
    log_warn("This broker stops before all other brokers have learned of their new leaderships: {}",
             left.error().message);
  }
}

// After a failed start: nothing on shard 0 may use this node any more.
void Node::close_cluster_parts() {
  if (lifecycle_ == nullptr && observer_ == nullptr) return;
  surroundings_.cancelled = nullptr;
  (void)wait_at_home(
      [this] {
        if (lifecycle_ != nullptr) lifecycle_->stop();
        if (observer_ != nullptr) (void)observer_->close().ok();
        return true;
      },
      INT64_MAX)
      .ok();
}

}  // namespace milena::broker
