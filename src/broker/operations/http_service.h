// HttpService: what the node serves over HTTP: /metrics, /livez, /readyz. Sockets are net/'s, the syntax is http/'s.
//
// It is there before the node is: while logs are recovered /livez answers, and /readyz says that the broker starts.
// Made and told of the node by the thread that starts it; sessions live on the shards. Outlives its server, and the
// loops' last turns.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/executor.h"
#include "broker/clients/session.h"
#include "http/router.h"

namespace milena::broker {

class MetricsPage;
class Node;

class HttpService final : public SessionFactory {
 public:
  // `version` is Milena's own.
  HttpService(std::vector<Executor*> executors, std::string version);
  ~HttpService() override;

  // The node can be asked from now on. It outlives the last turn of the loops.
  void start(Node& node) { node_ = &node; }
  // It stops: it is not asked any more.
  void stop() { stopping_ = true; }

  std::unique_ptr<Session> open(int shard, ConnectionInfo info, Transport& transport) override;
  const http::HttpRouter& router() const { return router_; }

 private:
  // Null while it starts or stops.
  Node* node() const { return stopping_ ? nullptr : node_.load(); }
  void serve_readiness(http::HttpCall call) const;
  void examine_node(http::HttpCall call) const;
  void follow_client(http::HttpCall call) const;
  void serve_metrics(http::HttpCall call, const char* always) const;

  const std::vector<Executor*> executors_;
  const std::shared_ptr<MetricsPage> metrics_;
  http::HttpRouter router_;
  std::atomic<Node*> node_ = nullptr;
  std::atomic<bool> stopping_ = false;
};

}  // namespace milena::broker
