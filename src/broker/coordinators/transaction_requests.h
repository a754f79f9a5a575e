// Serves the requests of a transaction's coordinator to a broker, and of brokers to the coordinator. Requests of other
// brokers come from the handlers of the two APIs, those of this node from LocalPeers.
#pragma once

#include <functional>
#include <memory>

#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/write_txn_markers.h"

namespace milena::broker {

class Shard;
class ShardContext;

// Writes the end of transactions into partitions of this node (Kafka's handleWriteTxnMarkersRequest). `done` runs on
// `from` when each is covered by its partition's high watermark, or failed.
void write_txn_markers(Shard& from, std::shared_ptr<const WriteTxnMarkersRequest> request,
                       std::function<void(WriteTxnMarkersResponse)> done);

// Adds partitions to transactions, or checks that they are part of them (verify_only), each at its coordinator on this
// node. A missing partition, or a topic for which `may_write` returns false (null: all are allowed), fails its
// transaction's request. `version` is that of the request and determines the errors that may be used. `may_write` is
// called within the call; `done` runs on `from`.
void add_partitions_to_transactions(ShardContext& from, std::shared_ptr<const AddPartitionsToTxnRequest> request,
                                    int16_t version, const std::function<bool(ByteView topic)>& may_write,
                                    std::function<void(AddPartitionsToTxnResponse)> done);

}  // namespace milena::broker
