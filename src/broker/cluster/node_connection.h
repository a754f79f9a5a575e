// NodeConnection: the connection over which one shard asks one other node. Opened by the first request, and again by
// the next one after it was lost; asks first which versions the other side speaks (ApiVersions), and sends each request
// in the newest that both know.
//
// Answers come in the order of the requests. A request without an answer by its deadline ends the connection, as in
// Kafka's NetworkClient: what else waits on it is told NETWORK_EXCEPTION. Lives on its shard. A reply may send more
// requests, and must not destroy the connection.
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
  // kNetworkException: not reached, or lost; kRequestTimedOut: no answer by then; kUnsupportedVersion: the other side
  // does not know the request.
  void send(OutgoingRequest request, int64_t deadline_ms, OutgoingReply reply);
  // Whoever waits is told kNetworkException. The next request connects anew.
  void drop(const std::string& why);
  // Nobody is told any more.
  void close();
  // drop() and close() of a connection that another has taken the place of; it may be within one of its own replies.
  static void retire(std::shared_ptr<NodeConnection> old, const std::string& why);
  // Why it was lost the last time; empty before that.
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
  // By a number that grows: those that wait for the connection, and those that wait for an answer, oldest first.
  std::deque<std::pair<uint64_t, Pending>> queued_;
  std::deque<std::pair<uint64_t, Pending>> sent_;
  uint64_t last_number_ = 0;
  int32_t last_correlation_id_ = 0;
  int64_t not_before_ms_ = 0;
  TimerId connect_timer_ = 0;
  std::string last_failure_;
};

}  // namespace milena::broker
