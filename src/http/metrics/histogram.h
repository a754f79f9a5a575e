// LatencyHistogram: counts durations in buckets that grow with the value, four to each power of two, from a microsecond
// to more than a minute: an estimate is at most a quarter too large. Belongs to one thread; others get a copy.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace milena::http {

class LatencyHistogram {
 public:
  void record_ns(int64_t ns) {
    const uint64_t duration = ns < 0 ? 0 : static_cast<uint64_t>(ns);
    sum_ns_ += duration;
    counts_[bucket_of(duration / 1000)]++;
  }
  void merge(const LatencyHistogram& other);

  uint64_t count() const;
  double sum_seconds() const { return static_cast<double>(sum_ns_) / 1e9; }
  // The number of values below 2^exponent microseconds; up to kMaxExponent.
  uint64_t count_below(int exponent) const;
  // The upper bound in seconds for a share of all values; 0 without values.
  double quantile_seconds(double share) const;

  static constexpr int kMaxExponent = 27;

 private:
  static constexpr size_t kBuckets = static_cast<size_t>(kMaxExponent - 1) * 4;

  static size_t bucket_of(uint64_t us) {
    if (us < 4) return us;
    const int exponent = 63 - std::countl_zero(us);
    if (exponent >= kMaxExponent) return kBuckets - 1;
    return static_cast<size_t>(exponent - 1) * 4 + ((us >> (exponent - 2)) & 3);
  }
  // The end of the bucket, in microseconds.
  static uint64_t end_of(size_t bucket);

  uint64_t sum_ns_ = 0;
  std::array<uint64_t, kBuckets> counts_{};
};

}  // namespace milena::http
