#include "protocol/records/legacy_messages.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "protocol/records/record_window.h"

namespace milena {
namespace {

constexpr size_t kLegacyCrcSize = 4;

// Takes a length and that many bytes from the front; false if there are fewer.
bool take_sized(ByteView& rest, std::optional<ByteView>& bytes) {
  if (rest.size() < sizeof(int32_t)) return false;
  const auto size = load_big_endian<int32_t>(rest.data());
  rest.remove_prefix(sizeof(int32_t));
  bytes = std::nullopt;
  if (size < 0) return true;
  if (static_cast<size_t>(size) > rest.size()) return false;
  bytes = rest.substr(0, static_cast<size_t>(size));
  rest.remove_prefix(static_cast<size_t>(size));
  return true;
}

void append_sized(Bytes& to, std::optional<ByteView> bytes) {
  append_big_endian(to, bytes ? static_cast<int32_t>(bytes->size()) : int32_t{-1});
  if (bytes) to.append(*bytes);
}

}  // namespace

uint32_t crc32_ieee(ByteView bytes, uint32_t before) {
  return static_cast<uint32_t>(crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::optional<BatchHeader> log_entry_header(ByteView head, uint64_t available) {
  if (head.size() <= kBatchMagicPosition) return std::nullopt;
  BatchHeader header;
  header.magic = magic_of(head);
  const size_t least = header.magic == 0   ? kBatchLogOverhead + kLegacyOverheadV0
                       : header.magic == 1 ? kBatchLogOverhead + kLegacyOverheadV1
                                           : kBatchHeaderSize;
  if (header.magic < 0 || header.magic > kMagicV2 || head.size() < least) return std::nullopt;
  if (header.magic == kMagicV2) {
    header = BatchHeader::read(head.data());
  } else {
    header.base_offset = load_big_endian<int64_t>(head.data());
    header.batch_length = load_big_endian<int32_t>(head.data() + 8);
    header.crc = load_big_endian<uint32_t>(head.data() + kBatchLogOverhead);
    header.attributes =
        static_cast<int8_t>(head[kBatchMagicPosition + 1]) & (kLegacyCodecMask | kLegacyLogAppendTimeBit);
    if (header.magic == 1)
      header.max_timestamp = load_big_endian<int64_t>(head.data() + kBatchMagicPosition + 2);
    header.base_timestamp = header.max_timestamp;
    header.record_count = 1;
  }
  const bool possible = header.batch_length >= static_cast<int32_t>(least - kBatchLogOverhead) &&
                        header.total_size() <= available && header.last_offset_delta >= 0 &&
                        header.base_offset >= 0 &&
                        header.base_offset <= std::numeric_limits<int64_t>::max() - header.last_offset_delta;
  return possible ? std::optional(header) : std::nullopt;
}

Result<ByteView> next_log_entry(ByteView bytes) {
  if (bytes.size() < kBatchLogOverhead) return ByteView();
  const auto size = load_big_endian<int32_t>(bytes.data() + 8);
  if (size < static_cast<int32_t>(kLegacyOverheadV0)) {
    return make_error(ErrorKind::kCorrupt, "record set with an entry of {} bytes, expected at least 14", size);
  }
  if (bytes.size() <= kBatchMagicPosition) return ByteView();
  const int8_t magic = magic_of(bytes);
  if (magic < 0 || magic > kMagicV2) {
    return make_error(ErrorKind::kCorrupt, "record set with an entry of unknown magic {}", magic);
  }
  const size_t total = kBatchLogOverhead + static_cast<size_t>(size);
  return total <= bytes.size() ? bytes.substr(0, total) : ByteView();
}

Result<LegacyMessage> LegacyMessage::parse(ByteView entry) {
  LegacyMessage message;
  message.magic = magic_of(entry);
  const size_t overhead = message.magic == 0 ? kLegacyOverheadV0 : kLegacyOverheadV1;
  if (entry.size() < kBatchLogOverhead + overhead) {
    return make_error(ErrorKind::kCorrupt, "message of magic {} with {} bytes", message.magic, entry.size());
  }
  message.offset = load_big_endian<int64_t>(entry.data());
  message.crc = load_big_endian<uint32_t>(entry.data() + kBatchLogOverhead);
  message.covered = entry.substr(kBatchLogOverhead + kLegacyCrcSize);
  ByteView rest = message.covered;
  message.attributes = static_cast<int8_t>(rest[1]);
  rest.remove_prefix(2);
  if (message.magic > 0) {
    message.timestamp = load_big_endian<int64_t>(rest.data());
    rest.remove_prefix(sizeof(int64_t));
  }
  if (!take_sized(rest, message.key) || !take_sized(rest, message.value)) {
    return make_error(ErrorKind::kCorrupt, "message whose key or value is longer than the message");
  }
  return message;
}

bool LegacyMessage::crc_ok() const { return crc32_ieee(covered) == crc; }

std::optional<TimestampType> LegacyMessage::timestamp_type() const {
  if (magic == 0) return std::nullopt;
  return attributes & kLegacyLogAppendTimeBit ? TimestampType::kLogAppendTime : TimestampType::kCreateTime;
}

void append_legacy_message(Bytes& to, int64_t offset, int8_t magic, int8_t attributes, int64_t timestamp,
                           std::optional<ByteView> key, std::optional<ByteView> value) {
  append_big_endian(to, offset);
  const size_t size_at = to.size();
  to.append(sizeof(int32_t) + kLegacyCrcSize, '\0');
  const size_t covered_from = to.size();
  to += static_cast<char>(magic);
  to += static_cast<char>(attributes);
  if (magic > 0) append_big_endian(to, timestamp);
  append_sized(to, key);
  append_sized(to, value);
  const uint32_t crc = crc32_ieee(ByteView(to).substr(covered_from));
  store_big_endian(to.data() + size_at, static_cast<int32_t>(to.size() - size_at - sizeof(int32_t)));
  store_big_endian(to.data() + size_at + sizeof(int32_t), crc);
}

LegacyInnerIterator::LegacyInnerIterator(const LegacyMessage& wrapper, size_t max_message_bytes)
    : wrapper_(wrapper), max_message_bytes_(max_message_bytes) {
  const Lz4Framing framing = wrapper.magic == 0 ? Lz4Framing::kMagic0 : Lz4Framing::kStandard;
  window_ = std::make_unique<RecordWindow>(
      DecompressStream::open(wrapper.compression(), wrapper.value.value_or(ByteView()), framing));
}

LegacyInnerIterator::~LegacyInnerIterator() = default;

bool LegacyInnerIterator::next() {
  if (!status_.ok()) return false;
  Result<bool> more = read_next();
  if (!more.ok()) status_ = more.error();
  return status_.ok() && *more;
}

// As in Kafka's DataLogInputStream, an incomplete message at the end is no error.
Result<bool> LegacyInnerIterator::read_next() {
  RETURN_IF_ERROR(window_->fill(kBatchLogOverhead));
  if (window_->available().size() < kBatchLogOverhead) return false;
  const auto size = load_big_endian<int32_t>(window_->available().data() + 8);
  if (size < static_cast<int32_t>(kLegacyOverheadV0)) {
    return make_error(ErrorKind::kCorrupt, "compressed message with an inner message of {} bytes", size);
  }
  const size_t total = kBatchLogOverhead + static_cast<size_t>(size);
  if (total > max_message_bytes_) {
    return make_error(ErrorKind::kCorrupt,
                      "compressed message with an inner message of {} bytes, more than the limit", size);
  }
  // Step by step: a size may be false, and memory is only allocated for bytes that are there.
  for (size_t step = std::min<size_t>(total, 64 * 1024);; step = std::min(total, 2 * step)) {
    RETURN_IF_ERROR(window_->fill(step));
    if (window_->available().size() < step) return false;
    if (step == total) break;
  }
  const ByteView entry = window_->available().substr(0, total);
  window_->consume(total);
  if (const int8_t magic = magic_of(entry); magic < 0 || magic > 1) {
    return make_error(ErrorKind::kCorrupt, "compressed message with an inner message of magic {}", magic);
  }
  Result<LegacyMessage> parsed = LegacyMessage::parse(entry);
  RETURN_IF_ERROR(parsed);
  message_ = *parsed;
  if (wrapper_.timestamp_type() == TimestampType::kLogAppendTime) message_.timestamp = wrapper_.timestamp;
  return true;
}

}  // namespace milena
