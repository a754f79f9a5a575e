// Encodes and decodes the records of __transaction_state. Pure functions.
//
// A key is its type (int16, always 0) and the transactional id; a value its version (int16) and fields. Version 1,
// flexible and with the producer ids before and after, is written when transaction.version is 1 or more; we read both
// (Kafka's TransactionLog).
#pragma once

#include "base/result.h"
#include "coordinator/transaction/transaction_metadata.h"

namespace milena::coordinator {

struct TransactionRecord {
  Bytes transactional_id;
  std::optional<TransactionMetadata> metadata;  // null: a tombstone
};

Result<TransactionRecord> parse_transaction_record(ByteView key, std::optional<ByteView> value);

CoordinatorRecord make_transaction_record(ByteView transactional_id, const TransactionMetadata& metadata,
                                          int16_t transaction_version);
CoordinatorRecord make_transaction_tombstone(ByteView transactional_id);

}  // namespace milena::coordinator
