#include "base/rate_meter.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/saturating.h"

namespace milena {

namespace {

// Rounded; for a bound near zero the pause is infinite.
int64_t whole_ms(double ms) { return ms < 9e18 ? std::llround(ms) : std::numeric_limits<int64_t>::max(); }

}  // namespace

RateMeter::RateMeter(int windows, int64_t window_ms)
    : window_ms_(std::max<int64_t>(window_ms, 1)),
      most_samples_(static_cast<size_t>(std::max(windows, 1))),
      samples_(1) {}

bool RateMeter::counts(const Sample& sample, int64_t now_ms) const {
  return sample.used && now_ms - sample.start_ms < multiply_saturating(window_ms_, static_cast<int64_t>(most_samples_));
}

void RateMeter::record(double amount, int64_t now_ms) {
  Sample* sample = &samples_[current_];
  if (!sample->used || now_ms - sample->start_ms >= window_ms_) {
    if (sample->used && samples_.size() < most_samples_) samples_.emplace_back();
    if (sample->used) current_ = (current_ + 1) % samples_.size();
    sample = &samples_[current_];
    *sample = Sample{now_ms, 0, true};
  }
  sample->total += amount;
}

// The time covered by the samples. A new meter counts as idle before, for all windows but one: its first second must
// not count as the rate of a whole period.
double RateMeter::elapsed_ms(int64_t now_ms) const {
  int64_t oldest_ms = now_ms;
  for (const Sample& sample : samples_) {
    if (counts(sample, now_ms)) oldest_ms = std::min(oldest_ms, sample.start_ms);
  }
  int64_t elapsed = now_ms - oldest_ms;
  int64_t full = elapsed / window_ms_;
  int64_t least = static_cast<int64_t>(most_samples_) - 1;
  if (full < least) elapsed = add_saturating(elapsed, multiply_saturating(least - full, window_ms_));
  return static_cast<double>(std::max<int64_t>(elapsed, 1));
}

double RateMeter::rate(int64_t now_ms) const {
  double total = 0;
  for (const Sample& sample : samples_) total += counts(sample, now_ms) ? sample.total : 0;
  return total * 1000 / elapsed_ms(now_ms);
}

int64_t RateMeter::throttle_ms(double bound, int64_t now_ms) const {
  double over = rate(now_ms) - bound;
  if (over <= 0 || bound <= 0) return 0;
  return whole_ms(over / bound * elapsed_ms(now_ms));
}

bool RateMeter::is_idle(int64_t now_ms) const {
  return std::none_of(samples_.begin(), samples_.end(), [&](const Sample& sample) { return counts(sample, now_ms); });
}

double TokenBucket::available(double rate, int64_t now_ms) const {
  double burst = burst_s_ * rate;
  if (!used_) return burst;
  return std::min(burst, tokens_ + rate * static_cast<double>(now_ms - last_ms_) / 1000);
}

void TokenBucket::spend(double tokens, double rate, int64_t now_ms) {
  tokens_ = available(rate, now_ms) - tokens;
  last_ms_ = now_ms;
  used_ = true;
}

int64_t TokenBucket::throttle_ms(double rate, int64_t now_ms) const {
  double tokens = available(rate, now_ms);
  if (tokens >= 0 || rate <= 0) return 0;
  return whole_ms(-tokens / rate * 1000);
}

}  // namespace milena
