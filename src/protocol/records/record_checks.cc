#include "protocol/records/record_checks.h"

#include <algorithm>
#include <limits>

#include "base/saturating.h"

namespace milena {
namespace {

constexpr size_t kNamedErrors = 3;

// As in Java.
int64_t wrapped_sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

int64_t wrapped_negative(int64_t a) { return static_cast<int64_t>(0 - static_cast<uint64_t>(a)); }

}  // namespace

ProduceValidation refuse(ErrorCode error, std::string detail) {
  ProduceValidation validation;
  validation.error = error;
  validation.detail = std::move(detail);
  return validation;
}

RecordChecks::RecordChecks(const ProducedRecords& records, const ProduceLimits& limits, int64_t now_ms)
    : records_(records),
      limits_(limits),
      now_ms_(now_ms),
      check_time_(limits.timestamp_type == TimestampType::kCreateTime),
      earliest_(subtract_saturating(now_ms, limits.timestamp_before_max_ms)),
      latest_(add_saturating(now_ms, limits.timestamp_after_max_ms)) {}

std::string RecordChecks::topic_partition() const { return fmt::format("{}-{}", records_.topic, records_.partition); }

void RecordChecks::add(ErrorCode error, int32_t batch_index, std::string message) {
  if (error == ErrorCode::kInvalidTimestamp) timestamp_error_ = true;
  errors_.push_back({batch_index, std::move(message)});
}

void RecordChecks::add_missing_key(int32_t batch_index) {
  add(ErrorCode::kInvalidRecord, batch_index,
      fmt::format("Compacted topic cannot accept message without key in topic partition {}", topic_partition()));
}

// Near the ends of the number range Kafka's sums wrap around, and so do these.
void RecordChecks::check_timestamp_exactly(int32_t batch_index, int64_t timestamp, int64_t offset) {
  const int64_t age = wrapped_sum(now_ms_, wrapped_negative(timestamp));
  if (age <= limits_.timestamp_before_max_ms && wrapped_negative(age) <= limits_.timestamp_after_max_ms) return;
  add(ErrorCode::kInvalidTimestamp, batch_index,
      fmt::format("Timestamp {} of message with offset {} is out of range. The timestamp should be within [{}, {}]",
                  timestamp, offset, wrapped_sum(now_ms_, -limits_.timestamp_before_max_ms),
                  wrapped_sum(now_ms_, limits_.timestamp_after_max_ms)));
}

void RecordChecks::add_claimed_append_time(int32_t batch_index, int64_t timestamp, int64_t offset) {
  add(ErrorCode::kInvalidTimestamp, batch_index,
      fmt::format("Invalid timestamp type in message with offset {} and timestamp {}. Producer should not set "
                  "timestamp type to LogAppendTime.",
                  offset, timestamp));
}

ProduceValidation RecordChecks::refusal() {
  ProduceValidation validation;
  if (timestamp_error_) {
    validation.error = ErrorCode::kInvalidTimestamp;
    validation.error_message = "One or more records have been rejected due to invalid timestamp";
  } else {
    std::string named;
    for (size_t i = 0; i < std::min(errors_.size(), kNamedErrors); i++) {
      named += fmt::format("{}RecordError(batchIndex={}, message='{}')", i > 0 ? ", " : "", errors_[i].batch_index,
                           errors_[i].message);
    }
    validation.error = ErrorCode::kInvalidRecord;
    validation.error_message =
        fmt::format("One or more records have been rejected due to {} record errors in total, and only showing the "
                    "first three errors at most: [{}]",
                    errors_.size(), named);
  }
  validation.detail = *validation.error_message;
  validation.record_errors = std::move(errors_);
  return validation;
}

ProduceValidation accept_rewritten(Bytes rewritten, const ProduceLimits& limits) {
  if (rewritten.size() > static_cast<size_t>(std::max(limits.max_message_bytes, 0))) {
    return refuse(ErrorCode::kMessageTooLarge,
                  fmt::format("batch of {} bytes in the topic's codec, expected at most {}",
                              rewritten.size(), limits.max_message_bytes));
  }
  if (rewritten.size() > static_cast<size_t>(std::max(limits.segment_bytes, 0))) {
    return refuse(ErrorCode::kRecordListTooLarge, fmt::format("batch of {} bytes, larger than a segment of {}",
                                                              rewritten.size(), limits.segment_bytes));
  }
  ProduceValidation validation;
  validation.header = BatchHeader::read(rewritten.data());
  validation.rewritten = std::move(rewritten);
  return validation;
}

}  // namespace milena
