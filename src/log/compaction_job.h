// CompactionJob: one round of compaction of one partition, as files. It reads closed segments and writes the remaining
// records beside them as *.cleaned. PartitionLog, on its shard, creates the job, and replaces the segments of each
// finished piece by it (install_compacted).
//
// In between the job runs on workers, one step at a time: each step reads about the given number of bytes and returns,
// so that no round holds a worker, or a shard, for long. It knows the log by values only; if the log has lost segments
// meanwhile the pieces no longer fit, and the round is given up. It may crash at any moment: *.cleaned files are
// removed when the log is opened (partition_log_open.cc). compaction.h decides which records are kept. Source: Kafka's
// Cleaner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/batch_scanner.h"
#include "log/compaction.h"
#include "log/file_cache.h"
#include "log/segment.h"

namespace milena::log {

class CompactionJob {
 public:
  struct Source {
    int64_t base_offset = 0;
    int64_t end_offset = 0;  // where the next one begins
    uint32_t bytes = 0;
    int64_t created_ms = 0;
  };
  struct Plan {
    std::string directory;
    std::vector<Source> sources;  // of the whole stretch, clean part included
    int64_t first_dirty = 0;
    CompactionRules rules;
    std::vector<AbortedTransaction> aborted;
    uint64_t map_budget_bytes = 0;
    double map_load_factor = 0.9;
    int32_t segment_bytes = 0;
    int32_t segment_index_bytes = 0;
    int32_t index_interval_bytes = 0;
    uint64_t shape = 0;  // of the log when the job was created; used by the log only
  };
  // Some adjacent segments, and the one that replaces them.
  struct Piece {
    size_t first_source = 0;
    size_t source_count = 0;
    int64_t base_offset = 0;
    bool has_txn_index = false;
  };
  enum class Progress { kMore, kPieceReady, kDone };

  CompactionJob(FileSystem& file_system, Plan plan);
  ~CompactionJob();

  // On a worker. After kPieceReady the piece must be installed before the next step.
  Result<Progress> step(uint64_t budget_bytes);
  // Removes written files that were not installed. On a worker.
  void discard();

  const Plan& plan() const { return plan_; }
  const Piece& piece() const { return piece_; }
  // Start of the next round's dirty part, when this one is done.
  int64_t clean_up_to() const { return std::max(map_.latest_offset() + 1, plan_.first_dirty); }
  uint64_t read_bytes() const { return read_bytes_; }
  uint64_t written_bytes() const { return written_bytes_; }
  // Bytes of the last step, for the limit on bytes per second.
  uint64_t step_bytes() const { return step_bytes_; }

 private:
  Result<bool> next_batch(size_t end);
  Result<RecordBatchView> read_batch();
  Result<Progress> collect(uint64_t budget_bytes);
  Result<Progress> clean(uint64_t budget_bytes);
  bool next_piece();
  Status begin_output();
  Result<Progress> finish_round();
  Status write_pending();
  Status finish_output();

  FileCache files_;  // its own: a worker may hold the job after the node is gone
  const Plan plan_;
  OffsetMap map_;
  std::optional<KeyCollector> collector_;
  std::optional<BatchCleaner> cleaner_;
  bool collecting_ = true;
  size_t source_ = 0;
  std::optional<BatchScanner> batches_;
  Piece piece_;
  bool piece_ready_ = false;
  std::unique_ptr<Segment> output_;
  Bytes pending_;
  std::vector<uint32_t> pending_batches_;  // start of each in pending_
  uint64_t read_bytes_ = 0;
  uint64_t written_bytes_ = 0;
  uint64_t step_bytes_ = 0;
};

}  // namespace milena::log
