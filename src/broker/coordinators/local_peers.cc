#include <utility>

#include "broker/coordinators/peer.h"
#include "broker/coordinators/transaction_requests.h"
#include "broker/shard.h"

namespace milena::broker {
namespace {

// Passes the result of a function of this node as a peer's answer.
template <class Response>
std::function<void(Response)> as_answer(OutgoingReply reply) {
  return [reply = std::move(reply)](Response response) {
    reply(ErrorCode::kNone, std::make_shared<Response>(std::move(response)));
  };
}

}  // namespace

void LocalPeers::send_any(Shard& from, int32_t node, OutgoingRequest request, OutgoingReply reply) {
  if (node != from.node().node_id) return reply(ErrorCode::kNetworkException, nullptr);
  switch (request.key) {
    case ApiKey::kWriteTxnMarkers:
      return write_txn_markers(from, request.as<WriteTxnMarkersRequest>(),
                               as_answer<WriteTxnMarkersResponse>(std::move(reply)));
    case ApiKey::kAddPartitionsToTxn:
      return add_partitions_to_transactions(from, request.as<AddPartitionsToTxnRequest>(), request.version, nullptr,
                                            as_answer<AddPartitionsToTxnResponse>(std::move(reply)));
    default: return reply(ErrorCode::kUnsupportedVersion, nullptr);
  }
}

}  // namespace milena::broker
