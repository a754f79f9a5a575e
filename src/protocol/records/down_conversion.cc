#include "protocol/records/down_conversion.h"

#include <algorithm>

#include "protocol/records/legacy_messages.h"
#include "protocol/records/record_batch.h"
#include "protocol/records/record_iterator.h"

namespace milena {
namespace {

constexpr size_t kCompressedPortion = 16 * 1024;

int8_t attributes_of(const BatchHeader& header, int8_t magic, Codec codec) {
  auto attributes = static_cast<int8_t>(codec);
  if (magic > 0 && header.timestamp_type() == TimestampType::kLogAppendTime) attributes |= kLegacyLogAppendTimeBit;
  return attributes;
}

Status convert_plain(const RecordBatchView& batch, int8_t magic, int64_t first_offset, Bytes& to) {
  const int8_t attributes = attributes_of(batch.header(), magic, Codec::kNone);
  RecordIterator it(batch);
  while (it.next()) {
    const RecordView& record = it.record();
    if (record.offset < first_offset) continue;
    append_legacy_message(to, record.offset, magic, attributes, record.timestamp, record.key, record.value);
  }
  return it.status();
}

// Inner messages are streamed into the compressor, so only a portion of them is ever held.
Status convert_compressed(const RecordBatchView& batch, int8_t magic, Bytes& to) {
  const BatchHeader& header = batch.header();
  const int8_t inner_attributes = attributes_of(header, magic, Codec::kNone);
  const Lz4Framing framing = magic == 0 ? Lz4Framing::kMagic0 : Lz4Framing::kStandard;
  const auto compressor = CompressStream::open(header.compression(), default_level(header.compression()), framing);

  Bytes value, portion;
  int64_t first = -1, last = -1, max_timestamp = kNoTimestamp;
  RecordIterator it(batch);
  while (it.next()) {
    const RecordView& record = it.record();
    if (first < 0) first = record.offset;
    last = record.offset;
    max_timestamp = std::max(max_timestamp, record.timestamp);
    const int64_t inner_offset = magic > 0 ? record.offset - first : record.offset;
    append_legacy_message(portion, inner_offset, magic, inner_attributes, record.timestamp, record.key, record.value);
    if (portion.size() >= kCompressedPortion) {
      compressor->write(portion, value);
      portion.clear();
    }
  }
  RETURN_IF_ERROR(it.status());
  if (first < 0) return ok_status();
  compressor->write(portion, value);
  compressor->finish(value);
  append_legacy_message(to, last, magic, attributes_of(header, magic, header.compression()), max_timestamp,
                        std::nullopt, value);
  return ok_status();
}

DownConverted failed(ErrorCode error, std::string detail) {
  DownConverted result;
  result.error = error;
  result.detail = std::move(detail);
  return result;
}

}  // namespace

DownConverted down_convert(ByteView batches, int8_t to_magic, int64_t first_offset, size_t max_bytes) {
  CHECK(to_magic == 0 || to_magic == 1, "magic {}", to_magic);
  DownConverted result;
  result.next_offset = first_offset;
  while (result.bytes.size() < max_bytes || result.bytes.empty()) {
    Result<ByteView> entry = next_log_entry(batches);
    if (!entry.ok()) return failed(ErrorCode::kCorruptMessage, entry.error().message);
    if (entry->empty()) break;
    batches.remove_prefix(entry->size());
    if (magic_of(*entry) <= to_magic) {  // of a log begun by an older Kafka
      result.bytes += *entry;
      result.next_offset = std::max(result.next_offset, load_big_endian<int64_t>(entry->data()) + 1);
      continue;
    }
    Bytes converted;
    if (magic_of(*entry) < kMagicV2) {
      Result<Bytes> up = up_convert(*entry);
      if (!up.ok()) return failed(ErrorCode::kCorruptMessage, up.error().message);
      converted = up.take();
      entry = ByteView(converted);
    }
    Result<RecordBatchView> batch = RecordBatchView::parse(*entry);
    if (!batch.ok()) return failed(ErrorCode::kCorruptMessage, batch.error().message);
    const BatchHeader& header = batch->header();
    if (!header.is_control()) {
      if (header.compression() == Codec::kZstd) {
        if (!result.bytes.empty()) break;  // the batches before it are returned
        return failed(ErrorCode::kUnsupportedCompressionType,
                      fmt::format("batch at offset {} is compressed with zstd, which messages of magic {} do not "
                                  "support",
                                  header.base_offset, to_magic));
      }
      Status status = header.compression() == Codec::kNone
                          ? convert_plain(*batch, to_magic, first_offset, result.bytes)
                          : convert_compressed(*batch, to_magic, result.bytes);
      if (!status.ok()) return failed(ErrorCode::kCorruptMessage, status.error().message);
    }
    result.next_offset = std::max(result.next_offset, header.next_offset());
  }
  return result;
}

}  // namespace milena
