#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/metrics/histogram.h"
#include "http/metrics/writer.h"

namespace milena::http {
namespace {

TEST(LatencyHistogram, CountsWhereItSays) {
  LatencyHistogram times;
  for (int64_t us : {0, 1, 3, 4, 31, 32, 1000, 1'000'000}) times.record_ns(us * 1000 + 999);
  EXPECT_EQ(times.count(), 8u);
  EXPECT_EQ(times.count_below(0), 1u);
  EXPECT_EQ(times.count_below(2), 3u);
  EXPECT_EQ(times.count_below(5), 5u);
  EXPECT_EQ(times.count_below(6), 6u);
  EXPECT_EQ(times.count_below(10), 7u);
  EXPECT_EQ(times.count_below(20), 8u);
  EXPECT_NEAR(times.sum_seconds(), 1.001071, 0.0001);
}

TEST(LatencyHistogram, EveryBoundSeparatesWhatIsBelow) {
  for (int exponent = 0; exponent < LatencyHistogram::kMaxExponent; exponent++) {
    LatencyHistogram times;
    times.record_ns((int64_t{1000} << exponent) - 1);
    times.record_ns(int64_t{1000} << exponent);
    EXPECT_EQ(times.count_below(exponent), 1u) << exponent;
  }
}

TEST(LatencyHistogram, TakesAnything) {
  LatencyHistogram times;
  times.record_ns(-5);
  times.record_ns(INT64_MAX);
  EXPECT_EQ(times.count(), 2u);
  EXPECT_EQ(times.count_below(LatencyHistogram::kMaxExponent), 2u);
}

TEST(LatencyHistogram, QuantilesAreAtMostAQuarterTooLarge) {
  LatencyHistogram times;
  EXPECT_EQ(times.quantile_seconds(0.5), 0);
  for (int64_t us = 1; us <= 10'000; us++) times.record_ns(us * 1000);
  for (double share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const double exact = share * 0.01;
    EXPECT_GE(times.quantile_seconds(share), exact);
    EXPECT_LE(times.quantile_seconds(share), exact * 1.26 + 2e-6);
  }
}

TEST(LatencyHistogram, MergesToTheSum) {
  LatencyHistogram a, b;
  a.record_ns(5000);
  b.record_ns(7'000'000);
  a.merge(b);
  EXPECT_EQ(a.count(), 2u);
  EXPECT_DOUBLE_EQ(a.sum_seconds(), 0.007005);
}

constexpr MetricName kRequests{"milena_requests_total", MetricType::kCounter, "Requests."};
constexpr MetricName kTopics{"milena_topics", MetricType::kGauge, "Topics."};

Bytes page(MetricFormat format) {
  MetricWriter writer(format);
  writer.begin({"milena_unused", MetricType::kGauge, "Nothing of it."});
  writer.begin(kRequests);
  writer.sample(metric_labels({{"api", "Fetch"}, {"version", "17"}}), uint64_t{12});
  writer.begin(kTopics);
  writer.sample("", 1.5);
  return writer.take();
}

TEST(MetricWriter, WritesPrometheusText) {
  EXPECT_EQ(page(MetricFormat::kPrometheus),
            "# HELP milena_requests_total Requests.\n# TYPE milena_requests_total counter\n"
            "milena_requests_total{api=\"Fetch\",version=\"17\"} 12\n"
            "# HELP milena_topics Topics.\n# TYPE milena_topics gauge\nmilena_topics 1.5\n");
}

TEST(MetricWriter, WritesOpenMetrics) {
  EXPECT_EQ(page(MetricFormat::kOpenMetrics),
            "# HELP milena_requests Requests.\n# TYPE milena_requests counter\n"
            "milena_requests_total{api=\"Fetch\",version=\"17\"} 12\n"
            "# HELP milena_topics Topics.\n# TYPE milena_topics gauge\nmilena_topics 1.5\n# EOF\n");
}

TEST(MetricWriter, FormatFollowsWhatTheScraperAccepts) {
  EXPECT_EQ(chosen_metric_format(""), MetricFormat::kPrometheus);
  EXPECT_EQ(chosen_metric_format("text/plain;version=0.0.4"), MetricFormat::kPrometheus);
  EXPECT_EQ(chosen_metric_format("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
            MetricFormat::kOpenMetrics);
}

TEST(MetricWriter, NumbersAreTheShortestThatTellThem) {
  MetricWriter writer(MetricFormat::kPrometheus);
  writer.begin({"t", MetricType::kGauge, "Numbers."});
  for (double number : {0.1, 1e6, 1.0 / 3, 1e21, -2.5}) writer.sample("", number);
  writer.sample("", uint64_t{1'000'000});
  EXPECT_THAT(writer.take(),
              testing::EndsWith("\nt 0.1\nt 1000000\nt 0.3333333333333333\nt 1e+21\nt -2.5\nt 1000000\n"));
}

// A group's name may be any bytes: an invalid one must not break the page, and two must not become one.
TEST(MetricWriter, LabelsAreTextWhateverTheyHold) {
  EXPECT_EQ(metric_labels({{"group", "a\"b\\c\nd"}}), "group=\"a\\\"b\\\\c\\nd\"");
  EXPECT_EQ(metric_labels({{"group", "gr\xc3\xbc\xc3\x9f"}}), "group=\"gr\xc3\xbc\xc3\x9f\"");
  EXPECT_EQ(metric_labels({{"group", "\xff\xc3"}}), "group=\"\\\\xff\\\\xc3\"");
  EXPECT_EQ(metric_labels({{"group", "\xed\xa0\x80"}}), "group=\"\\\\xed\\\\xa0\\\\x80\"");
  EXPECT_EQ(metric_labels({{"group", "\xc0\xaf"}}), "group=\"\\\\xc0\\\\xaf\"");
}

TEST(MetricWriter, HistogramsAreCumulative) {
  LatencyHistogram times;
  times.record_ns(10'000);
  times.record_ns(50'000);
  MetricWriter writer(MetricFormat::kPrometheus);
  writer.begin({"t_seconds", MetricType::kHistogram, "Times."});
  writer.histogram("api=\"Fetch\"", times);
  const Bytes text = writer.take();
  EXPECT_NE(text.find("t_seconds_bucket{api=\"Fetch\",le=\"3.2e-05\"} 1\n"), Bytes::npos) << text;
  EXPECT_NE(text.find("t_seconds_bucket{api=\"Fetch\",le=\"6.4e-05\"} 2\n"), Bytes::npos) << text;
  EXPECT_NE(text.find("t_seconds_bucket{api=\"Fetch\",le=\"+Inf\"} 2\n"), Bytes::npos) << text;
  EXPECT_NE(text.find("t_seconds_count{api=\"Fetch\"} 2\n"), Bytes::npos) << text;
}

}  // namespace
}  // namespace milena::http
