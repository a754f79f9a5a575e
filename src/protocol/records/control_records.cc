#include "protocol/records/control_records.h"

namespace milena {
namespace {

constexpr int16_t kControlKeyVersion = 0;
constexpr int16_t kMarkerVersion = 0;
constexpr size_t kMarkerValueSize = 6;  // i16 version, i32 coordinator epoch

}  // namespace

Bytes control_record_key(ControlRecordType type) {
  Bytes key;
  append_big_endian(key, kControlKeyVersion);
  append_big_endian(key, static_cast<int16_t>(type));
  return key;
}

Result<ControlRecordType> parse_control_record_key(std::optional<ByteView> key) {
  if (!key || key->size() < kControlKeySize) {
    return make_error(ErrorKind::kCorrupt, "control record with a key of {} bytes, expected at least 4",
                      key ? key->size() : 0);
  }
  const auto version = load_big_endian<int16_t>(key->data());
  if (version < 0) return make_error(ErrorKind::kCorrupt, "control record with a key of version {}", version);
  const auto type = load_big_endian<int16_t>(key->data() + 2);
  if (type < 0 || type > static_cast<int16_t>(ControlRecordType::kKraftVoters)) return ControlRecordType::kUnknown;
  return static_cast<ControlRecordType>(type);
}

Bytes end_transaction_marker_value(const EndTransactionMarker& marker) {
  Bytes value;
  append_big_endian(value, kMarkerVersion);
  append_big_endian(value, marker.coordinator_epoch);
  return value;
}

Result<EndTransactionMarker> parse_end_transaction_marker(const RecordView& record) {
  Result<ControlRecordType> type = parse_control_record_key(record.key);
  RETURN_IF_ERROR(type);
  if (*type != ControlRecordType::kAbort && *type != ControlRecordType::kCommit) {
    return make_error(ErrorKind::kInvalid, "control record of type {} is not an end of a transaction",
                      static_cast<int16_t>(*type));
  }
  if (!record.value || record.value->size() < kMarkerValueSize) {
    return make_error(ErrorKind::kCorrupt, "end of transaction with a value of {} bytes, expected at least 6",
                      record.value ? record.value->size() : 0);
  }
  const auto version = load_big_endian<int16_t>(record.value->data());
  if (version < 0) return make_error(ErrorKind::kCorrupt, "end of transaction with a value of version {}", version);
  return EndTransactionMarker{*type == ControlRecordType::kCommit, load_big_endian<int32_t>(record.value->data() + 2)};
}

Bytes build_end_transaction_batch(int64_t base_offset, int32_t partition_leader_epoch, int64_t timestamp_ms,
                                  int64_t producer_id, int16_t producer_epoch, const EndTransactionMarker& marker) {
  BatchOptions options;
  options.base_offset = base_offset;
  options.partition_leader_epoch = partition_leader_epoch;
  options.producer_id = producer_id;
  options.producer_epoch = producer_epoch;
  options.transactional = true;
  options.control = true;
  return build_single_record_batch(options, control_record_key(marker.type()), end_transaction_marker_value(marker),
                                   timestamp_ms);
}

Bytes build_control_batch(int64_t base_offset, int32_t partition_leader_epoch, int64_t timestamp_ms,
                          ControlRecordType type, ByteView value) {
  BatchOptions options;
  options.base_offset = base_offset;
  options.partition_leader_epoch = partition_leader_epoch;
  options.control = true;
  return build_single_record_batch(options, control_record_key(type), value, timestamp_ms);
}

Result<ControlRecordType> control_batch_type(const RecordBatchView& batch) {
  if (!batch.header().is_control()) {
    return make_error(ErrorKind::kInvalid, "batch at offset {} is not a control batch", batch.header().base_offset);
  }
  RecordIterator records(batch);
  if (records.next()) return parse_control_record_key(records.record().key);
  if (!records.status().ok()) return records.status().error();
  return make_error(ErrorKind::kCorrupt, "control batch at offset {} without a record", batch.header().base_offset);
}

}  // namespace milena
