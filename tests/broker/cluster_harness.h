// ClusterHarness: several nodes in one process, each on ManualExecutors, with one clock that the test moves, and
// connections between them that are calls. Everything runs in the test's thread. Node 1 is broker and controller, the
// others are only brokers. A node can be killed and started again. At kFollowingPort there is a controller that does
// not lead, for those whose settings name it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/cluster/network.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/following_controller.h"
#include "broker/node_fixture.h"

namespace milena::broker::broker_test {

// One connection between two nodes.
class Wire final : public Transport, public std::enable_shared_from_this<Wire> {
 public:
  Wire(NodeHarness& from, Executor& from_executor, LinkWatcher& watcher)
      : from_(&from), from_executor_(from_executor), watcher_(&watcher) {}

  void open(NodeHarness& to, const std::string& listener, uint16_t port) {
    to_ = &to;
    ConnectionInfo info;
    info.id = 1'000'000 + ++last_id_;
    info.peer_host = "127.0.0.1";
    info.local_host = "127.0.0.1";
    info.local_port = port;
    info.listener_name = listener;
    session_ = to.node().sessions().open(0, std::move(info), *this);
    tell([](LinkWatcher& watcher) { watcher.on_connected(); });
  }
  void refuse() {
    tell([self = shared_from_this()](LinkWatcher& watcher) {
      self->watcher_ = nullptr;
      watcher.on_lost("nobody listens there");
    });
  }
  void request(Payload bytes) {
    frames_.push_back(bytes.flatten().take().substr(4));
    feed();
  }
  // The client's side has closed.
  void close_by_client() {
    watcher_ = nullptr;
    end_session(true);
  }
  // A node is killed, at either end of this connection.
  void cut(const NodeHarness& gone) {
    if (to_ == &gone) lose(false);
    if (from_ == &gone) close_by_client();
  }
  const NodeHarness* to() const { return to_; }
  void lose(bool to_lives = true) {
    end_session(to_lives);
    tell([self = shared_from_this()](LinkWatcher& watcher) {
      self->watcher_ = nullptr;
      watcher.on_lost("reset");
    });
  }

  // Transport, for the session.
  void send(Payload answer) override {
    Bytes bytes = answer.flatten().take().substr(4);
    busy_ = false;
    tell([bytes](LinkWatcher& watcher) {
      Frame frame;
      frame.buffer = std::shared_ptr<char[]>(new char[bytes.size() + 1]);
      std::memcpy(frame.buffer.get(), bytes.data(), bytes.size());
      frame.bytes = ByteView(frame.buffer.get(), bytes.size());
      watcher.on_frame(std::move(frame));
    });
    feed();
  }
  void send_nothing() override {
    busy_ = false;
    feed();
  }
  void pause(int64_t) override {}
  void close(std::string reason) override {
    tell([self = shared_from_this(), reason](LinkWatcher& watcher) {
      self->watcher_ = nullptr;
      watcher.on_lost(reason);
    });
  }

 private:
  void tell(std::function<void(LinkWatcher&)> what) {
    if (watcher_ == nullptr) return;
    from_executor_.post([self = shared_from_this(), what = std::move(what)] {
      if (self->watcher_ != nullptr) what(*self->watcher_);
    });
  }
  void feed() {
    if (to_ == nullptr || session_ == nullptr) return;
    to_->executor(0).post([self = shared_from_this()] {
      if (self->busy_ || self->frames_.empty() || self->session_ == nullptr) return;
      self->busy_ = true;
      Bytes bytes = std::move(self->frames_.front());
      self->frames_.erase(self->frames_.begin());
      Frame frame;
      frame.buffer = std::shared_ptr<char[]>(new char[bytes.size() + 1]);
      std::memcpy(frame.buffer.get(), bytes.data(), bytes.size());
      frame.bytes = ByteView(frame.buffer.get(), bytes.size());
      self->session_->on_request(std::move(frame));
    });
  }
  void end_session(bool by_peer) {
    if (session_ == nullptr) return;
    auto session = std::shared_ptr<Session>(std::move(session_));
    if (!by_peer) return session->on_closed(false);
    to_->executor(0).post([session] { session->on_closed(true); });
  }

  NodeHarness* from_;
  Executor& from_executor_;
  LinkWatcher* watcher_;
  NodeHarness* to_ = nullptr;
  std::unique_ptr<Session> session_;
  std::vector<Bytes> frames_;
  bool busy_ = false;
  static inline uint64_t last_id_ = 0;
};

class ClusterHarness {
 public:
  static constexpr uint16_t kControllerPort = 9300;
  static constexpr uint16_t kFollowingPort = 9301;
  // The most that a start may take.
  static constexpr int64_t kStart_ms = 120'000;

  explicit ClusterHarness(int nodes) {
    for (int id = 1; id <= nodes; id++) {
      nodes_[id] = std::make_unique<NodeHarness>(1, &clock_);
      networks_[id] = std::make_unique<NetworkOf>(*this, *nodes_[id]);
      NodeHarness& node = *nodes_[id];
      node.set_seed(static_cast<uint64_t>(id) * 1000);
      const std::string client = "PLAINTEXT://localhost:" + std::to_string(client_port(id));
      node.set("node.id", std::to_string(id));
      node.set("process.roles", id == 1 ? "broker,controller" : "broker");
      node.set("listeners", id == 1 ? client + ",CONTROLLER://localhost:" + std::to_string(kControllerPort) : client);
      node.set("controller.listener.names", "CONTROLLER");
      node.set("controller.quorum.voters", "1@localhost:" + std::to_string(kControllerPort));
      NodeSurroundings surroundings;
      surroundings.network = networks_[id].get();
      surroundings.pump = [this] { step(); };
      surroundings.cancelled = [this] { return clock_.steady_ms() > start_ends_ms_; };
      node.use_surroundings(std::move(surroundings));
    }
  }
  ~ClusterHarness() {
    for (auto& [id, node] : nodes_) {
      if (node->running()) kill(id);
    }
  }

  NodeHarness& node(int id) { return *nodes_[id]; }
  ManualClock& clock() { return clock_; }
  void start_all() {
    for (auto& [id, node] : nodes_) ASSERT_NO_FATAL_FAILURE(start(id));
  }
  void start(int id) {
    start_ends_ms_ = clock_.steady_ms() + kStart_ms;
    Status started = nodes_[id]->try_start();
    start_ends_ms_ = INT64_MAX;
    ASSERT_TRUE(started.ok()) << started.error().message;
    settle();
  }
  void kill(int id) {
    cut(id);
    nodes_[id]->kill();
  }
  // Like SIGTERM.
  void stop(int id) {
    nodes_[id]->node().leave();
    cut(id);
    nodes_[id]->stop();
    settle();
  }

  // All connections that others have to it; they may connect again.
  void lose_connections_to(int id) {
    for (auto& weak : wires_) {
      if (auto wire = weak.lock(); wire != nullptr && wire->to() == nodes_[id].get()) wire->lose();
    }
  }

  // The connection on which the next request of this API is sent is lost, and the request with it; or that of those
  // with these numbers, counted from now on.
  void lose_connection_at(ApiKey key, std::set<int> numbers = {1}) {
    lost_at_ = key;
    lost_numbers_ = std::move(numbers);
    sent_ = 0;
  }

  // The node gets no turn until it is resumed, as under SIGSTOP.
  void pause(int id) { paused_.insert(id); }
  void resume(int id) {
    paused_.erase(id);
    settle();
  }

  // Runs turns of all nodes until nothing is left to do at this time.
  void settle() {
    for (int turns = 0; run_turn(); turns++) {
      if (turns == 200'000) FAIL() << "the cluster does not come to rest";
    }
  }
  void advance(int64_t ms) {
    for (int64_t end = clock_.steady_ms() + ms; clock_.steady_ms() < end;) step();
    settle();
  }
  // Runs until `holds`; false if it does not hold within that time.
  bool until(const std::function<bool()>& holds, int64_t most_ms = 30'000) {
    settle();
    for (int64_t end = clock_.steady_ms() + most_ms; !holds() && clock_.steady_ms() < end;) step();
    return holds();
  }

 private:
  static uint16_t client_port(int id) { return static_cast<uint16_t>(9200 + id); }

  class LinkOf final : public Link {
   public:
    LinkOf(ClusterHarness& cluster, std::shared_ptr<Wire> wire) : cluster_(cluster), wire_(std::move(wire)) {}
    ~LinkOf() override { wire_->close_by_client(); }
    void send(Payload request) override {
      if (cluster_.is_lost(request)) return wire_->lose();
      wire_->request(std::move(request));
    }

   private:
    ClusterHarness& cluster_;
    std::shared_ptr<Wire> wire_;
  };

  class NetworkOf final : public Network {
   public:
    NetworkOf(ClusterHarness& cluster, NodeHarness& self) : cluster_(cluster), self_(self) {}
    std::unique_ptr<Link> connect(size_t shard, const std::string&, uint16_t port, LinkWatcher& watcher) override {
      Executor& executor = self_.executor(shard);
      if (port == kFollowingPort) {
        return std::make_unique<FollowingController>(executor, watcher, [this] { return cluster_.leader(); });
      }
      auto wire = std::make_shared<Wire>(self_, executor, watcher);
      cluster_.wires_.push_back(wire);
      executor.post([this, wire, port] { cluster_.open(*wire, port); });
      return std::make_unique<LinkOf>(cluster_, wire);
    }

   private:
    ClusterHarness& cluster_;
    NodeHarness& self_;
  };

  bool is_lost(const Payload& request) {
    if (!lost_at_) return false;
    const Bytes bytes = request.flatten().take().substr(4);
    Reader reader(bytes);
    RequestHeader header;
    header.read(reader);
    if (header.api_key != static_cast<int16_t>(*lost_at_)) return false;
    return lost_numbers_.contains(++sent_);
  }
  NamedLeader leader() {
    if (!nodes_[1]->running()) return last_leader_;
    const MetadataRuntime* runtime = nodes_[1]->node().shard(0).node().metadata;
    if (runtime == nullptr) return last_leader_;
    last_leader_ = {1, runtime->epoch(), kControllerPort, nodes_[1]->node().shard(0).node().cluster_id};
    return last_leader_;
  }
  void open(Wire& wire, uint16_t port) {
    const int id = port == kControllerPort ? 1 : port - client_port(0);
    auto found = nodes_.find(id);
    if (found == nodes_.end() || !found->second->running()) return wire.refuse();
    wire.open(*found->second, port == kControllerPort ? "CONTROLLER" : "PLAINTEXT", port);
  }
  bool run_turn() {
    bool ran = false;
    for (auto& [id, node] : nodes_) {
      if (!paused_.contains(id)) ran = node->run_one_turn() || ran;
    }
    return ran;
  }
  void cut(int id) {
    for (auto& weak : wires_) {
      if (auto wire = weak.lock()) wire->cut(*nodes_[id]);
    }
  }
  // Runs a turn, or advances the clock.
  void step() {
    if (!run_turn()) clock_.advance(1);
  }

  ManualClock clock_;
  std::set<int> paused_;
  int64_t start_ends_ms_ = INT64_MAX;
  NamedLeader last_leader_;
  std::optional<ApiKey> lost_at_;
  std::set<int> lost_numbers_;
  int sent_ = 0;
  std::vector<std::weak_ptr<Wire>> wires_;
  std::map<int, std::unique_ptr<NetworkOf>> networks_;
  std::map<int, std::unique_ptr<NodeHarness>> nodes_;
};

}  // namespace milena::broker::broker_test
