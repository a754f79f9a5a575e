// Segment: one .log file of a partition with its indexes (Kafka's LogSegment). Belongs to its PartitionLog, same
// thread.
//
// Sizes are trusted as they are in the files and read when first needed. Each index entry is checked against the batch
// found there; a missing or wrong index is rebuilt from the .log on the spot. Positions are below 2^31, as in Kafka's
// index entries.
//
// A damaged batch only fails reads of itself (kCorrupt): batches before it and, by the index, behind it can still be
// read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "log/batch_scanner.h"
#include "log/format/aborted_transaction.h"
#include "log/recent_batches.h"
#include "log/segment_index.h"

namespace milena::log {

// The names of a segment's files.
enum class SegmentFiles {
  kLive,
  kCleaned,  // *.cleaned: compaction is writing them
};

class Segment {
 public:
  // `directory` outlives the segment.
  Segment(FileCache& files, const std::string& directory, int64_t base_offset, int32_t index_interval_bytes,
          SegmentFiles names = SegmentFiles::kLive);

  int64_t base_offset() const { return base_offset_; }
  SegmentFile& log_file() { return log_; }

  // Creates the files of a new segment. Only the .log: the indexes follow with their first save. With
  // `preallocated_bytes` the file has that length until trim(): zeros behind the end, as in Kafka (FileRecords),
  // without allocated blocks. After a crash recovery removes them.
  Status create(int64_t now_ms, int32_t preallocated_bytes = 0);
  bool preallocated() const { return preallocated_; }
  // Cuts the file at the end of the records.
  Status trim();
  // The .txnindex was seen in the directory.
  void set_has_txn_index() { has_txn_index_ = true; }
  bool has_txn_index() const { return has_txn_index_; }
  void set_created_ms(int64_t now_ms) { created_ms_ = now_ms; }
  int64_t created_ms() const { return created_ms_; }

  Result<uint32_t> size();

  // Writes bytes at the end. add_batch() must follow for each of their batches.
  Status write(std::span<const iovec> parts, uint32_t bytes);
  // Records a batch at `position`: index entries and the greatest timestamp.
  Status add_batch(const BatchHeader& batch, uint32_t position);
  Status add_aborted(const AbortedTransaction& transaction);
  // Takes the last so many back, and what a failed write may have left behind them.
  Status forget_last_aborted(size_t count);
  // Forgets what a failed write may have left behind the end.
  Status cut_to_size();

  bool fits(int64_t offset) const { return offset >= base_offset_ && offset - base_offset_ <= INT32_MAX; }
  // Whether an index has no room for another entry (and the one that rolling adds).
  Result<bool> index_full(int32_t segment_index_bytes);
  // The first batch's greatest timestamp, the start of segment.ms; -1 without one.
  Result<int64_t> first_timestamp();
  struct MaxTimestamp {
    int64_t timestamp = -1;
    int64_t offset = -1;  // last offset of the batch with it
  };
  Result<MaxTimestamp> max_timestamp();

  // The first batch that ends at or beyond the offset.
  Result<BatchPosition> locate(int64_t offset);
  // The start of a batch at or before the position, by the index; 0 if it has none.
  Result<uint32_t> indexed_position_before(uint64_t position);
  // Where a search for the first batch with such a timestamp may begin.
  Result<uint32_t> position_for_timestamp(int64_t timestamp, int64_t starting_offset);
  Result<BatchScanner> scan(uint32_t position, size_t window_bytes);
  Result<std::vector<AbortedTransaction>> aborted_transactions();
  // The end offset of the last batch; base offset if there is none.
  Result<int64_t> next_offset();
  // The end of the last batch with a right checksum, which may have damaged ones before it, and the bytes behind it.
  struct WholePart {
    int64_t next_offset = 0;
    uint32_t bytes = 0;
    bool torn = false;  // an unfinished write is behind it: too few bytes, or zeros
  };
  Result<WholePart> whole_part();

  // Truncates the .log at the position (the start of a batch, all before end below `offset`) and the indexes to match.
  Status truncate(uint32_t position, int64_t offset);
  // Clears the indexes, for a scan that fills them again through add_batch and add_aborted.
  Status start_rebuild();
  // Reads the whole segment and rebuilds the indexes. Adds an entry behind damaged batches, for lookups beyond them.
  Status rebuild_indexes();
  // Writes index entries that are still in memory; `complete` adds the last time index entry, as on rolling and
  // closing.
  Status save_indexes(bool complete);

  Status sync_time_index() { return times_.sync(); }

  // Files to sync: the .log, the .txnindex if it has changed, and with `indexes` all that exist.
  Status collect_files(bool indexes, std::vector<std::shared_ptr<File>>& into);
  void close_files();
  // Every path that may exist, the .log first.
  std::vector<std::string> paths();

 private:
  Status ensure_indexes();
  Status check_indexes();
  Result<BatchScanner> scan_from_entry(size_t count, int64_t offset, bool& wrong);
  Result<bool> time_entry_is_right(const TimeIndexEntry& entry);
  Status rebuild_wrong_indexes();
  Result<BatchPosition> locate_by_index(int64_t offset);
  Result<bool> torn_behind(uint32_t position, uint32_t size);
  Status load_max_timestamp();
  Status add_time_entry();

  const int64_t base_offset_;
  const int32_t index_interval_bytes_;
  SegmentFile log_;
  SegmentFile txn_index_;
  SegmentIndex<OffsetIndexEntry> offsets_;
  SegmentIndex<TimeIndexEntry> times_;

  int64_t size_ = -1;  // -1: unknown yet
  int64_t created_ms_ = 0;
  int64_t first_timestamp_ = -2;  // -2: unknown yet
  MaxTimestamp max_timestamp_;
  int64_t last_time_entry_ = -1;  // timestamp of the last time index entry
  uint32_t bytes_since_entry_ = 0;
  bool preallocated_ = false;  // and not trimmed yet
  bool indexes_checked_ = false;
  bool indexes_rebuilt_ = false;
  bool has_txn_index_ = false;
  bool txn_index_unsynced_ = false;
};

}  // namespace milena::log
