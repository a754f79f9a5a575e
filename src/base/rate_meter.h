// Meters for quotas. Pure values: the caller passes the time.
//
// Sources: Kafka's Rate/SampledStat (bytes, request time, connections) and TokenBucket (controller mutations), and
// QuotaUtils for how long a client over its quota has to wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace milena {

// Amount per second, over the last `windows` samples of `window_ms` each.
class RateMeter {
 public:
  RateMeter(int windows, int64_t window_ms);

  // A negative amount undoes one recorded at the same time.
  void record(double amount, int64_t now_ms);
  double rate(int64_t now_ms) const;
  // How long a pause brings the rate down to the bound; 0 if it is not above it.
  int64_t throttle_ms(double bound, int64_t now_ms) const;
  // Nothing was recorded for so long that the rate is 0.
  bool is_idle(int64_t now_ms) const;

 private:
  struct Sample {
    int64_t start_ms = 0;
    double total = 0;
    bool used = false;
  };
  bool counts(const Sample& sample, int64_t now_ms) const;
  double elapsed_ms(int64_t now_ms) const;

  int64_t window_ms_;
  // One sample for each window with records, at most this many.
  size_t most_samples_;
  size_t current_ = 0;
  std::vector<Sample> samples_;
};

// Tokens per second, up to `burst_s` seconds' worth of unused ones at once. May go below zero: the request that takes
// it there passes, the next one waits.
class TokenBucket {
 public:
  explicit TokenBucket(double burst_s) : burst_s_(burst_s) {}

  void spend(double tokens, double rate, int64_t now_ms);
  // Tokens available now.
  double available(double rate, int64_t now_ms) const;
  // How long until the bucket is no longer below zero.
  int64_t throttle_ms(double rate, int64_t now_ms) const;

 private:
  double burst_s_;
  double tokens_ = 0;
  int64_t last_ms_ = 0;
  bool used_ = false;
};

}  // namespace milena
