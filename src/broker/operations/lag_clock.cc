#include "broker/operations/lag_clock.h"

#include <algorithm>

namespace milena::broker {

void LagClock::begin_round() {
  std::erase_if(ends_, [this](const auto& entry) { return entry.second.round != round_; });
  round_++;
}

void LagClock::note(const TopicPartition& partition, int64_t end_offset, int64_t now_ms) {
  Ends& ends = ends_[partition];
  ends.round = round_;
  std::vector<End>& moments = ends.moments;
  // The log was truncated, or the topic created again, or the clock set back.
  if (!moments.empty() && (moments.back().offset > end_offset || moments.back().at_ms > now_ms)) moments.clear();
  // While the end does not move, the first and the last moment are enough.
  if (moments.size() >= 2 && moments.back().offset == end_offset && moments[moments.size() - 2].offset == end_offset) {
    moments.back().at_ms = now_ms;
    return;
  }
  moments.push_back({now_ms, end_offset});
  if (moments.size() <= kMax) return;
  std::vector<End> thinned;
  for (size_t i = 0; i < moments.size(); i++) {
    if (i % 2 == 0 || i >= kMax / 2) thinned.push_back(moments[i]);
  }
  moments = std::move(thinned);
}

std::optional<double> LagClock::seconds_behind(const TopicPartition& partition, int64_t offset, int64_t now_ms) const {
  auto found = ends_.find(partition);
  if (found == ends_.end()) return std::nullopt;
  const std::vector<End>& moments = found->second.moments;
  if (offset >= moments.back().offset) return 0.0;
  // The first moment with a greater end.
  const auto after = std::upper_bound(moments.begin(), moments.end(), offset,
                                      [](int64_t value, const End& end) { return value < end.offset; });
  double at_ms = static_cast<double>(after->at_ms);
  if (after == moments.begin()) {
    if (moments.size() < 2) return std::nullopt;
  } else {
    const End& before = *std::prev(after);
    const double share =
        static_cast<double>(offset - before.offset) / static_cast<double>(after->offset - before.offset);
    at_ms = static_cast<double>(before.at_ms) + share * static_cast<double>(after->at_ms - before.at_ms);
  }
  return std::max(0.0, (static_cast<double>(now_ms) - at_ms) / 1000);
}

}  // namespace milena::broker
