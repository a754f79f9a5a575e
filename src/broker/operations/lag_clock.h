// LagClock: how long ago a partition ended at a group's committed offset. Remembers the end offsets of partitions at
// some moments, and interpolates between them. It reads no log and has no timer: the moments are those of the scrapes,
// so the first scrape has no result. Pure; used by one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/topic_partition.h"

namespace milena::broker {

class LagClock {
 public:
  // Begins a round. Partitions that are not named until the next one are forgotten.
  void begin_round();
  // The partition ends there now.
  void note(const TopicPartition& partition, int64_t end_offset, int64_t now_ms);
  // The number of seconds for which there have been records after the offset, or a lower bound if that is longer than
  // the history. 0 without records after it; nullopt: not known.
  std::optional<double> seconds_behind(const TopicPartition& partition, int64_t offset, int64_t now_ms) const;

  size_t size() const { return ends_.size(); }

 private:
  struct End {
    int64_t at_ms;
    int64_t offset;
  };
  struct Ends {
    std::vector<End> moments;  // ascending in both
    uint64_t round = 0;
  };
  // Beyond that every second one is dropped, older ones more often.
  static constexpr size_t kMax = 32;

  std::unordered_map<TopicPartition, Ends> ends_;
  uint64_t round_ = 0;
};

}  // namespace milena::broker
