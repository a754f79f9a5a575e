// NodeConnection: the connection of one shard to one other node. The first request opens it; after a loss the next
// request opens it again. It first asks for the versions of the other side (ApiVersions), and sends each request in the
// newest version that both support.
//
// Answers come in the order of the requests. A request without an answer by its deadline closes the connection, as in
// Kafka's NetworkClient; the other waiting requests fail with NETWORK_EXCEPTION. Lives on its shard. A reply may send
// more requests, and must not destroy the connection.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/executor.h"
#include "broker/cluster/network.h"
#include "broker/outgoing_request.h"

namespace milena::broker {

class NodeConnection final : private LinkWatcher {
 public:
  NodeConnection(Executor& executor, Network& network, size_t shard, NodeAddress address, std::string client_id);
  ~NodeConnection() override;
  NodeConnection(const NodeConnection&) = delete;
  NodeConnection& operator=(const NodeConnection&) = delete;

  const NodeAddress& address() const { return address_; }
  // kNetworkException: not connected, or lost; kRequestTimedOut: no answer by the deadline; kUnsupportedVersion: the
  // other side does not support the request.
  void send(OutgoingRequest request, int64_t deadline_ms, OutgoingReply reply);
  // All waiting requests fail with kNetworkException. The next request connects again.
  void drop(const std::string& why);
  // No reply is called any more.
  void close();
  // drop() and close() for a connection that was replaced by another; may be called within one of its own replies.
  static void retire(std::shared_ptr<NodeConnection> old, const std::string& why);
  // The reason of the last loss; empty before the first.
  const std::string& last_failure() const { return last_failure_; }

 private:
  enum class State { kIdle, kConnecting, kAsking, kReady, kClosed };
  struct Pending {
    OutgoingRequest request;
    OutgoingReply reply;
    TimerId timer = 0;
    int32_t correlation_id = 0;
    int16_t version = 0;
  };
  struct Range {
    int16_t min = 0, max = -1;
  };

  void on_connected() override;
  void on_frame(Frame frame) override;
  void on_lost(const std::string& why) override;
  void on_refused(const std::string& why) override;
  void connect();
  void write(Pending& pending);
  void send_queued();
  void read_versions(const Frame& frame);
  void on_deadline(uint64_t number);
  void fail_all(ErrorCode error);

  Executor& executor_;
  Network& network_;
  const size_t shard_;
  const NodeAddress address_;
  const std::string client_id_;
  State state_ = State::kIdle;
  std::unique_ptr<Link> link_;
  std::unordered_map<int16_t, Range> versions_;
  // With increasing numbers: the requests that wait for the connection, and those that wait for an answer, oldest
  // first.
  std::deque<std::pair<uint64_t, Pending>> queued_;
  std::deque<std::pair<uint64_t, Pending>> sent_;
  uint64_t last_number_ = 0;
  int32_t last_correlation_id_ = 0;
  int64_t not_before_ms_ = 0;
  TimerId connect_timer_ = 0;
  std::string last_failure_;
};

}  // namespace milena::broker
