#include "protocol/records/produce_validation.h"

#include <algorithm>
#include <span>

#include "base/crc32c.h"
#include "base/varint.h"
#include "protocol/records/legacy_messages.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/records/record_checks.h"
#include "protocol/records/record_fields.h"
#include "protocol/records/record_iterator.h"

namespace milena {
namespace {

constexpr int16_t kFirstVersionOfBatches = 3;
constexpr int16_t kFirstVersionOfZstd = 7;

using Refusal = std::optional<ProduceValidation>;

uint8_t entry_codec_id(ByteView entry) {
  if (magic_of(entry) == kMagicV2) return static_cast<uint8_t>(entry[kBatchAttributesPosition + 1] & kBatchCodecMask);
  return static_cast<uint8_t>(entry[kBatchMagicPosition + 1] & kLegacyCodecMask);
}

// The entries of a record set. Usually there is one, and then nothing is allocated.
class Entries {
 public:
  Status cut(ByteView rest) {
    while (true) {
      Result<ByteView> entry = next_log_entry(rest);
      RETURN_IF_ERROR(entry);
      if (entry->empty()) return ok_status();
      rest.remove_prefix(entry->size());
      if (first_.empty()) {
        first_ = *entry;
      } else {
        if (more_.empty()) more_.push_back(first_);
        more_.push_back(*entry);
      }
    }
  }

  std::span<const ByteView> all() const {
    if (!more_.empty()) return more_;
    return std::span(&first_, first_.empty() ? 0 : 1);
  }

 private:
  ByteView first_;
  std::vector<ByteView> more_;
};

// ProduceRequest.validateRecords: from version 3 on, exactly one batch of magic 2.
Refusal check_request(const ProducedRecords& records, std::span<const ByteView> entries) {
  const int16_t version = records.produce_version;
  if (version >= kFirstVersionOfBatches) {
    if (entries.empty()) return refuse(ErrorCode::kInvalidRecord, "no record batch");
    if (magic_of(entries[0]) != kMagicV2) {
      return refuse(ErrorCode::kInvalidRecord, fmt::format("Produce {} with a message of magic {}", version,
                                                           magic_of(entries[0])));
    }
  }
  if (version < kFirstVersionOfZstd) {
    for (const ByteView entry : entries) {
      if (entry_codec_id(entry) == static_cast<uint8_t>(Codec::kZstd)) {
        return refuse(ErrorCode::kUnsupportedCompressionType, fmt::format("Produce {} with zstd", version));
      }
    }
  }
  if (version >= kFirstVersionOfBatches && entries.size() > 1) {
    return refuse(ErrorCode::kInvalidRecord, "more than one record batch");
  }
  return std::nullopt;
}

bool entry_crc_ok(ByteView entry) {
  if (magic_of(entry) == kMagicV2) {
    return entry.size() >= kBatchHeaderSize && crc32c(entry.substr(kBatchAttributesPosition)) ==
                                                   load_big_endian<uint32_t>(entry.data() + kBatchCrcPosition);
  }
  Result<LegacyMessage> message = LegacyMessage::parse(entry);
  return message.ok() && message->crc_ok();
}

// UnifiedLog.analyzeAndValidateRecords: the checks without looking at records.
Refusal check_entry(ByteView entry, const ProduceLimits& limits) {
  if (magic_of(entry) == kMagicV2 && load_big_endian<int64_t>(entry.data()) != 0) {
    return refuse(ErrorCode::kInvalidRecord, fmt::format("batch with base offset {}, expected 0",
                                                         load_big_endian<int64_t>(entry.data())));
  }
  if (entry.size() > static_cast<size_t>(std::max(limits.max_message_bytes, 0))) {
    return refuse(ErrorCode::kMessageTooLarge,
                  fmt::format("batch of {} bytes, expected at most {}", entry.size(), limits.max_message_bytes));
  }
  if (!entry_crc_ok(entry)) return refuse(ErrorCode::kCorruptMessage, "wrong checksum");
  if (entry_codec_id(entry) > kMaxCodec) {
    return refuse(ErrorCode::kUnknownServerError, fmt::format("unknown compression type {}", entry_codec_id(entry)));
  }
  return std::nullopt;
}

// LogValidator.validateBatch, for a client's batch.
Refusal check_header(const BatchHeader& header) {
  const int64_t offsets = int64_t{header.last_offset_delta} + 1;
  if (offsets <= 0) {
    return refuse(ErrorCode::kInvalidRecord, fmt::format("batch with last offset delta {}", header.last_offset_delta));
  }
  if (header.record_count <= 0) {
    return refuse(ErrorCode::kInvalidRecord, fmt::format("batch with {} records", header.record_count));
  }
  if (header.record_count != offsets) {
    return refuse(ErrorCode::kInvalidRecord,
                  fmt::format("batch with {} records over {} offsets", header.record_count, offsets));
  }
  if (header.is_control()) return refuse(ErrorCode::kInvalidRecord, "control batch from a client");
  if (header.has_producer_id() && header.base_sequence < 0) {
    return refuse(ErrorCode::kInvalidRecord,
                  fmt::format("batch of producer {} with sequence {}", header.producer_id, header.base_sequence));
  }
  return std::nullopt;
}

Refusal senseless_records() {
  return refuse(ErrorCode::kInvalidRecord, "records that do not match their batch's header");
}

// Results of one pass over a batch's records.
struct Findings {
  int64_t max_timestamp = kNoTimestamp;
  // Every record's offset delta is its place in the batch.
  bool offsets_in_order = true;
};

int64_t record_timestamp(const BatchHeader& header, int64_t delta) {
  return static_cast<int64_t>(static_cast<uint64_t>(header.base_timestamp) + static_cast<uint64_t>(delta));
}

// The hot path: every record of every uncompressed batch goes through this loop.
Refusal check_plain_records(const BatchHeader& header, ByteView records, RecordChecks& checks, Findings& findings) {
  const char* from = records.data();
  const char* const end = from + records.size();
  const bool append_time = header.timestamp_type() == TimestampType::kLogAppendTime;
  RecordFields fields;
  for (int32_t i = 0; i < header.record_count; i++) {
    int32_t size = 0;
    from = read_varint(from, end, size);
    if (from == nullptr || size <= 0 || size > end - from) return senseless_records();
    if (!read_record_fields(from, from + size, fields)) return senseless_records();
    from += size;
    const int64_t timestamp = append_time ? header.max_timestamp : record_timestamp(header, fields.timestamp_delta);
    checks.check(i, fields.key_size >= 0, timestamp, fields.offset_delta, append_time);
    findings.max_timestamp = std::max(findings.max_timestamp, timestamp);
  }
  if (from != end) return senseless_records();
  return std::nullopt;
}

Refusal iteration_error(const RecordIterator& it, Codec codec) {
  // Kafka returns INVALID_RECORD for invalid records, and has no specific error for a broken stream.
  const bool broken_stream = codec != Codec::kNone && it.stream_failed();
  return refuse(broken_stream ? ErrorCode::kUnknownServerError : ErrorCode::kInvalidRecord,
                it.status().error().message);
}

// Keys and values are decompressed and skipped.
Refusal check_compressed_records(const RecordBatchView& batch, RecordChecks& checks, Findings& findings) {
  const bool append_time = batch.header().timestamp_type() == TimestampType::kLogAppendTime;
  RecordIterator it(batch, RecordIterator::Content::kSkip);
  for (int32_t i = 0; it.next(); i++) {
    const RecordView& record = it.record();
    checks.check(i, record.key.has_value(), record.timestamp, record.offset, append_time);
    findings.max_timestamp = std::max(findings.max_timestamp, record.timestamp);
    if (record.offset_delta != i) findings.offsets_in_order = false;
  }
  if (!it.status().ok()) return iteration_error(it, batch.header().compression());
  return std::nullopt;
}

// Rewrites the batch, in the topic's codec and with the right offsets.
ProduceValidation rewrite(const RecordBatchView& batch, Codec target, const ProduceLimits& limits, int64_t now_ms) {
  const BatchHeader& header = batch.header();
  BatchOptions options;
  options.compression = target;
  options.compression_level = limits.compression_level;
  options.timestamp_type = limits.timestamp_type;
  options.log_append_time_ms = now_ms;
  options.producer_id = header.producer_id;
  options.producer_epoch = header.producer_epoch;
  options.base_sequence = header.base_sequence;
  options.transactional = header.is_transactional();
  RecordBatchBuilder builder(options);
  const size_t max_record = std::max(kMaxRewrittenRecord_bytes, kMaxRewrittenRecordRatio * batch.bytes().size());
  RecordIterator it(batch, RecordIterator::Content::kFull, max_record);
  while (it.next()) {
    const RecordView& record = it.record();
    if (record.timestamp < 0 && record.timestamp != kNoTimestamp) {
      return refuse(ErrorCode::kUnknownServerError, fmt::format("negative timestamp {}", record.timestamp));
    }
    builder.append_at(builder.next_offset(), record.key, record.value, record.timestamp, record.headers);
    if (builder.written_size() > static_cast<size_t>(limits.max_message_bytes)) {
      return refuse(ErrorCode::kMessageTooLarge, fmt::format("batch beyond {} bytes when written in the topic's codec",
                                                             limits.max_message_bytes));
    }
  }
  if (it.record_too_large()) return refuse(ErrorCode::kMessageTooLarge, it.status().error().message);
  if (!it.status().ok()) return *iteration_error(it, header.compression());
  return accept_rewritten(builder.build(), limits);
}

// The batch as it came, with type and max timestamp as they should be (DefaultRecordBatch.setMaxTimestamp).
ProduceValidation keep(const RecordBatchView& batch, const Findings& findings, const ProduceLimits& limits,
                       int64_t now_ms) {
  ProduceValidation validation;
  validation.header = batch.header();
  validation.original = batch.bytes();
  const bool append_time = limits.timestamp_type == TimestampType::kLogAppendTime;
  const int64_t max_timestamp = append_time ? now_ms : findings.max_timestamp;
  BatchHeader& header = validation.header;
  if (header.timestamp_type() != limits.timestamp_type || header.max_timestamp != max_timestamp) {
    header.max_timestamp = max_timestamp;
    header.attributes &= kBatchCodecMask | kBatchTransactionalBit | kBatchControlBit | kBatchDeleteHorizonBit;
    if (append_time) header.attributes |= kBatchLogAppendTimeBit;
    validation.rewritten = Bytes(batch.bytes());
    header.write(validation.rewritten.data());
    seal_batch(validation.rewritten.data(), validation.rewritten.size());
    header.crc = load_big_endian<uint32_t>(validation.rewritten.data() + kBatchCrcPosition);
  }
  if (batch.bytes().size() > static_cast<size_t>(std::max(limits.segment_bytes, 0))) {
    return refuse(ErrorCode::kRecordListTooLarge, fmt::format("batch of {} bytes, larger than a segment of {}",
                                                              batch.bytes().size(), limits.segment_bytes));
  }
  return validation;
}

ProduceValidation validate_batch(ByteView bytes, RecordChecks& checks) {
  const BatchHeader header = BatchHeader::read(bytes.data());
  if (Refusal refusal = check_header(header)) return std::move(*refusal);
  Result<RecordBatchView> parsed = RecordBatchView::parse(bytes);
  if (!parsed.ok()) return refuse(ErrorCode::kCorruptMessage, parsed.error().message);
  const RecordBatchView& batch = *parsed;

  Findings findings;
  const Codec source = header.compression();
  Refusal refusal = source == Codec::kNone ? check_plain_records(header, batch.records(), checks, findings)
                                           : check_compressed_records(batch, checks, findings);
  if (refusal) return std::move(*refusal);
  if (checks.failed()) return checks.refusal();

  const Codec target = checks.limits().compression.value_or(source);
  if (source != target) return rewrite(batch, target, checks.limits(), checks.now_ms());
  if (!findings.offsets_in_order) {
    // Kafka tries to rewrite such a batch, and fails because it has skipped keys and values.
    return refuse(ErrorCode::kUnknownServerError, "compressed batch whose offset deltas do not count from 0");
  }
  return keep(batch, findings, checks.limits(), checks.now_ms());
}

}  // namespace

ProduceValidation validate_produced_records(const ProducedRecords& records, const ProduceLimits& limits,
                                            int64_t now_ms) {
  Entries entries;
  if (Status status = entries.cut(records.bytes); !status.ok()) {
    return refuse(ErrorCode::kCorruptMessage, status.error().message);
  }
  if (Refusal refusal = check_request(records, entries.all())) return std::move(*refusal);
  if (entries.all().empty()) return ProduceValidation();

  auto source = Codec::kNone;
  for (const ByteView entry : entries.all()) {
    if (Refusal refusal = check_entry(entry, limits)) return std::move(*refusal);
    if (entry_codec_id(entry) != 0) source = static_cast<Codec>(entry_codec_id(entry));
  }
  // LogValidator: more than one entry only for plain messages of the old formats.
  const ByteView first = entries.all()[0];
  const bool batches = magic_of(first) == kMagicV2;
  if (entries.all().size() > 1 && (batches || source != Codec::kNone)) {
    return refuse(ErrorCode::kInvalidRecord, "more than one compressed message or record batch");
  }
  RecordChecks checks(records, limits, now_ms);
  return batches ? validate_batch(first, checks) : convert_legacy_records(entries.all(), source, checks);
}

}  // namespace milena
