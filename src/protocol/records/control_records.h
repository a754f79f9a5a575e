// Control records: what brokers and controllers write into logs for themselves, in batches with the control bit
// (Kafka's ControlRecordType, EndTransactionMarker). Their key is i16 version 0, i16 type.
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
// kUnknown for a type that a newer broker has invented; an error for a key that is none.
Result<ControlRecordType> parse_control_record_key(std::optional<ByteView> key);

// The end of a transaction, as the transaction coordinator has it written into every partition that took part.
struct EndTransactionMarker {
  bool committed = false;
  int32_t coordinator_epoch = 0;

  ControlRecordType type() const { return committed ? ControlRecordType::kCommit : ControlRecordType::kAbort; }
};

Bytes end_transaction_marker_value(const EndTransactionMarker& marker);
// The marker in a control record; an error when the record is another control record or no marker.
Result<EndTransactionMarker> parse_end_transaction_marker(const RecordView& record);

// A batch with one marker: transactional and control bits, no sequence.
Bytes build_end_transaction_batch(int64_t base_offset, int32_t partition_leader_epoch, int64_t timestamp_ms,
                                  int64_t producer_id, int16_t producer_epoch, const EndTransactionMarker& marker);

// A batch with one control record of another type, its value encoded by the caller (LeaderChangeMessage,
// SnapshotHeaderRecord, SnapshotFooterRecord, KRaftVersionRecord, VotersRecord).
Bytes build_control_batch(int64_t base_offset, int32_t partition_leader_epoch, int64_t timestamp_ms,
                          ControlRecordType type, ByteView value);

// The type of a control batch by its first record, which says it for the whole batch.
Result<ControlRecordType> control_batch_type(const RecordBatchView& batch);

}  // namespace milena
