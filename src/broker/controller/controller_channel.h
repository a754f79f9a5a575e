// ControllerChannel: how handlers reach the controller: a request of some API with its principal and deadline goes in,
// the answer comes out. The embedded controller is one implementation (embedded_controller.h); RemoteController, which
// forwards requests to a controller elsewhere (Envelope), is the other.
//
// send() may be called from any shard, which passes itself; the reply runs on that shard, once. With kNone there is an
// answer, and its changes are visible on every shard of this node. Any other error is the reason why the controller was
// not reached.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/executor.h"
#include "base/result.h"
#include "broker/outgoing_request.h"
#include "security/authorizer.h"

namespace milena::broker {

class Shard;

// The client of the request. Its permissions were checked before.
struct ControllerRequestContext {
  security::Principal principal;
  Bytes client_id;
  Bytes client_host = {};  // numeric; empty where no client asks
  int64_t deadline_ms = INT64_MAX;  // by the steady clock; nobody waits for the answer any more
  bool of_broker = false;           // the broker asks for itself: the principal is that of its own connection
};

class ControllerChannel {
 public:
  virtual ~ControllerChannel() = default;

  template <class Response, class Request>
  void send(Shard& from, std::shared_ptr<const Request> request, int16_t version, ControllerRequestContext context,
            std::function<void(ErrorCode, Response)> reply) {
    send_any(from, outgoing_request<Response>(std::move(request), version), std::move(context),
             outgoing_reply<Response>(std::move(reply)));
  }

  // Makes the topics that are missing, as on first use: with the broker's defaults, or as the internal topics are made.
  // `done` runs when all of them can be used, or could not be made. Without a client the broker asks for itself.
  virtual void create_topics_for_use(Shard& from, std::vector<Bytes> names,
                                     std::optional<ControllerRequestContext> client, Task done) = 0;
  // An id that was never given out before.
  virtual void next_producer_id(Shard& from, std::function<void(Result<int64_t>)> done) = 0;

  // send() without types, for code that forwards requests.
  virtual void send_any(Shard& from, OutgoingRequest request, ControllerRequestContext context,
                        OutgoingReply reply) = 0;
};

}  // namespace milena::broker
