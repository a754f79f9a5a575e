// Inputs and outputs of TransactionShard: plain values, no behaviour. The generated request and response structures are
// used as they are.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "coordinator/group/group_types.h"
#include "protocol/error_code.h"
#include "protocol/messages/add_offsets_to_txn.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/list_transactions.h"

namespace milena::coordinator {

// The numbers are those of the records in __transaction_state.
enum class TransactionState : int8_t {
  kEmpty = 0,
  kOngoing = 1,
  kPrepareCommit = 2,
  kPrepareAbort = 3,
  kCompleteCommit = 4,
  kCompleteAbort = 5,
  kDead = 6,
  kPrepareEpochFence = 7,
};

using PartitionsToAdd = AddPartitionsToTxnRequest::AddPartitionsToTxnTransaction;
using AddedPartitions = AddPartitionsToTxnResponse::AddPartitionsToTxnResult;

using TransactionResponse = std::variant<InitProducerIdResponse, AddedPartitions, AddOffsetsToTxnResponse,
                                         EndTxnResponse, DescribeTransactionsResponse, ListTransactionsResponse>;

struct TransactionAnswer {
  AnswerToken token = 0;
  TransactionResponse response;
};

// The shard's tokens for its requests to the runtime. They are unique within one incarnation of a shard: the runtime
// drops results after the shard was closed.
using MarkerToken = uint64_t;
using ProducerIdToken = uint64_t;

struct TopicPartitions {
  Bytes topic;
  std::vector<int32_t> partitions;
  bool operator==(const TopicPartitions&) const = default;
};

// The markers of a transaction, for each of these partitions (WriteTxnMarkers to their leaders).
struct TransactionMarkers {
  MarkerToken token = 0;
  Bytes transactional_id;  // for log lines
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  int32_t coordinator_epoch = 0;
  // 2: the partition's leader requires an epoch greater than that of the producer's records.
  int16_t transaction_version = 0;
  bool committed = false;
  std::vector<TopicPartitions> partitions;
};

// The result of one partition's marker.
struct MarkerResult {
  Bytes topic;
  int32_t partition = 0;
  ErrorCode error = ErrorCode::kNone;
};

// Effects of an input, for the runtime to carry out in this order: append the records as one batch; apply each of them;
// when the high watermark covers all records appended so far, send the responses and start the markers. Producer ids
// may be fetched at once.
struct TransactionEffects {
  std::vector<CoordinatorRecord> records;
  std::vector<TransactionAnswer> answers;
  // Each is answered once, by TransactionShard::markers_written.
  std::vector<TransactionMarkers> markers;
  // Each is answered once, by TransactionShard::producer_id_given.
  std::vector<ProducerIdToken> producer_id_requests;
};

// The server's settings of transactions, with Kafka's defaults.
struct TransactionConfig {
  int32_t max_timeout_ms = 900'000;               // transaction.max.timeout.ms
  int64_t id_expiration_ms = 604'800'000;         // transactional.id.expiration.ms
  int64_t abort_check_interval_ms = 10'000;       // transaction.abort.timed.out.transaction.cleanup.interval.ms
  int64_t expiry_check_interval_ms = 3'600'000;   // transaction.remove.expired.transaction.cleanup.interval.ms
  int64_t marker_retry_ms = 100;                  // not a setting in Kafka either
};

}  // namespace milena::coordinator
