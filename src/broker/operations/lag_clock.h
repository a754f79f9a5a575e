// LagClock: how long ago a partition ended where a group has committed. Remembers where partitions ended at some
// moments, and estimates what was between them. Nothing is looked up in a log, and nothing wakes up for it: the moments
// are those of the scrapes, so the first one knows nothing. Pure; used by one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/topic_partition.h"

namespace milena::broker {

class LagClock {
 public:
  // Begins a round: of partitions that are not named until the next one nothing is kept.
  void begin_round();
  // The partition ends there now.
  void note(const TopicPartition& partition, int64_t end_offset, int64_t now_ms);
  // For how many seconds there are records behind the offset: at least, where that is longer than anything is
  // remembered. 0 without records behind it; nullopt: not known.
  std::optional<double> seconds_behind(const TopicPartition& partition, int64_t offset, int64_t now_ms) const;

  size_t size() const { return ends_.size(); }

 private:
  struct End {
    int64_t at_ms;
    int64_t offset;
  };
  struct Ends {
    std::vector<End> moments;  // growing in both
    uint64_t round = 0;
  };
  // Beyond that every second one is forgotten, the old ones the sooner.
  static constexpr size_t kMost = 32;

  std::unordered_map<TopicPartition, Ends> ends_;
  uint64_t round_ = 0;
};

}  // namespace milena::broker
