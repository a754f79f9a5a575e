// Messages of magic 0 and 1, the formats before record batches (Kafka's LegacyRecord, AbstractLegacyRecordBatch). Old
// clients send them with Produce 0-2 and get them from Fetch 0-3. They are converted on append; a log begun by an older
// Kafka may still hold them, and Fetch returns them as they are to clients that know their format. One entry:
//
//   offset i64, size i32, crc u32 (IEEE, over what follows), magic i8, attributes i8, [magic 1: timestamp i64],
//   key length i32 (-1 null), key, value length i32 (-1 null), value
//
// Compressed messages travel as the value of a wrapper message. Magic 0: inner offsets are absolute. Magic 1: they
// count from 0, and the wrapper has the offset of the last one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/compression/compression.h"
#include "protocol/records/record_batch.h"

namespace milena {

constexpr size_t kLegacyOverheadV0 = 14;
constexpr size_t kLegacyOverheadV1 = 22;
constexpr int8_t kLegacyCodecMask = 0x07;
constexpr uint8_t kMaxLegacyCodec = 3;  // lz4
constexpr int8_t kLegacyLogAppendTimeBit = 0x08;

// The entry at the front of `bytes`, a message or a batch of any magic, as Kafka's ByteBufferLogInputStream cuts a
// produced record set: empty if the rest is not a whole entry (which ends the set, silently), an error if its size or
// magic is invalid.
Result<ByteView> next_log_entry(ByteView bytes);
inline int8_t magic_of(ByteView entry) { return static_cast<int8_t>(entry[kBatchMagicPosition]); }

// The header of the entry of any magic at the front of `head`, which must have up to kBatchHeaderSize bytes of it;
// nullopt if it is invalid, or has more than `available` bytes. A message counts as a batch of one. A compressed one
// has the offset of its last message, and the same base offset: the first offset is known only after decompression.
std::optional<BatchHeader> log_entry_header(ByteView head, uint64_t available);

// CRC-32 (IEEE), continued from `before`.
uint32_t crc32_ieee(ByteView bytes, uint32_t before = 0);

struct LegacyMessage {
  int64_t offset = 0;
  uint32_t crc = 0;
  int8_t magic = 0;
  int8_t attributes = 0;
  // Not set with magic 0.
  int64_t timestamp = kNoTimestamp;
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  // The bytes that the crc covers.
  ByteView covered;

  // Parses an entry from next_log_entry; the crc is not checked.
  static Result<LegacyMessage> parse(ByteView entry);

  bool crc_ok() const;
  uint8_t codec_id() const { return static_cast<uint8_t>(attributes & kLegacyCodecMask); }
  bool is_compressed() const { return codec_id() != 0; }
  Codec compression() const { return static_cast<Codec>(codec_id()); }
  // nullopt for magic 0, which has no timestamps.
  std::optional<TimestampType> timestamp_type() const;
};

// Appends one entry.
void append_legacy_message(Bytes& to, int64_t offset, int8_t magic, int8_t attributes, int64_t timestamp,
                           std::optional<ByteView> key, std::optional<ByteView> value);

// Converts an entry of magic 0 or 1, or all its wrapped messages, to one batch of magic 2: offsets, times and codec are
// kept. kCorrupt if its checksum or its content is invalid.
Result<Bytes> up_convert(ByteView entry);
// Entries as a log has them; those of magic 0 and 1 are converted. An incomplete entry at the end stays.
Result<Bytes> in_current_format(Bytes entries);

class RecordWindow;

// The messages inside a compressed one, decompressed through a window as RecordIterator does it.
class LegacyInnerIterator {
 public:
  // The wrapper's bytes must outlive the iterator; its codec must be a known one.
  explicit LegacyInnerIterator(const LegacyMessage& wrapper, size_t max_message_bytes);
  ~LegacyInnerIterator();
  LegacyInnerIterator(const LegacyInnerIterator&) = delete;
  LegacyInnerIterator& operator=(const LegacyInnerIterator&) = delete;

  // False at the end of the wrapper's value, and at the first invalid message. The message is a view, valid until the
  // next step. Its offset is as written; a wrapper with log append time gives its timestamp to all.
  bool next();
  const LegacyMessage& message() const { return message_; }
  const Status& status() const { return status_; }

 private:
  Result<bool> read_next();

  const LegacyMessage& wrapper_;
  size_t max_message_bytes_;
  std::unique_ptr<RecordWindow> window_;
  LegacyMessage message_;
  Status status_ = ok_status();
};

}  // namespace milena
