// Produced messages of magic 0 and 1 become one batch of magic 2, as Kafka 3.9 does it
// (LogValidator.convertAndAssignOffsetsNonCompressed and validateMessagesAndAssignOffsetsCompressed).
#include <algorithm>

#include "protocol/records/legacy_messages.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/records/record_checks.h"

namespace milena {
namespace {

class Conversion {
 public:
  Conversion(Codec target, RecordChecks& checks) : checks_(checks), builder_(options_for(target, checks)) {}

  // Converts one message, or all in a wrapper; a refusal ends everything.
  std::optional<ProduceValidation> convert(ByteView entry, int8_t expected_magic) {
    Result<LegacyMessage> parsed = LegacyMessage::parse(entry);
    if (!parsed.ok()) return refuse(ErrorCode::kCorruptMessage, parsed.error().message);
    if (parsed->magic != expected_magic) {
      return refuse(ErrorCode::kInvalidRecord, fmt::format("message of magic {} among messages of magic {}",
                                                           parsed->magic, expected_magic));
    }
    if (parsed->is_compressed()) return convert_wrapped(*parsed, entry.size());
    check_and_append(*parsed, *parsed, 0);
    if (checks_.failed()) return checks_.refusal();
    return too_large();
  }

  ProduceValidation finish() { return accept_rewritten(builder_.build(), checks_.limits()); }

 private:
  static BatchOptions options_for(Codec target, const RecordChecks& checks) {
    BatchOptions options;
    options.compression = target;
    options.compression_level = checks.limits().compression_level;
    options.timestamp_type = checks.limits().timestamp_type;
    options.log_append_time_ms = checks.now_ms();
    return options;
  }

  std::optional<ProduceValidation> convert_wrapped(const LegacyMessage& wrapper, size_t wrapper_size) {
    if (!wrapper.value) return refuse(ErrorCode::kInvalidRecord, "compressed message without a value");
    LegacyInnerIterator it(wrapper, std::max(kMaxRewrittenRecord_bytes, kMaxRewrittenRecordRatio * wrapper_size));
    int32_t index = 0;
    for (; it.next(); index++) {
      const LegacyMessage& message = it.message();
      if (message.is_compressed())
        return refuse(ErrorCode::kInvalidRecord, "compressed message in a compressed message");
      if (message.magic == wrapper.magic && !message.crc_ok()) {
        return refuse(ErrorCode::kCorruptMessage, "wrong checksum of a message in a compressed message");
      }
      check_and_append(message, wrapper, index);
      if (auto refusal = too_large()) return refusal;
    }
    if (!it.status().ok()) return refuse(ErrorCode::kCorruptMessage, it.status().error().message);
    if (index == 0) return refuse(ErrorCode::kInvalidRecord, "compressed message without messages");
    if (checks_.failed()) return checks_.refusal();
    return std::nullopt;
  }

  void check_and_append(const LegacyMessage& message, const LegacyMessage& outer, int32_t index) {
    if (message.magic != outer.magic) {
      checks_.add(ErrorCode::kInvalidRecord, index,
                  fmt::format("Record of magic {} does not match outer magic {} in topic partition {}", message.magic,
                              outer.magic, checks_.topic_partition()));
      return;
    }
    checks_.check(index, message.key.has_value(), message.timestamp, message.offset,
                  outer.timestamp_type() == TimestampType::kLogAppendTime);
    // If one is refused, all are.
    if (checks_.failed()) return;
    builder_.append(message.key, message.value, message.timestamp);
  }

  std::optional<ProduceValidation> too_large() const {
    if (builder_.written_size() <= static_cast<size_t>(checks_.limits().max_message_bytes)) return std::nullopt;
    return refuse(ErrorCode::kMessageTooLarge,
                  fmt::format("converted batch beyond {} bytes", checks_.limits().max_message_bytes));
  }

  RecordChecks& checks_;
  RecordBatchBuilder builder_;
};

}  // namespace

ProduceValidation convert_legacy_records(std::span<const ByteView> entries, Codec source, RecordChecks& checks) {
  Conversion conversion(checks.limits().compression.value_or(source), checks);
  for (const ByteView entry : entries) {
    if (auto refusal = conversion.convert(entry, magic_of(entries[0]))) return std::move(*refusal);
  }
  return conversion.finish();
}

}  // namespace milena
