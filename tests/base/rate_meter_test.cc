#include "base/rate_meter.h"

#include <gtest/gtest.h>

namespace milena {
namespace {

TEST(RateMeter, AYoungMeterIsTakenToHaveBeenSilentBefore) {
  RateMeter meter(11, 1000);
  meter.record(10'000, 5000);
  // All windows but the current one count, ten seconds.
  EXPECT_DOUBLE_EQ(meter.rate(5000), 1000);
  EXPECT_EQ(meter.throttle_ms(1000, 5000), 0);
  EXPECT_EQ(meter.throttle_ms(500, 5000), 10'000);
}

TEST(RateMeter, OldSamplesAreForgotten) {
  RateMeter meter(3, 1000);
  meter.record(3000, 0);
  EXPECT_FALSE(meter.is_idle(2999));
  EXPECT_GT(meter.rate(2999), 0);
  EXPECT_TRUE(meter.is_idle(3000));
  EXPECT_EQ(meter.rate(3000), 0);
}

TEST(RateMeter, WaitingOutTheThrottleBringsTheRateToTheBound) {
  RateMeter meter(11, 1000);
  int64_t now_ms = 0, sent = 0;
  while (now_ms < 60'000) {
    meter.record(100'000, now_ms);
    sent += 100'000;
    now_ms += std::max<int64_t>(meter.throttle_ms(1'000'000, now_ms), 1);
  }
  EXPECT_NEAR(static_cast<double>(sent) / 60, 1'000'000, 150'000);
}

TEST(RateMeter, WhatIsTakenBackDoesNotCount) {
  RateMeter meter(11, 1000);
  meter.record(500, 0);
  meter.record(-500, 0);
  EXPECT_EQ(meter.rate(0), 0);
}

TEST(RateMeter, TheGreatestWindowsAndTheLeastBoundAreNoFault) {
  RateMeter meter(INT32_MAX, int64_t{INT32_MAX} * 1000);
  for (int64_t now_ms = 0; now_ms < 10; now_ms++) meter.record(1e300, now_ms * 1'000'000'000'000);
  EXPECT_EQ(meter.throttle_ms(1e-300, 9'000'000'000'000), INT64_MAX);
  EXPECT_FALSE(meter.is_idle(INT64_MAX / 2));
  TokenBucket bucket(1);
  bucket.spend(1e9, 1e-300, 0);
  EXPECT_EQ(bucket.throttle_ms(1e-300, 0), INT64_MAX);
}

TEST(TokenBucket, GivesTheBurstFirstAndThenTheRate) {
  TokenBucket bucket(10);
  EXPECT_DOUBLE_EQ(bucket.available(2, 1000), 20);
  bucket.spend(25, 2, 1000);  // the one that empties it passes
  EXPECT_EQ(bucket.throttle_ms(2, 1000), 2500);
  EXPECT_EQ(bucket.throttle_ms(2, 3500), 0);
  EXPECT_DOUBLE_EQ(bucket.available(2, 1'000'000), 20);
}

}  // namespace
}  // namespace milena
