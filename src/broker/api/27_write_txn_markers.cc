// WriteTxnMarkers (key 27), versions 0-2: from the coordinators of transactions, and from an administrator who ends a
// hanging one. Version 2 tells the version of the transaction (KIP-1228).
#include "broker/api_entry.h"
#include "broker/call.h"
#include "broker/transaction_requests.h"

namespace milena {
namespace {

using WriteTxnMarkersCall = Call<WriteTxnMarkersRequest, WriteTxnMarkersResponse>;

void handle_write_txn_markers(std::shared_ptr<WriteTxnMarkersCall> call) {
  std::shared_ptr<const WriteTxnMarkersRequest> request(call, &call->request);
  write_txn_markers(call->shard(), std::move(request),
                    [call](WriteTxnMarkersResponse response) { call->reply(response); });
}

}  // namespace

ApiEntry write_txn_markers_api() { return api_entry<WriteTxnMarkersCall, handle_write_txn_markers>(); }

}  // namespace milena
