// The record batch of magic 2, Kafka's unit of producing, storing and fetching (Kafka's DefaultRecordBatch).
//
//   0 base offset i64     16 magic i8            43 producer id i64
//   8 batch length i32    17 crc u32             51 producer epoch i16
//  12 leader epoch i32    21 attributes i16      53 base sequence i32
//                         23 last offset delta   57 record count i32
//                         27 base timestamp i64  61 records, compressed as one block
//                         35 max timestamp i64
//
// The crc covers byte 21 to the end, so a leader sets base offset and leader epoch in place, for free. Everything here
// is a view: a frame or a file's buffer owns the bytes. Any thread.
// The records themselves: record_iterator.h. Writing batches: record_batch_builder.h, control_records.h.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/compression/compression.h"

namespace milena {

constexpr size_t kBatchHeaderSize = 61;
// Base offset and batch length: the bytes that batch_length does not count, in every format.
constexpr size_t kBatchLogOverhead = 12;
constexpr size_t kBatchMagicPosition = 16;
constexpr size_t kBatchCrcPosition = 17;
// Start of the bytes that the crc covers.
constexpr size_t kBatchAttributesPosition = 21;
constexpr int8_t kMagicV2 = 2;

constexpr int64_t kNoTimestamp = -1;
constexpr int64_t kNoProducerId = -1;
constexpr int16_t kNoProducerEpoch = -1;
constexpr int32_t kNoSequence = -1;
constexpr int32_t kNoLeaderEpoch = -1;

enum class TimestampType : uint8_t { kCreateTime = 0, kLogAppendTime = 1 };

constexpr int16_t kBatchCodecMask = 0x07;
constexpr int16_t kBatchLogAppendTimeBit = 0x08;
constexpr int16_t kBatchTransactionalBit = 0x10;
constexpr int16_t kBatchControlBit = 0x20;
constexpr int16_t kBatchDeleteHorizonBit = 0x40;

// Sequences go from 0 to 2^31-1 and then begin again at 0.
int32_t sequence_after(int32_t sequence, int32_t increment);

struct BatchHeader {
  int64_t base_offset = 0;
  int32_t batch_length = 0;
  int32_t partition_leader_epoch = kNoLeaderEpoch;
  int8_t magic = kMagicV2;
  uint32_t crc = 0;
  int16_t attributes = 0;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp = kNoTimestamp;
  int64_t max_timestamp = kNoTimestamp;
  int64_t producer_id = kNoProducerId;
  int16_t producer_epoch = kNoProducerEpoch;
  int32_t base_sequence = kNoSequence;
  int32_t record_count = 0;

  // Both take kBatchHeaderSize bytes. Nothing is checked here, but in RecordBatchView::parse.
  static BatchHeader read(const char* from);
  void write(char* to) const;

  uint64_t total_size() const { return kBatchLogOverhead + static_cast<uint64_t>(batch_length); }
  int64_t last_offset() const { return base_offset + last_offset_delta; }
  int64_t next_offset() const { return last_offset() + 1; }
  bool has_producer_id() const { return producer_id > kNoProducerId; }
  int32_t last_sequence() const;

  Codec compression() const { return static_cast<Codec>(attributes & kBatchCodecMask); }
  TimestampType timestamp_type() const {
    return attributes & kBatchLogAppendTimeBit ? TimestampType::kLogAppendTime : TimestampType::kCreateTime;
  }
  bool is_transactional() const { return attributes & kBatchTransactionalBit; }
  bool is_control() const { return attributes & kBatchControlBit; }
  bool has_delete_horizon() const { return attributes & kBatchDeleteHorizonBit; }
  // With a delete horizon, base_timestamp holds it: the time from which compaction may drop tombstones.
  std::optional<int64_t> delete_horizon_ms() const {
    return has_delete_horizon() ? std::optional(base_timestamp) : std::nullopt;
  }
};

class RecordBatchView {
 public:
  // The batch at the front of `bytes`, which may have more behind it. kCorrupt if it is cut off, or its fields
  // contradict each other; kUnsupported for the formats before magic 2. The crc is not checked here.
  static Result<RecordBatchView> parse(ByteView bytes);

  const BatchHeader& header() const { return header_; }
  // The whole batch, header included.
  ByteView bytes() const { return bytes_; }
  // The bytes behind the header, compressed with the header's codec.
  ByteView records() const { return bytes_.substr(kBatchHeaderSize); }
  uint32_t computed_crc() const;
  bool crc_ok() const { return computed_crc() == header_.crc; }

 private:
  RecordBatchView(const BatchHeader& header, ByteView bytes) : header_(header), bytes_(bytes) {}

  BatchHeader header_;
  ByteView bytes_;
};

// Walks over consecutive batches.
//
//   BatchIterator it(bytes);
//   while (it.next()) use(it.batch());
//   RETURN_IF_ERROR(it.status());
class BatchIterator {
 public:
  explicit BatchIterator(ByteView bytes) : rest_(bytes) {}

  // False at the end, and at the first invalid batch.
  bool next();
  const RecordBatchView& batch() const { return *batch_; }
  // Where the current batch begins, counted from the first.
  size_t position() const { return position_; }
  // The bytes behind the current batch; after an error, those that did not parse. Fetched bytes may end in an
  // incomplete batch: that is an error here, and a caller that expects it looks at the rest.
  ByteView rest() const { return rest_; }
  const Status& status() const { return status_; }

 private:
  ByteView rest_;
  size_t position_ = 0;
  std::optional<RecordBatchView> batch_;
  Status status_ = ok_status();
};

// Sets the fields that a leader sets on append: in place, outside of the bytes that the crc covers.
void set_base_offset_and_epoch(char* batch, int64_t base_offset, int32_t partition_leader_epoch);

// Computes and sets the crc of a batch that is otherwise complete.
void seal_batch(char* batch, size_t size);

}  // namespace milena
