// TimeSearch: a search for a record by its timestamp within one segment, created by a PartitionLog. It may decompress
// much, so it may run on any thread; it keeps the file open.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "log/batch_scanner.h"

namespace milena::log {

struct TimestampAndOffset {
  int64_t timestamp = -1;
  int64_t offset = -1;
  int32_t leader_epoch = -1;
  bool operator==(const TimestampAndOffset&) const = default;
};

class TimeSearch {
 public:
  // Searches the scanner's batches for the first record at or beyond both.
  TimeSearch(BatchScanner batches, int64_t timestamp, int64_t starting_offset, int64_t end_offset)
      : batches_(std::move(batches)),
        timestamp_(timestamp),
        starting_offset_(starting_offset),
        end_offset_(end_offset) {}

  // Call once.
  Result<std::optional<TimestampAndOffset>> run();
  // Where to continue if nothing was found.
  int64_t end_offset() const { return end_offset_; }

 private:
  BatchScanner batches_;
  int64_t timestamp_;
  int64_t starting_offset_;
  int64_t end_offset_;
};

}  // namespace milena::log
