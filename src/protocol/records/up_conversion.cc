// Converts messages of magic 0 and 1 in a log to batches of magic 2, for readers within the broker (Kafka's
// AbstractLegacyRecordBatch iterates them in their own format).
#include "protocol/records/legacy_messages.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/records/record_checks.h"

namespace milena {
namespace {

BatchOptions options_like(const LegacyMessage& message, int64_t base_offset) {
  BatchOptions options;
  options.base_offset = base_offset;
  options.compression = message.compression();
  options.timestamp_type = message.timestamp_type().value_or(TimestampType::kCreateTime);
  options.log_append_time_ms = message.timestamp;
  return options;
}

size_t most_held(ByteView entry) {
  return std::max(kMaxRewrittenRecord_bytes, kMaxRewrittenRecordRatio * entry.size());
}

struct InnerOffsets {
  int64_t first = -1;
  int64_t last = -1;
};

// Offsets as written in the wrapper.
Result<InnerOffsets> inner_offsets(const LegacyMessage& wrapper, size_t most) {
  InnerOffsets offsets;
  LegacyInnerIterator inner(wrapper, most);
  while (inner.next()) {
    if (offsets.first < 0) offsets.first = inner.message().offset;
    const bool grows = inner.message().offset > offsets.last && !inner.message().is_compressed();
    if (!grows)
      return make_error(ErrorKind::kCorrupt,
                        "a compressed message at offset {} with invalid inner messages", wrapper.offset);
    offsets.last = inner.message().offset;
  }
  RETURN_IF_ERROR(inner.status());
  if (offsets.first < 0)
    return make_error(ErrorKind::kCorrupt, "an empty compressed message at offset {}", wrapper.offset);
  return offsets;
}

Result<Bytes> convert_wrapped(const LegacyMessage& wrapper, ByteView entry) {
  Result<InnerOffsets> offsets = inner_offsets(wrapper, most_held(entry));
  RETURN_IF_ERROR(offsets);
  // Magic 1 counts from the first; the first versions of it that did not, and magic 0, have the offsets
  // themselves.
  const int64_t shift = wrapper.offset - offsets->last;
  const bool possible =
      shift >= 0 && offsets->first + shift >= 0 && offsets->last - offsets->first <= INT32_MAX;
  if (!possible)
    return make_error(ErrorKind::kCorrupt, "a compressed message at offset {} ends at offset {}", wrapper.offset,
                      offsets->last);
  RecordBatchBuilder builder(options_like(wrapper, offsets->first + shift));
  LegacyInnerIterator inner(wrapper, most_held(entry));
  while (inner.next()) {
    const LegacyMessage& message = inner.message();
    builder.append_at(message.offset + shift, message.key, message.value, message.timestamp);
  }
  RETURN_IF_ERROR(inner.status());
  return builder.build();
}

}  // namespace

Result<Bytes> up_convert(ByteView entry) {
  Result<LegacyMessage> message = LegacyMessage::parse(entry);
  RETURN_IF_ERROR(message);
  if (!message->crc_ok())
    return make_error(ErrorKind::kCorrupt, "the message at offset {} has a wrong checksum", message->offset);
  if (message->codec_id() > kMaxLegacyCodec || (message->is_compressed() && !message->value)) {
    return make_error(ErrorKind::kCorrupt, "the message at offset {} cannot be decompressed",
                      message->offset);
  }
  if (message->is_compressed()) return convert_wrapped(*message, entry);
  RecordBatchBuilder builder(options_like(*message, message->offset));
  builder.append_at(message->offset, message->key, message->value, message->timestamp);
  return builder.build();
}

Result<Bytes> in_current_format(Bytes entries) {
  Bytes converted;
  size_t done = 0;  // of `entries`, in `converted`
  size_t at = 0;
  while (true) {
    Result<ByteView> entry = next_log_entry(ByteView(entries).substr(at));
    RETURN_IF_ERROR(entry);
    if (entry->empty()) break;
    if (magic_of(*entry) < kMagicV2) {
      Result<Bytes> batch = up_convert(*entry);
      RETURN_IF_ERROR(batch);
      converted.append(entries, done, at - done);
      converted += *batch;
      done = at + entry->size();
    }
    at += entry->size();
  }
  if (done == 0) return entries;
  converted.append(entries, done);
  return converted;
}

}  // namespace milena
