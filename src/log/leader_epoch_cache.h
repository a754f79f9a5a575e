// LeaderEpochCache: at which offset each leader of a partition began (Kafka's LeaderEpochFileCache), so that a follower
// can find out where its log and the leader's part. Belongs to one PartitionLog. Pure; the log writes the file
// leader-epoch-checkpoint when dirty() says so.
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

  // The epoch begins at the offset. Entries that this contradicts (a greater epoch, or a later start) go. Returns
  // whether anything changed.
  bool assign(int32_t epoch, int64_t start_offset);
  // Forgets epochs that begin at or beyond the offset.
  bool truncate_from_end(int64_t end_offset);
  // Forgets epochs that end at or below the offset; the one that holds it begins there from now on.
  bool truncate_from_start(int64_t start_offset);
  void clear() { entries_.clear(); }

  std::optional<int32_t> latest() const;
  std::optional<int32_t> epoch_of(int64_t offset) const;
  std::optional<EpochEndOffset> end_offset_of(int32_t epoch, int64_t log_end_offset) const;
  const std::vector<EpochEntry>& entries() const { return entries_; }

 private:
  std::vector<EpochEntry> entries_;  // both epoch and start offset grow
};

}  // namespace milena::log
