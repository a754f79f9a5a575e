#include "broker/cluster/controller_clock.h"

namespace milena::broker {

void ControllerClock::sent(int64_t wall_ms) {
  sent_ms_ = wall_ms;
}

void ControllerClock::answered(std::optional<int64_t> timestamp_ms, bool whole, int64_t wall_ms, int64_t steady_ms) {
  // Batches without a time have a negative one.
  if (timestamp_ms && *timestamp_ms >= 0 && whole_since_) {
    ahead_ms_ = 0;
    if (*timestamp_ms > wall_ms) ahead_ms_ = *timestamp_ms - wall_ms;
    if (*timestamp_ms < *whole_since_) ahead_ms_ = *timestamp_ms - *whole_since_;
    wall_minus_steady_ms_ = wall_ms - steady_ms;
  }
  whole_since_.reset();
  if (whole) whole_since_ = sent_ms_;
}

int64_t ControllerClock::ahead_ms(int64_t wall_ms, int64_t steady_ms) const {
  if (!wall_minus_steady_ms_) return 0;
  return ahead_ms_ - (wall_ms - steady_ms - *wall_minus_steady_ms_);
}

}  // namespace milena::broker
