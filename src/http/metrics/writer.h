// MetricWriter: metrics as text, in Prometheus' format 0.0.4 or OpenMetrics 1.0. No more than the syntax: which metrics
// there are, and what they say, is their owners' business.
#pragma once

#include <initializer_list>

#include "base/bytes.h"
#include "http/metrics/histogram.h"

namespace milena::http {

enum class MetricType { kCounter, kGauge, kHistogram, kSummary, kUnknown };
enum class MetricFormat { kPrometheus, kOpenMetrics };

ByteView metric_type_name(MetricType type);
ByteView metric_content_type(MetricFormat format);
// The format for a scraper's Accept header: OpenMetrics only if it asks for it.
MetricFormat chosen_metric_format(ByteView accept);

struct MetricName {
  const char* name;  // of a counter with its "_total"
  MetricType type;
  const char* help;
};

// A label's pair. The value may be any bytes.
struct MetricLabel {
  ByteView name;
  ByteView value;
};
// As they stand between the braces: what belongs to many samples is written once.
Bytes metric_labels(std::initializer_list<MetricLabel> labels);

class MetricWriter {
 public:
  explicit MetricWriter(MetricFormat format) : format_(format) {}

  // Samples that follow are of this metric. It is not named before there is one.
  void begin(const MetricName& metric);
  void sample(ByteView labels, uint64_t value);
  void sample(ByteView labels, int64_t value);
  void sample(ByteView labels, double value);
  void sample(ByteView labels, int32_t value) { sample(labels, int64_t{value}); }
  void sample(ByteView labels, bool value) { sample(labels, int64_t{value}); }
  // Buckets, sum and count, in seconds.
  void histogram(ByteView labels, const LatencyHistogram& values);
  // The quantiles that the JMX exporter shows of Kafka's histograms, in milliseconds, and the count.
  void summary_ms(ByteView labels, const LatencyHistogram& values);

  // The end of the page.
  Bytes take();
  size_t size() const { return out_.size(); }

 private:
  template <class Number>
  void line(ByteView suffix, ByteView labels, ByteView more_labels, Number value);
  void name_metric();

  const MetricFormat format_;
  Bytes out_;
  MetricName metric_{};
  bool named_ = false;
};

}  // namespace milena::http
