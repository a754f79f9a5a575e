#include "coordinator/transaction/transaction_records.h"

#include <utility>

#include "coordinator/record_bytes.h"
#include "protocol/messages/transaction/transaction_log.h"

namespace milena::coordinator {
namespace {

TransactionLogKey key_of(ByteView transactional_id) { return {.transactional_id = Bytes(transactional_id)}; }

TransactionMetadata metadata_of(TransactionLogValue value) {
  TransactionMetadata metadata;
  metadata.producer_id = value.producer_id;
  metadata.previous_producer_id = value.previous_producer_id;
  metadata.next_producer_id = value.next_producer_id;
  metadata.producer_epoch = value.producer_epoch;
  metadata.timeout_ms = value.transaction_timeout_ms;
  metadata.state = static_cast<TransactionState>(value.transaction_status);
  metadata.start_ms = value.transaction_start_timestamp_ms;
  metadata.last_update_ms = value.transaction_last_update_timestamp_ms;
  metadata.client_transaction_version = value.client_transaction_version;
  if (metadata.state == TransactionState::kEmpty || !value.transaction_partitions) return metadata;
  for (const auto& topic : *value.transaction_partitions) {
    for (int32_t partition : topic.partition_ids) metadata.partitions.add(topic.topic, partition);
  }
  return metadata;
}

}  // namespace

Result<TransactionRecord> parse_transaction_record(ByteView key, std::optional<ByteView> value) {
  TransactionRecord record;
  Reader key_reader(key);
  const int16_t type = key_reader.read_int16();
  if (!key_reader.ok() || type != TransactionLogKey::kType) {
    return make_error(ErrorKind::kCorrupt, "a record's key of {} bytes is of an unknown type", key.size());
  }
  TransactionLogKey parsed_key;
  if (!parse_record_key(key_reader, parsed_key))
    return make_error(ErrorKind::kCorrupt, "a transactional id cannot be read");
  record.transactional_id = std::move(parsed_key.transactional_id);
  if (!value) return record;
  TransactionLogValue parsed;
  if (!parse_record_value(*value, parsed) || !is_stored_transaction_state(parsed.transaction_status)) {
    return make_error(ErrorKind::kCorrupt, "the state of '{}' cannot be read", record.transactional_id);
  }
  record.metadata = metadata_of(std::move(parsed));
  return record;
}

CoordinatorRecord make_transaction_record(ByteView transactional_id, const TransactionMetadata& metadata,
                                          int16_t transaction_version) {
  TransactionLogValue value;
  value.producer_id = metadata.producer_id;
  value.previous_producer_id = metadata.previous_producer_id;
  value.next_producer_id = metadata.next_producer_id;
  value.producer_epoch = metadata.producer_epoch;
  value.transaction_timeout_ms = metadata.timeout_ms;
  value.transaction_status = static_cast<int8_t>(metadata.state);
  value.transaction_last_update_timestamp_ms = metadata.last_update_ms;
  value.transaction_start_timestamp_ms = metadata.start_ms;
  value.client_transaction_version = metadata.client_transaction_version;
  if (metadata.state == TransactionState::kEmpty) {
    value.transaction_partitions = std::nullopt;
  } else {
    for (const auto& [topic, partitions] : metadata.partitions.topics()) {
      value.transaction_partitions->push_back({.topic = topic, .partition_ids = partitions});
    }
  }
  return make_record(key_of(transactional_id), value, transaction_version >= 1 ? 1 : 0);
}

CoordinatorRecord make_transaction_tombstone(ByteView transactional_id) {
  return make_tombstone(key_of(transactional_id));
}

}  // namespace milena::coordinator
