// LeaderEpochCache: the start offset of each leader epoch of a partition (Kafka's LeaderEpochFileCache), so that a
// follower can find where its log diverges from the leader's. Belongs to one PartitionLog. Pure; the log writes the
// file leader-epoch-checkpoint if dirty().
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "log/format/text_checkpoint.h"

namespace milena::log {

struct EpochEndOffset {
  int32_t epoch = -1;
  int64_t end_offset = -1;
  bool operator==(const EpochEndOffset&) const = default;
};

class LeaderEpochCache {
 public:
  LeaderEpochCache() = default;
  explicit LeaderEpochCache(std::vector<EpochEntry> entries) : entries_(std::move(entries)) {}

  // The epoch begins at the offset. Removes entries that contradict this (a greater epoch, or a later start). Returns
  // whether anything changed.
  bool assign(int32_t epoch, int64_t start_offset);
  // Removes epochs that begin at or beyond the offset.
  bool truncate_from_end(int64_t end_offset);
  // Removes epochs that end at or below the offset; the one that contains it begins there from now on.
  bool truncate_from_start(int64_t start_offset);
  void clear() { entries_.clear(); }

  std::optional<int32_t> latest() const;
  std::optional<int32_t> epoch_of(int64_t offset) const;
  std::optional<EpochEndOffset> end_offset_of(int32_t epoch, int64_t log_end_offset) const;
  const std::vector<EpochEntry>& entries() const { return entries_; }

 private:
  std::vector<EpochEntry> entries_;  // both epoch and start offset increase
};

}  // namespace milena::log
