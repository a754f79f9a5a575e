// SegmentIndex: the .index or .timeindex file of one segment, an array of fixed-width ascending entries. Belongs to its
// segment.
//
// Not memory-mapped and not preallocated, unlike Kafka's: a node has more indexes than Linux allows mappings. Lookups
// read entries by pread. New ones are buffered and written 64 at once: a crash loses some of the active segment's,
// which recovery rebuilds from the .log in any case.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "log/format/index_entry.h"
#include "log/segment_file.h"

namespace milena::log {

template <class Entry>
class SegmentIndex {
 public:
  static constexpr size_t kUnsavedLimit = 64;
  static constexpr size_t kBlockEntries = 256;

  SegmentIndex(FileCache& files, const std::string& directory, int64_t base_offset, ByteView suffix)
      : file_(files, directory, base_offset, suffix) {}

  // Number of entries. kNotFound if the file is missing, kCorrupt if its size is not a whole number of entries.
  Result<size_t> count() {
    if (saved_ == kUnknown) {
      auto file = file_.open();
      RETURN_IF_ERROR(file);
      Result<uint64_t> size = (*file)->size();
      RETURN_IF_ERROR(size);
      if (*size % Entry::kSize != 0) {
        return make_error(ErrorKind::kCorrupt, "{}: size {} is not a multiple of {}", file_.path(), *size,
                          Entry::kSize);
      }
      saved_ = static_cast<int64_t>(*size / Entry::kSize);
    }
    return static_cast<size_t>(saved_) + unsaved_.size();
  }

  // i < count().
  Result<Entry> at(size_t i) {
    Result<size_t> known = count();
    RETURN_IF_ERROR(known);
    CHECK(i < *known, "{}: entry {} of {}", file_.path(), i, *known);
    if (i >= static_cast<size_t>(saved_)) return unsaved_[i - static_cast<size_t>(saved_)];
    auto file = file_.open();
    RETURN_IF_ERROR(file);
    char raw[Entry::kSize];
    RETURN_IF_ERROR((*file)->read_exactly(i * Entry::kSize, raw, sizeof(raw)));
    return Entry::read(raw);
  }

  // The number of entries that satisfy the predicate, which must hold for a prefix. Binary search down to a block,
  // which is then read at once.
  template <class Predicate>
  Result<size_t> count_while(Predicate&& holds) {
    Result<size_t> all = count();
    RETURN_IF_ERROR(all);
    size_t low = 0;
    size_t high = *all;
    while (high - low > kBlockEntries) {
      size_t middle = (low + high) / 2;
      Result<Entry> entry = at(middle);
      RETURN_IF_ERROR(entry);
      if (holds(*entry)) low = middle + 1;
      else high = middle;
    }
    char block[kBlockEntries * Entry::kSize];
    size_t saved_end = std::min(high, static_cast<size_t>(saved_));
    size_t saved_count = saved_end > low ? saved_end - low : 0;
    if (saved_count > 0) {
      auto file = file_.open();
      RETURN_IF_ERROR(file);
      RETURN_IF_ERROR((*file)->read_exactly(low * Entry::kSize, block, saved_count * Entry::kSize));
    }
    const size_t first = low;
    while (low < high) {
      size_t middle = (low + high) / 2;
      bool saved = middle < static_cast<size_t>(saved_);
      bool yes = holds(saved ? Entry::read(block + (middle - first) * Entry::kSize)
                             : unsaved_[middle - static_cast<size_t>(saved_)]);
      if (yes) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // count() must have been called before.
  Status append(const Entry& entry) {
    CHECK(saved_ != kUnknown, "{}", file_.path());
    unsaved_.push_back(entry);
    if (unsaved_.size() % kUnsavedLimit != 0) return ok_status();
    Status saved = save();
    // The entries stay buffered until there is space, or a descriptor.
    return !saved && saved.error().kind == ErrorKind::kExhausted ? ok_status() : saved;
  }

  // Writes buffered entries, and creates the file if there is none.
  Status save() {
    if (saved_ == kUnknown || (unsaved_.empty() && in_step_)) return ok_status();
    auto file = file_.open_or_create();
    RETURN_IF_ERROR(file);
    Bytes raw(unsaved_.size() * Entry::kSize, '\0');
    for (size_t i = 0; i < unsaved_.size(); ++i) unsaved_[i].write(raw.data() + i * Entry::kSize);
    const bool may_be_longer = !std::exchange(in_step_, false);
    unsynced_ = true;
    if (!raw.empty()) RETURN_IF_ERROR((*file)->write_at(static_cast<uint64_t>(saved_) * Entry::kSize, raw));
    const int64_t saved = saved_ + static_cast<int64_t>(unsaved_.size());
    // Last: an index that is built again is mostly as long as before, and to free a file's blocks is dear.
    if (may_be_longer) RETURN_IF_ERROR((*file)->truncate(static_cast<uint64_t>(saved) * Entry::kSize));
    saved_ = saved;
    unsaved_.clear();
    in_step_ = true;
    return ok_status();
  }

  // Keeps the first `count` entries.
  Status truncate(size_t count) {
    Result<size_t> known = this->count();
    RETURN_IF_ERROR(known);
    if (count >= *known) return ok_status();
    if (count >= static_cast<size_t>(saved_)) {
      unsaved_.resize(count - static_cast<size_t>(saved_));
      return ok_status();
    }
    unsaved_.clear();
    saved_ = static_cast<int64_t>(count);
    in_step_ = false;
    return save();
  }

  // Makes the index empty; the file follows at the next save().
  void start_anew() {
    unsaved_.clear();
    saved_ = 0;
    in_step_ = false;
  }

  // Syncs what save() has written since. No file, no entries.
  Status sync() {
    if (!unsynced_) return ok_status();
    auto file = file_.open();
    if (!file) return file.error().kind == ErrorKind::kNotFound ? ok_status() : Status(file.error());
    RETURN_IF_ERROR((*file)->sync());
    unsynced_ = false;
    return ok_status();
  }

  void release_memory() { unsaved_.shrink_to_fit(); }
  SegmentFile& file() { return file_; }

 private:
  static constexpr int64_t kUnknown = -1;

  SegmentFile file_;
  int64_t saved_ = kUnknown;  // entries in the file
  bool in_step_ = true;       // the file exists and has no more than `saved_`
  bool unsynced_ = false;
  std::vector<Entry> unsaved_;
};

}  // namespace milena::log
