// MetricWriter: metrics as text, in Prometheus' format 0.0.4 or OpenMetrics 1.0. Only the syntax: the metrics and their
// values come from their owners.
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
// The text between the braces, so that labels shared by many samples are formatted once.
Bytes metric_labels(std::initializer_list<MetricLabel> labels);

class MetricWriter {
 public:
  explicit MetricWriter(MetricFormat format) : format_(format) {}

  // The next samples are of this metric. Its header is written with the first one.
  void begin(const MetricName& metric);
  void sample(ByteView labels, uint64_t value);
  void sample(ByteView labels, int64_t value);
  void sample(ByteView labels, double value);
  void sample(ByteView labels, int32_t value) { sample(labels, int64_t{value}); }
  void sample(ByteView labels, bool value) { sample(labels, int64_t{value}); }
  // Buckets, sum and count, in seconds.
  void histogram(ByteView labels, const LatencyHistogram& values);
  // The JMX exporter's quantiles of Kafka's histograms, in milliseconds, and the count.
  void summary_ms(ByteView labels, const LatencyHistogram& values);

  // Ends the page and returns it.
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
