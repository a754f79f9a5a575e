// Appends the batches of a Produce request, each at the shard that owns its partition. With acks=all an item waits for
// the high watermark. An item's answer is in the item itself.
//
// The first batch of a transaction in a partition goes there twice: the owner returns a guard instead of appending, the
// transaction's coordinator is asked (for clients that support the second version of the protocol this adds the
// partition), and then it is appended (KIP-890). Source: Kafka's ReplicaManager.handleProduceAppend.
//
// Records are checked and rewritten before, on the connection's shard.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "broker/coordinators/transaction_verification.h"
#include "broker/replica/partition.h"
#include "broker/replica/topic_partition_id.h"

namespace milena::broker {

// A transaction's batch, with the fields that the log checks before an append.
struct TransactionalBatch {
  int64_t producer_id = -1;
  int16_t epoch = -1;
  int32_t first_sequence = -1;
  bool supports_epoch_bump = false;
};

struct ProduceItem {
  TopicPartitionId id;
  std::optional<TransactionalBatch> transactional;  // if it may need a verification
  uint64_t guard = 0;                               // until it is verified, the batch is not appended
  bool verified = false;
  // The records were refused before: nothing is appended, but the owner fills in its log start offset.
  ErrorCode refused = ErrorCode::kNone;
  Payload batches;
  bool wait_for_replicas = false;
  int64_t deadline_ms = 0;
  log::AppendOutcome outcome;
  std::optional<Bytes> error_message;
};

// The producer of the items. Only used if one of them needs a verification.
struct ProducedBy {
  TransactionalProducer producer;
  TransactionSupport support = TransactionSupport::kDefaultError;
};

// `done` runs on `from` with the items in their order, without the batches.
void append_produced(Shard& from, ProducedBy by, std::vector<ProduceItem> items,
                     std::function<void(std::vector<ProduceItem>)> done);

}  // namespace milena::broker
