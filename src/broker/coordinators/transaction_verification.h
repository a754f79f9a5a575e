// Checks that partitions are part of a producer's transaction, before its first batch is appended (KIP-890). For
// clients that support the second version of the protocol the check adds them. Source: Kafka's
// AddPartitionsToTxnManager.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/topic_partition.h"
#include "protocol/error_code.h"

namespace milena::broker {

class ShardContext;

// The transaction features of the version of a client's request.
enum class TransactionSupport {
  kDefaultError,  // no TRANSACTION_ABORTABLE
  kGenericError,  // TRANSACTION_ABORTABLE
  kAddPartition,  // adds partitions by writing to them; every transaction has an epoch of its own
};

TransactionSupport produce_transaction_support(int16_t produce_version);
TransactionSupport offset_commit_transaction_support(int16_t txn_offset_commit_version);

struct TransactionalProducer {
  Bytes transactional_id;
  int64_t producer_id = -1;
  int16_t epoch = -1;
};

// Asks the transaction's coordinator, on whichever node. `done` runs on `from` with a code for each partition, in their
// order, as the client's version supports it.
void verify_in_transaction(ShardContext& from, const TransactionalProducer& producer, TransactionSupport support,
                           std::vector<TopicPartition> partitions,
                           std::function<void(std::vector<ErrorCode>)> done);

}  // namespace milena::broker
