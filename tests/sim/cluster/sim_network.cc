#include "sim/cluster/sim_network.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "sim/cluster/cluster_node.h"

namespace milena::sim {
namespace {

broker::Frame frame_of(const Bytes& bytes) {
  broker::Frame frame;
  frame.buffer = std::shared_ptr<char[]>(new char[bytes.size() + 1]);
  std::memcpy(frame.buffer.get(), bytes.data(), bytes.size());
  frame.bytes = ByteView(frame.buffer.get(), bytes.size());
  return frame;
}

int host_of(const ClusterNode* node) {
  return node == nullptr ? kClientHost : node->id();
}

}  // namespace

Wire::Wire(SimNetwork& network, ClusterNode* from, size_t from_shard, ClusterNode* to, uint16_t port,
           broker::LinkWatcher& watcher)
    : network_(network),
      from_(from),
      from_shard_(from_shard),
      from_life_(from == nullptr ? 0 : from->life()),
      watcher_(&watcher),
      to_(to),
      port_(port) {}

bool Wire::touches(int host) const {
  return host_of(from_) == host || host_of(to_) == host;
}
bool Wire::server_is_same() const {
  return to_->alive() && to_->life() == to_life_;
}
bool Wire::client_is_same() const {
  return from_ == nullptr || (from_->alive() && from_->life() == from_life_);
}

void Wire::push(bool up, std::function<void()> arrive) {
  std::deque<Message>& queue = up ? up_ : down_;
  const int64_t ms = network_.arrival_ms();
  queue.push_back({queue.empty() ? ms : std::max(ms, queue.back().ms), std::move(arrive)});
}

std::optional<int64_t> Wire::next_ms(bool up) const {
  const std::deque<Message>& queue = up ? up_ : down_;
  if (queue.empty()) return std::nullopt;
  const int from = host_of(from_), to = host_of(to_);
  if (up ? network_.blocked(from, to) : network_.blocked(to, from)) return std::nullopt;
  return queue.front().ms;
}

void Wire::deliver(bool up) {
  auto self = shared_from_this();
  std::deque<Message>& queue = up ? up_ : down_;
  auto arrive = std::move(queue.front().arrive);
  queue.pop_front();
  arrive();
}

// At the client's end, on its shard.
void Wire::tell(std::function<void(broker::LinkWatcher&)> what) {
  if (watcher_ == nullptr) return;
  if (from_ == nullptr) return what(*watcher_);
  if (!client_is_same()) return;
  from_->executor(from_shard_).post([self = shared_from_this(), what = std::move(what)] {
    if (self->watcher_ != nullptr) what(*self->watcher_);
  });
}

void Wire::lose(const std::string& why) {
  tell([self = shared_from_this(), why](broker::LinkWatcher& watcher) {
    self->watcher_ = nullptr;
    watcher.on_lost(why);
  });
}

void Wire::at_server(std::function<void()> what) {
  if (server_is_same()) to_->executor(to_shard_).post(std::move(what));
}

void Wire::open() {
  push(true, [this] {
    if (!to_->listens()) return push(false, [this] { lose("nobody listens there"); });
    to_life_ = to_->life();
    const uint64_t number = ++network_.last_connection_;
    to_shard_ = number % to_->shard_count();
    at_server([self = shared_from_this(), number] {
      if (!self->to_->listens()) return self->push(false, [self = self.get()] { self->lose("reset"); });
      broker::ConnectionInfo info;
      info.id = number;
      info.peer_host = "127.0.0.1";
      info.local_host = "127.0.0.1";
      info.local_port = self->port_;
      info.listener_name = self->to_->listener_at(self->port_);
      self->session_ = self->to_->node().sessions().open(static_cast<int>(self->to_shard_), std::move(info), *self);
      self->feed();
    });
    push(false, [this] { tell([](broker::LinkWatcher& watcher) { watcher.on_connected(); }); });
  });
}

void Wire::request(Bytes frame) {
  push(true, [this, frame = std::move(frame)]() mutable {
    // Not the process that accepted the connection.
    if (!server_is_same()) return push(false, [this] { lose("reset"); });
    frames_.push_back(std::move(frame));
    feed();
  });
}

void Wire::feed() {
  at_server([self = shared_from_this()] {
    if (self->busy_ || self->frames_.empty() || self->session_ == nullptr) return;
    self->busy_ = true;
    const Bytes frame = std::move(self->frames_.front());
    self->frames_.pop_front();
    self->session_->on_request(frame_of(frame));
  });
}

void Wire::send(Payload answer) {
  busy_ = false;
  auto flat = answer.flatten();
  if (!flat) return close("cannot send");
  push(false, [this, bytes = flat.take().substr(4)] {
    if (!client_is_same()) {
      watcher_ = nullptr;
      return end_session(true);
    }
    tell([bytes](broker::LinkWatcher& watcher) { watcher.on_frame(frame_of(bytes)); });
  });
  feed();
}

void Wire::send_nothing() {
  busy_ = false;
  feed();
}

void Wire::close(std::string reason) {
  push(false, [this, reason] { lose(reason); });
  end_session(false);
}

void Wire::close_by_client() {
  watcher_ = nullptr;
  push(true, [this] { end_session(true); });
}

void Wire::reset() {
  up_.clear();
  down_.clear();
  frames_.clear();
  lose("reset");
  end_session(true);
}

// On the session's own thread.
void Wire::end_session(bool by_peer) {
  at_server([self = shared_from_this(), by_peer] {
    if (self->session_ == nullptr) return;
    auto session = std::move(self->session_);
    session->on_closed(by_peer);
  });
}

void Wire::process_died(const ClusterNode& node, bool with_machine) {
  if (to_ == &node && session_ != nullptr) {
    auto session = std::move(session_);
    session->on_closed(false);
  }
  if (to_ == &node && watcher_ != nullptr && to_life_ == node.life()) {
    frames_.clear();
    if (with_machine) {
      down_.clear();
    } else {
      up_.clear();
      push(false, [this] { lose("reset"); });
    }
  }
  if (from_ == &node && from_life_ == node.life()) {
    watcher_ = nullptr;
    if (with_machine) {
      up_.clear();
    } else {
      push(true, [this] { end_session(true); });
    }
  }
}

void Wire::close_by_server(const ClusterNode& node) {
  if (to_ != &node || to_life_ != node.life()) return;
  frames_.clear();
  end_session(false);
  push(false, [this] { lose("closed"); });
}

// --- the network

void SimNetwork::add(ClusterNode& node) {
  for (const uint16_t port : node.ports()) by_port_[port] = &node;
}

std::unique_ptr<broker::Link> SimNetwork::connect(ClusterNode* from, size_t shard, uint16_t port,
                                                  broker::LinkWatcher& watcher) {
  std::erase_if(wires_, [](const auto& wire) { return wire->over(); });
  auto wire = std::make_shared<Wire>(*this, from, shard, by_port_.at(port), port, watcher);
  wires_.push_back(wire);
  wire->open();
  return std::make_unique<WireLink>(wire);
}

int64_t SimNetwork::arrival_ms() {
  int64_t ms = clock_.steady_ms() + static_cast<int64_t>(random_.chance(60) ? 0 : random_.pick(3));
  if (slow_ms_ > 0) ms += static_cast<int64_t>(random_.pick(static_cast<size_t>(slow_ms_)));
  return ms;
}

bool SimNetwork::blocked(int from, int to) const {
  if (cut_.contains({from, to})) return true;
  for (const auto& [port, node] : by_port_) {
    if (node->id() == to && node->without_power()) return true;
  }
  return false;
}

bool SimNetwork::ready() const {
  const auto next = next_ms();
  return next && *next <= clock_.steady_ms();
}

std::optional<int64_t> SimNetwork::next_ms() const {
  std::optional<int64_t> first;
  for (const auto& wire : wires_) {
    for (const bool up : {true, false}) {
      if (auto next = wire->next_ms(up)) first = first ? std::min(*first, *next) : *next;
    }
  }
  return first;
}

bool SimNetwork::step() {
  std::vector<std::pair<std::shared_ptr<Wire>, bool>> due;
  for (const auto& wire : wires_) {
    for (const bool up : {true, false}) {
      const auto next = wire->next_ms(up);
      if (next && *next <= clock_.steady_ms()) due.emplace_back(wire, up);
    }
  }
  if (due.empty()) return false;
  const auto [wire, up] = due[random_.pick(due.size())];
  wire->deliver(up);
  return true;
}

void SimNetwork::reset_one() {
  if (!wires_.empty()) wires_[random_.pick(wires_.size())]->reset();
}

void SimNetwork::process_died(const ClusterNode& node, bool with_machine) {
  for (const auto& wire : std::vector(wires_)) wire->process_died(node, with_machine);
}

void SimNetwork::close_by_server(const ClusterNode& node) {
  for (const auto& wire : std::vector(wires_)) wire->close_by_server(node);
}

}  // namespace milena::sim
