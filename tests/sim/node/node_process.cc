#include "sim/node/node_process.h"

namespace milena::sim {

Connection::Connection(broker::Node& node, int shard, Executor& executor, uint64_t id) : executor_(executor) {
  broker::ConnectionInfo info;
  info.id = id;
  info.peer_host = "127.0.0.1";
  info.peer_port = 50'000;
  info.local_host = "127.0.0.1";
  info.local_port = 9092;
  info.listener_name = "PLAINTEXT";
  session_ = node.sessions().open(shard, std::move(info), *this);
}

Connection::~Connection() {
  *alive_ = false;
  disconnect();
}

void Connection::disconnect() {
  if (session_ == nullptr) return;
  closed_ = true;
  session_->on_closed(false);
  session_.reset();
}

void Connection::lose_answers() {
  closed_ = true;
  std::deque<Asked> lost = std::exchange(asked_, {});
  for (Asked& one : lost) one.then(nullptr);
}

void Connection::send_frame(Bytes frame, OnAnswer then) {
  asked_.push_back({std::move(frame), std::move(then)});
  feed_later();
}

void Connection::feed_later() {
  executor_.post([this, alive = alive_] {
    if (*alive) feed();
  });
}

void Connection::feed() {
  if (in_flight_ || closed_ || asked_.empty()) return;
  in_flight_ = true;
  Bytes bytes = std::move(asked_.front().frame);
  broker::Frame frame;
  frame.buffer = std::shared_ptr<char[]>(new char[bytes.size() + 1]);
  std::memcpy(frame.buffer.get(), bytes.data(), bytes.size());
  frame.bytes = ByteView(frame.buffer.get(), bytes.size());
  session_->on_request(std::move(frame));
}

void Connection::send(Payload answer) {
  CHECK(in_flight_ && !asked_.empty(), "an answer without a request");
  auto bytes = answer.flatten();
  // As when sendfile fails: the client has half a response.
  if (!bytes) return close("cannot send: " + bytes.error().message);
  in_flight_ = false;
  OnAnswer then = std::move(asked_.front().then);
  asked_.pop_front();
  ByteView view = ByteView(*bytes).substr(4);
  then(&view);
  feed_later();
}

void Connection::send_nothing() {
  in_flight_ = false;
  asked_.pop_front();
  feed_later();
}

void Connection::close(std::string reason) {
  closed_ = true;
  close_reason_ = std::move(reason);
}

NodeProcess::NodeProcess(VirtualMachine& machine, VirtualDisk& disk, config::Settings settings, size_t shards)
    : machine_(machine), disk_(disk), settings_(std::move(settings)), shards_(shards) {}

NodeProcess::~NodeProcess() {
  bury();
}

Status NodeProcess::start() {
  CHECK(node_ == nullptr);
  Status status = ok_status();
  std::vector<Executor*> loops = machine_.start_loops(shards_);
  machine_.run([&] {
    auto node = broker::Node::start(settings_, std::move(loops), disk_);
    if (node)
      node_ = node.take();
    else
      status = node.error();
  });
  if (!alive()) bury();
  return status;
}

bool NodeProcess::stop() {
  for (auto& connection : connections_) {
    if (connection != nullptr) machine_.run([&] { connection->disconnect(); });
  }
  machine_.run_until_idle();
  // Each shard closes in its own turn.
  for (size_t i = 0; i < shards_; i++) {
    machine_.loop(i).post([this, i] { node_->close_shard(i); });
  }
  machine_.run_until_idle();
  machine_.finish_work();
  if (!machine_.dead()) machine_.run([&] { node_->finish_stop(); });
  if (machine_.dead()) return false;
  bury();
  return true;
}

void NodeProcess::bury() {
  machine_.never_kill();
  machine_.bury_workers();
  for (auto& connection : connections_) {
    if (connection != nullptr) connection->disconnect();
  }
  node_.reset();
  machine_.bury_loops();
  std::vector<std::unique_ptr<Connection>> gone = std::exchange(connections_, {});
  for (auto& connection : gone) {
    if (connection != nullptr) connection->lose_answers();
  }
  for (auto& connection : std::exchange(lost_, {})) connection->lose_answers();
}

Connection& NodeProcess::connection(size_t which) {
  if (connections_.size() <= which) connections_.resize(which + 1);
  std::unique_ptr<Connection>& one = connections_[which];
  if (one != nullptr && one->closed()) {
    one->disconnect();
    one->lose_answers();
    lost_.push_back(std::move(one));
  }
  if (one == nullptr) {
    const size_t shard = last_connection_++ % shards_;
    one =
        std::make_unique<Connection>(*node_, static_cast<int>(shard), machine_.loop(shard), last_connection_);
  }
  return *one;
}

bool NodeProcess::waits_for_answers() const {
  for (const auto& connection : connections_) {
    if (connection != nullptr && !connection->closed() && connection->open_requests() > 0) return true;
  }
  return false;
}

}  // namespace milena::sim
