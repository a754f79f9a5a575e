#include "log/snapshot_file.h"

#include <optional>

#include <fmt/core.h>

#include "protocol/records/record_batch.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/records/record_iterator.h"

namespace milena::log {
namespace {

// KafkaRaftClient's limit for a batch.
constexpr size_t kMaxBatch_bytes = 8 << 20;

// SnapshotHeaderRecord v0: i16 version, i64 last contained log timestamp, no tagged fields. The footer: version only.
Bytes header_value(int64_t last_contained_log_timestamp) {
  Bytes value;
  append_big_endian<int16_t>(value, 0);
  append_big_endian<int64_t>(value, last_contained_log_timestamp);
  value += '\0';
  return value;
}
Bytes footer_value() { return Bytes(3, '\0'); }

Error corrupt(const char* what) { return make_error(ErrorKind::kCorrupt, "snapshot: {}", what); }

// Fills a SnapshotFile batch by batch.
class SnapshotReader {
 public:
  Status add(const RecordBatchView& batch) {
    if (!batch.crc_ok()) return corrupt("a batch has a wrong checksum");
    if (complete_) return corrupt("bytes follow the footer");
    RecordIterator records(batch);
    while (records.next()) {
      if (batch.header().is_control()) RETURN_IF_ERROR(add_control(records.record()));
      else RETURN_IF_ERROR(add_data(records.record()));
    }
    return records.status();
  }
  Result<SnapshotFile> finish() && {
    if (!complete_) return corrupt("no footer");
    return std::move(file_);
  }

 private:
  Status add_control(const RecordView& record) {
    Result<ControlRecordType> type = parse_control_record_key(record.key);
    RETURN_IF_ERROR(type);
    ByteView value = record.value.value_or(ByteView());
    if (*type == ControlRecordType::kSnapshotHeader) {
      if (begun_ || value.size() < 10) return corrupt("a record has an unexpected or incomplete header");
      file_.last_contained_log_timestamp = load_big_endian<int64_t>(value.data() + 2);
      begun_ = true;
      return ok_status();
    }
    if (!begun_) return corrupt("no header");
    if (*type == ControlRecordType::kSnapshotFooter) complete_ = true;
    else file_.controls.push_back({*type, Bytes(value)});
    return ok_status();
  }
  Status add_data(const RecordView& record) {
    if (!begun_) return corrupt("no header");
    if (!record.value) return corrupt("a record without a value");
    file_.records.emplace_back(*record.value);
    return ok_status();
  }

  SnapshotFile file_;
  bool begun_ = false;
  bool complete_ = false;
};

}  // namespace

std::string snapshot_file_name(int64_t end_offset, int32_t epoch) {
  return fmt::format("{:020}-{:010}.checkpoint", end_offset, epoch);
}

Bytes encode_snapshot_file(const SnapshotFile& snapshot, int32_t leader_epoch, int64_t timestamp_ms) {
  int64_t offset = 0;
  Bytes file = build_control_batch(offset++, leader_epoch, timestamp_ms, ControlRecordType::kSnapshotHeader,
                                   header_value(snapshot.last_contained_log_timestamp));
  for (const SnapshotFile::Control& control : snapshot.controls) {
    file += build_control_batch(offset++, leader_epoch, timestamp_ms, control.type, control.value);
  }
  std::optional<RecordBatchBuilder> batch;
  for (const Bytes& record : snapshot.records) {
    if (batch && batch->uncompressed_size() + RecordBatchBuilder::max_record_size(0, record.size()) > kMaxBatch_bytes) {
      file += batch->build();
      batch.reset();
    }
    if (!batch) batch.emplace(BatchOptions{.base_offset = offset, .partition_leader_epoch = leader_epoch});
    batch->append(std::nullopt, record, timestamp_ms);
    ++offset;
  }
  if (batch) file += batch->build();
  return file + build_control_batch(offset, leader_epoch, timestamp_ms, ControlRecordType::kSnapshotFooter,
                                    footer_value());
}

Result<SnapshotFile> decode_snapshot_file(ByteView file) {
  SnapshotReader reader;
  BatchIterator batches(file);
  while (batches.next()) RETURN_IF_ERROR(reader.add(batches.batch()));
  RETURN_IF_ERROR(batches.status());
  return std::move(reader).finish();
}

Status write_snapshot_file(FileSystem& file_system, const std::string& path, const SnapshotFile& snapshot,
                           int32_t leader_epoch, int64_t timestamp_ms, bool durable) {
  return file_system.write_file_atomically(path, encode_snapshot_file(snapshot, leader_epoch, timestamp_ms), durable);
}

Result<SnapshotFile> read_snapshot_file(FileSystem& file_system, const std::string& path) {
  Result<Bytes> file = file_system.read_file(path);
  RETURN_IF_ERROR(file);
  Result<SnapshotFile> snapshot = decode_snapshot_file(*file);
  if (!snapshot) return Error{snapshot.error().kind, path + ": " + snapshot.error().message};
  return snapshot;
}

}  // namespace milena::log
