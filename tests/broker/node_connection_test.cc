#include "broker/cluster/node_connection.h"

#include <gtest/gtest.h>

#include "base/manual_executor.h"
#include "broker/node_fixture.h"
#include "protocol/messages/broker_heartbeat.h"

namespace milena::broker::broker_test {
namespace {

// No connection succeeds.
class DeadNetwork final : public Network {
 public:
  explicit DeadNetwork(Executor& executor) : executor_(executor) {}
  std::unique_ptr<Link> connect(size_t, const std::string&, uint16_t, LinkWatcher& watcher) override {
    attempts++;
    executor_.post([&watcher] { watcher.on_lost("refused"); });
    return std::make_unique<DeadLink>();
  }
  int attempts = 0;

 private:
  class DeadLink final : public Link {
   public:
    void send(Payload) override {}
  };
  Executor& executor_;
};

class NodeConnectionTest : public testing::Test {
 protected:
  void send() {
    auto request = std::make_shared<const BrokerHeartbeatRequest>();
    connection_->send(outgoing_request<BrokerHeartbeatResponse>(request, BrokerHeartbeatRequest::kMaxVersion),
                      clock_.steady_ms() + 10'000, [this](ErrorCode error, std::shared_ptr<void>) {
                        replies_.push_back(error);
                      });
  }
  void run() {
    while (executor_.run_turn()) {
    }
  }

  ManualClock clock_;
  ManualExecutor executor_{clock_, 1};
  DeadNetwork network_{executor_};
  std::shared_ptr<NodeConnection> connection_ =
      std::make_shared<NodeConnection>(executor_, network_, 0, NodeAddress{"somewhere", 1}, "test");
  std::vector<ErrorCode> replies_;
};

TEST_F(NodeConnectionTest, WhatWaitsForTheNextAttemptIsAnsweredWhenTheConnectionIsRetired) {
  send();
  run();
  EXPECT_EQ(replies_, std::vector<ErrorCode>{ErrorCode::kNetworkException});
  send();
  run();
  EXPECT_EQ(network_.attempts, 1) << "not at once again";
  EXPECT_EQ(replies_.size(), 1u);
  NodeConnection::retire(std::exchange(connection_, nullptr), "another is used");
  run();
  EXPECT_EQ(replies_, (std::vector<ErrorCode>{ErrorCode::kNetworkException, ErrorCode::kNetworkException}));
}

}  // namespace
}  // namespace milena::broker::broker_test
