#include "broker/replica/partition.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/out_of_memory.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard_context.h"
#include "broker/storage/log_directories.h"
#include "broker/storage/log_syncs.h"
#include "log/planted_storage_bugs.h"
#include "metadata/planted_replication_bugs.h"

namespace milena::broker {

Partition::Partition(ShardContext& shard, ReplicaManager& replicas, TopicPartitionId id, TopicPartition name,
                     log::LogDirectory* directory, OpenLog open)
    : shard_(shard),
      replicas_(replicas),
      id_(id),
      name_(std::move(name)),
      directory_(directory),
      open_(std::move(open)),
      offline_(directory == nullptr) {}

Partition::~Partition() {
  for (auto* waits : {&offset_waits_, &low_waits_}) {
    for (OffsetWait& wait : *waits) shard_.executor().cancel(wait.timer);
  }
}

void Partition::end_waits(ErrorCode why) {
  std::vector<OffsetWait> offset_waits = std::exchange(offset_waits_, {});
  for (OffsetWait& wait : std::exchange(low_waits_, {})) offset_waits.push_back(std::move(wait));
  std::vector<SyncWait> sync_waits = std::exchange(sync_waits_, {});
  for (OffsetWait& wait : offset_waits) {
    shard_.executor().cancel(wait.timer);
    wait.done(why);
  }
  for (SyncWait& wait : sync_waits) wait.done(why);
  signal_progress();
}

bool Partition::spend_reserve(const Error& error) {
  return directory_ != nullptr && replicas_.spend_reserve(*directory_, error);
}

Result<std::unique_ptr<log::PartitionLog>> Partition::open_ready() {
  auto log = open_();
  if (!log) return log;
  // The end of the log is checked against its files before anybody uses it.
  RETURN_IF_ERROR((*log)->confirm_end());
  if (leads_) RETURN_IF_ERROR((*log)->assign_epoch(leader_epoch_, (*log)->log_end_offset()));
  return log;
}

log::PartitionLog* Partition::log() {
  if (log_ || offline_) return log_.get();
  auto opened = open_ready();
  // A full disk must not keep the log from being opened and read.
  if (!opened && spend_reserve(opened.error())) opened = open_ready();
  if (!opened) {
    take_offline(opened.error());
    return nullptr;
  }
  log_ = opened.take();
  known_empty_ = false;
  if (leader_ != nullptr) leader_->set_epoch_start(log_->log_end_offset());
  if (MILENA_REPLICATION_BUG(kEndIsHighWatermark)) log_->set_high_watermark(log_->log_end_offset());
  if (leads_) advance_high_watermark();
  // Records from before the last stop may still need a sync. While the node loads nobody waits for it.
  const bool owes = !shard_.node().directories->loading() && !MILENA_STORAGE_BUG(kOwedSyncForgotten);
  if (owes) replicas_.log_syncs().consider_flush(*this);
  return log_.get();
}

log::LogDirectory::Found Partition::offsets() const {
  if (log_ == nullptr) return last_offsets_ ? *last_offsets_ : directory_->find(name_);
  log::LogDirectory::Found found{.known = true,
                                 .recovery_point = log_->recovery_point(),
                                 .log_start_offset = log_->log_start_offset(),
                                 .high_watermark = log_->high_watermark()};
  if (log_->config().cleanup_compact) found.first_dirty_offset = log_->first_dirty_offset();
  return found;
}

ErrorCode Partition::failed_use(const Error& error) {
  if (error.kind != ErrorKind::kCorrupt || MILENA_STORAGE_BUG(kDamageTakesOffline)) {
    take_offline(error);
    return ErrorCode::kKafkaStorageError;
  }
  if (shard_.first_time(error.message)) {
    log_error("partition {} has damaged records: {}", name(), error.message);
  }
  return ErrorCode::kCorruptMessage;
}

void Partition::take_offline(const Error& error) {
  if (error.kind == ErrorKind::kExhausted) {
    if (!offline_ && shard_.first_time(error.message)) {
      log_warn("partition {} is not available at the moment: {}", name(), error.message);
    }
    return;
  }
  if (!offline_) log_error("partition {} goes offline: {}", name(), error.message);
  offline_ = true;
  if (log_ != nullptr) last_offsets_ = offsets();
  log_.reset();
  end_waits(ErrorCode::kKafkaStorageError);
  if (error.kind == ErrorKind::kIo && directory_ != nullptr) replicas_.directory_failed(*directory_);
}

void Partition::replace_log(std::unique_ptr<log::PartitionLog> copy, log::LogDirectory& directory) {
  CHECK(!sync_running_ && log_ != nullptr && copy->log_end_offset() == log_->log_end_offset(), "{}", name());
  log_ = std::move(copy);
  number_ = log::PartitionLog::new_mark();
  directory_->count_replicas(-1);
  directory.count_replicas(1);
  directory_ = &directory;
}

log::AppendOutcome Partition::append_as_leader(const Payload& batches, log::AppendChecks checks) {
  return whole_or_not([&]() -> log::AppendOutcome {
    log::PartitionLog* partition_log = log();
    if (partition_log == nullptr) return log::AppendOutcome{.error = ErrorCode::kKafkaStorageError};
    // The reserve is not for new records.
    const bool new_records =
        checks.origin == log::AppendOrigin::kClient || checks.origin == log::AppendOrigin::kCoordinator;
    if (new_records && directory_->reserve().spent()) return log::AppendOutcome{.error = ErrorCode::kKafkaStorageError};
    Result<log::AppendOutcome> outcome = partition_log->append_as_leader(batches, leader_epoch_, checks);
    if (!outcome) {
      take_offline(outcome.error());
      return log::AppendOutcome{.error = ErrorCode::kKafkaStorageError};
    }
    if (outcome->error == ErrorCode::kNone && !outcome->duplicate) {
      advance_high_watermark();
      replicas_.note_append(*this);
      // The sync of flush.messages failed.
      if (offline_) return log::AppendOutcome{.error = ErrorCode::kKafkaStorageError};
    }
    return *outcome;
  });
}

log::VerificationStart Partition::start_verification(int64_t producer_id, int16_t epoch, int32_t first_sequence,
                                                     bool supports_epoch_bump) {
  log::VerificationStart answer;
  const ErrorCode failed = with_log([&](log::PartitionLog& log) -> Status {
    auto start = log.start_verification(producer_id, epoch, first_sequence, supports_epoch_bump);
    RETURN_IF_ERROR(start);
    answer = *start;
    return ok_status();
  });
  return failed == ErrorCode::kNone ? answer : log::VerificationStart{failed, 0};
}

void Partition::advance_high_watermark() {
  raise_high_watermark();
  signal_progress();
}

bool Partition::raise_high_watermark() {
  // Records that wait for a sync stay invisible: a crash could lose records that a reader has seen.
  int64_t least = sync_wanted() ? log_->recovery_point() : log_->log_end_offset();
  if (leader_ != nullptr) {
    // With too few replicas in sync the high watermark does not move.
    least = enough_in_sync() ? leader_->settled_end(shard_.image(), least, shard_.steady_ms(), max_lag_ms())
                             : log_->high_watermark();
  }
  // It never moves back: visible records stay visible.
  if (least <= log_->high_watermark()) return false;
  log_->set_high_watermark(least);
  finish_waits(offset_waits_, log_->high_watermark());
  return true;
}

void Partition::signal_progress() { waiters_.signal_all(shard_); }

void Partition::when_high_watermark_reaches(int64_t offset, int64_t deadline_ms, std::function<void(ErrorCode)> done) {
  log::PartitionLog* partition_log = log();
  if (partition_log == nullptr) return done(ErrorCode::kKafkaStorageError);
  if (partition_log->high_watermark() >= offset) return done(ErrorCode::kNone);
  wait_for(offset_waits_, offset, deadline_ms, std::move(done));
}

int64_t Partition::low_watermark() {
  const int64_t own = offsets().log_start_offset;
  return leader_ == nullptr ? own : leader_->low_watermark(shard_.image(), own);
}

void Partition::when_low_watermark_reaches(int64_t offset, int64_t deadline_ms, std::function<void(ErrorCode)> done) {
  if (low_watermark() >= offset) return done(ErrorCode::kNone);
  wait_for(low_waits_, offset, deadline_ms, std::move(done));
}

void Partition::finish_low_waits() {
  if (!low_waits_.empty()) finish_waits(low_waits_, low_watermark());
}

// The destructor cancels the timer, so `this` lives when it runs.
void Partition::wait_for(std::vector<OffsetWait>& waits, int64_t offset, int64_t deadline_ms,
                         std::function<void(ErrorCode)> done) {
  const uint64_t number = ++last_wait_;
  TimerId timer = shard_.executor().call_at(deadline_ms, [&waits, number] {
    auto found = std::find_if(waits.begin(), waits.end(),
                              [&](const OffsetWait& wait) { return wait.number == number; });
    if (found == waits.end()) return;
    auto expired = std::move(found->done);
    waits.erase(found);
    expired(ErrorCode::kRequestTimedOut);
  });
  waits.push_back(OffsetWait{number, offset, timer, std::move(done)});
}

void Partition::finish_waits(std::vector<OffsetWait>& waits, int64_t at) {
  // Removed from the list first: a callback may append and call this again.
  std::vector<OffsetWait> reached;
  for (size_t i = 0; i < waits.size();) {
    if (waits[i].offset > at) {
      i++;
      continue;
    }
    reached.push_back(std::move(waits[i]));
    waits.erase(waits.begin() + static_cast<ptrdiff_t>(i));
  }
  for (OffsetWait& wait : reached) {
    shard_.executor().cancel(wait.timer);
    wait.done(ErrorCode::kNone);
  }
}

// --- syncs that answers wait for

bool Partition::sync_wanted() const {
  return log_ != nullptr && log_->log_end_offset() - log_->recovery_point() >= log_->config().flush_messages;
}

bool Partition::is_settled(int64_t offset, bool by_replicas) {
  return !sync_wanted() && (!by_replicas || high_watermark() >= offset);
}

void Partition::when_settled(int64_t offset, bool by_replicas, int64_t deadline_ms,
                             std::function<void(ErrorCode)> done) {
  if (!sync_wanted()) {
    if (!by_replicas) return done(ErrorCode::kNone);
    return when_high_watermark_reaches(offset, deadline_ms, std::move(done));
  }
  sync_waits_.push_back({offset, [this, offset, by_replicas, deadline_ms, done = std::move(done)](ErrorCode error) {
                           if (error != ErrorCode::kNone || !by_replicas) return done(error);
                           when_high_watermark_reaches(offset, deadline_ms, done);
                         }});
  // A running sync is followed by another for those that wait. For a duplicate, or a read of a coordinator, there is
  // nothing to sync.
  if (!sync_running_) replicas_.log_syncs().sync_in_background(*this, log_->prepare_sync());
}

void Partition::finish_sync() {
  if (leads_) advance_high_watermark();
  std::vector<SyncWait> reached;
  for (size_t i = 0; log_ != nullptr && i < sync_waits_.size();) {
    if (sync_waits_[i].offset > log_->recovery_point()) {
      i++;
      continue;
    }
    reached.push_back(std::move(sync_waits_[i]));
    sync_waits_.erase(sync_waits_.begin() + static_cast<ptrdiff_t>(i));
  }
  for (SyncWait& wait : reached) wait.done(ErrorCode::kNone);
}

}  // namespace milena::broker
