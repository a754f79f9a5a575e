// What a broker does for a transaction's coordinator, and a coordinator for the brokers with its partitions. Asked by
// other brokers through the handlers of the two APIs, and by this node through LocalPeers.
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

// Adds partitions to transactions, or tells whether they are part of them (verify_only), each at its coordinator on
// this node. Partitions that are not there, and those of topics that `may_write` says no to (null: it may write to
// all), fail their transaction's request. `version` is the client's or peer's, and decides which errors are known
// there. `may_write` is asked within the call; `done` runs on `from`.
void add_partitions_to_transactions(ShardContext& from, std::shared_ptr<const AddPartitionsToTxnRequest> request,
                                    int16_t version, const std::function<bool(ByteView topic)>& may_write,
                                    std::function<void(AddPartitionsToTxnResponse)> done);

}  // namespace milena::broker
