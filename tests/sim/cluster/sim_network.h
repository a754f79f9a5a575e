// SimNetwork: connections between simulated nodes, and from clients to them. Each direction of a connection keeps its
// order, as in TCP; a message takes a while, longer on a slow link, and waits on a cut one. A message is lost only with
// its connection, which is reset.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/cluster/network.h"
#include "sim/node/random.h"
#include "sim/node/virtual_machine.h"

namespace milena::sim {

class ClusterNode;
class SimNetwork;

// The host of the clients, which has no faults.
inline constexpr int kClientHost = 0;

// One connection.
class Wire final : public broker::Transport, public std::enable_shared_from_this<Wire> {
 public:
  // `from` is null for a client.
  Wire(SimNetwork& network, ClusterNode* from, size_t from_shard, ClusterNode* to, uint16_t port,
       broker::LinkWatcher& watcher);

  void open();
  void request(Bytes frame);
  // The client's side has closed.
  void close_by_client();
  // Resets at any time: both sides notice.
  void reset();
  // The process at one end of it has died; the kernel notifies the other side unless the machine failed, too.
  void process_died(const ClusterNode& node, bool with_machine);
  // The serving side stops in order.
  void close_by_server(const ClusterNode& node);
  // Nothing more will happen on it.
  bool over() const { return watcher_ == nullptr && session_ == nullptr && up_.empty() && down_.empty(); }
  bool touches(int host) const;
  bool busy() const { return busy_; }

  // When the first message of a direction may arrive.
  std::optional<int64_t> next_ms(bool up) const;
  void deliver(bool up);

  // Transport, for the session.
  void send(Payload answer) override;
  void send_nothing() override;
  void pause(int64_t) override {}
  void close(std::string reason) override;

 private:
  struct Message {
    int64_t ms;
    std::function<void()> arrive;
  };

  void push(bool up, std::function<void()> arrive);
  void tell(std::function<void(broker::LinkWatcher&)> what);
  void lose(const std::string& why);
  void at_server(std::function<void()> what);
  bool server_is_same() const;
  bool client_is_same() const;
  void feed();
  void end_session(bool by_peer);

  SimNetwork& network_;
  ClusterNode* from_;
  size_t from_shard_;
  uint64_t from_life_;
  broker::LinkWatcher* watcher_;
  ClusterNode* to_;
  uint16_t port_;
  uint64_t to_life_ = 0;
  size_t to_shard_ = 0;
  std::deque<Message> up_, down_;
  std::unique_ptr<broker::Session> session_;
  std::deque<Bytes> frames_;
  bool busy_ = false;
};

// The client's end of a connection, for nodes and clients.
class WireLink final : public broker::Link {
 public:
  explicit WireLink(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
  ~WireLink() override { wire_->close_by_client(); }
  void send(Payload request) override { wire_->request(request.flatten().take().substr(4)); }

 private:
  std::shared_ptr<Wire> wire_;
};

class SimNetwork {
 public:
  SimNetwork(SimRandom& random, const VirtualClock& clock) : random_(random), clock_(clock) {}

  void add(ClusterNode& node);
  // Connects from a node (null: a client).
  std::unique_ptr<broker::Link> connect(ClusterNode* from, size_t shard, uint16_t port, broker::LinkWatcher& watcher);

  // --- faults by the simulator

  void cut(int from, int to) { cut_.insert({from, to}); }
  void heal() {
    cut_.clear();
    slow_ms_ = 0;
  }
  bool is_cut(int from, int to) const { return cut_.contains({from, to}); }
  // Delays messages by up to `ms`.
  void set_slow(int64_t ms) { slow_ms_ = ms; }
  // Resets one of the connections.
  void reset_one();
  void process_died(const ClusterNode& node, bool with_machine);
  void close_by_server(const ClusterNode& node);

  // Delivers one message that may arrive now; false if there is none.
  bool step();
  bool ready() const;
  std::optional<int64_t> next_ms() const;

 private:
  friend class Wire;

  int64_t arrival_ms();
  bool blocked(int from, int to) const;

  SimRandom& random_;
  const VirtualClock& clock_;
  std::map<uint16_t, ClusterNode*> by_port_;
  std::vector<std::shared_ptr<Wire>> wires_;
  std::set<std::pair<int, int>> cut_;
  int64_t slow_ms_ = 0;
  uint64_t last_connection_ = 0;
};

}  // namespace milena::sim
