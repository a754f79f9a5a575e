// ControllerClock: how far the clock of the active controller is from this machine's, as the batches of the metadata
// log tell. A batch that a fetch brings, and the fetch before it did not, was written between the two: a timestamp
// outside of that time is of another clock. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace milena::broker {

class ControllerClock {
 public:
  // A fetch is sent at the end of the log, as far as it is known.
  void sent(int64_t wall_ms) { sent_ms_ = wall_ms; }
  // The answer to it came. `timestamp_ms` is of the first batch in it; nullopt for one without batches. `whole`: it
  // brought all that there was.
  void answered(std::optional<int64_t> timestamp_ms, bool whole, int64_t wall_ms, int64_t steady_ms) {
    // Batches without a time have a negative one. A controller may claim any time at all.
    if (timestamp_ms && *timestamp_ms >= 0 && whole_since_) {
      const int64_t written_ms = std::min(*timestamp_ms, INT64_MAX / 4);
      ahead_ms_ = 0;
      if (written_ms > wall_ms) ahead_ms_ = written_ms - wall_ms;
      if (written_ms < *whole_since_) ahead_ms_ = written_ms - *whole_since_;
      wall_minus_steady_ms_ = wall_ms - steady_ms;
    }
    whole_since_.reset();
    if (whole) whole_since_ = sent_ms_;
  }
  // It failed, or is of another controller.
  void lost() { whole_since_.reset(); }

  // How far the controller's clock is ahead, at least; negative: behind. 0 where it may be the same, and before
  // anything is known. This machine's own clock may have been set since.
  int64_t ahead_ms(int64_t wall_ms, int64_t steady_ms) const {
    if (!wall_minus_steady_ms_) return 0;
    return ahead_ms_ - (wall_ms - steady_ms - *wall_minus_steady_ms_);
  }

 private:
  int64_t sent_ms_ = 0;
  std::optional<int64_t> whole_since_;  // a fetch that was sent then brought everything
  int64_t ahead_ms_ = 0;
  std::optional<int64_t> wall_minus_steady_ms_;  // when that was seen
};

}  // namespace milena::broker
