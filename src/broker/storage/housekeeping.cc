#include "broker/storage/housekeeping.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "broker/storage/log_cleaner.h"
#include "broker/storage/log_directories.h"
#include "broker/storage/log_syncs.h"
#include "broker/storage/replica_mover.h"
#include "log/file_cache.h"

namespace milena::broker {
namespace {

constexpr size_t kPartitionsPerTurn = 16;

void apply_retention(Shard& shard, Partition& partition) {
  if (partition.known_empty()) return;
  int64_t before = 0;
  int64_t after = 0;
  const ErrorCode failed = partition.with_log_and_reserve([&](log::PartitionLog& log) -> Status {
    before = log.log_start_offset();
    auto doomed = log.apply_retention();
    RETURN_IF_ERROR(doomed);
    if (!doomed->empty()) remove_files_later(shard, doomed.take(), log.config().file_delete_delay_ms);
    after = log.log_start_offset();
    return log.expire_producers();
  });
  if (failed != ErrorCode::kNone) return;
  if (after != before) {
    log_info("{}: records before offset {} are past their retention", partition.name(), after);
    shard.replicas().note_append(partition);
    partition.signal_progress();
  }
  if (partition.log_if_open() != nullptr) shard.replicas().cleaner().consider(partition);
}

// A few partitions a turn: this opens logs that were never used, and other requests wait.
void apply_retention_from(Shard& shard, const std::shared_ptr<std::vector<TopicPartitionId>>& all, size_t next) {
  if (shard.closed()) return;
  size_t end = std::min(next + kPartitionsPerTurn, all->size());
  for (; next < end; next++) {
    if (Partition* partition = shard.replicas().find_replica((*all)[next])) apply_retention(shard, *partition);
  }
  if (next < all->size()) shard.executor().post([&shard, all, next] { apply_retention_from(shard, all, next); });
}

void apply_retention(Shard& shard) {
  auto all = std::make_shared<std::vector<TopicPartitionId>>();
  all->reserve(shard.replicas().partition_count());
  shard.replicas().for_each_partition([&](Partition& partition) { all->push_back(partition.id()); });
  apply_retention_from(shard, all, 0);
}

// Complete segments are synced in the background, so that recovery only reads the last one.
void sync_full_segments(Shard& shard) {
  shard.replicas().for_each_partition([&](Partition& partition) {
    log::PartitionLog* log = partition.log_if_open();
    if (log == nullptr || partition.sync_running() || log->recovery_point() >= log->active_segment_base_offset())
      return;
    shard.replicas().log_syncs().sync_in_background(partition, log->prepare_sync_of_full_segments());
  });
}

}  // namespace

void remove_files_later(ShardContext& shard, log::DoomedFiles doomed, int64_t delay_ms) {
  shard.executor().call_after(delay_ms, [&shard, doomed = std::move(doomed)] {
    FileSystem& files = shard.node().files->file_system();
    auto failed = std::make_shared<Status>(ok_status());
    shard.executor().run_blocking([failed, doomed, &files] { *failed = doomed.remove(files); },
                                  [failed] {
                                    if (failed->ok()) return;
                                    log_warn("cannot delete old segments: {}", failed->error().message);
                                  });
  });
}

void OffsetSnapshot::add(Partition& partition) {
  const TopicPartition& name = partition.topic_partition();
  all_online &= !partition.offline();
  // The checkpoints of the start may be about another topic of this name.
  log::LogDirectory::Found found{.known = true};
  if (!partition.known_empty()) found = partition.offsets();
  // A written 0 means an empty log at the next start.
  if (found.known) recovery_points[name] = found.recovery_point;
  high_watermarks[name] = found.high_watermark;
  if (found.log_start_offset > 0) log_start_offsets[name] = found.log_start_offset;
  if (found.first_dirty_offset > 0) first_dirty_offsets[name] = found.first_dirty_offset;
}

void NodeOffsets::collect(Shard& shard) {
  // A directory without partitions has the files, too: empty ones.
  for (const auto& directory : shard.node().directories->all()) directories[directory.get()];
  shard.replicas().for_each_partition([&](Partition& partition) {
    if (partition.directory() != nullptr) directories[partition.directory()].add(partition);
  });
  shard.replicas().mover().for_each_log_start(
      [&](log::LogDirectory& to, const TopicPartition& name, int64_t log_start_offset) {
        directories[&to].log_start_offsets[name] = log_start_offset;
      });
}

void NodeOffsets::merge(NodeOffsets other) {
  for (auto& [directory, offsets] : other.directories) directories[directory].merge(std::move(offsets));
}

void OffsetSnapshot::merge(OffsetSnapshot other) {
  recovery_points.merge(other.recovery_points);
  log_start_offsets.merge(other.log_start_offsets);
  high_watermarks.merge(other.high_watermarks);
  first_dirty_offsets.merge(other.first_dirty_offsets);
  all_online &= other.all_online;
}

bool NodeOffsets::all_online(log::LogDirectory& directory) const {
  auto found = directories.find(&directory);
  return found == directories.end() || found->second.all_online;
}

Status OffsetSnapshot::write(log::LogDirectory& directory, bool durable) const {
  RETURN_IF_ERROR(directory.write_recovery_points(recovery_points, durable));
  RETURN_IF_ERROR(directory.write_log_start_offsets(log_start_offsets, durable));
  RETURN_IF_ERROR(directory.write_first_dirty_offsets(first_dirty_offsets, durable));
  return directory.write_high_watermarks(high_watermarks, durable);
}

// The checkpoint files have one writer at a time, and no write follows the last.
struct Housekeeping::Writer {
  std::mutex mutex;
  bool closed = false;

  log::FileCache& files;

  explicit Writer(log::FileCache& cache) : files(cache) {}

  // Cached open files are closed, and the reserve is used, before a checkpoint fails.
  Status write_to(log::LogDirectory& directory, const OffsetSnapshot& offsets) {
    Status written = offsets.write(directory, true);
    while (!written && written.error().kind == ErrorKind::kExhausted &&
           (directory.spend_reserve(written.error()) || files.close_oldest())) {
      written = offsets.write(directory, true);
    }
    return written;
  }

  Status write(const NodeOffsets& all, bool last) {
    std::lock_guard lock(mutex);
    if (closed) return ok_status();
    closed = last;
    Status failed = ok_status();
    for (const auto& [directory, offsets] : all.directories) {
      if (!directory->online()) continue;
      if (Status written = write_to(*directory, offsets); !written) failed = written;
    }
    return failed;
  }
};

Housekeeping::Housekeeping(Shard& home) : home_(home), writer_(std::make_shared<Writer>(*home.node().files)) {}

void Housekeeping::start() {
  int64_t interval_ms = home_.settings().get_long("log.retention.check.interval.ms");
  home_.executor().call_after(interval_ms, [this] {
    if (stopped_) return;
    run_retention();
    start();
  });
}

void Housekeeping::note_change() {
  if (scheduled_ || stopped_) return;
  scheduled_ = true;
  // One round for all of the files, at the shortest of their intervals.
  const config::Settings& settings = home_.settings();
  int64_t interval_ms = settings.get_long("replica.high.watermark.checkpoint.interval.ms");
  for (const char* name :
       {"log.flush.offset.checkpoint.interval.ms", "log.flush.start.offset.checkpoint.interval.ms"}) {
    interval_ms = std::clamp<int64_t>(settings.get_int(name), 1, std::max<int64_t>(interval_ms, 1));
  }
  home_.executor().call_after(interval_ms, [this] {
    scheduled_ = false;
    if (!stopped_) collect_and_write();
  });
}

void Housekeeping::write_now(Written done) {
  wanted_.push_back(std::move(done));
  if (!writing_) collect_and_write();
}

Status Housekeeping::write_last(const NodeOffsets& all) { return writer_->write(all, true); }

void Housekeeping::collect_and_write() {
  if (writing_) return note_change();
  writing_ = true;
  auto all = std::make_shared<NodeOffsets>();
  auto parts = std::make_shared<std::vector<NodeOffsets>>(home_.router().shard_count());
  auto served = std::make_shared<std::vector<Written>>(std::exchange(wanted_, {}));
  home_.router().at_all(
      home_,
      [parts](Shard& shard) {
        shard.replicas().take_housekeeping_due();
        sync_full_segments(shard);
        (*parts)[shard.index()].collect(shard);
      },
      [this, all, parts, served] {
        for (NodeOffsets& part : *parts) all->merge(std::move(part));
        auto status = std::make_shared<Status>(ok_status());
        home_.executor().run_blocking(
            [writer = writer_, all, status] { *status = writer->write(*all, false); },
            [this, status, served] {
              writing_ = false;
              look_for_spent_reserves();
              if (!status->ok()) {
                log_error("cannot write checkpoints: {}", status->error().message);
                note_change();
              }
              for (Written& done : *served) done(status->ok());
              if (!wanted_.empty() && !writing_) collect_and_write();
            });
      });
}

// The worker may have used them.
void Housekeeping::look_for_spent_reserves() {
  const LogDirectories& directories = *home_.node().directories;
  const bool any = std::any_of(directories.all().begin(), directories.all().end(),
                               [](const auto& each) { return each->reserve().spent(); });
  if (any) home_.node().on_reserve_spent(home_);
}

void Housekeeping::run_retention() {
  home_.router().at_all(home_, [](Shard& shard) { apply_retention(shard); }, [] {});
}

}  // namespace milena::broker
