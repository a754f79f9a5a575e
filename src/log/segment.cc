#include "log/segment.h"

#include <algorithm>
#include <utility>

#include "base/crc32c.h"
#include "base/log.h"
#include "log/planted_storage_bugs.h"

namespace milena::log {
namespace {

// Two index entries are little more than index.interval.bytes apart.
constexpr size_t kLookupWindow = 8 << 10;
constexpr size_t kRebuildWindow = 256 << 10;

// The file cannot be read now. Any other error is about its content, which a rebuild repairs.
bool cannot_be_read(ErrorKind kind) {
  return kind == ErrorKind::kIo || kind == ErrorKind::kDenied || kind == ErrorKind::kExhausted;
}

}  // namespace

Segment::Segment(FileCache& files, const std::string& directory, int64_t base_offset, int32_t index_interval_bytes,
                 SegmentFiles names)
    : base_offset_(base_offset),
      index_interval_bytes_(index_interval_bytes),
      log_(files, directory, base_offset, names == SegmentFiles::kLive ? kLogSuffix : ".log.cleaned"),
      txn_index_(files, directory, base_offset, names == SegmentFiles::kLive ? kTxnIndexSuffix : ".txnindex.cleaned"),
      offsets_(files, directory, base_offset, names == SegmentFiles::kLive ? kIndexSuffix : ".index.cleaned"),
      times_(files, directory, base_offset, names == SegmentFiles::kLive ? kTimeIndexSuffix : ".timeindex.cleaned") {}

Status Segment::create(int64_t now_ms, int32_t preallocated_bytes) {
  auto file = log_.open_or_create();
  RETURN_IF_ERROR(file);
  preallocated_ = preallocated_bytes > 0;
  if (preallocated_) RETURN_IF_ERROR((*file)->truncate(static_cast<uint64_t>(preallocated_bytes)));
  size_ = 0;
  created_ms_ = now_ms;
  first_timestamp_ = -1;
  offsets_.start_anew();
  times_.start_anew();
  indexes_checked_ = true;
  return ok_status();
}

Status Segment::trim() {
  if (!preallocated_) return ok_status();
  RETURN_IF_ERROR(cut_to_size());
  preallocated_ = false;
  return ok_status();
}

Result<uint32_t> Segment::size() {
  if (size_ < 0) {
    auto file = log_.open();
    RETURN_IF_ERROR(file);
    Result<uint64_t> size = (*file)->size();
    RETURN_IF_ERROR(size);
    if (*size > INT32_MAX) {
      return make_error(ErrorKind::kCorrupt, "{} has {} bytes, more than a segment can hold", log_.path(), *size);
    }
    size_ = static_cast<int64_t>(*size);
    if (size_ == 0) first_timestamp_ = -1;
  }
  return static_cast<uint32_t>(size_);
}

Status Segment::write(std::span<const iovec> parts, uint32_t bytes) {
  RETURN_IF_ERROR(ensure_indexes());
  auto file = log_.open();
  RETURN_IF_ERROR(file);
  RETURN_IF_ERROR((*file)->write_at(static_cast<uint64_t>(size_), parts));
  size_ += bytes;
  return ok_status();
}

Status Segment::cut_to_size() {
  auto file = log_.open();
  RETURN_IF_ERROR(file);
  return (*file)->truncate(static_cast<uint64_t>(size_));
}

Status Segment::add_batch(const BatchHeader& batch, uint32_t position) {
  int64_t last_offset = batch.last_offset();
  if (first_timestamp_ < 0 && position == 0) first_timestamp_ = batch.max_timestamp;
  if (batch.max_timestamp > max_timestamp_.timestamp) max_timestamp_ = {batch.max_timestamp, last_offset};
  if (bytes_since_entry_ > static_cast<uint32_t>(index_interval_bytes_)) {
    RETURN_IF_ERROR(
        offsets_.append({static_cast<int32_t>(last_offset - base_offset_), static_cast<int32_t>(position)}));
    RETURN_IF_ERROR(add_time_entry());
    bytes_since_entry_ = 0;
  }
  bytes_since_entry_ += static_cast<uint32_t>(batch.total_size());
  return ok_status();
}

Status Segment::add_time_entry() {
  if (max_timestamp_.timestamp <= last_time_entry_) return ok_status();
  last_time_entry_ = max_timestamp_.timestamp;
  return times_.append({max_timestamp_.timestamp, static_cast<int32_t>(max_timestamp_.offset - base_offset_)});
}

Status Segment::add_aborted(const AbortedTransaction& transaction) {
  auto file = txn_index_.open_or_create();
  RETURN_IF_ERROR(file);
  Result<uint64_t> end = (*file)->size();
  RETURN_IF_ERROR(end);
  char raw[kAbortedTransactionSize];
  transaction.write(raw);
  has_txn_index_ = true;
  txn_index_unsynced_ = true;
  return (*file)->write_at(*end - *end % kAbortedTransactionSize, ByteView(raw, sizeof(raw)));
}

// Where an entry was not written whole, its part goes with them.
Status Segment::forget_last_aborted(size_t count) {
  if (!has_txn_index_) return ok_status();
  auto file = txn_index_.open();
  RETURN_IF_ERROR(file);
  Result<uint64_t> end = (*file)->size();
  RETURN_IF_ERROR(end);
  const uint64_t whole = *end / kAbortedTransactionSize;
  return (*file)->truncate((whole - std::min<uint64_t>(whole, count)) * kAbortedTransactionSize);
}

// --- indexes ---

Status Segment::ensure_indexes() {
  if (indexes_checked_) return ok_status();
  Status status = check_indexes();
  if (!status && cannot_be_read(status.error().kind)) return status;
  if (!status) {
    Result<uint32_t> bytes = size();
    RETURN_IF_ERROR(bytes);
    if (*bytes > 0) log_warn("rebuilding the indexes of {}: {}", log_.path(), status.error().message);
    return rebuild_indexes();
  }
  indexes_checked_ = true;
  Result<size_t> times = times_.count();
  RETURN_IF_ERROR(times);
  if (*times > 0) {
    Result<TimeIndexEntry> last = times_.at(*times - 1);
    RETURN_IF_ERROR(last);
    Result<bool> right = time_entry_is_right(*last);
    RETURN_IF_ERROR(right);
    if (!*right) return rebuild_wrong_indexes();
  }
  return load_max_timestamp();
}

// Once: entries that are still wrong after that are skipped.
Status Segment::rebuild_wrong_indexes() {
  if (std::exchange(indexes_rebuilt_, true)) return ok_status();
  log_warn("rebuilding the indexes of {}: they do not match its batches", log_.path());
  return rebuild_indexes();
}

// Cheap checks that a preallocated, torn or foreign index fails.
Status Segment::check_indexes() {
  Result<uint32_t> bytes = size();
  RETURN_IF_ERROR(bytes);
  Result<size_t> offsets = offsets_.count();
  RETURN_IF_ERROR(offsets);
  Result<size_t> times = times_.count();
  RETURN_IF_ERROR(times);
  if (*offsets > 0) {
    // The first batch never gets an entry, so neither field may be 0.
    Result<OffsetIndexEntry> last = offsets_.at(*offsets - 1);
    RETURN_IF_ERROR(last);
    if (last->relative_offset <= 0 || last->position <= 0 || static_cast<uint32_t>(last->position) >= *bytes) {
      return make_error(ErrorKind::kCorrupt, "last offset index entry is {} at {} of {} bytes", last->relative_offset,
                        last->position, *bytes);
    }
    bool wrong = false;
    Result<BatchScanner> at_last = scan_from_entry(*offsets, base_offset_ + last->relative_offset, wrong);
    RETURN_IF_ERROR(at_last);
    if (wrong) {
      return make_error(ErrorKind::kCorrupt, "last offset index entry {} points to no batch at {}",
                        last->relative_offset, last->position);
    }
  }
  if (*offsets > 0 && *times == 0) {
    // They get their first entries together.
    Result<int64_t> first = first_timestamp();
    RETURN_IF_ERROR(first);
    if (*first >= 0) return make_error(ErrorKind::kCorrupt, "there is an offset index, and no time index");
  }
  if (*times > 1) {
    Result<TimeIndexEntry> before = times_.at(*times - 2);
    RETURN_IF_ERROR(before);
    Result<TimeIndexEntry> last = times_.at(*times - 1);
    RETURN_IF_ERROR(last);
    if (last->timestamp <= before->timestamp || last->relative_offset < before->relative_offset) {
      return make_error(ErrorKind::kCorrupt, "last time index entry {} does not follow {}", last->timestamp,
                        before->timestamp);
    }
  }
  return ok_status();
}

// The time index has the greatest timestamp up to its last entry; the batches behind the last offset index entry may
// have a greater one.
Status Segment::load_max_timestamp() {
  Result<size_t> times = times_.count();
  RETURN_IF_ERROR(times);
  if (*times > 0) {
    Result<TimeIndexEntry> last = times_.at(*times - 1);
    RETURN_IF_ERROR(last);
    max_timestamp_ = {last->timestamp, base_offset_ + last->relative_offset};
    last_time_entry_ = last->timestamp;
  }
  Result<uint32_t> start = indexed_position_before(UINT32_MAX);
  RETURN_IF_ERROR(start);
  Result<BatchScanner> batches = scan(*start, kLookupWindow);
  RETURN_IF_ERROR(batches);
  while (true) {
    Result<bool> more = batches->next();
    if (!more && more.error().kind != ErrorKind::kCorrupt) return more.error();
    if (!more || !*more) return ok_status();  // unreadable batches have no timestamp
    const BatchHeader& batch = batches->header();
    if (batch.max_timestamp > max_timestamp_.timestamp) max_timestamp_ = {batch.max_timestamp, batch.last_offset()};
  }
}

Status Segment::start_rebuild() {
  Result<uint32_t> bytes = size();
  RETURN_IF_ERROR(bytes);
  offsets_.start_anew();
  times_.start_anew();
  max_timestamp_ = {};
  last_time_entry_ = -1;
  bytes_since_entry_ = 0;
  first_timestamp_ = -1;
  indexes_checked_ = true;
  if (!has_txn_index_) return ok_status();
  auto file = txn_index_.open_or_create();
  RETURN_IF_ERROR(file);
  txn_index_unsynced_ = true;
  return (*file)->truncate(0);
}

Status Segment::rebuild_indexes() {
  bool had_txn_index = has_txn_index_;
  has_txn_index_ = false;  // it is not damaged, and a scan of headers cannot restore it
  Status started = start_rebuild();
  has_txn_index_ = had_txn_index;
  RETURN_IF_ERROR(started);
  Result<BatchScanner> batches = scan(0, kRebuildWindow);
  RETURN_IF_ERROR(batches);
  int64_t next = base_offset_;
  while (true) {
    Result<bool> more = batches->next();
    if (!more && more.error().kind != ErrorKind::kCorrupt) return more.error();
    if (!more) {
      log_warn("{} is damaged: {}", log_.path(), more.error().message);
      more = batches->skip_damage(next + 1);
      RETURN_IF_ERROR(more);
      // Batches behind the damage cannot be reached from those before it.
      if (*more && fits(batches->header().base_offset)) {
        const auto offset = static_cast<int32_t>(batches->header().base_offset - base_offset_);
        RETURN_IF_ERROR(offsets_.append({offset, static_cast<int32_t>(batches->position())}));
        bytes_since_entry_ = 0;
      }
    }
    if (!*more) break;
    RETURN_IF_ERROR(add_batch(batches->header(), batches->position()));
    next = batches->header().next_offset();
  }
  return save_indexes(false);
}

Status Segment::save_indexes(bool complete) {
  if (complete) {
    RETURN_IF_ERROR(ensure_indexes());
    RETURN_IF_ERROR(add_time_entry());
  }
  RETURN_IF_ERROR(offsets_.save());
  RETURN_IF_ERROR(times_.save());
  if (complete) {
    offsets_.release_memory();
    times_.release_memory();
  }
  return ok_status();
}

Result<bool> Segment::index_full(int32_t segment_index_bytes) {
  RETURN_IF_ERROR(ensure_indexes());
  Result<size_t> offsets = offsets_.count();
  RETURN_IF_ERROR(offsets);
  Result<size_t> times = times_.count();
  RETURN_IF_ERROR(times);
  size_t room = static_cast<size_t>(segment_index_bytes);
  return *offsets >= room / kOffsetIndexEntrySize || *times + 1 >= room / kTimeIndexEntrySize;
}

Result<int64_t> Segment::first_timestamp() {
  if (first_timestamp_ == -2) {
    Result<BatchScanner> batches = scan(0, kBatchHeaderSize);
    RETURN_IF_ERROR(batches);
    Result<bool> any = batches->next();
    if (!any && any.error().kind != ErrorKind::kCorrupt) return any.error();
    first_timestamp_ = any && *any ? std::max<int64_t>(batches->header().max_timestamp, -1) : -1;
  }
  return first_timestamp_;
}

Result<Segment::MaxTimestamp> Segment::max_timestamp() {
  RETURN_IF_ERROR(ensure_indexes());
  return max_timestamp_;
}

// --- lookups ---

Result<BatchScanner> Segment::scan(uint32_t position, size_t window_bytes) {
  Result<uint32_t> bytes = size();
  RETURN_IF_ERROR(bytes);
  auto file = log_.open();
  RETURN_IF_ERROR(file);
  size_t window = std::min<size_t>(window_bytes, std::max<size_t>(*bytes, 1));
  return BatchScanner(*file, position, *bytes, window);
}

Result<uint32_t> Segment::indexed_position_before(uint64_t position) {
  RETURN_IF_ERROR(ensure_indexes());
  Result<size_t> n = offsets_.count_while(
      [&](const OffsetIndexEntry& e) { return static_cast<uint64_t>(e.position) <= position; });
  RETURN_IF_ERROR(n);
  if (*n == 0) return uint32_t{0};
  Result<OffsetIndexEntry> entry = offsets_.at(*n - 1);
  RETURN_IF_ERROR(entry);
  return static_cast<uint32_t>(entry->position);
}

// A scanner at the batch of the last of the first `count` index entries, or, without one, before the first batch.
// Entries that do not point to a batch at or before the offset are skipped, and `wrong` is set: the batch or the entry
// is damaged.
Result<BatchScanner> Segment::scan_from_entry(size_t count, int64_t offset, bool& wrong) {
  for (size_t step = 1; count > 0; count -= std::min(count, step), step *= 2) {
    Result<OffsetIndexEntry> entry = offsets_.at(count - 1);
    RETURN_IF_ERROR(entry);
    Result<uint32_t> bytes = size();
    RETURN_IF_ERROR(bytes);
    if (entry->position > 0 && static_cast<uint32_t>(entry->position) < *bytes) {
      Result<BatchScanner> batches = scan(static_cast<uint32_t>(entry->position), kLookupWindow);
      RETURN_IF_ERROR(batches);
      Result<bool> found = batches->next();
      if (!found && found.error().kind != ErrorKind::kCorrupt) return found.error();
      if (found && *found && batches->header().base_offset >= base_offset_ &&
          batches->header().base_offset <= offset) {
        return batches;
      }
    }
    wrong = true;
  }
  return scan(0, kLookupWindow);
}

// Skips damage before the requested batch, with an entry behind the damage.
Result<BatchPosition> Segment::locate(int64_t offset) {
  RETURN_IF_ERROR(ensure_indexes());
  Result<BatchPosition> found = locate_by_index(offset);
  if (found || found.error().kind != ErrorKind::kCorrupt || indexes_rebuilt_) return found;
  RETURN_IF_ERROR(rebuild_wrong_indexes());
  return locate_by_index(offset);
}

Result<BatchPosition> Segment::locate_by_index(int64_t offset) {
  Result<size_t> n = offsets_.count_while(
      [&](const OffsetIndexEntry& e) { return base_offset_ + e.relative_offset <= offset; });
  RETURN_IF_ERROR(n);
  bool wrong = false;
  Result<BatchScanner> batches = scan_from_entry(*n, offset, wrong);
  RETURN_IF_ERROR(batches);
  while (batches->size() == 0 || batches->header().last_offset() < offset) {
    Result<bool> more = batches->next();
    RETURN_IF_ERROR(more);
    if (!*more) return BatchPosition{-1, static_cast<uint32_t>(size_), 0};
  }
  // It can be reached without the skipped entries, so these are wrong.
  if (wrong) RETURN_IF_ERROR(rebuild_wrong_indexes());
  return BatchPosition{batches->header().base_offset, batches->position(), batches->size()};
}

// Whether the batch at the entry's offset has its timestamp. Also true if that batch is damaged, and cannot be checked.
Result<bool> Segment::time_entry_is_right(const TimeIndexEntry& entry) {
  Result<BatchPosition> at = locate(base_offset_ + entry.relative_offset);
  if (!at && at.error().kind == ErrorKind::kCorrupt) return true;
  RETURN_IF_ERROR(at);
  if (at->size == 0) return false;
  Result<BatchScanner> batches = scan(at->position, kBatchHeaderSize);
  RETURN_IF_ERROR(batches);
  Result<bool> any = batches->next();
  RETURN_IF_ERROR(any);
  return *any && batches->header().max_timestamp == entry.timestamp;
}

Result<uint32_t> Segment::position_for_timestamp(int64_t timestamp, int64_t starting_offset) {
  RETURN_IF_ERROR(ensure_indexes());
  int64_t offset = starting_offset;
  for (bool again = true; again;) {
    // Up to the offset of the last entry below the timestamp, no batch reaches it.
    Result<size_t> n = times_.count_while([&](const TimeIndexEntry& e) { return e.timestamp < timestamp; });
    RETURN_IF_ERROR(n);
    if (*n == 0) break;
    Result<TimeIndexEntry> entry = times_.at(*n - 1);
    RETURN_IF_ERROR(entry);
    Result<bool> right = time_entry_is_right(*entry);
    RETURN_IF_ERROR(right);
    if (*right) {
      offset = std::max(offset, base_offset_ + entry->relative_offset);
      break;
    }
    again = !indexes_rebuilt_;
    RETURN_IF_ERROR(rebuild_wrong_indexes());
  }
  Result<BatchPosition> found = locate(offset);
  RETURN_IF_ERROR(found);
  return found->position;
}

Result<std::vector<AbortedTransaction>> Segment::aborted_transactions() {
  std::vector<AbortedTransaction> all;
  if (!has_txn_index_) return all;
  auto file = txn_index_.open();
  RETURN_IF_ERROR(file);
  Result<uint64_t> bytes = (*file)->size();
  RETURN_IF_ERROR(bytes);
  Bytes raw(*bytes - *bytes % kAbortedTransactionSize, '\0');
  RETURN_IF_ERROR((*file)->read_exactly(0, raw.data(), raw.size()));
  for (size_t at = 0; at < raw.size(); at += kAbortedTransactionSize) {
    all.push_back(AbortedTransaction::read(raw.data() + at));
  }
  return all;
}

Result<int64_t> Segment::next_offset() {
  Result<uint32_t> start = indexed_position_before(UINT32_MAX);
  RETURN_IF_ERROR(start);
  Result<BatchScanner> batches = scan(*start, kLookupWindow);
  RETURN_IF_ERROR(batches);
  int64_t next = base_offset_;
  while (true) {
    Result<bool> more = batches->next();
    RETURN_IF_ERROR(more);
    if (!*more) return next;
    next = batches->header().next_offset();
  }
}

Result<Segment::WholePart> Segment::whole_part() {
  Result<BatchScanner> batches = scan(0, kRebuildWindow);
  RETURN_IF_ERROR(batches);
  WholePart whole{base_offset_, 0, false};
  while (true) {
    Result<bool> more = batches->next();
    if (!more && more.error().kind == ErrorKind::kCorrupt) more = batches->skip_damage(whole.next_offset + 1);
    RETURN_IF_ERROR(more);
    if (!*more) break;
    Result<bool> right = batches->crc_ok();
    RETURN_IF_ERROR(right);
    const BatchHeader& batch = batches->header();
    if (!*right || batch.base_offset < whole.next_offset || !fits(batch.last_offset())) continue;
    whole = {batch.next_offset(), batches->position() + batches->size(), false};
  }
  Result<bool> torn = torn_behind(whole.bytes, static_cast<uint32_t>(size_) - whole.bytes);
  RETURN_IF_ERROR(torn);
  whole.torn = *torn;
  return whole;
}

// A complete batch with one wrong byte is not torn, even if that byte is in its length.
Result<bool> Segment::torn_behind(uint32_t position, uint32_t size) {
  if (size < kBatchHeaderSize) return size > 0;
  auto file = log_.open();
  RETURN_IF_ERROR(file);
  Bytes tail(size, '\0');
  RETURN_IF_ERROR((*file)->read_exactly(position, tail.data(), tail.size()));
  if (tail.starts_with(Bytes(kBatchHeaderSize, '\0'))) return true;
  const BatchHeader said = BatchHeader::read(tail.data());
  return said.magic == kMagicV2 && said.batch_length > 0 && said.total_size() > size &&
         crc32c(ByteView(tail).substr(kBatchAttributesPosition)) != said.crc;
}

// --- truncation, files ---

Status Segment::truncate(uint32_t position, int64_t offset) {
  RETURN_IF_ERROR(ensure_indexes());
  auto file = log_.open();
  RETURN_IF_ERROR(file);
  RETURN_IF_ERROR((*file)->truncate(position));
  // Synced at once: if the log goes on in another segment, nothing else syncs this one. The removed batches would be
  // back after a loss of power, below the recovery point, where recovery does not look.
  if (!MILENA_STORAGE_BUG(kCutNotSynced)) RETURN_IF_ERROR((*file)->sync());
  size_ = position;
  preallocated_ = false;
  if (position == 0) first_timestamp_ = -1;

  Result<size_t> offsets = offsets_.count_while([&](const OffsetIndexEntry& e) {
    return base_offset_ + e.relative_offset < offset && static_cast<uint32_t>(e.position) < position;
  });
  RETURN_IF_ERROR(offsets);
  RETURN_IF_ERROR(offsets_.truncate(*offsets));
  Result<size_t> times =
      times_.count_while([&](const TimeIndexEntry& e) { return base_offset_ + e.relative_offset < offset; });
  RETURN_IF_ERROR(times);
  RETURN_IF_ERROR(times_.truncate(*times));

  if (has_txn_index_) {
    Result<std::vector<AbortedTransaction>> aborted = aborted_transactions();
    RETURN_IF_ERROR(aborted);
    auto keep = std::find_if(aborted->begin(), aborted->end(),
                             [&](const AbortedTransaction& t) { return t.last_offset >= offset; });
    auto txn_file = txn_index_.open();
    RETURN_IF_ERROR(txn_file);
    txn_index_unsynced_ = true;
    RETURN_IF_ERROR((*txn_file)->truncate(static_cast<uint64_t>(keep - aborted->begin()) * kAbortedTransactionSize));
  }
  max_timestamp_ = {};
  last_time_entry_ = -1;
  bytes_since_entry_ = 0;
  return load_max_timestamp();
}

Status Segment::collect_files(bool indexes, std::vector<std::shared_ptr<File>>& into) {
  auto log = log_.open();
  RETURN_IF_ERROR(log);
  into.push_back(*log);
  // Recovery does not restore aborted transactions before the point from which it reads.
  if (std::exchange(txn_index_unsynced_, false) || (indexes && has_txn_index_)) {
    auto txn_index = txn_index_.open();
    RETURN_IF_ERROR(txn_index);
    into.push_back(*txn_index);
  }
  if (!indexes) return ok_status();
  RETURN_IF_ERROR(save_indexes(false));
  for (SegmentFile* file : {&offsets_.file(), &times_.file()}) {
    auto opened = file->open();
    if (!opened && opened.error().kind == ErrorKind::kNotFound) continue;  // rebuilt when it is first used
    RETURN_IF_ERROR(opened);
    into.push_back(*opened);
  }
  return ok_status();
}

void Segment::close_files() {
  log_.close();
  txn_index_.close();
  offsets_.file().close();
  times_.file().close();
}

std::vector<std::string> Segment::paths() {
  std::vector<std::string> all{log_.path()};
  all.push_back(offsets_.file().path());
  all.push_back(times_.file().path());
  if (has_txn_index_) all.push_back(txn_index_.path());
  return all;
}

}  // namespace milena::log
