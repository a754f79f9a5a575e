// OffsetMap: the offset of the last record of each key of a stretch of log, for compaction (Kafka's SkimpyOffsetMap).
// Keys are kept as 128 bits of a hash with a seed of this process; two keys with the same hash are one key here, but
// clients cannot construct them without the seed.
//
// Starts small and grows up to the budget; then it is full. One owner, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace milena::log {

class OffsetMap {
 public:
  // `budget_bytes` is log.cleaner.dedupe.buffer.size, of which `load_factor` is filled; at least one key fits.
  OffsetMap(uint64_t budget_bytes, double load_factor);

  bool full() const { return count_ >= most_; }
  size_t size() const { return count_; }
  // Not if full(), unless the key is there. The offset must be the greatest so far.
  void put(ByteView key, int64_t offset);
  // -1 if the key is not there.
  int64_t get(ByteView key) const;
  bool contains(ByteView key) const { return get(key) >= 0; }

  // The greatest offset added: the map does not apply to records beyond it.
  int64_t latest_offset() const { return latest_offset_; }
  void set_latest_offset(int64_t offset) { latest_offset_ = offset; }

 private:
  struct Entry {
    uint64_t first = 0;
    uint64_t second = 0;
    int64_t offset = -1;  // -1: empty
  };
  struct Hash {
    uint64_t first, second;
  };
  static Hash hash_of(ByteView key);
  static size_t slot_of(const std::vector<Entry>& table, const Hash& hash);
  void grow();

  std::vector<Entry> table_;
  size_t count_ = 0;
  size_t most_;        // max. number of keys
  size_t most_slots_;  // max. table size
  double load_factor_;
  int64_t latest_offset_ = -1;
};

}  // namespace milena::log
