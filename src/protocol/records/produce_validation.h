// Validates produced records before they are appended: the checks of ProduceRequest.validateRecords,
// UnifiedLog.analyzeAndValidateRecords and LogValidator of Kafka 4.3 in their order, and for Produce 0-2 those of Kafka
// 3.9. Pure; runs on the connection's thread. The log checks offsets, sequences and epochs.
//
// The common case, one batch in the topic's own codec, is one pass over crc and records without allocation, and the
// batch is appended unchanged. It is rewritten if the topic wants another codec or if it came as messages of magic 0 or
// 1; LogAppendTime and a wrong max timestamp rewrite only its header.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "protocol/compression/compression.h"
#include "protocol/error_code.h"
#include "protocol/records/record_batch.h"

namespace milena {

// A topic's settings, with Kafka's defaults.
struct ProduceLimits {
  // max.message.bytes: of the batch as it came, and again after rewriting.
  int32_t max_message_bytes = 1048588;
  // compression.type; nullopt is "producer".
  std::optional<Codec> compression;
  // nullopt: the codec's default.
  std::optional<int> compression_level;
  TimestampType timestamp_type = TimestampType::kCreateTime;
  // message.timestamp.{before,after}.max.ms
  int64_t timestamp_before_max_ms = std::numeric_limits<int64_t>::max();
  int64_t timestamp_after_max_ms = 3600000;
  // cleanup.policy has compact: records must have keys.
  bool compacted = false;
  int32_t segment_bytes = 1 << 30;
};

struct ProducedRecords {
  ByteView bytes;
  int16_t produce_version = 0;
  // For error messages.
  ByteView topic;
  int32_t partition = 0;
};

// For the response of Produce 8 and up.
struct ProducedRecordError {
  int32_t batch_index = 0;
  std::string message;
};

class ProduceValidation {
 public:
  bool ok() const { return error == ErrorCode::kNone; }

  ErrorCode error = ErrorCode::kNone;
  // For the response; Kafka sets it only when single records were at fault.
  std::optional<std::string> error_message;
  std::vector<ProducedRecordError> record_errors;
  // For the log line.
  std::string detail;

  // The one batch to append: a view of the input, or of `rewritten`. The log sets its base offset (0) and leader epoch
  // (as it came). Empty, without an error, if Produce 0-2 had no records.
  ByteView bytes() const { return rewritten.empty() ? original : ByteView(rewritten); }
  ByteView original;
  Bytes rewritten;
  // The header of bytes(): record count, last offset delta, max timestamp, producer's fields.
  BatchHeader header;
};

ProduceValidation validate_produced_records(const ProducedRecords& records, const ProduceLimits& limits,
                                            int64_t now_ms);

}  // namespace milena
