// Peers: how this node asks another broker for something on its own behalf: to write the markers of a transaction, or
// whether a partition is part of one. The only way a coordinator reaches partitions, so that it makes no difference
// whether they live on this node or on another.
//
// send() is called on any shard, which passes itself; the reply comes on that shard, once: kNone and the answer, or why
// there is none (kNetworkException: try again). The request is kept alive until then; its views may point into what the
// pointer keeps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "protocol/error_code.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/write_txn_markers.h"

namespace milena {

class Shard;

class Peers {
 public:
  template <class Response>
  using Reply = std::function<void(ErrorCode, Response)>;

  virtual ~Peers() = default;
  virtual void send(Shard& from, int32_t node, std::shared_ptr<const WriteTxnMarkersRequest> request,
                    Reply<WriteTxnMarkersResponse> reply) = 0;
  // In the form between brokers: version 4 and up.
  virtual void send(Shard& from, int32_t node, std::shared_ptr<const AddPartitionsToTxnRequest> request,
                    Reply<AddPartitionsToTxnResponse> reply) = 0;
};

// A node that stands alone: all partitions and coordinators are here, and a request is a call.
class LocalPeers final : public Peers {
 public:
  void send(Shard& from, int32_t node, std::shared_ptr<const WriteTxnMarkersRequest> request,
            Reply<WriteTxnMarkersResponse> reply) override;
  void send(Shard& from, int32_t node, std::shared_ptr<const AddPartitionsToTxnRequest> request,
            Reply<AddPartitionsToTxnResponse> reply) override;
};

}  // namespace milena
