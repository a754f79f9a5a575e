#include "broker/cluster/node_connection.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "protocol/messages/api_versions.h"
#include "protocol/request_frame.h"
#include "protocol/request_header.h"

namespace milena::broker {
namespace {

// The pause between two attempts to connect.
constexpr int64_t kReconnect_ms = 50;
// The first version with tagged fields, which every broker from 2.4 on supports.
constexpr int16_t kApiVersionsVersion = 3;

}  // namespace

NodeConnection::NodeConnection(Executor& executor, Network& network, size_t shard, NodeAddress address,
                               std::string client_id)
    : executor_(executor),
      network_(network),
      shard_(shard),
      address_(std::move(address)),
      client_id_(std::move(client_id)) {}

NodeConnection::~NodeConnection() { close(); }

void NodeConnection::retire(std::shared_ptr<NodeConnection> old, const std::string& why) {
  if (old == nullptr) return;
  old->drop(why);
  // Also fails the requests that wait for the next attempt to connect.
  old->fail_all(ErrorCode::kNetworkException);
  old->close();
  Executor& executor = old->executor_;
  executor.post([old = std::move(old)] {});
}

void NodeConnection::close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  link_.reset();
  executor_.cancel(std::exchange(connect_timer_, 0));
  for (auto* list : {&queued_, &sent_}) {
    for (auto& [number, pending] : *list) executor_.cancel(pending.timer);
    list->clear();
  }
}

void NodeConnection::send(OutgoingRequest request, int64_t deadline_ms, OutgoingReply reply) {
  if (state_ == State::kClosed) return;
  const uint64_t number = ++last_number_;
  Pending pending{std::move(request), std::move(reply)};
  pending.timer = executor_.call_at(deadline_ms, [this, number] { on_deadline(number); });
  queued_.emplace_back(number, std::move(pending));
  if (state_ == State::kIdle) return connect();
  if (state_ == State::kReady) send_queued();
}

void NodeConnection::connect() {
  if (connect_timer_ != 0) return;
  if (executor_.clock().steady_ms() < not_before_ms_) {
    connect_timer_ = executor_.call_at(not_before_ms_, [this] {
      connect_timer_ = 0;
      if (state_ == State::kIdle && !queued_.empty()) connect();
    });
    return;
  }
  state_ = State::kConnecting;
  link_ = network_.connect(shard_, address_.host, address_.port, *this);
}

void NodeConnection::on_connected() {
  state_ = State::kAsking;
  ApiVersionsRequest request;
  request.client_software_name = "milena";
  request.client_software_version = "1";
  link_->send(request_frame(request, kApiVersionsVersion, ++last_correlation_id_, client_id_));
}

void NodeConnection::read_versions(const Frame& frame) {
  Reader reader(frame.bytes);
  ResponseHeader header;
  header.read(reader, ApiKey::kApiVersions, kApiVersionsVersion);
  ApiVersionsResponse response;
  response.read(reader, kApiVersionsVersion);
  if (!reader.ok() || response.error_code != ErrorCode::kNone) {
    return drop("the other node's ApiVersions response is invalid");
  }
  versions_.clear();
  for (const auto& api : response.api_keys) versions_[api.api_key] = {api.min_version, api.max_version};
  state_ = State::kReady;
  send_queued();
}

void NodeConnection::send_queued() {
  while (state_ == State::kReady && !queued_.empty()) {
    auto [number, pending] = std::move(queued_.front());
    queued_.pop_front();
    const auto range = versions_.find(static_cast<int16_t>(pending.request.key));
    pending.version = range == versions_.end() ? int16_t{-1} : std::min(pending.request.version, range->second.max);
    if (pending.version < 0 || pending.version < range->second.min) {
      executor_.cancel(pending.timer);
      pending.reply(ErrorCode::kUnsupportedVersion, nullptr);
      continue;
    }
    write(pending);
    sent_.emplace_back(number, std::move(pending));
  }
}

void NodeConnection::write(Pending& pending) {
  pending.correlation_id = ++last_correlation_id_;
  link_->send(request_frame(pending.request.key, pending.version, pending.correlation_id, client_id_,
                            pending.request.message.get(), pending.request.write));
}

void NodeConnection::on_frame(Frame frame) {
  if (state_ == State::kAsking) return read_versions(frame);
  if (sent_.empty()) return drop("a response without a request");
  Reader reader(frame.bytes);
  ResponseHeader header;
  header.read(reader, sent_.front().second.request.key, sent_.front().second.version);
  if (!reader.ok() || header.correlation_id != sent_.front().second.correlation_id) {
    return drop("a response with a wrong correlation id");
  }
  Pending pending = std::move(sent_.front().second);
  sent_.pop_front();
  executor_.cancel(pending.timer);
  std::shared_ptr<void> response = pending.request.read(reader, pending.version);
  if (response == nullptr) {
    pending.reply(ErrorCode::kNetworkException, nullptr);
    return drop("an unreadable response");
  }
  pending.reply(ErrorCode::kNone, std::move(response));
}

void NodeConnection::on_lost(const std::string& why) {
  if (state_ == State::kClosed) return;
  if (why != last_failure_) log_debug("the connection to {} is lost: {}", address_.to_string(), why);
  last_failure_ = why;
  state_ = State::kIdle;
  not_before_ms_ = executor_.clock().steady_ms() + kReconnect_ms;
  link_.reset();
  fail_all(ErrorCode::kNetworkException);
}

// Only a person can fix this, so it is logged even if nobody looks for it.
void NodeConnection::on_refused(const std::string& why) {
  if (why != last_failure_) log_error("The connection to {} failed authentication: {}", address_.to_string(), why);
  on_lost(why);
}

void NodeConnection::drop(const std::string& why) {
  if (state_ == State::kIdle || state_ == State::kClosed) return;
  on_lost(why);
}

void NodeConnection::fail_all(ErrorCode error) {
  auto sent = std::exchange(sent_, {});
  auto queued = std::exchange(queued_, {});
  for (auto* list : {&sent, &queued}) {
    for (auto& [number, pending] : *list) executor_.cancel(pending.timer);
  }
  for (auto* list : {&sent, &queued}) {
    for (auto& [number, pending] : *list) pending.reply(error, nullptr);
  }
}

void NodeConnection::on_deadline(uint64_t number) {
  const auto is_it = [number](const auto& one) { return one.first == number; };
  if (auto found = std::find_if(queued_.begin(), queued_.end(), is_it); found != queued_.end()) {
    OutgoingReply reply = std::move(found->second.reply);
    queued_.erase(found);
    // One that is not ready by then may never be: somebody took the connection and says nothing.
    drop("it was not established in time");
    return reply(ErrorCode::kRequestTimedOut, nullptr);
  }
  auto found = std::find_if(sent_.begin(), sent_.end(), is_it);
  if (found == sent_.end()) return;
  OutgoingReply reply = std::move(found->second.reply);
  const std::string why = fmt::format("no response to {} in time", api_name(found->second.request.key));
  sent_.erase(found);
  drop(why);
  reply(ErrorCode::kRequestTimedOut, nullptr);
}

}  // namespace milena::broker
