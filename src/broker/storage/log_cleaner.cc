#include "broker/storage/log_cleaner.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard_context.h"
#include "broker/storage/housekeeping.h"
#include "broker/storage/replica_mover.h"
#include "log/compaction_job.h"

namespace milena::broker {
namespace {

// A step ends after this, so that the worker is free for others.
constexpr uint64_t kStep_bytes = 8 << 20;

}  // namespace

struct LogCleaner::Round {
  ReplicaRef of;
  std::unique_ptr<log::CompactionJob> job;
  Result<log::CompactionJob::Progress> progress = log::CompactionJob::Progress::kMore;
  int64_t begun_ms = 0;
};

void LogCleaner::consider(Partition& partition) {
  log::PartitionLog* log = partition.log_if_open();
  if (stopped_ || log == nullptr || !log->config().cleanup_compact || is_uncleanable(partition)) return;
  if (!candidates_.insert(partition.id()).second && (running_ || timer_armed_)) return;
  if (!running_) look_after(shard_.settings().get_long("log.cleaner.backoff.ms"));
}

bool LogCleaner::is_uncleanable(const Partition& partition) const {
  const auto found = uncleanable_.find(partition.id());
  return found != uncleanable_.end() && found->second == partition.ref().number;
}

void LogCleaner::look_after(int64_t delay_ms) {
  if (timer_armed_ || stopped_) return;
  timer_armed_ = true;
  shard_.executor().call_after(delay_ms, [this] {
    timer_armed_ = false;
    if (!running_) look();
  });
}

Partition* LogCleaner::dirtiest(log::CompactionOutlook& of_it, int64_t& wait_ms) {
  Partition* best = nullptr;
  wait_ms = -1;
  for (auto at = candidates_.begin(); at != candidates_.end();) {
    Partition* partition = replicas_.find_replica(*at);
    log::PartitionLog* log = partition == nullptr ? nullptr : partition->log_if_open();
    // The end of the move adds it again.
    if (log == nullptr || !log->config().cleanup_compact || replicas_.mover().is_moving(*at)) {
      at = candidates_.erase(at);
      continue;
    }
    auto outlook = log->compaction_outlook();
    if (!outlook) {
      at = candidates_.erase(at);
      note_failure(*partition, outlook.error());
      continue;
    }
    if (!outlook->due) {
      if (outlook->wait_ms >= 0) wait_ms = wait_ms < 0 ? outlook->wait_ms : std::min(wait_ms, outlook->wait_ms);
      // The next append adds it again.
      at = outlook->wait_ms < 0 ? candidates_.erase(at) : std::next(at);
      continue;
    }
    bool better = best == nullptr || std::pair(outlook->overdue, outlook->dirty_ratio()) >
                                         std::pair(of_it.overdue, of_it.dirty_ratio());
    if (better) {
      best = partition;
      of_it = *outlook;
    }
    ++at;
  }
  return best;
}

void LogCleaner::look() {
  if (stopped_ || !shard_.settings().get_bool("log.cleaner.enable")) return;
  log::CompactionOutlook outlook;
  int64_t wait_ms = -1;
  Partition* partition = dirtiest(outlook, wait_ms);
  if (partition != nullptr && begin(*partition, outlook)) return;
  if (wait_ms >= 0) look_after(std::max(wait_ms, shard_.settings().get_long("log.cleaner.backoff.ms")));
}

bool LogCleaner::begin(Partition& partition, const log::CompactionOutlook& outlook) {
  const config::Settings& settings = shard_.settings();
  // Each shard may compact at the same time.
  auto budget =
      static_cast<uint64_t>(settings.get_long("log.cleaner.dedupe.buffer.size")) / shard_.router().shard_count();
  auto job = partition.log_if_open()->prepare_compaction(outlook, budget,
                                                         settings.get_double("log.cleaner.io.buffer.load.factor"));
  if (!job) {
    candidates_.erase(partition.id());
    note_failure(partition, job.error());
    return false;
  }
  running_ = true;
  auto round = std::make_shared<Round>();
  round->of = partition.ref();
  round->job = job.take();
  round->begun_ms = shard_.steady_ms();
  step(std::move(round));
  return true;
}

void LogCleaner::step(std::shared_ptr<Round> round) {
  shard_.executor().run_blocking([round] { round->progress = round->job->step(kStep_bytes); },
                                 [this, round] { on_step(round); });
}

// Null if it was removed, or has moved to another directory, or is moving.
Partition* LogCleaner::partition_of(const Round& round) {
  Partition* partition = replicas_.find_again(round.of);
  const bool open = partition != nullptr && partition->log_if_open() != nullptr;
  return open && !replicas_.mover().is_moving(round.of.id) ? partition : nullptr;
}

void LogCleaner::on_step(std::shared_ptr<Round> round) {
  Partition* partition = partition_of(*round);
  if (stopped_ || partition == nullptr) return give_up(round, nullptr);
  if (!round->progress) return give_up(round, &round->progress.error());
  if (*round->progress == log::CompactionJob::Progress::kPieceReady && !install(*round, *partition))
    return give_up(round, nullptr);
  if (*round->progress != log::CompactionJob::Progress::kDone) {
    int64_t pause_ms = pause_after_ms(round->job->step_bytes());
    if (pause_ms == 0) return step(std::move(round));
    shard_.executor().call_after(pause_ms, [this, round] { step(round); });
    return;
  }
  log::PartitionLog* log = partition->log_if_open();
  log->finish_compaction(*round->job);
  running_ = false;
  CleanerFigures& figures = shard_.figures().cleaner;
  figures.rounds++;
  figures.read_bytes += round->job->read_bytes();
  figures.written_bytes += round->job->written_bytes();
  figures.ms += static_cast<uint64_t>(shard_.steady_ms() - round->begun_ms);
  log_info("{} compacted up to offset {}: {} bytes read, {} written, {} ms", log->name().to_string(),
           log->first_dirty_offset(), round->job->read_bytes(), round->job->written_bytes(),
           shard_.steady_ms() - round->begun_ms);
  replicas_.note_change();
  look();
}

bool LogCleaner::install(Round& round, Partition& partition) {
  log::PartitionLog* log = partition.log_if_open();
  auto doomed = log->install_compacted(*round.job);
  if (!doomed) {
    partition.take_offline(doomed.error());
    return false;
  }
  if (!*doomed) return false;
  remove_files_later(shard_, std::move(**doomed), log->config().file_delete_delay_ms);
  return true;
}

void LogCleaner::give_up(const std::shared_ptr<Round>& round, const Error* why) {
  running_ = false;
  if (!stopped_) shard_.figures().cleaner.failed_rounds++;
  candidates_.erase(round->of.id);
  shard_.executor().run_blocking([round] { round->job->discard(); }, [] {});
  // If a segment was deleted meanwhile, or descriptors were short, the next append tries again.
  if (why != nullptr && why->kind != ErrorKind::kNotFound && why->kind != ErrorKind::kExhausted) {
    note_failure(*replicas_.find_again(round->of), *why);
  }
  look();
}

// A damaged batch only ends the compaction of its partition.
void LogCleaner::note_failure(Partition& partition, const Error& why) {
  if (why.kind != ErrorKind::kCorrupt) return partition.take_offline(why);
  uncleanable_[partition.id()] = partition.ref().number;
  log_error("{} cannot be compacted and is not changed: {}", partition.name(), why.message);
}

int64_t LogCleaner::pause_after_ms(uint64_t bytes) const {
  double most = shard_.settings().get_double("log.cleaner.io.max.bytes.per.second") /
                static_cast<double>(shard_.router().shard_count());
  double pause_ms = static_cast<double>(bytes) / most * 1000;
  return pause_ms < 1 ? 0 : static_cast<int64_t>(std::min(pause_ms, 60'000.0));
}

}  // namespace milena::broker
