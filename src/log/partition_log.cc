#include "log/partition_log.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <tuple>

#include "base/check.h"
#include "base/saturating.h"
#include "log/format/partition_metadata.h"
#include "log/planted_storage_bugs.h"

namespace milena::log {

PartitionLog::PartitionLog(FileCache& files, const Clock& clock, std::string directory, TopicPartition name,
                           std::shared_ptr<const LogConfig> config)
    : files_(files),
      clock_(clock),
      directory_(std::move(directory)),
      name_(std::move(name)),
      config_(std::move(config)),
      last_flush_ms_(clock.steady_ms()) {}

PartitionLog::~PartitionLog() = default;

uint64_t PartitionLog::new_mark() {
  static std::atomic<uint64_t> last = 0;
  return ++last;
}

Result<std::optional<Uuid>> PartitionLog::topic_id() const {
  Result<Bytes> file = files_.file_system().read_file(path_of(kPartitionMetadataFile));
  if (!file && file.error().kind == ErrorKind::kNotFound) return std::optional<Uuid>();
  RETURN_IF_ERROR(file);
  Result<Uuid> id = decode_partition_metadata(*file);
  if (!id) return Error{id.error().kind, directory_ + ": " + id.error().message};
  return std::optional<Uuid>(*id);
}

Status PartitionLog::set_topic_id(const Uuid& id, bool durable) {
  return file_system().write_file_atomically(path_of(kPartitionMetadataFile), encode_partition_metadata(id), durable);
}

Status PartitionLog::rename_directory(std::string to) {
  RETURN_IF_ERROR(file_system().rename(directory_, to));
  directory_ = std::move(to);
  parent_dirty_ = true;
  return ok_status();
}

// --- offsets ---

int64_t PartitionLog::set_high_watermark(int64_t offset) {
  CHECK(log_start_offset_ <= log_end_offset_, "{}: {} and {}", directory_, log_start_offset_, log_end_offset_);
  high_watermark_ = std::clamp(offset, log_start_offset_, log_end_offset_);
  if (producers_ != nullptr) producers_->on_high_watermark(high_watermark_);
  return high_watermark_;
}

Result<int64_t> PartitionLog::last_stable_offset() {
  Result<ProducerState*> state = producers();
  RETURN_IF_ERROR(state);
  int64_t unstable = (*state)->first_unstable_offset();
  if (unstable < 0 || unstable >= high_watermark_) return high_watermark_;
  return std::max(unstable, log_start_offset_);
}

void PartitionLog::clamp_offsets() {
  log_start_offset_ = std::min(log_start_offset_, log_end_offset_);
  recovery_point_ = std::min(recovery_point_, log_end_offset_);
  set_high_watermark(high_watermark_);
}

void PartitionLog::check_offsets() const {
  CHECK(log_start_offset_ <= high_watermark_ && high_watermark_ <= log_end_offset_, "{}: {}, {}, {}", directory_,
        log_start_offset_, high_watermark_, log_end_offset_);
  CHECK(recovery_point_ <= log_end_offset_, "{}: {}, {}", directory_, recovery_point_, log_end_offset_);
  CHECK(segments_.back()->base_offset() <= log_end_offset_, "{}: {}, {}", directory_, segments_.back()->base_offset(),
        log_end_offset_);
  CHECK(snapshots_.empty() || snapshots_.back() <= log_end_offset_, "{}: {}, {}", directory_, snapshots_.back(),
        log_end_offset_);
}

// --- durability ---

Result<LogSync> PartitionLog::prepare_sync() { return make_sync(log_end_offset_); }

Result<LogSync> PartitionLog::prepare_sync_of_full_segments() {
  return make_sync(segments_.size() == 1 ? recovery_point_ : active().base_offset());
}

Result<LogSync> PartitionLog::make_sync(int64_t end) {
  const std::tuple owed(directory_dirty_, parent_dirty_, epochs_unsynced_, carried_snapshot_unsynced_, unsynced_full_);
  // Without a descriptor nothing is prepared, and the sync is still due.
  auto fail = [&](const Error& why) -> Result<LogSync> {
    std::tie(directory_dirty_, parent_dirty_, epochs_unsynced_, carried_snapshot_unsynced_, unsynced_full_) = owed;
    return why;
  };
  LogSync sync;
  sync.offset_ = end;
  sync.truncations_ = truncations_;
  if (end <= recovery_point_ && !parent_dirty_ && !carried_snapshot_unsynced_) return sync;
  for (size_t i = segment_index_of(recovery_point_); i < segments_.size(); ++i) {
    Segment& segment = *segments_[i];
    if (segment.base_offset() >= end) break;
    // The active segment's indexes need not be on the disk: recovery reads the segment that contains the recovery
    // point.
    bool full = i + 1 < segments_.size();
    if (Status collected = segment.collect_files(full, sync.files_); !collected) return fail(collected.error());
  }
  if (end > unsynced_full_) unsynced_full_ = std::numeric_limits<int64_t>::max();
  if (epochs_unsynced_) {
    auto file = file_system().open(path_of(kLeaderEpochFile), OpenMode::kRead);
    if (!file) return fail(file.error());
    sync.files_.push_back(*file);
    epochs_unsynced_ = false;
    directory_dirty_ = true;
  }
  if (carried_snapshot_unsynced_) {
    auto file = file_system().open(path_of(segment_file_name(first_segment_offset(), kSnapshotSuffix)),
                                   OpenMode::kRead);
    if (!file && file.error().kind != ErrorKind::kNotFound) return fail(file.error());  // retention may have removed it
    if (file) sync.files_.push_back(*file);
    carried_snapshot_unsynced_ = false;
  }
  if (directory_dirty_) sync.directory_ = directory_;
  directory_dirty_ = false;
  if (parent_dirty_ && !MILENA_STORAGE_BUG(kParentNotSynced)) {
    if (Status added = add_identity(sync); !added) return fail(added.error());
  }
  return sync;
}

// Syncs the log's directory name and its partition.metadata.
Status PartitionLog::add_identity(LogSync& sync) {
  auto metadata = file_system().open(path_of(kPartitionMetadataFile), OpenMode::kRead);
  if (!metadata && metadata.error().kind != ErrorKind::kNotFound) return metadata.error();
  if (metadata) sync.files_.push_back(*metadata);
  sync.parent_ = parent_directory(directory_);
  parent_dirty_ = false;
  return ok_status();
}

void PartitionLog::mark_flushed(const LogSync& sync) {
  if (sync.truncations_ != truncations_) return;
  recovery_point_ = std::max(recovery_point_, std::min({sync.offset_, log_end_offset_, unsynced_full_}));
  last_flush_ms_ = clock_.steady_ms();
}

Status PartitionLog::flush() {
  Result<LogSync> sync = prepare_sync();
  RETURN_IF_ERROR(sync);
  RETURN_IF_ERROR(sync->run(file_system()));
  mark_flushed(*sync);
  return ok_status();
}

bool PartitionLog::flush_due() const {
  int64_t unflushed = log_end_offset_ - recovery_point_;
  if (unflushed <= 0) return false;
  return unflushed >= config_->flush_messages || clock_.steady_ms() >= flush_due_at_ms();
}

int64_t PartitionLog::flush_due_at_ms() const {
  return has_unflushed() ? add_saturating(last_flush_ms_, config_->flush_ms) : std::numeric_limits<int64_t>::max();
}

Status PartitionLog::close_cleanly(bool sync) {
  RETURN_IF_ERROR(trim_active());
  RETURN_IF_ERROR(active().save_indexes(end_confirmed_));
  // That of the stop before goes when the log is opened again: a stop does this for all logs.
  if (log_end_offset_ > segments_.front()->base_offset()) RETURN_IF_ERROR(take_producer_snapshot());
  // After a clean stop no recovery makes the time index again, and the newest timestamp in it counts for retention.
  if (sync && !MILENA_STORAGE_BUG(kTimeIndexNotSynced)) RETURN_IF_ERROR(active().sync_time_index());
  if (sync) RETURN_IF_ERROR(flush());
  for (auto& segment : segments_) segment->close_files();
  return ok_status();
}

void PartitionLog::mark_all_flushed() {
  recovery_point_ = log_end_offset_;
  last_flush_ms_ = clock_.steady_ms();
  directory_dirty_ = parent_dirty_ = epochs_unsynced_ = carried_snapshot_unsynced_ = false;
  unsynced_full_ = std::numeric_limits<int64_t>::max();
}

Status LogSync::run(FileSystem& file_system) const {
  for (const auto& file : files_) RETURN_IF_ERROR(file->sync());
  if (!directory_.empty()) RETURN_IF_ERROR(file_system.sync_directory(directory_));
  if (!parent_.empty()) RETURN_IF_ERROR(file_system.sync_directory(parent_));
  return ok_status();
}

// --- leader epochs ---

Result<std::optional<int32_t>> PartitionLog::latest_epoch() {
  Result<LeaderEpochCache*> cache = epochs();
  RETURN_IF_ERROR(cache);
  return (*cache)->latest();
}

Result<std::optional<int32_t>> PartitionLog::epoch_of(int64_t offset) {
  Result<LeaderEpochCache*> cache = epochs();
  RETURN_IF_ERROR(cache);
  return (*cache)->epoch_of(offset);
}

Result<std::optional<EpochEndOffset>> PartitionLog::epoch_end_offset(int32_t epoch) {
  Result<LeaderEpochCache*> cache = epochs();
  RETURN_IF_ERROR(cache);
  return (*cache)->end_offset_of(epoch, log_end_offset_);
}

Status PartitionLog::assign_epoch(int32_t epoch, int64_t start_offset) {
  Result<LeaderEpochCache*> cache = epochs();
  RETURN_IF_ERROR(cache);
  if (!(*cache)->assign(epoch, start_offset)) return ok_status();
  gap_.reset();
  if (!has_epoch_file_ || start_offset < log_end_offset_) return save_epochs();
  epochs_unsaved_ = true;
  return ok_status();
}

// --- producers ---

Result<const ProducerEntry*> PartitionLog::find_producer(int64_t producer_id) {
  Result<ProducerState*> state = producers();
  RETURN_IF_ERROR(state);
  return (*state)->find(producer_id);
}

Result<std::vector<ProducerEntry>> PartitionLog::active_producers() {
  Result<ProducerState*> state = producers();
  RETURN_IF_ERROR(state);
  return (*state)->entries();
}

Status PartitionLog::expire_producers() {
  if (producers_ != nullptr)
    producers_->expire(subtract_saturating(clock_.wall_ms(), config_->max_producer_id_expiration_ms));
  return ok_status();
}

bool PartitionLog::has_producers() const { return producers_ != nullptr && producers_->size() > 0; }

const ProducerEntry* PartitionLog::oldest_open_transaction() const {
  return producers_ == nullptr ? nullptr : producers_->oldest_open_transaction();
}

Result<int64_t> PartitionLog::newest_timestamp() {
  Result<Segment::MaxTimestamp> greatest = segments_.back()->max_timestamp();
  RETURN_IF_ERROR(greatest);
  return greatest->timestamp;
}

Result<uint64_t> PartitionLog::size() {
  uint64_t total = 0;
  for (auto& segment : segments_) {
    Result<uint32_t> bytes = segment->size();
    RETURN_IF_ERROR(bytes);
    total += *bytes;
  }
  return total;
}

Status DoomedFiles::remove(FileSystem& file_system) const {
  for (const std::string& path : paths) RETURN_IF_ERROR(file_system.remove(path));
  return ok_status();
}

}  // namespace milena::log
