// RecentBatches: the positions of the last batches of the active segment, so that readers at the end of a log need no
// lookup in its files. A ring that grows to its limit and then drops the oldest. Belongs to one PartitionLog.
//
// It has no gaps: every batch from the oldest one in it to the end of the segment is there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/check.h"

namespace milena::log {

// A batch's position in a segment's file.
struct BatchPosition {
  int64_t base_offset = -1;
  uint32_t position = 0;
  uint32_t size = 0;  // 0: no batch, the end of the segment
};

class RecentBatches {
 public:
  static constexpr size_t kLimit = 128;

  void clear() { ring_.clear(); next_ = 0; }

  void add(int64_t base_offset, int64_t last_offset, uint32_t position) {
    Entry entry{base_offset, static_cast<uint32_t>(last_offset - base_offset), position};
    if (ring_.size() < kLimit) {
      if (ring_.size() == ring_.capacity()) ring_.reserve(ring_.empty() ? 4 : std::min(ring_.size() * 2, kLimit));
      ring_.push_back(entry);
    } else {
      ring_[next_] = entry;
      next_ = (next_ + 1) % kLimit;
    }
  }

  // The first batch that ends at or beyond the offset; the end of the segment (`segment_size`) if all end before.
  // Nullopt if it may be a batch that was dropped.
  std::optional<BatchPosition> find(int64_t offset, uint32_t segment_size) const {
    if (ring_.empty() || offset < at(0).base_offset) return std::nullopt;
    size_t low = 0;
    size_t high = ring_.size();
    while (low < high) {
      size_t middle = (low + high) / 2;
      if (at(middle).base_offset + at(middle).last_delta >= offset) high = middle;
      else low = middle + 1;
    }
    if (low == ring_.size()) return BatchPosition{-1, segment_size, 0};
    uint32_t end = low + 1 < ring_.size() ? at(low + 1).position : segment_size;
    return BatchPosition{at(low).base_offset, at(low).position, end - at(low).position};
  }

  // The last batch that begins at or before the file position; nullopt if that was dropped.
  std::optional<BatchPosition> last_at_or_before(uint64_t position) const {
    if (ring_.empty() || position < at(0).position) return std::nullopt;
    size_t low = 0;
    size_t high = ring_.size() - 1;
    while (low < high) {
      size_t middle = (low + high + 1) / 2;
      if (at(middle).position <= position) low = middle;
      else high = middle - 1;
    }
    return BatchPosition{at(low).base_offset, at(low).position, 0};
  }

 private:
  struct Entry {
    int64_t base_offset;
    uint32_t last_delta;
    uint32_t position;
  };
  const Entry& at(size_t i) const { return ring_[ring_.size() < kLimit ? i : (next_ + i) % kLimit]; }

  std::vector<Entry> ring_;
  size_t next_ = 0;  // once the ring is full: its oldest entry
};

}  // namespace milena::log
