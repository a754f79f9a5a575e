// The checks for each produced record, and their collected errors: shared between produce_validation.cc (batches) and
// legacy_conversion.cc (messages of magic 0 and 1). Internal to this folder.
#pragma once

#include <span>
#include <string>

#include "protocol/records/produce_validation.h"

namespace milena {

// An error that ends the validation at once, without blaming single records.
ProduceValidation refuse(ErrorCode error, std::string detail);

class RecordChecks {
 public:
  RecordChecks(const ProducedRecords& records, const ProduceLimits& limits, int64_t now_ms);

  // Inline, as this runs for every record; error texts are built out of line.
  void check(int32_t batch_index, bool has_key, int64_t timestamp, int64_t offset, bool log_append_time_claimed) {
    if (limits_.compacted && !has_key) [[unlikely]] {
      add_missing_key(batch_index);
    } else if (check_time_ && timestamp != kNoTimestamp) {
      if (timestamp < earliest_ || timestamp > latest_) [[unlikely]]
        check_timestamp_exactly(batch_index, timestamp, offset);
    } else if (log_append_time_claimed) [[unlikely]] {
      add_claimed_append_time(batch_index, timestamp, offset);
    }
  }
  void add(ErrorCode error, int32_t batch_index, std::string message);

  bool failed() const { return !errors_.empty(); }
  // The refusal with all collected errors.
  ProduceValidation refusal();

  const ProduceLimits& limits() const { return limits_; }
  int64_t now_ms() const { return now_ms_; }
  std::string topic_partition() const;

 private:
  void add_missing_key(int32_t batch_index);
  void check_timestamp_exactly(int32_t batch_index, int64_t timestamp, int64_t offset);
  void add_claimed_append_time(int32_t batch_index, int64_t timestamp, int64_t offset);

  const ProducedRecords& records_;
  const ProduceLimits& limits_;
  const int64_t now_ms_;
  const bool check_time_;
  int64_t earliest_;
  int64_t latest_;
  std::vector<ProducedRecordError> errors_;
  bool timestamp_error_ = false;
};

// The converted batch of messages of magic 0 and 1 (Produce 0-2); `entries` as next_log_entry cut them, checked for
// size and crc. `source` is the codec of the one wrapper among them, or none.
ProduceValidation convert_legacy_records(std::span<const ByteView> entries, Codec source, RecordChecks& checks);

// A record that must be rewritten is held whole, up to this size or this many times the compressed batch.
constexpr size_t kMaxRewrittenRecord_bytes = 16 << 20;
constexpr size_t kMaxRewrittenRecordRatio = 4;

// The result for a rewritten batch, with the limits checked once more.
ProduceValidation accept_rewritten(Bytes rewritten, const ProduceLimits& limits);

}  // namespace milena
