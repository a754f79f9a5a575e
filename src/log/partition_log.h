// PartitionLog: the segments, indexes, producer state and leader epochs of one partition, in its directory. It handles
// files and record batches, but not requests, replicas and acknowledgements.
//
// Lives on the shard that owns the partition and is used by that thread only. open() may run on another thread
// (recovery reads whole segments), before the log is passed to its shard. Only LogSync and DoomedFiles leave the shard:
// they are values with everything that a worker thread needs, and do not refer to the log.
//
// Invariants: log_start_offset <= high_watermark <= log_end_offset; the last stable offset is never beyond the high
// watermark; segments are ordered, the last one is the active one, and there is always one.
//
// At rest a log holds no open file (they are borrowed from the FileCache), no timer and about one kilobyte. State that
// only some logs need (producer state, leader epochs, sizes of old segments) is read on first use.
//
// File formats: docs/formats/, after Kafka's UnifiedLog, LocalLog, LogSegment and ProducerStateManager. Errors of
// Result are of the disk. kCorrupt from a read, a lookup or retention: a batch is damaged; the log is unchanged. After
// any other error, and any error of an append, the caller drops the log (Partition::take_offline). A client's mistakes
// are an ErrorCode in the outcome, and leave the log unchanged.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/file.h"
#include "base/payload.h"
#include "base/result.h"
#include "base/topic_partition.h"
#include "base/uuid.h"
#include "log/file_cache.h"
#include "log/format/aborted_transaction.h"
#include "log/format/file_names.h"
#include "log/leader_epoch_cache.h"
#include "log/log_config.h"
#include "log/log_sync.h"
#include "log/producer_state.h"
#include "log/recent_batches.h"
#include "log/segment.h"
#include "log/time_search.h"
#include "protocol/error_code.h"

namespace milena::log {

// The log directory's checkpoints for a log, before it is opened.
struct OpenState {
  // Clean shutdown: sizes, indexes and snapshots can be trusted.
  bool clean_shutdown = false;
  // Everything below has been synced. 0 if not known.
  int64_t recovery_point = 0;
  // 0 if not known: then the first segment's base offset.
  int64_t log_start_offset = 0;
  int64_t high_watermark = 0;
  // Everything below has been compacted (cleaner-offset-checkpoint). 0 if not known.
  int64_t first_dirty_offset = 0;
  // Called periodically while segments are scanned.
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress;
};

struct AppendOutcome {
  // kNone; or kOutOfOrderSequenceNumber, kInvalidProducerEpoch, kInvalidTxnState, kTransactionCoordinatorFenced,
  // kRecordListTooLarge (more than segment.bytes), kCorruptMessage (not whole batches of magic 2).
  ErrorCode error = ErrorCode::kNone;
  int64_t base_offset = -1;
  int64_t last_offset = -1;
  // The time that the broker set in the records, or -1 if they have their producer's.
  int64_t log_append_time = -1;
  int64_t log_start_offset = -1;
  // The batch was appended before: base_offset and last_offset are those of that append, and nothing was written now.
  bool duplicate = false;
};

struct ReadOutcome {
  // kNone or kOffsetOutOfRange.
  ErrorCode error = ErrorCode::kNone;
  // Slices of the segment's file. They begin with the batch that contains the requested offset; the last batch may be
  // cut off (as in Kafka), except the first with `min_one_batch`.
  Payload batches;
  // Even the first batch is cut off: it is larger than max_bytes, and `min_one_batch` was not set.
  bool first_batch_cut = false;
  // Of the first batch in `batches`; -1 if there is none.
  int64_t base_offset = -1;
  // Where the next read continues if all batches were whole; -1 if that is not cheap to find.
  int64_t next_offset = -1;
};

// Files that were renamed to *.deleted. Kafka removes them after file.delete.delay.ms.
struct DoomedFiles {
  std::vector<std::string> paths;
  bool empty() const { return paths.empty(); }
  // Any thread.
  Status remove(FileSystem& file_system) const;
};

// The work that compaction would find in a log now (Kafka's LogToClean).
struct CompactionOutlook {
  int64_t first_dirty = 0;  // everything below is clean
  int64_t end_offset = 0;   // from here on records are too young, unstable or in the active segment
  uint64_t clean_bytes = 0;
  uint64_t dirty_bytes = 0;
  bool overdue = false;  // max.compaction.lag.ms has passed
  bool due = false;      // enough is dirty, or overdue
  int64_t wait_ms = -1;  // if not due: when it may become due without further records; -1: never

  double dirty_ratio() const {
    uint64_t all = clean_bytes + dirty_bytes;
    return all == 0 ? 0 : static_cast<double>(dirty_bytes) / static_cast<double>(all);
  }
};

class CompactionJob;

class PartitionLog {
 public:
  // Opens the log in `directory`, and creates it if it does not exist. `files` and `clock` must outlive the log.
  static Result<std::unique_ptr<PartitionLog>> open(FileCache& files, const Clock& clock, std::string directory,
                                                    TopicPartition name, std::shared_ptr<const LogConfig> config,
                                                    OpenState state);
  ~PartitionLog();

  // A number that is new in this process: values from one object never match another one, even for the same directory.
  static uint64_t new_mark();

  const TopicPartition& name() const { return name_; }
  const std::string& directory() const { return directory_; }
  const LogConfig& config() const { return *config_; }
  const std::shared_ptr<const LogConfig>& shared_config() const { return config_; }
  void set_config(std::shared_ptr<const LogConfig> config) { config_ = std::move(config); }

  // partition.metadata. Null without the file.
  Result<std::optional<Uuid>> topic_id() const;
  Status set_topic_id(const Uuid& id, bool durable = false);

  // --- appending ---

  // Appends validated batches of magic 2, back to back. Assigns them the next offsets and the epoch; the bytes are not
  // changed, the headers are patched on their way to the file. All of them or none.
  Result<AppendOutcome> append_as_leader(ByteView batches, int32_t leader_epoch, AppendChecks checks);
  // The same from a payload; it is copied only if it has several chunks.
  Result<AppendOutcome> append_as_leader(const Payload& batches, int32_t leader_epoch, AppendChecks checks);
  // Appends batches from the leader, with their offsets and epochs; an incomplete batch at the end is ignored. Batches
  // that are not beyond the log end offset are an Error (kCorrupt): the fetcher asked for others. The start of an empty
  // log may be within the first one (UnexpectedAppendOffsetException in Kafka): the log then begins at its base offset,
  // until the leader's log start offset is known.
  Result<AppendOutcome> append_as_follower(ByteView batches);

  // Removes everything at and beyond the offset, in records, epochs and producer state. At the end or beyond, only
  // epochs without records are removed.
  Status truncate_to(int64_t offset);
  // Recovery may find offsets without records, at or above the recovery point. Compaction leaves such a gap, and so
  // does a failure of the machine that takes the unsynced end of a segment and not the next segment. This removes
  // everything behind the gap. Only a replica that can get the records again may do so, before it fetches: otherwise it
  // would be in sync without those of the gap. Any other log keeps what is behind. No effect once the log was led.
  Status cut_at_gap();
  // Where it begins, until then; the high watermark is not beyond.
  std::optional<int64_t> gap() const { return gap_; }
  // Removes all segments and starts an empty log at the offset.
  Status truncate_fully_and_start_at(int64_t offset);

  // Renames the directory within its file system. Open files stay open.
  Status rename_directory(std::string to);

  // --- offsets ---

  // After a clean shutdown the end offset comes from the newest snapshot's name, until the first read or append or this
  // call reads the last segment, and recovers the log if it ends elsewhere. No effect later.
  Status confirm_end();
  int64_t log_start_offset() const { return log_start_offset_; }
  // Start of the first segment: the log start offset according to the files alone.
  int64_t first_segment_offset() const { return segments_.front()->base_offset(); }
  int64_t log_end_offset() const { return log_end_offset_; }
  int64_t high_watermark() const { return high_watermark_; }
  // Clamped to [log start offset, log end offset]; returns the result.
  int64_t set_high_watermark(int64_t offset);
  // The high watermark, or the first offset of the earliest transaction that is open or ends above the high watermark.
  Result<int64_t> last_stable_offset();
  // Everything below has been synced.
  int64_t recovery_point() const { return recovery_point_; }

  // --- durability ---

  // The sync that brings everything appended so far to the disk; empty if nothing is left to sync. Run it on a worker,
  // then pass it to mark_flushed().
  Result<LogSync> prepare_sync();
  // Complete segments that are not synced yet (without the active one): for a sync in the background.
  Result<LogSync> prepare_sync_of_full_segments();
  void mark_flushed(const LogSync& sync);
  // Syncs everything at once, on this thread.
  Status flush();
  // Whether a sync is due now by flush.messages or flush.ms.
  bool flush_due() const;
  // When a sync is due by flush.ms, by the steady clock; the greatest number if never.
  int64_t flush_due_at_ms() const;
  bool has_unflushed() const { return recovery_point_ < log_end_offset_; }
  // Writes the files of a clean shutdown (index entries, a producer snapshot at the end), and syncs them with `sync`.
  // The log is still usable afterwards.
  Status close_cleanly(bool sync);
  // After close_cleanly(false): the log's whole file system was synced since (FileSystem::sync_everything).
  void mark_all_flushed();

  // --- reading ---

  // Batches from the one that contains `offset`, at most `max_bytes` of them, all below `upper_bound` (the high
  // watermark, the last stable offset or the log end offset). With `min_one_batch` the first batch is whole whatever
  // its size. A read at the upper bound or near the end of the log makes no system call.
  Result<ReadOutcome> read(int64_t offset, uint64_t max_bytes, int64_t upper_bound, bool min_one_batch);
  // The aborted transactions that touch [from, upper_bound).
  Result<std::vector<AbortedTransaction>> aborted_transactions(int64_t from, int64_t upper_bound);
  // The size of the batches from the one with `from` up to the one with `to`.
  Result<uint64_t> bytes_between(int64_t from, int64_t to);

  // The first record with a timestamp at or after the given one, at or beyond the log start offset.
  Result<std::optional<TimestampAndOffset>> find_by_timestamp(int64_t timestamp);
  // The first record with the greatest timestamp of the log (ListOffsets -3).
  Result<std::optional<TimestampAndOffset>> find_max_timestamp();
  // The same in steps that may run on other threads, the first from offset 0 on; nullopt if there is nothing to search.
  Result<std::optional<TimeSearch>> search_by_timestamp(int64_t timestamp, int64_t from_offset);
  Result<std::optional<TimeSearch>> search_max_timestamp();

  // --- leader epochs ---

  Result<std::optional<int32_t>> latest_epoch();
  Result<std::optional<int32_t>> epoch_of(int64_t offset);
  // OffsetForLeaderEpoch: the largest known epoch not above the requested one, and its end. Nullopt where Kafka returns
  // UNDEFINED_EPOCH.
  Result<std::optional<EpochEndOffset>> epoch_end_offset(int32_t epoch);
  // A new leader calls this before it appends.
  Status assign_epoch(int32_t epoch, int64_t start_offset);

  // --- old records ---

  // Moves the log start offset up (DeleteRecords, or a leader's). kOffsetOutOfRange beyond the high watermark.
  Result<ErrorCode> delete_records_before(int64_t offset);
  // Renames the segments that retention or the log start offset allow to delete, and returns the files to remove later.
  Result<DoomedFiles> apply_retention();
  // Bytes of all segments.
  Result<uint64_t> size();
  size_t segment_count() const { return segments_.size(); }
  Result<uint32_t> active_segment_bytes() { return active().size(); }
  int64_t active_segment_base_offset() const { return segments_.back()->base_offset(); }
  // Starts a new segment now, if the active one is not empty.
  Status roll();

  // --- compaction (partition_log_compaction.cc) ---

  Result<CompactionOutlook> compaction_outlook();
  // A round over the outlook's stretch; one at a time. Its steps run on workers, and each piece is installed here.
  Result<std::unique_ptr<CompactionJob>> prepare_compaction(const CompactionOutlook& outlook, uint64_t map_budget_bytes,
                                                            double map_load_factor);
  // Replaces the segments that the job's piece was made from. Nullopt: some of them are gone, and the round must be
  // given up.
  Result<std::optional<DoomedFiles>> install_compacted(const CompactionJob& job);
  // Called when all pieces are installed.
  void finish_compaction(const CompactionJob& job);
  int64_t first_dirty_offset() const;
  // Takes the value of the log that this one is a copy of.
  void set_first_dirty_offset(int64_t offset) { first_dirty_ = offset; }

  // --- producers ---

  // As of now; for DescribeProducers and for the check that a transaction is open.
  Result<const ProducerEntry*> find_producer(int64_t producer_id);
  Result<std::vector<ProducerEntry>> active_producers();
  // Before the first batch of a transaction: the guard for the coordinator's answer (ProducerState).
  Result<VerificationStart> start_verification(int64_t producer_id, int16_t epoch, int32_t first_sequence,
                                               bool supports_epoch_bump);
  // Removes producers that did not write for longer than producer.id.expiration.ms.
  Status expire_producers();
  // This log begins as a copy of that one: its snapshot at its first offset has the producers whose last records are
  // below it. Without them, a retry of such a producer would be appended twice.
  Status carry_producers_of(PartitionLog& original);
  // The copy is complete: takes the original's whole producer state, with pending verifications.
  Status adopt_producers_of(PartitionLog& original);
  // False until they are loaded, although the files may have some.
  bool has_producers() const;
  // The earliest open transaction, among the loaded producers; null if there is none.
  const ProducerEntry* oldest_open_transaction() const;
  // The greatest timestamp of the newest segment; -1 without records.
  Result<int64_t> newest_timestamp();

 private:
  struct AppendPlan;  // an append's batches with their offsets, before they are written

  PartitionLog(FileCache& files, const Clock& clock, std::string directory, TopicPartition name,
               std::shared_ptr<const LogConfig> config);

  // partition_log_open.cc
  Status load(const OpenState& state);
  Status load_names(bool allow_leftovers);
  Status finish_leftovers(const std::vector<std::string>& names);
  Status load_segment_files(const std::vector<SegmentFileName>& files);
  Status find_clean_end(int64_t recovery_point);
  Status accept_damage(int64_t said, const std::string& fault);
  Status restart_with_producers();
  Status remove_stray_snapshots();
  Status remove_snapshots_beyond(int64_t offset);
  Status forget_removed_snapshots();

  // partition_log_recovery.cc
  Status recover(const OpenState& state);
  Status drop_segments_behind(size_t last);
  Status drop_empty_segment_behind(int64_t end_of_records, const OpenState& state);
  Result<bool> recover_segment(Segment& segment, const OpenState& state, uint64_t& done_bytes, uint64_t total_bytes);
  Result<ProducerState*> producers();
  Status rebuild_producers(int64_t up_to);
  Status replay_producers_of(Segment& segment, int64_t from_offset, int64_t up_to);
  Status write_lost_snapshot(int64_t offset);
  Status load_newest_snapshot(int64_t up_to, int64_t& start);
  Status replay_producer(BatchScanner& batch, Segment* txn_index_of);
  // Counts the entries that were written in `noted`.
  using CompletedTransactions = std::vector<ProducerState::Completed>;
  Status note_aborted(Segment& segment, const CompletedTransactions& completed, size_t& noted);
  static Result<std::optional<EndTransactionMarker>> marker_of(ByteView batch);
  // partition_log_producers.cc
  Status close_vanished_transactions(int64_t snapshot_offset);
  Result<bool> has_transactional_batch(int64_t producer_id, int64_t from, int64_t up_to);
  Result<LeaderEpochCache*> epochs();
  Status load_epochs();
  Status save_epochs();

  // partition_log_append.cc
  Result<AppendOutcome> append(AppendPlan& plan, const AppendChecks& checks);
  Status maybe_roll(const AppendPlan& plan);
  Status roll_to(int64_t base_offset);
  Status trim_active();
  Status begin_segment(int64_t base_offset);
  Status write_batches(const AppendPlan& plan, const CompletedTransactions& completed);
  Status note_epochs(const AppendPlan& plan);
  Status note_written(const AppendPlan& plan, uint32_t position);
  // For the error of a half-done change: a retry with a free descriptor would not complete it.
  static Status not_to_be_repeated(Status status);
  Status take_producer_snapshot();
  Status write_snapshot(int64_t offset, const ProducerState& state);

  // partition_log_read.cc
  size_t segment_index_of(int64_t offset) const;
  int64_t end_of_segment(size_t index) const;
  Result<BatchPosition> locate(size_t index, int64_t offset);
  Result<ReadOutcome> read_from(size_t index, const BatchPosition& first, uint64_t max_bytes, int64_t upper_bound,
                                bool min_one_batch);

  // partition_log_truncate.cc
  Status remove_segment_files(Segment& segment);
  Status forget_epochs_from(int64_t offset);
  Status rewind_state(int64_t offset);
  Result<bool> passed_retention(size_t index, int64_t now, uint64_t& excess_bytes);
  Status doom_segment(Segment& segment, DoomedFiles& doomed);
  Status doom_segment_files(Segment& segment, DoomedFiles& doomed);
  Status doom_files(std::vector<std::string> paths, DoomedFiles& doomed);
  Status sync_snapshot(int64_t offset);
  Status raise_log_start(int64_t offset);

  std::string path_of(ByteView file) const { return directory_ + "/" + std::string(file); }
  FileSystem& file_system() { return files_.file_system(); }
  Segment& active() { return *segments_.back(); }
  int64_t roll_jitter_ms() const;
  Result<LogSync> make_sync(int64_t end);
  Status add_identity(LogSync& sync);
  void clamp_offsets();
  // Checks the order of offsets that every change keeps: the log start offset, the high watermark, the log end offset.
  void check_offsets() const;

  FileCache& files_;
  const Clock& clock_;
  std::string directory_;  // referenced by the segments
  const TopicPartition name_;
  std::shared_ptr<const LogConfig> config_;

  std::vector<std::unique_ptr<Segment>> segments_;
  RecentBatches recent_;  // of the active segment

  int64_t log_start_offset_ = 0;
  int64_t log_end_offset_ = 0;
  std::optional<int64_t> gap_;  // cut_at_gap()
  int64_t high_watermark_ = 0;
  int64_t recovery_point_ = 0;
  int64_t last_flush_ms_ = 0;
  int64_t first_dirty_ = 0;  // if known; see first_dirty_offset()
  uint64_t shape_ = new_mark();  // changes with each removal of segments or parts of them
  std::vector<int64_t> snapshots_;  // offsets of the .snapshot files, ascending
  // The base offset of the first full segment whose indexes no sync has taken. None: the greatest number.
  int64_t unsynced_full_ = std::numeric_limits<int64_t>::max();
  uint64_t truncations_ = new_mark();  // changes with each one: a sync begun before does not count after
  bool directory_dirty_ = false;    // names were added since the directory was last synced
  bool parent_dirty_ = false;       // the directory was created or renamed since its parent was last synced
  bool epochs_unsynced_ = false;
  // The latest epoch has no record yet, and is not in the file: its first append writes it there. If it is lost nothing
  // is: the next leader's epoch would take its place. A start after a crash would otherwise replace the file of each
  // partition, which ext4 sends to the disk at once.
  bool epochs_unsaved_ = false;
  bool carried_snapshot_unsynced_ = false;  // of carry_producers_of()
  bool has_epoch_file_ = false;
  // After a clean shutdown the end is first taken from the newest snapshot's name, and confirmed when needed.
  bool end_confirmed_ = true;

  std::unique_ptr<ProducerState> producers_;  // null until needed; then it covers the log up to its end
  // While producers_ is null: no batch of a producer is at or beyond this offset.
  int64_t unloaded_producers_end_ = 0;
  std::unique_ptr<LeaderEpochCache> epochs_;  // null until needed
};

}  // namespace milena::log
