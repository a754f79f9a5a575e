// Writes one batch of magic 2: for coordinators, the metadata log, conversions and tests. One user, any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "protocol/records/record_batch.h"
#include "protocol/records/record_iterator.h"

namespace milena {

struct BatchOptions {
  int64_t base_offset = 0;
  int32_t partition_leader_epoch = kNoLeaderEpoch;
  Codec compression = Codec::kNone;
  // nullopt: Kafka's default of the codec.
  std::optional<int> compression_level;
  // With kLogAppendTime readers see log_append_time_ms on all records. Their own timestamps stay in the bytes.
  TimestampType timestamp_type = TimestampType::kCreateTime;
  int64_t log_append_time_ms = kNoTimestamp;
  int64_t producer_id = kNoProducerId;
  int16_t producer_epoch = kNoProducerEpoch;
  int32_t base_sequence = kNoSequence;
  bool transactional = false;
  bool control = false;
  // Replaces the base timestamp in the header; the records' deltas still count from the original one.
  std::optional<int64_t> delete_horizon_ms;
};

class RecordBatchBuilder {
 public:
  explicit RecordBatchBuilder(const BatchOptions& options = {});

  // The next offset. The first record's timestamp becomes the batch's base timestamp.
  void append(std::optional<ByteView> key, std::optional<ByteView> value, int64_t timestamp_ms,
              std::span<const RecordHeader> headers = {});
  // At an offset of the caller's choice, beyond all before it: for batches with gaps.
  void append_at(int64_t offset, std::optional<ByteView> key, std::optional<ByteView> value, int64_t timestamp_ms,
                 std::span<const RecordHeader> headers = {});
  // The same with encoded headers of another record.
  void append_at(int64_t offset, std::optional<ByteView> key, std::optional<ByteView> value, int64_t timestamp_ms,
                 const RecordHeaders& headers);

  bool empty() const { return record_count_ == 0; }
  int32_t record_count() const { return record_count_; }
  int64_t next_offset() const { return next_offset_; }
  int64_t max_timestamp() const {
    return options_.timestamp_type == TimestampType::kLogAppendTime ? options_.log_append_time_ms : max_timestamp_;
  }
  // The batch's size as it would be now, without compression.
  size_t uncompressed_size() const { return kBatchHeaderSize + uncompressed_size_; }
  // Lower bound for the size of build()'s result: the compressor buffers some bytes.
  size_t written_size() const { return out_.size(); }
  // Upper bound for the size of one more record; for callers that keep batches below a limit.
  static size_t max_record_size(size_t key_size, size_t value_size, std::span<const RecordHeader> headers = {});

  // The batch, sealed; it must have a record or a last offset. The builder is then used up.
  Bytes build();
  // Lets the batch end at a later offset than its last record, as compaction does. Before build().
  void set_last_offset(int64_t last_offset);

 private:
  void append_raw(int64_t offset, std::optional<ByteView> key, std::optional<ByteView> value, int64_t timestamp_ms,
                  int32_t header_count, ByteView headers);

  // Records go to the compressor in portions.
  static constexpr size_t kCompressedPortion = 16 * 1024;

  BatchOptions options_;
  Bytes out_;  // room for the batch header, then the encoded records
  std::unique_ptr<CompressStream> compressor_;
  Bytes pending_;
  size_t uncompressed_size_ = 0;
  int32_t record_count_ = 0;
  int64_t next_offset_;
  int64_t last_offset_;
  int64_t base_timestamp_ = kNoTimestamp;
  int64_t max_timestamp_ = kNoTimestamp;
};

// Shorthand for a batch of one record.
Bytes build_single_record_batch(const BatchOptions& options, std::optional<ByteView> key,
                                std::optional<ByteView> value, int64_t timestamp_ms);

}  // namespace milena
