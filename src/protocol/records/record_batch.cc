#include "protocol/records/record_batch.h"

#include <limits>

#include "base/crc32c.h"

namespace milena {

int32_t sequence_after(int32_t sequence, int32_t increment) {
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  if (sequence > kMax - increment) return increment - (kMax - sequence) - 1;
  return sequence + increment;
}

int32_t BatchHeader::last_sequence() const {
  if (base_sequence == kNoSequence) return kNoSequence;
  return sequence_after(base_sequence, last_offset_delta);
}

BatchHeader BatchHeader::read(const char* from) {
  BatchHeader header;
  header.base_offset = load_big_endian<int64_t>(from);
  header.batch_length = load_big_endian<int32_t>(from + 8);
  header.partition_leader_epoch = load_big_endian<int32_t>(from + 12);
  header.magic = static_cast<int8_t>(from[kBatchMagicPosition]);
  header.crc = load_big_endian<uint32_t>(from + kBatchCrcPosition);
  header.attributes = load_big_endian<int16_t>(from + kBatchAttributesPosition);
  header.last_offset_delta = load_big_endian<int32_t>(from + 23);
  header.base_timestamp = load_big_endian<int64_t>(from + 27);
  header.max_timestamp = load_big_endian<int64_t>(from + 35);
  header.producer_id = load_big_endian<int64_t>(from + 43);
  header.producer_epoch = load_big_endian<int16_t>(from + 51);
  header.base_sequence = load_big_endian<int32_t>(from + 53);
  header.record_count = load_big_endian<int32_t>(from + 57);
  return header;
}

void BatchHeader::write(char* to) const {
  store_big_endian(to, base_offset);
  store_big_endian(to + 8, batch_length);
  store_big_endian(to + 12, partition_leader_epoch);
  to[kBatchMagicPosition] = static_cast<char>(magic);
  store_big_endian(to + kBatchCrcPosition, crc);
  store_big_endian(to + kBatchAttributesPosition, attributes);
  store_big_endian(to + 23, last_offset_delta);
  store_big_endian(to + 27, base_timestamp);
  store_big_endian(to + 35, max_timestamp);
  store_big_endian(to + 43, producer_id);
  store_big_endian(to + 51, producer_epoch);
  store_big_endian(to + 53, base_sequence);
  store_big_endian(to + 57, record_count);
}

Result<RecordBatchView> RecordBatchView::parse(ByteView bytes) {
  if (bytes.size() < kBatchMagicPosition + 1) {
    return make_error(ErrorKind::kCorrupt, "record batch cut off: {} bytes, less than a header", bytes.size());
  }
  const auto magic = static_cast<int8_t>(bytes[kBatchMagicPosition]);
  if (magic < 0 || magic > kMagicV2) return make_error(ErrorKind::kCorrupt, "record batch of unknown magic {}", magic);
  if (magic < kMagicV2) return make_error(ErrorKind::kUnsupported, "messages of the old format, magic {}", magic);
  if (bytes.size() < kBatchHeaderSize) {
    return make_error(ErrorKind::kCorrupt, "record batch cut off: {} of 61 bytes of its header", bytes.size());
  }
  const BatchHeader header = BatchHeader::read(bytes.data());
  if (header.batch_length < static_cast<int32_t>(kBatchHeaderSize - kBatchLogOverhead)) {
    return make_error(ErrorKind::kCorrupt, "record batch at offset {} has a length of {} bytes, less than its header",
                      header.base_offset, header.batch_length);
  }
  if (header.total_size() > bytes.size()) {
    return make_error(ErrorKind::kCorrupt, "record batch at offset {} cut off: {} of {} bytes", header.base_offset,
                      bytes.size(), header.total_size());
  }
  const bool offsets_possible = header.base_offset >= 0 && header.last_offset_delta >= 0 &&
                                header.base_offset <= std::numeric_limits<int64_t>::max() - header.last_offset_delta;
  if (!offsets_possible) {
    return make_error(ErrorKind::kCorrupt, "record batch with base offset {} and last offset delta {}",
                      header.base_offset, header.last_offset_delta);
  }
  // Compaction removes records and keeps the deltas, so there may be fewer records than offsets, never more.
  if (header.record_count < 0 || header.record_count > int64_t{header.last_offset_delta} + 1) {
    return make_error(ErrorKind::kCorrupt, "record batch at offset {} with {} records over {} offsets",
                      header.base_offset, header.record_count, int64_t{header.last_offset_delta} + 1);
  }
  if ((header.attributes & kBatchCodecMask) > kMaxCodec) {
    return make_error(ErrorKind::kCorrupt, "record batch at offset {} of unknown compression type {}",
                      header.base_offset, header.attributes & kBatchCodecMask);
  }
  return RecordBatchView(header, bytes.substr(0, header.total_size()));
}

uint32_t RecordBatchView::computed_crc() const { return crc32c(bytes_.substr(kBatchAttributesPosition)); }

bool BatchIterator::next() {
  if (!status_.ok()) return false;
  if (batch_) position_ += batch_->bytes().size();
  if (rest_.empty()) return false;
  Result<RecordBatchView> parsed = RecordBatchView::parse(rest_);
  if (!parsed.ok()) {
    status_ = parsed.error();
    return false;
  }
  batch_ = *parsed;
  rest_.remove_prefix(batch_->bytes().size());
  return true;
}

void set_base_offset_and_epoch(char* batch, int64_t base_offset, int32_t partition_leader_epoch) {
  store_big_endian(batch, base_offset);
  store_big_endian(batch + kBatchLogOverhead, partition_leader_epoch);
}

void seal_batch(char* batch, size_t size) {
  const ByteView covered(batch + kBatchAttributesPosition, size - kBatchAttributesPosition);
  store_big_endian(batch + kBatchCrcPosition, crc32c(covered));
}

}  // namespace milena
