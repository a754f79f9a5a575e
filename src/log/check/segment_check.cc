#include "log/check/segment_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "log/format/aborted_transaction.h"
#include "log/format/file_names.h"
#include "log/format/index_entry.h"
#include "protocol/records/control_records.h"
#include "protocol/records/legacy_messages.h"
#include "protocol/records/record_iterator.h"

namespace milena::log {
namespace {

constexpr size_t kWindow = 1 << 20;
constexpr const char* kTakenAway = "is removed; the broker creates it again from the .log";

std::optional<Mend> take_away(const std::string& path) { return Mend{path, {}, kTakenAway}; }

}  // namespace

// An index file, read along with the batches.
struct SegmentCheck::Index {
  std::string name;
  bool there = false;
  Bytes bytes;
  size_t next = 0;    // position of the next expected entry
  std::string wrong;  // the first mistake
};

SegmentCheck::SegmentCheck(PartitionWalk& walk, int64_t base_offset, int64_t end_offset)
    : walk_(walk),
      base_offset_(base_offset),
      end_offset_(end_offset),
      next_offset_(std::max(base_offset, walk.next_offset)),
      offsets_(std::make_unique<Index>()) {}

SegmentCheck::~SegmentCheck() = default;

std::string SegmentCheck::name_of(const char* suffix) const { return segment_file_name(base_offset_, suffix); }

void SegmentCheck::add(Finding::Kind kind, const std::string& where, std::string what, std::optional<Mend> mend) {
  walk_.out->findings.push_back({kind, where, std::move(what), std::move(mend), false});
}

Status SegmentCheck::run() {
  auto opened = walk_.files->open(walk_.directory + "/" + name_of(".log"), OpenMode::kRead);
  RETURN_IF_ERROR(opened);
  log_ = *opened;
  Result<uint64_t> size = log_->size();
  RETURN_IF_ERROR(size);
  size_ = *size;
  walk_.out->bytes += size_;
  if (size_ > INT32_MAX) {
    add(Finding::Kind::kProblem, name_of(".log"), fmt::format("has {} bytes, more than a segment can hold", size_));
    return ok_status();
  }
  RETURN_IF_ERROR(open_index(*offsets_, ".index", kOffsetIndexEntrySize));
  RETURN_IF_ERROR(read_batches());
  if (damage_.empty()) end_index(*offsets_);
  RETURN_IF_ERROR(check_time_index());
  RETURN_IF_ERROR(check_txn_index());
  walk_.next_offset = next_offset_;
  return ok_status();
}

// --- the .log

Status SegmentCheck::read_batches() {
  std::optional<BatchScanner> batches;
  batches.emplace(log_, 0, static_cast<uint32_t>(size_), kWindow);
  uint64_t at = 0;
  while (at < size_) {
    const uint64_t before = at;
    RETURN_IF_ERROR(read_on(at, batches));
    if (walk_.on_read != nullptr) (*walk_.on_read)(at - before);
  }
  return ok_status();
}

// One batch, or one stretch of damage.
Status SegmentCheck::read_on(uint64_t& at, std::optional<BatchScanner>& batches) {
  Result<bool> good = good_batch(*batches);
  if (!good && good.error().kind != ErrorKind::kCorrupt) return good.error();
  if (good) {
    if (*good) RETURN_IF_ERROR(note_batch(*batches));
    at = *good ? batches->position() + batches->size() : size_;
    return ok_status();
  }
  Result<uint64_t> next = next_good(at + 1);
  RETURN_IF_ERROR(next);
  RETURN_IF_ERROR(note_damage(at, *next, good.error().message));
  at = *next;
  batches.emplace(log_, static_cast<uint32_t>(at), static_cast<uint32_t>(size_), kWindow);
  return ok_status();
}

// False at the end; kCorrupt for what is no batch, or not one of this place.
Result<bool> SegmentCheck::good_batch(BatchScanner& batches) {
  Result<bool> more = batches.next();
  if (!more || !*more) return more;
  const BatchHeader& batch = batches.header();
  if (batch.base_offset < next_offset_ || batch.last_offset() < batch.base_offset ||
      batch.last_offset() >= end_offset_) {
    return make_error(ErrorKind::kCorrupt, "a batch has the offsets {} to {}, expected {} or more", batch.base_offset,
                      batch.last_offset(), next_offset_);
  }
  Result<bool> right = batches.crc_ok();
  RETURN_IF_ERROR(right);
  if (!*right) return make_error(ErrorKind::kCorrupt, "the batch at offset {} has a wrong checksum", batch.base_offset);
  return true;
}

Status SegmentCheck::note_batch(BatchScanner& batches) {
  const BatchHeader& batch = batches.header();
  next_offset_ = batch.next_offset();
  max_timestamp_ = std::max(max_timestamp_, batch.max_timestamp);
  if (batch.partition_leader_epoch >= 0 && batch.partition_leader_epoch < walk_.latest_epoch) {
    add(Finding::Kind::kProblem, name_of(".log"),
        fmt::format("leader epoch {} at offset {} follows epoch {}", batch.partition_leader_epoch, batch.base_offset,
                    walk_.latest_epoch));
  }
  walk_.latest_epoch = std::max(walk_.latest_epoch, batch.partition_leader_epoch);
  check_position(*offsets_, batch, batches.position());
  if (!batch.has_producer_id() || !batch.is_transactional()) return ok_status();
  if (batch.is_control()) return note_marker(batches);
  // A batch emptied by compaction hides no records.
  if (batch.record_count > 0) walk_.open_transactions.emplace(batch.producer_id, batch.base_offset);
  return ok_status();
}

Status SegmentCheck::note_marker(BatchScanner& batches) {
  const BatchHeader header = batches.header();
  Result<ByteView> bytes = batches.view();
  RETURN_IF_ERROR(bytes);
  Result<RecordBatchView> view = RecordBatchView::parse(*bytes);
  if (!view || header.record_count == 0) return ok_status();
  Result<ControlRecordType> type = control_batch_type(*view);
  if (!type || (*type != ControlRecordType::kAbort && *type != ControlRecordType::kCommit)) return ok_status();
  const bool had_records = walk_.open_transactions.erase(header.producer_id) > 0;
  if (had_records && *type == ControlRecordType::kAbort) aborts_.emplace(header.last_offset(), header.producer_id);
  return ok_status();
}

// The position of the next whole batch of this place, or the end.
Result<uint64_t> SegmentCheck::next_good(uint64_t from) {
  Bytes window(kWindow, '\0');
  while (from + kBatchMagicPosition < size_) {
    Result<size_t> got = log_->read_at(from, window.data(), window.size());
    RETURN_IF_ERROR(got);
    if (*got <= kBatchMagicPosition) break;
    const bool last = from + *got >= size_;
    const size_t usable = last ? *got - kBatchMagicPosition : *got - std::min(*got, kBatchHeaderSize);
    for (size_t i = 0; i < usable; ++i) {
      const ByteView head = ByteView(window).substr(i, std::min(kBatchHeaderSize, *got - i));
      const std::optional<BatchHeader> header = log_entry_header(head, size_ - from - i);
      if (!header || header->base_offset < next_offset_ || header->base_offset >= end_offset_) continue;
      BatchScanner candidate(log_, static_cast<uint32_t>(from + i), static_cast<uint32_t>(size_), 4096);
      Result<bool> good = good_batch(candidate);
      if (good && *good) return from + i;
      if (!good && good.error().kind != ErrorKind::kCorrupt) return good.error();
    }
    if (last || usable == 0) break;
    from += usable;
  }
  return size_;
}

Result<bool> SegmentCheck::only_zeros(uint64_t from) const {
  Bytes window(kWindow, '\0');
  while (from < size_) {
    Result<size_t> got = log_->read_at(from, window.data(), window.size());
    RETURN_IF_ERROR(got);
    if (*got == 0) break;
    if (ByteView(window).substr(0, *got).find_first_not_of('\0') != ByteView::npos) return false;
    from += *got;
  }
  return true;
}

// Whether the next start reads this place, and truncates at an invalid batch.
bool SegmentCheck::is_read_again() const {
  return !walk_.clean_shutdown && next_offset_ >= walk_.recovery_point;
}

Status SegmentCheck::note_damage(uint64_t from, uint64_t to, const std::string& why) {
  const bool at_end = to == size_;
  if (at_end) {
    Result<bool> zeros = only_zeros(from);
    RETURN_IF_ERROR(zeros);
    if (*zeros && is_read_again()) {
      add(Finding::Kind::kNote, name_of(".log"),
          fmt::format("ends with {} zeros of a preallocated file; the next start cuts them off",
                      to - from));
      return ok_status();
    }
    // A torn end after a crash was never acknowledged.
    if (end_offset_ == INT64_MAX && is_read_again()) {
      add(Finding::Kind::kNote, name_of(".log"),
          fmt::format("the last {} bytes are an incomplete batch, behind offset {}; the next start cuts them off",
                      to - from, next_offset_));
      return ok_status();
    }
  }
  std::string lost;
  if (at_end) {
    lost = end_offset_ == INT64_MAX ? fmt::format("everything behind offset {} is lost", next_offset_)
                                    : fmt::format("offsets {} to {} are lost", next_offset_, end_offset_ - 1);
  } else {
    BatchScanner next(log_, static_cast<uint32_t>(to), static_cast<uint32_t>(size_), 4096);
    Result<bool> good = next.next();
    RETURN_IF_ERROR(good);
    lost = fmt::format("offsets {} to {} are lost", next_offset_, next.header().base_offset - 1);
  }
  damage_.push_back({from, to});
  const std::string path = walk_.directory + "/" + name_of(".log");
  Mend mend{path, {{from, to}}, fmt::format("is rewritten without bytes {} to {}", from, to - 1)};
  Finding finding{Finding::Kind::kProblem, name_of(".log"),
                  fmt::format("bytes {} to {} are damaged, {}: {}", from, to - 1, lost, why), std::move(mend), true};
  walk_.out->findings.push_back(std::move(finding));
  return ok_status();
}

// --- the indexes

Status SegmentCheck::open_index(Index& index, const char* suffix, size_t entry_size) {
  index.name = name_of(suffix);
  Result<Bytes> file = walk_.files->read_file(walk_.directory + "/" + index.name);
  if (!file && file.error().kind == ErrorKind::kNotFound) return ok_status();
  RETURN_IF_ERROR(file);
  index.there = true;
  index.bytes = file.take();
  // Kafka creates them in full length, and truncates them when it rolls or stops.
  const size_t used = index.bytes.find_last_not_of('\0') + 1;  // 0 if there is nothing else
  if (index.bytes.size() % entry_size != 0) {
    index.wrong = fmt::format("has {} bytes, which is not a multiple of {}", index.bytes.size(), entry_size);
  } else {
    index.bytes.resize((used + entry_size - 1) / entry_size * entry_size);
  }
  return ok_status();
}

void SegmentCheck::check_position(Index& index, const BatchHeader& batch, uint64_t position) {
  while (index.wrong.empty() && index.next < index.bytes.size()) {
    const OffsetIndexEntry entry = OffsetIndexEntry::read(index.bytes.data() + index.next);
    if (entry.position < 0 || static_cast<uint64_t>(entry.position) > position) return;
    const int64_t offset = base_offset_ + entry.relative_offset;
    index.next += kOffsetIndexEntrySize;
    if (static_cast<uint64_t>(entry.position) < position || offset < batch.base_offset ||
        offset > batch.last_offset()) {
      index.wrong = fmt::format("entry {} has offset {} at byte {}, which is wrong",
                                index.next / kOffsetIndexEntrySize - 1, offset, entry.position);
    }
  }
}

void SegmentCheck::end_index(Index& index) {
  if (index.wrong.empty() && index.next < index.bytes.size() &&
      OffsetIndexEntry::read(index.bytes.data() + index.next) != OffsetIndexEntry{}) {
    index.wrong = "has entries for bytes where no batch begins";
  }
  add_wrong_index(index);
}

// The next start rebuilds those of a segment that it reads.
void SegmentCheck::add_wrong_index(const Index& index) {
  if (index.wrong.empty()) return;
  if (is_read_again()) return add(Finding::Kind::kNote, index.name, index.wrong + "; the next start rebuilds it");
  add(Finding::Kind::kProblem, index.name, index.wrong, take_away(walk_.directory + "/" + index.name));
}

Status SegmentCheck::check_time_index() {
  Index index;
  RETURN_IF_ERROR(open_index(index, ".timeindex", kTimeIndexEntrySize));
  TimeIndexEntry last{-1, -1};
  for (size_t at = 0; index.wrong.empty() && at < index.bytes.size(); at += kTimeIndexEntrySize) {
    const TimeIndexEntry entry = TimeIndexEntry::read(index.bytes.data() + at);
    const int64_t offset = base_offset_ + entry.relative_offset;
    if (entry.timestamp < last.timestamp || entry.relative_offset < last.relative_offset) {
      index.wrong = fmt::format("entry {} is out of order", at / kTimeIndexEntrySize);
    } else if (damage_.empty() && (entry.timestamp > max_timestamp_ || offset >= next_offset_)) {
      index.wrong = fmt::format("entry {} has offset {} and timestamp {}, which are beyond the end of the segment",
                                at / kTimeIndexEntrySize, offset, entry.timestamp);
    }
    last = entry;
  }
  add_wrong_index(index);
  return ok_status();
}

// Each abort with records must be in the index, or read_committed consumers see them.
Status SegmentCheck::check_txn_index() {
  Index index;
  RETURN_IF_ERROR(open_index(index, ".txnindex", 1));
  if (index.bytes.size() % kAbortedTransactionSize != 0) index.wrong = "ends within an entry";
  int64_t last_offset = -1;
  for (size_t at = 0; at + kAbortedTransactionSize <= index.bytes.size(); at += kAbortedTransactionSize) {
    const AbortedTransaction one = AbortedTransaction::read(index.bytes.data() + at);
    const bool possible = one.first_offset <= one.last_offset && one.last_offset > last_offset;
    if (!possible && index.wrong.empty())
      index.wrong = fmt::format("entry {} is invalid", at / kAbortedTransactionSize);
    last_offset = one.last_offset;
    auto wanted = aborts_.find(one.last_offset);
    if (wanted != aborts_.end() && wanted->second == one.producer_id) aborts_.erase(wanted);
  }
  // A crash may have come before they were written; recovery finds them again.
  std::erase_if(aborts_, [&](const auto& one) { return !walk_.clean_shutdown && one.first >= walk_.recovery_point; });
  if (!aborts_.empty() && index.wrong.empty()) {
    index.wrong = fmt::format("lacks the abort at offset {} by producer {}; consumers would read its aborted records",
                              aborts_.begin()->first, aborts_.begin()->second);
  }
  if (index.wrong.empty()) return ok_status();
  Finding finding{Finding::Kind::kProblem, index.name, index.wrong, {}, true};
  if (index.there) finding.mend = Mend{walk_.directory + "/" + index.name, {}, kTakenAway};
  walk_.out->findings.push_back(std::move(finding));
  return ok_status();
}

}  // namespace milena::log
