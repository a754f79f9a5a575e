#include "protocol/records/record_batch_builder.h"

#include <algorithm>

#include "base/varint.h"

namespace milena {
namespace {

char* write_sized(char* to, std::optional<ByteView> bytes) {
  if (!bytes) return write_varint(to, -1);
  to = write_varint(to, static_cast<int32_t>(bytes->size()));
  return to + bytes->copy(to, bytes->size());
}

size_t sized_size(std::optional<ByteView> bytes) {
  if (!bytes) return varint_size(-1);
  return varint_size(static_cast<int32_t>(bytes->size())) + bytes->size();
}

constexpr size_t kMaxFixedRecordSize = 4 * kMaxVarintSize + kMaxVarlongSize + 1;

}  // namespace

RecordBatchBuilder::RecordBatchBuilder(const BatchOptions& options)
    : options_(options), next_offset_(options.base_offset), last_offset_(options.base_offset - 1) {
  out_.resize(kBatchHeaderSize);
  if (options.compression != Codec::kNone) {
    const int level = options.compression_level.value_or(default_level(options.compression));
    compressor_ = CompressStream::open(options.compression, level);
  }
}

void RecordBatchBuilder::append(std::optional<ByteView> key, std::optional<ByteView> value, int64_t timestamp_ms,
                                std::span<const RecordHeader> headers) {
  append_at(next_offset_, key, value, timestamp_ms, headers);
}

void RecordBatchBuilder::append_at(int64_t offset, std::optional<ByteView> key, std::optional<ByteView> value,
                                   int64_t timestamp_ms, std::span<const RecordHeader> headers) {
  Bytes raw;
  for (const RecordHeader& header : headers) {
    const size_t at = raw.size();
    raw.resize(at + sized_size(header.key) + sized_size(header.value));
    write_sized(write_sized(raw.data() + at, header.key), header.value);
  }
  append_raw(offset, key, value, timestamp_ms, static_cast<int32_t>(headers.size()), raw);
}

void RecordBatchBuilder::append_at(int64_t offset, std::optional<ByteView> key, std::optional<ByteView> value,
                                   int64_t timestamp_ms, const RecordHeaders& headers) {
  append_raw(offset, key, value, timestamp_ms, headers.count(), headers.bytes());
}

void RecordBatchBuilder::append_raw(int64_t offset, std::optional<ByteView> key, std::optional<ByteView> value,
                                    int64_t timestamp_ms, int32_t header_count, ByteView headers) {
  CHECK(offset >= next_offset_, "offset {} after {}", offset, next_offset_ - 1);
  if (record_count_ == 0) base_timestamp_ = options_.delete_horizon_ms.value_or(timestamp_ms);
  const auto offset_delta = static_cast<int32_t>(offset - options_.base_offset);
  const auto timestamp_delta =
      static_cast<int64_t>(static_cast<uint64_t>(timestamp_ms) - static_cast<uint64_t>(base_timestamp_));
  const size_t body_size = 1 + varlong_size(timestamp_delta) + varint_size(offset_delta) + sized_size(key) +
                           sized_size(value) + varint_size(header_count) + headers.size();

  Bytes& to = compressor_ ? pending_ : out_;
  const size_t at = to.size();
  to.resize(at + varint_size(static_cast<int32_t>(body_size)) + body_size);
  char* out = write_varint(to.data() + at, static_cast<int32_t>(body_size));
  *out++ = 0;  // attributes
  out = write_varlong(out, timestamp_delta);
  out = write_varint(out, offset_delta);
  out = write_sized(out, key);
  out = write_sized(out, value);
  out = write_varint(out, header_count);
  headers.copy(out, headers.size());

  uncompressed_size_ += to.size() - at;
  if (compressor_ && pending_.size() >= kCompressedPortion) {
    compressor_->write(pending_, out_);
    pending_.clear();
  }
  record_count_++;
  next_offset_ = offset + 1;
  last_offset_ = std::max(last_offset_, offset);
  max_timestamp_ = std::max(max_timestamp_, timestamp_ms);
}

size_t RecordBatchBuilder::max_record_size(size_t key_size, size_t value_size, std::span<const RecordHeader> headers) {
  size_t size = kMaxFixedRecordSize + key_size + value_size;
  for (const RecordHeader& header : headers) size += sized_size(header.key) + sized_size(header.value);
  return size;
}

void RecordBatchBuilder::set_last_offset(int64_t last_offset) {
  CHECK(last_offset >= last_offset_, "last offset {} before {}", last_offset, last_offset_);
  last_offset_ = last_offset;
}

Bytes RecordBatchBuilder::build() {
  CHECK(last_offset_ >= options_.base_offset, "a batch without offsets");
  if (compressor_) {
    compressor_->write(pending_, out_);
    compressor_->finish(out_);
  }
  BatchHeader header;
  header.base_offset = options_.base_offset;
  header.batch_length = static_cast<int32_t>(out_.size() - kBatchLogOverhead);
  header.partition_leader_epoch = options_.partition_leader_epoch;
  header.attributes = static_cast<int16_t>(options_.compression);
  if (options_.timestamp_type == TimestampType::kLogAppendTime) header.attributes |= kBatchLogAppendTimeBit;
  if (options_.transactional) header.attributes |= kBatchTransactionalBit;
  if (options_.control) header.attributes |= kBatchControlBit;
  if (options_.delete_horizon_ms) header.attributes |= kBatchDeleteHorizonBit;
  header.last_offset_delta = static_cast<int32_t>(last_offset_ - options_.base_offset);
  header.base_timestamp = base_timestamp_;
  header.max_timestamp = max_timestamp();
  header.producer_id = options_.producer_id;
  header.producer_epoch = options_.producer_epoch;
  header.base_sequence = options_.base_sequence;
  header.record_count = record_count_;
  header.write(out_.data());
  seal_batch(out_.data(), out_.size());
  return std::move(out_);
}

Bytes build_single_record_batch(const BatchOptions& options, std::optional<ByteView> key,
                                std::optional<ByteView> value, int64_t timestamp_ms) {
  RecordBatchBuilder builder(options);
  builder.append(key, value, timestamp_ms);
  return builder.build();
}

}  // namespace milena
