#include "broker/controller/metadata_snapshots.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/log.h"
#include "base/saturating.h"
#include "broker/shard_context.h"
#include "log/file_cache.h"

namespace milena::broker {
namespace {

// Smaller segments are not worth their files.
constexpr uint64_t kMinSegment_bytes = 1 << 20;

}  // namespace

MetadataSnapshots::MetadataSnapshots(ShardContext& home, log::PartitionLog& log,
                                     std::vector<MetadataSnapshotInfo> known, uint64_t bytes_since)
    : home_(home), log_(log), known_(std::move(known)), bytes_since_(bytes_since) {}

void MetadataSnapshots::on_committed(uint64_t bytes) {
  bytes_since_ += bytes;
  take_if_due();
}

void MetadataSnapshots::take_if_due() {
  if (stopped_ || running_ || bytes_since_ == 0) return;
  auto limit = static_cast<uint64_t>(home_.settings().get_long("metadata.log.max.record.bytes.between.snapshots"));
  if (bytes_since_ >= limit || interval_over_) return begin();
  arm_timer();
}

void MetadataSnapshots::arm_timer() {
  int64_t interval_ms = home_.settings().get_long("metadata.log.max.snapshot.interval.ms");
  if (timer_armed_ || interval_ms <= 0) return;
  timer_armed_ = true;
  home_.executor().call_after(interval_ms, [this] {
    timer_armed_ = false;
    interval_over_ = true;
    take_if_due();
  });
}

void MetadataSnapshots::begin() {
  struct Work {
    MetadataSnapshotJob job;
    Result<MetadataSnapshotInfo> made = MetadataSnapshotInfo{};
  };
  auto work = std::make_shared<Work>();
  MetadataSnapshotJob& job = work->job;
  job.directory = log_.directory();
  if (!known_.empty()) job.base = known_.back().id;
  const int64_t end = log_.high_watermark();
  for (int64_t offset = job.base ? job.base->end_offset : 0; offset < end;) {
    auto read = log_.read(offset, UINT32_MAX, end, true);
    if (!read || read->error != ErrorCode::kNone || read->next_offset <= offset) {
      return log_error("no snapshot of the metadata: its log cannot be read at {}", offset);
    }
    job.log.append(std::move(read->batches));
    offset = read->next_offset;
  }
  auto epoch = log_.epoch_of(end - 1);
  if (!epoch || !*epoch) return log_error("no snapshot of the metadata: no epoch at {}", end - 1);
  job.id = {end, **epoch};
  running_ = true;
  interval_over_ = false;
  const uint64_t covered = std::exchange(bytes_since_, 0);
  FileSystem& files = home_.node().files->file_system();
  home_.executor().run_blocking([work, &files] { work->made = work->job.run(files); },
                                [this, work, covered] {
                                  running_ = false;
                                  Status done = work->made ? finish(*work->made) : Status(work->made.error());
                                  if (!done) {
                                    // The log still has everything; the next attempt comes after as many bytes again.
                                    log_error("no snapshot of the metadata: {}", done.error().message);
                                    return;
                                  }
                                  log_info("Created metadata snapshot {}: {} bytes for {} of the log",
                                           work->made->id.file_name(), work->made->bytes, covered);
                                  take_if_due();
                                });
}

Status MetadataSnapshots::finish(const MetadataSnapshotInfo& made) {
  // One that was fetched meanwhile may be newer.
  const auto place = std::lower_bound(known_.begin(), known_.end(), made,
                                      [](const auto& one, const auto& other) { return one.id < other.id; });
  if (place == known_.end() || place->id != made.id) known_.insert(place, made);
  if (stopped_) return ok_status();
  auto bytes = log_.active_segment_bytes();
  RETURN_IF_ERROR(bytes);
  // A new segment, so that the records before the snapshot can be deleted, and a start reads only the tail.
  if (*bytes >= kMinSegment_bytes) RETURN_IF_ERROR(log_.roll());
  return prune();
}

bool MetadataSnapshots::too_much() const {
  if (known_.size() < 2) return false;
  const config::Settings& settings = home_.settings();
  int64_t retention_ms = settings.get_long("metadata.max.retention.ms");
  if (retention_ms >= 0 && subtract_saturating(home_.now_ms(), known_.front().last_timestamp_ms) > retention_ms)
    return true;
  int64_t retention_bytes = settings.get_long("metadata.max.retention.bytes");
  if (retention_bytes < 0) return false;
  auto total = log_.size();
  if (!total) return false;
  uint64_t bytes = *total;
  for (const MetadataSnapshotInfo& snapshot : known_) bytes += snapshot.bytes;
  return bytes > static_cast<uint64_t>(retention_bytes);
}

// Deletes the oldest snapshot, and the log up to the end of the next one, as long as there is a next one.
Status MetadataSnapshots::prune() {
  log::DoomedFiles doomed;
  FileSystem& files = home_.node().files->file_system();
  while (too_much()) {
    std::string path = log_.directory() + "/" + known_.front().id.file_name();
    std::string renamed = path + std::string(log::kDeletedSuffix);
    auto moved = log_.delete_records_before(known_[1].id.end_offset);
    RETURN_IF_ERROR(moved);
    if (*moved != ErrorCode::kNone) break;
    auto segments = log_.apply_retention();
    RETURN_IF_ERROR(segments);
    doomed.paths.insert(doomed.paths.end(), segments->paths.begin(), segments->paths.end());
    RETURN_IF_ERROR(files.rename(path, renamed));
    doomed.paths.push_back(renamed);
    known_.erase(known_.begin());
  }
  if (doomed.empty()) return ok_status();
  int64_t delay_ms = home_.settings().get_long("log.segment.delete.delay.ms");
  home_.executor().call_after(delay_ms, [this, &files, doomed = std::move(doomed)] {
    home_.executor().run_blocking([&files, doomed] { (void)doomed.remove(files).ok(); }, [] {});
  });
  return ok_status();
}

}  // namespace milena::broker
