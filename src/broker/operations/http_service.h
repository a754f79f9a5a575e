// HttpService: serves /metrics, /livez, /readyz over HTTP. net/ has the sockets, http/ the syntax, http_gate.h decides
// who may ask.
//
// It exists before the node: while logs are recovered, /livez answers, and /readyz answers that the broker starts. The
// thread that starts the node makes it and calls start(); sessions live on the shards. Outlives its server, and the
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

struct HttpAccess;
class MetricsPage;
class Node;
class OneByOne;

class HttpService final : public SessionFactory {
 public:
  // `version` is Milena's own. Without `access` every client is served.
  HttpService(std::vector<Executor*> executors, std::string version,
              std::shared_ptr<const HttpAccess> access = nullptr);
  ~HttpService() override;

  // The node can be used from now on. It outlives the last turn of the loops.
  void start(Node& node) { node_ = &node; }
  // The node stops: it is not used any more.
  void stop() { stopping_ = true; }

  // On shard 0: the node's settings were altered.
  void tell_settings(const config::Settings& now) const {
    if (on_settings_) on_settings_(now);
  }

  void watch_settings(std::function<void(const config::Settings&)> changed) override {
    on_settings_ = std::move(changed);
  }
  std::unique_ptr<Session> open(int shard, ConnectionInfo info, Transport& transport) override;
  void on_failed_handshake(int shard, const ConnectionInfo& info, const std::string& reason) override;
  const http::HttpRouter& router() const { return router_; }

 private:
  // Null while it starts or stops.
  Node* node() const { return stopping_ ? nullptr : node_.load(); }
  void serve_readiness(http::HttpCall call) const;
  void examine_node(http::HttpCall call) const;
  void follow_client(http::HttpCall call) const;
  void serve_metrics(http::HttpCall call, const char* always) const;

  const std::vector<Executor*> executors_;
  const std::shared_ptr<const HttpAccess> access_;
  std::vector<std::shared_ptr<OneByOne>> computations_;  // of each shard, with access_
  std::function<void(const config::Settings&)> on_settings_;  // on shard 0
  const std::shared_ptr<MetricsPage> metrics_;
  http::HttpRouter router_;
  std::atomic<Node*> node_ = nullptr;
  std::atomic<bool> stopping_ = false;
};

}  // namespace milena::broker
