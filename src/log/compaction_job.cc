#include "log/compaction_job.h"

#include <algorithm>
#include <span>

#include "log/planted_storage_bugs.h"

namespace milena::log {
namespace {

constexpr size_t kReadWindow = 1 << 20;
constexpr size_t kWriteAtOnce = 1 << 20;

}  // namespace

CompactionJob::CompactionJob(FileSystem& file_system, Plan plan)
    : files_(file_system, 8), plan_(std::move(plan)), map_(plan_.map_budget_bytes, plan_.map_load_factor) {
  collector_.emplace(map_, plan_.first_dirty, plan_.aborted);
  while (source_ < plan_.sources.size() && plan_.sources[source_].end_offset <= plan_.first_dirty) ++source_;
}

CompactionJob::~CompactionJob() = default;

Result<CompactionJob::Progress> CompactionJob::step(uint64_t budget_bytes) {
  const uint64_t before = read_bytes_ + written_bytes_;
  Result<Progress> progress = collecting_ ? collect(budget_bytes) : clean(budget_bytes);
  step_bytes_ = read_bytes_ + written_bytes_ - before;
  return progress;
}

// The next batch of the sources before `end`; false behind the last. Sources are opened by their path: if a segment was
// removed meanwhile, the round is given up.
Result<bool> CompactionJob::next_batch(size_t end) {
  while (source_ < end) {
    const Source& from = plan_.sources[source_];
    if (!batches_ && from.bytes > 0) {
      auto file = files_.file_system().open(plan_.directory + "/" + segment_file_name(from.base_offset, kLogSuffix),
                                            OpenMode::kRead);
      RETURN_IF_ERROR(file);
      batches_.emplace(*file, 0, from.bytes, std::min<size_t>(kReadWindow, from.bytes));
    }
    Result<bool> more = batches_ ? batches_->next() : Result<bool>(false);
    RETURN_IF_ERROR(more);
    if (*more) {
      read_bytes_ += batches_->size();
      return true;
    }
    batches_.reset();
    ++source_;
  }
  return false;
}

Result<RecordBatchView> CompactionJob::read_batch() {
  return batches_->batch();
}

Result<CompactionJob::Progress> CompactionJob::collect(uint64_t budget_bytes) {
  const uint64_t until = read_bytes_ + budget_bytes;
  bool full = false;
  while (!full) {
    Result<bool> more = next_batch(plan_.sources.size());
    RETURN_IF_ERROR(more);
    if (!*more) break;
    if (batches_->header().last_offset() >= plan_.first_dirty || batches_->header().is_transactional()) {
      Result<RecordBatchView> batch = read_batch();
      RETURN_IF_ERROR(batch);
      Result<bool> fitted = collector_->add(*batch);
      RETURN_IF_ERROR(fitted);
      full = !*fitted;
    }
    if (read_bytes_ >= until && !full) return Progress::kMore;
  }
  // Offsets may be missing behind a segment's last batch; that gap is clean.
  if (!full && !plan_.sources.empty()) map_.set_latest_offset(plan_.sources.back().end_offset - 1);
  collecting_ = false;
  batches_.reset();
  collector_.reset();
  cleaner_.emplace(map_, plan_.rules, plan_.aborted);
  piece_ = {};
  return next_piece() ? Progress::kMore : Progress::kDone;
}

// As many adjacent segments as fit into one, by their current sizes.
bool CompactionJob::next_piece() {
  const std::vector<Source>& sources = plan_.sources;
  size_t first = piece_.first_source + piece_.source_count;
  piece_ = Piece{.first_source = first};
  const int64_t end = map_.latest_offset() + 1;
  uint64_t bytes = 0;
  for (size_t i = first; i < sources.size() && sources[i].base_offset < end; ++i) {
    bytes += sources[i].bytes;
    uint64_t index_bytes = bytes / static_cast<uint64_t>(std::max(plan_.index_interval_bytes, 1)) * kTimeIndexEntrySize;
    bool fits = bytes <= static_cast<uint64_t>(plan_.segment_bytes) &&
                index_bytes <= static_cast<uint64_t>(plan_.segment_index_bytes) &&
                sources[i].end_offset - sources[first].base_offset <= INT32_MAX;
    if (i > first && !fits) break;
    ++piece_.source_count;
  }
  if (piece_.source_count == 0) return false;
  piece_.base_offset = sources[first].base_offset;
  source_ = first;
  return true;
}

Status CompactionJob::begin_output() {
  output_ = std::make_unique<Segment>(files_, plan_.directory, piece_.base_offset, plan_.index_interval_bytes,
                                      SegmentFiles::kCleaned);
  output_->set_has_txn_index();
  for (const std::string& path : output_->paths()) RETURN_IF_ERROR(files_.file_system().remove(path));
  output_ = std::make_unique<Segment>(files_, plan_.directory, piece_.base_offset, plan_.index_interval_bytes,
                                      SegmentFiles::kCleaned);
  return output_->create(plan_.rules.now_ms);
}

Result<CompactionJob::Progress> CompactionJob::clean(uint64_t budget_bytes) {
  if (output_ == nullptr) {
    // The piece before this one is installed by now.
    if (piece_ready_ && !next_piece()) return finish_round();
    piece_ready_ = false;
    RETURN_IF_ERROR(begin_output());
  }
  const uint64_t until = read_bytes_ + budget_bytes;
  while (true) {
    Result<bool> more = next_batch(piece_.first_source + piece_.source_count);
    RETURN_IF_ERROR(more);
    if (!*more) break;
    Result<RecordBatchView> batch = read_batch();
    RETURN_IF_ERROR(batch);
    auto at = static_cast<uint32_t>(pending_.size());
    RETURN_IF_ERROR(cleaner_->add(*batch, pending_));
    if (pending_.size() > at) pending_batches_.push_back(at);
    if (pending_.size() >= kWriteAtOnce) RETURN_IF_ERROR(write_pending());
    if (read_bytes_ >= until) return Progress::kMore;
  }
  RETURN_IF_ERROR(write_pending());
  RETURN_IF_ERROR(finish_output());
  piece_ready_ = true;
  return Progress::kPieceReady;
}

// The log counts as clean only when its new segments have their names on the disk.
Result<CompactionJob::Progress> CompactionJob::finish_round() {
  const bool synced = !MILENA_STORAGE_BUG(kCleanBeforeSynced) && !MILENA_STORAGE_BUG(kDirtyOffsetBeyondEnd);
  if (synced) RETURN_IF_ERROR(files_.file_system().sync_directory(plan_.directory));
  return Progress::kDone;
}

Status CompactionJob::write_pending() {
  if (pending_.empty()) return ok_status();
  Result<uint32_t> start = output_->size();
  RETURN_IF_ERROR(start);
  iovec part{pending_.data(), pending_.size()};
  RETURN_IF_ERROR(output_->write(std::span<const iovec>(&part, 1), static_cast<uint32_t>(pending_.size())));
  for (uint32_t at : pending_batches_) {
    RETURN_IF_ERROR(output_->add_batch(BatchHeader::read(pending_.data() + at), *start + at));
  }
  written_bytes_ += pending_.size();
  pending_.clear();
  pending_batches_.clear();
  return ok_status();
}

// Synced before it replaces anything.
Status CompactionJob::finish_output() {
  for (const AbortedTransaction& aborted : cleaner_->take_kept_aborted()) {
    RETURN_IF_ERROR(output_->add_aborted(aborted));
    piece_.has_txn_index = true;
  }
  RETURN_IF_ERROR(output_->save_indexes(true));
  std::vector<std::shared_ptr<File>> written;
  RETURN_IF_ERROR(output_->collect_files(true, written));
  for (const auto& file : written) RETURN_IF_ERROR(file->sync());
  output_->close_files();
  output_.reset();
  return files_.file_system().sync_directory(plan_.directory);
}

void CompactionJob::discard() {
  if (output_ != nullptr) output_->close_files();
  output_.reset();
  Segment piece(files_, plan_.directory, piece_.base_offset, plan_.index_interval_bytes, SegmentFiles::kCleaned);
  piece.set_has_txn_index();
  FileSystem& disk = files_.file_system();
  // An install that failed before its last rename to .swap left files that the next opening must not take for a
  // complete one. The next opening completes one that came further.
  if (disk.exists(piece.log_file().path())) {
    for (const std::string& path : piece.paths()) {
      (void)disk.remove(path.substr(0, path.size() - kCleanedSuffix.size()) + std::string(kSwapSuffix)).ok();
    }
  }
  for (const std::string& path : piece.paths()) (void)disk.remove(path).ok();
}

}  // namespace milena::log
