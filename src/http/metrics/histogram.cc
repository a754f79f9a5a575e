#include "http/metrics/histogram.h"

#include <numeric>

namespace milena::http {

void LatencyHistogram::merge(const LatencyHistogram& other) {
  sum_ns_ += other.sum_ns_;
  for (size_t i = 0; i < kBuckets; i++) counts_[i] += other.counts_[i];
}

uint64_t LatencyHistogram::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

uint64_t LatencyHistogram::count_below(int exponent) const {
  const size_t end = exponent >= kMaxExponent ? kBuckets : bucket_of(uint64_t{1} << exponent);
  return std::accumulate(counts_.begin(), counts_.begin() + static_cast<ptrdiff_t>(end), uint64_t{0});
}

uint64_t LatencyHistogram::end_of(size_t bucket) {
  if (bucket < 4) return bucket + 1;
  const size_t exponent = bucket / 4 + 1;
  return (uint64_t{5} + bucket % 4) << (exponent - 2);
}

double LatencyHistogram::quantile_seconds(double share) const {
  const double wanted = share * static_cast<double>(count());
  if (wanted <= 0) return 0;
  uint64_t below = 0;
  size_t bucket = 0;
  while (bucket < kBuckets - 1 && static_cast<double>(below += counts_[bucket]) < wanted) bucket++;
  return static_cast<double>(end_of(bucket)) / 1e6;
}

}  // namespace milena::http
