#include "log/leader_epoch_cache.h"

#include <algorithm>

namespace milena::log {

bool LeaderEpochCache::assign(int32_t epoch, int64_t start_offset) {
  if (epoch < 0 || start_offset < 0) return false;
  if (!entries_.empty() && entries_.back().epoch == epoch && entries_.back().start_offset <= start_offset) return false;
  std::erase_if(entries_, [&](const EpochEntry& e) { return e.epoch >= epoch || e.start_offset >= start_offset; });
  entries_.push_back({epoch, start_offset});
  return true;
}

bool LeaderEpochCache::truncate_from_end(int64_t end_offset) {
  return std::erase_if(entries_, [&](const EpochEntry& e) { return e.start_offset >= end_offset; }) > 0;
}

bool LeaderEpochCache::truncate_from_start(int64_t start_offset) {
  auto after = std::find_if(entries_.begin(), entries_.end(),
                            [&](const EpochEntry& e) { return e.start_offset > start_offset; });
  if (after == entries_.begin()) return false;
  auto holder = after - 1;
  bool changed = holder != entries_.begin() || holder->start_offset != start_offset;
  holder->start_offset = start_offset;
  entries_.erase(entries_.begin(), holder);
  return changed;
}

std::optional<int32_t> LeaderEpochCache::latest() const {
  if (entries_.empty()) return std::nullopt;
  return entries_.back().epoch;
}

std::optional<int32_t> LeaderEpochCache::epoch_of(int64_t offset) const {
  for (auto it = entries_.rbegin(); it != entries_.rend(); ++it) {
    if (it->start_offset <= offset) return it->epoch;
  }
  return std::nullopt;
}

std::optional<EpochEndOffset> LeaderEpochCache::end_offset_of(int32_t epoch, int64_t log_end_offset) const {
  if (epoch == -1 || entries_.empty() || epoch > entries_.back().epoch) return std::nullopt;
  if (epoch == entries_.back().epoch) return EpochEndOffset{epoch, log_end_offset};
  auto higher = std::find_if(entries_.begin(), entries_.end(), [&](const EpochEntry& e) { return e.epoch > epoch; });
  // For an epoch before the first known one: it ended where that began.
  int32_t found = higher == entries_.begin() ? epoch : (higher - 1)->epoch;
  return EpochEndOffset{found, higher->start_offset};
}

}  // namespace milena::log
