// HttpSession: the node's side of one HTTP connection. Reads each request, starts its handler by the router, sends the
// answer. Lives on the connection's shard, owned by the connection.
//
// A request must arrive completely, and then be answered, within kPatience_ms each. An idle connection is closed after
// that time, too.
#pragma once

#include <memory>

#include "base/executor.h"
#include "broker/clients/session.h"
#include "broker/operations/http_gate.h"
#include "http/parser.h"
#include "http/router.h"

namespace milena::broker {

class HttpSession final : public Session {
 public:
  // For a request, and for an answer. Longer than the usual interval of scrapes, so that their connection is kept.
  static constexpr int64_t kPatience_ms = 75'000;

  // `router` and `executor` outlive it. Without a gate every request is served.
  static std::unique_ptr<Session> open(const http::HttpRouter& router, Executor& executor, int shard,
                                       std::shared_ptr<HttpGate> gate, Transport& transport);
  ~HttpSession() override;

  void on_request(Frame frame) override;
  void on_closed(bool by_peer) override;

 private:
  struct State;

  explicit HttpSession(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

}  // namespace milena::broker
