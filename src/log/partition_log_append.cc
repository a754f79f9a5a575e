// Appending to a log, and starting new segments.
#include <algorithm>
#include <array>

#include "base/saturating.h"
#include "log/partition_log.h"
#include "log/planted_storage_bugs.h"
#include "protocol/records/legacy_messages.h"

namespace milena::log {

// The part of a batch that is patched: base offset, length, leader epoch.
constexpr size_t kPatchedBytes = kBatchMagicPosition;

// The header of a whole batch, or of a message of an older Kafka; anything else is the leader's mistake.
static Result<BatchHeader> whole_entry_header(ByteView entry) {
  if (magic_of(entry) == kMagicV2) {
    Result<RecordBatchView> batch = RecordBatchView::parse(entry);
    RETURN_IF_ERROR(batch);
    return batch->header();
  }
  Result<LegacyMessage> message = LegacyMessage::parse(entry);
  RETURN_IF_ERROR(message);
  const std::optional<BatchHeader> header = log_entry_header(entry, entry.size());
  if (!header || !message->crc_ok()) {
    return make_error(ErrorKind::kCorrupt, "the message at offset {} is damaged", message->offset);
  }
  return *header;
}

struct PartitionLog::AppendPlan {
  struct Batch {
    BatchHeader header;  // with its final offsets
    ByteView bytes;
    std::array<char, kPatchedBytes> head;
  };
  std::vector<Batch> batches;
  uint64_t bytes = 0;
  int64_t max_timestamp = -1;

  int64_t first_offset() const { return batches.front().header.base_offset; }
  int64_t last_offset() const { return batches.back().header.last_offset(); }

  void add(const BatchHeader& header, ByteView raw) {
    Batch& batch = batches.emplace_back(Batch{header, raw, {}});
    std::copy_n(raw.data(), kPatchedBytes, batch.head.data());
    if (header.magic == kMagicV2)
      set_base_offset_and_epoch(batch.head.data(), header.base_offset, header.partition_leader_epoch);
    bytes += raw.size();
    max_timestamp = std::max(max_timestamp, header.max_timestamp);
  }
};

Result<AppendOutcome> PartitionLog::append_as_leader(const Payload& batches, int32_t leader_epoch,
                                                     AppendChecks checks) {
  if (batches.chunks().size() == 1) {
    const Chunk& chunk = batches.chunks().front();
    if (const auto* bytes = std::get_if<Bytes>(&chunk)) return append_as_leader(ByteView(*bytes), leader_epoch, checks);
    if (const auto* shared = std::get_if<SharedBytes>(&chunk)) {
      return append_as_leader(shared->view, leader_epoch, checks);
    }
  }
  Result<Bytes> whole = batches.flatten();
  RETURN_IF_ERROR(whole);
  return append_as_leader(ByteView(*whole), leader_epoch, checks);
}

Result<AppendOutcome> PartitionLog::append_as_leader(ByteView batches, int32_t leader_epoch, AppendChecks checks) {
  CHECK(checks.origin != AppendOrigin::kReplication, "{}", directory_);
  RETURN_IF_ERROR(confirm_end());
  checks.verify_transactions = config_->verify_transactions;
  AppendPlan plan;
  plan.batches.reserve(1);
  int64_t next_offset = log_end_offset_;
  BatchIterator it(batches);
  while (it.next()) {
    BatchHeader header = it.batch().header();
    header.base_offset = next_offset;
    header.partition_leader_epoch = leader_epoch;
    plan.add(header, it.batch().bytes());
    next_offset = header.next_offset();
  }
  if (!it.status() || plan.batches.empty()) return AppendOutcome{.error = ErrorCode::kCorruptMessage};
  if (plan.bytes > static_cast<uint64_t>(config_->segment_bytes)) {
    return AppendOutcome{.error = ErrorCode::kRecordListTooLarge};
  }
  gap_.reset();
  return append(plan, checks);
}

Result<AppendOutcome> PartitionLog::append_as_follower(ByteView batches) {
  RETURN_IF_ERROR(confirm_end());
  AppendOutcome outcome{.base_offset = -1, .last_offset = log_end_offset_ - 1, .log_start_offset = log_start_offset_};
  AppendPlan plan;
  int64_t next_offset = log_end_offset_;
  auto append_planned = [&]() -> Status {
    if (plan.batches.empty()) return ok_status();
    Result<AppendOutcome> done = append(plan, AppendOrigin::kReplication);
    RETURN_IF_ERROR(done);
    if (done->error != ErrorCode::kNone) {
      return make_error(ErrorKind::kCorrupt, "{}: batches of the leader from offset {} are refused with error {}",
                        directory_, plan.first_offset(), static_cast<int>(done->error));
    }
    if (outcome.base_offset < 0) outcome.base_offset = done->base_offset;
    outcome.last_offset = done->last_offset;
    plan = {};
    return ok_status();
  };
  while (true) {
    Result<ByteView> entry = next_log_entry(batches);
    RETURN_IF_ERROR(entry);
    if (entry->empty()) break;  // fetched bytes may end in an incomplete batch
    Result<BatchHeader> parsed = whole_entry_header(*entry);
    RETURN_IF_ERROR(parsed);
    batches.remove_prefix(entry->size());
    const BatchHeader& header = *parsed;
    // An empty log that begins where the leader's does may begin within a batch whose first records were deleted.
    const bool begins_within = plan.batches.empty() && outcome.base_offset < 0 &&
                               log_start_offset_ == log_end_offset_ && header.base_offset < next_offset &&
                               header.last_offset() >= next_offset;
    if (begins_within) {
      RETURN_IF_ERROR(truncate_fully_and_start_at(header.base_offset));
      next_offset = header.base_offset;
    }
    if (header.base_offset < next_offset) {
      return make_error(ErrorKind::kCorrupt, "{}: the leader sent offset {}, the log ends at {}", directory_,
                        header.base_offset, next_offset);
    }
    // A part for each segment: batches that do not fit into the current part go into the next.
    bool fits = plan.batches.empty() ||
                (plan.bytes + header.total_size() <= static_cast<uint64_t>(config_->segment_bytes) &&
                 header.last_offset() - plan.first_offset() <= INT32_MAX);
    if (!fits) RETURN_IF_ERROR(append_planned());
    plan.add(header, *entry);
    next_offset = header.next_offset();
  }
  RETURN_IF_ERROR(append_planned());
  return outcome;
}

Result<VerificationStart> PartitionLog::start_verification(int64_t producer_id, int16_t epoch, int32_t first_sequence,
                                                           bool supports_epoch_bump) {
  Result<ProducerState*> state = producers();
  RETURN_IF_ERROR(state);
  return (*state)->start_verification(producer_id, epoch, first_sequence, supports_epoch_bump, new_mark(),
                                      clock_.wall_ms());
}

// The producers' checks come first, then the roll, then the bytes, and only then the state in memory.
Result<AppendOutcome> PartitionLog::append(AppendPlan& plan, const AppendChecks& checks) {
  AppendOutcome outcome{.base_offset = plan.first_offset(),
                        .last_offset = plan.last_offset(),
                        .log_start_offset = log_start_offset_};
  const BatchHeader& first = plan.batches.front().header;
  if (first.timestamp_type() == TimestampType::kLogAppendTime) outcome.log_append_time = first.max_timestamp;

  std::optional<ProducerAppend> change;
  for (const AppendPlan::Batch& batch : plan.batches) {
    if (!batch.header.has_producer_id()) continue;
    Result<ProducerState*> state = producers();
    RETURN_IF_ERROR(state);
    if (checks.origin == AppendOrigin::kClient) {
      const ProducerEntry* known = (*state)->find(batch.header.producer_id);
      if (const ProducerBatch* before = known ? known->find_duplicate(batch.header) : nullptr) {
        outcome.base_offset = before->first_offset();
        outcome.last_offset = before->last_offset;
        outcome.duplicate = true;
        outcome.log_append_time = before->timestamp;  // for any timestamp type, as in Kafka
        return outcome;
      }
    }
    std::optional<EndTransactionMarker> marker;
    if (batch.header.is_control()) {
      Result<std::optional<EndTransactionMarker>> parsed = marker_of(batch.bytes);
      if (!parsed) return AppendOutcome{.error = ErrorCode::kCorruptMessage};
      if (!*parsed) continue;
      marker = **parsed;
    }
    if (!change) change.emplace(**state);
    ErrorCode error = change->add(batch.header, marker, checks);
    if (error != ErrorCode::kNone) return AppendOutcome{.error = error, .log_start_offset = log_start_offset_};
  }

  RETURN_IF_ERROR(maybe_roll(plan));
  RETURN_IF_ERROR(note_epochs(plan));
  RETURN_IF_ERROR(write_batches(plan, change ? producers_->completed_by(*change) : CompletedTransactions()));
  if (change) producers_->apply(std::move(*change));
  return outcome;
}

// Aborted transactions are noted before their markers are written: a full disk then refuses the marker, and nothing has
// changed.
Status PartitionLog::write_batches(const AppendPlan& plan, const CompletedTransactions& completed) {
  CHECK(plan.first_offset() >= log_end_offset_, "{}: {} is below the end, {}", directory_, plan.first_offset(),
        log_end_offset_);
  Segment& segment = active();
  Result<uint32_t> start = segment.size();
  RETURN_IF_ERROR(start);
  std::vector<iovec> parts;
  parts.reserve(plan.batches.size() * 2);
  for (const AppendPlan::Batch& batch : plan.batches) {
    parts.push_back({const_cast<char*>(batch.head.data()), batch.head.size()});
    parts.push_back({const_cast<char*>(batch.bytes.data()) + kPatchedBytes, batch.bytes.size() - kPatchedBytes});
  }
  size_t noted = 0;
  Status written = note_aborted(segment, completed, noted);
  if (written) written = segment.write(parts, static_cast<uint32_t>(plan.bytes));
  if (!written) {
    (void)segment.cut_to_size();  // best effort: a log that goes offline is cut by recovery, and what is written next
                                  // lies over it
    if (noted > 0) RETURN_IF_ERROR(not_to_be_repeated(segment.forget_last_aborted(noted)));
    return written;
  }
  return not_to_be_repeated(note_written(plan, *start));
}

// Before the batches are written: an epoch that begins at the log's end is not wrong, and on a full disk the append
// fails here, before any change.
Status PartitionLog::note_epochs(const AppendPlan& plan) {
  Result<LeaderEpochCache*> cache = epochs();
  RETURN_IF_ERROR(cache);
  bool changed = epochs_unsaved_;
  for (const AppendPlan::Batch& batch : plan.batches) {
    int32_t epoch = batch.header.partition_leader_epoch;
    if (epoch > (*cache)->latest().value_or(-1)) changed |= (*cache)->assign(epoch, batch.header.base_offset);
  }
  if (!changed) return ok_status();
  Status saved = save_epochs();
  if (!saved) (*cache)->truncate_from_end(plan.first_offset());
  return saved;
}

// Updates the state in memory and in the files beside the log for batches appended from `position` on.
Status PartitionLog::note_written(const AppendPlan& plan, uint32_t position) {
  for (const AppendPlan::Batch& batch : plan.batches) {
    recent_.add(batch.header.base_offset, batch.header.last_offset(), position);
    RETURN_IF_ERROR(active().add_batch(batch.header, position));
    position += static_cast<uint32_t>(batch.bytes.size());
  }
  log_end_offset_ = plan.last_offset() + 1;
  check_offsets();
  return ok_status();
}

Status PartitionLog::not_to_be_repeated(Status status) {
  if (status.ok() || status.error().kind != ErrorKind::kExhausted) return status;
  return Error{ErrorKind::kCorrupt, status.error().message};
}

// --- segments ---

// A jitter that is constant for a segment. It shortens the segment's time, as in Kafka (LogConfig.randomSegmentJitter).
int64_t PartitionLog::roll_jitter_ms() const {
  const int64_t most_ms = std::min(config_->segment_jitter_ms, config_->segment_ms);
  if (most_ms <= 0) return 0;
  uint64_t seed = std::hash<TopicPartition>()(name_) ^ static_cast<uint64_t>(segments_.back()->base_offset());
  seed = (seed ^ (seed >> 31)) * 0x9E3779B97F4A7C15ull;
  return static_cast<int64_t>((seed >> 16) % static_cast<uint64_t>(most_ms));
}

Status PartitionLog::maybe_roll(const AppendPlan& plan) {
  Result<uint32_t> bytes = active().size();
  RETURN_IF_ERROR(bytes);
  bool roll = *bytes + plan.bytes > static_cast<uint64_t>(config_->segment_bytes) && *bytes > 0;
  roll |= !active().fits(plan.last_offset());
  if (!roll && *bytes > 0) {
    Result<bool> full = active().index_full(config_->segment_index_bytes);
    RETURN_IF_ERROR(full);
    Result<int64_t> since = active().first_timestamp();
    RETURN_IF_ERROR(since);
    // By the records' own time, if they have one.
    int64_t waited_ms = *since >= 0 ? subtract_saturating(plan.max_timestamp, *since)
                                    : clock_.wall_ms() - active().created_ms();
    int64_t limit_ms = config_->segment_ms;
    if (config_->cleanup_compact) limit_ms = std::min(limit_ms, config_->max_compaction_lag_ms);
    roll = *full || waited_ms > subtract_saturating(limit_ms, roll_jitter_ms());
  }
  return roll ? roll_to(std::max(log_end_offset_, plan.first_offset())) : ok_status();
}

Status PartitionLog::roll() {
  RETURN_IF_ERROR(confirm_end());
  Result<uint32_t> bytes = active().size();
  RETURN_IF_ERROR(bytes);
  return *bytes == 0 ? ok_status() : roll_to(log_end_offset_);
}

Status PartitionLog::roll_to(int64_t base_offset) {
  Result<uint32_t> bytes = active().size();
  RETURN_IF_ERROR(bytes);
  if (*bytes == 0) {  // nothing in it: the new one takes its place, once it is there
    if (base_offset == active().base_offset()) return ok_status();
    RETURN_IF_ERROR(begin_segment(base_offset));
    const auto empty = segments_.end() - 2;
    RETURN_IF_ERROR(remove_segment_files(**empty));
    segments_.erase(empty);
    return ok_status();
  }
  RETURN_IF_ERROR(trim_active());
  RETURN_IF_ERROR(active().save_indexes(true));
  RETURN_IF_ERROR(take_producer_snapshot());
  RETURN_IF_ERROR(remove_stray_snapshots());
  const int64_t full = active().base_offset();
  RETURN_IF_ERROR(begin_segment(base_offset));
  // The next sync takes its indexes and its length, even if all of its records are on the disk: recovery would not read
  // it, and retention goes by its greatest timestamp.
  if (MILENA_STORAGE_BUG(kFullSegmentUnsynced) || MILENA_STORAGE_BUG(kCutNotSynced)) return ok_status();
  unsynced_full_ = std::min(unsynced_full_, full);
  recovery_point_ = std::min(recovery_point_, full);
  return ok_status();
}

// The next sync includes the new length; one under way does not: readers would get the zeros behind.
Status PartitionLog::trim_active() {
  if (!active().preallocated()) return ok_status();
  RETURN_IF_ERROR(active().trim());
  if (MILENA_STORAGE_BUG(kTrimNotSynced)) return ok_status();
  recovery_point_ = std::min(recovery_point_, active().base_offset());
  truncations_ = new_mark();
  return ok_status();
}

Status PartitionLog::begin_segment(int64_t base_offset) {
  auto segment = std::make_unique<Segment>(files_, directory_, base_offset, config_->index_interval_bytes);
  RETURN_IF_ERROR(segment->create(clock_.wall_ms(), config_->preallocate ? config_->segment_bytes : 0));
  segments_.push_back(std::move(segment));
  recent_.clear();
  directory_dirty_ = true;
  return ok_status();
}

// The producer state at the end of the log, under that offset's name.
Status PartitionLog::take_producer_snapshot() {
  if (!snapshots_.empty() && snapshots_.back() >= log_end_offset_) return ok_status();
  Result<ProducerState*> state = producers();
  RETURN_IF_ERROR(state);
  return write_snapshot(log_end_offset_, **state);
}

Status PartitionLog::write_snapshot(int64_t offset, const ProducerState& state) {
  std::string path = path_of(segment_file_name(offset, kSnapshotSuffix));
  auto file = file_system().open(path, OpenMode::kReadOrCreate);
  RETURN_IF_ERROR(file);
  const Bytes content = encode_producer_snapshot(state.to_snapshot());
  RETURN_IF_ERROR((*file)->write_at(0, content));
  // A failed attempt may have left a longer file.
  RETURN_IF_ERROR((*file)->truncate(content.size()));
  snapshots_.insert(std::upper_bound(snapshots_.begin(), snapshots_.end(), offset), offset);
  return ok_status();
}

}  // namespace milena::log
