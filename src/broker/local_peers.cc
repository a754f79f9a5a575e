#include <utility>

#include "broker/peer.h"
#include "broker/shard.h"
#include "broker/transaction_requests.h"

namespace milena {

void LocalPeers::send(Shard& from, int32_t node, std::shared_ptr<const WriteTxnMarkersRequest> request,
                      Reply<WriteTxnMarkersResponse> reply) {
  if (node != from.node().node_id) return reply(ErrorCode::kNetworkException, {});
  write_txn_markers(from, std::move(request), [reply = std::move(reply)](WriteTxnMarkersResponse response) {
    reply(ErrorCode::kNone, std::move(response));
  });
}

void LocalPeers::send(Shard& from, int32_t node, std::shared_ptr<const AddPartitionsToTxnRequest> request,
                      Reply<AddPartitionsToTxnResponse> reply) {
  if (node != from.node().node_id) return reply(ErrorCode::kNetworkException, {});
  add_partitions_to_transactions(from, std::move(request), kPeerVersionOfAddPartitions, nullptr,
                                 [reply = std::move(reply)](AddPartitionsToTxnResponse response) {
                                   reply(ErrorCode::kNone, std::move(response));
                                 });
}

}  // namespace milena
