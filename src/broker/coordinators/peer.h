// Peers: how this node sends requests to another broker on its own behalf: to write the markers of a transaction, or to
// ask whether a partition is part of one. Coordinators reach partitions only in this way, so it makes no difference
// whether these live on this node or on another.
//
// send() takes any request between brokers, by type. It may be called on any shard, which passes itself; the reply runs
// on that shard, once: with kNone and the answer, or with an error (kNetworkException: try again).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "broker/outgoing_request.h"

namespace milena::broker {

class Shard;
class ShardContext;

class Peers {
 public:
  template <class Response>
  using Reply = std::function<void(ErrorCode, Response)>;

  virtual ~Peers() = default;
  // Uses the newest version, as between brokers. The request is kept alive until the reply.
  template <class Response, class Request>
  void send(Shard& from, int32_t node, std::shared_ptr<const Request> request, Reply<Response> reply) {
    send_any(from, node, outgoing_request<Response>(std::move(request), Request::kMaxVersion),
             outgoing_reply<Response>(std::move(reply)));
  }

  // The same without types, for code that forwards requests.
  virtual void send_any(Shard& from, int32_t node, OutgoingRequest request, OutgoingReply reply) = 0;
  // The controller has fenced the broker: others lead its partitions. The requests of `from` that it has not answered
  // fail with kNetworkException in a later turn: the broker may be paused, and not answer for long.
  virtual void on_fenced(ShardContext& from, int32_t node) = 0;
};

// The peers of a single node: all partitions and coordinators are here, and a request is a call.
class LocalPeers final : public Peers {
 public:
  void send_any(Shard& from, int32_t node, OutgoingRequest request, OutgoingReply reply) override;
  void on_fenced(ShardContext&, int32_t) override {}
};

}  // namespace milena::broker
