// Control records: written by brokers and controllers into logs, in batches with the control bit (Kafka's
// ControlRecordType, EndTransactionMarker). Their key is i16 version 0, i16 type.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/records/record_batch.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/records/record_iterator.h"

namespace milena {

enum class ControlRecordType : int16_t {
  kUnknown = -1,
  kAbort = 0,
  kCommit = 1,
  kLeaderChange = 2,
  kSnapshotHeader = 3,
  kSnapshotFooter = 4,
  kKraftVersion = 5,
  kKraftVoters = 6,
};

constexpr size_t kControlKeySize = 4;
Bytes control_record_key(ControlRecordType type);
// kUnknown for a type of a newer broker; an error for an invalid key.
Result<ControlRecordType> parse_control_record_key(std::optional<ByteView> key);

// The end of a transaction. The transaction coordinator has it written into every partition of the transaction.
struct EndTransactionMarker {
  bool committed = false;
  int32_t coordinator_epoch = 0;

  ControlRecordType type() const { return committed ? ControlRecordType::kCommit : ControlRecordType::kAbort; }
};

Bytes end_transaction_marker_value(const EndTransactionMarker& marker);
// The marker in a control record; an error if the record is not a marker.
Result<EndTransactionMarker> parse_end_transaction_marker(const RecordView& record);

// A batch with one marker: transactional and control bits, no sequence.
Bytes build_end_transaction_batch(int64_t base_offset, int32_t partition_leader_epoch, int64_t timestamp_ms,
                                  int64_t producer_id, int16_t producer_epoch, const EndTransactionMarker& marker);

// A batch with one control record of another type, its value encoded by the caller (LeaderChangeMessage,
// SnapshotHeaderRecord, SnapshotFooterRecord, KRaftVersionRecord, VotersRecord).
Bytes build_control_batch(int64_t base_offset, int32_t partition_leader_epoch, int64_t timestamp_ms,
                          ControlRecordType type, ByteView value);

// The type of a control batch, from its first record.
Result<ControlRecordType> control_batch_type(const RecordBatchView& batch);

}  // namespace milena
