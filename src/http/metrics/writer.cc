#include "http/metrics/writer.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <cmath>
#include <iterator>

namespace milena::http {
namespace {

constexpr ByteView kTotal = "_total";
// Buckets of a histogram: from 32 microseconds to a minute.
constexpr int kFirstBucket = 5;
constexpr int kLastBucket = 26;

// The length of a valid UTF-8 character at the start; 0: none.
size_t utf8_letter(ByteView text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (at(0) < 0x80) return 1;
  const size_t size = at(0) >= 0xf0 ? 4 : at(0) >= 0xe0 ? 3 : 2;
  if (at(0) < 0xc2 || at(0) > 0xf4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; i++) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (at(0) == 0xe0 && at(1) < 0xa0) || (at(0) == 0xf0 && at(1) < 0x90);
  const bool beyond = (at(0) == 0xed && at(1) >= 0xa0) || (at(0) == 0xf4 && at(1) >= 0x90);
  return overlong || beyond ? 0 : size;
}

// A single invalid byte would make the whole page unreadable.
void append_escaped(ByteView value, Bytes& out) {
  while (!value.empty()) {
    const size_t size = utf8_letter(value);
    if (size == 0) {
      out += fmt::format("\\\\x{:02x}", static_cast<unsigned char>(value.front()));
    } else if (value.front() == '\n') {
      out += "\\n";
    } else {
      if (value.front() == '"' || value.front() == '\\') out += '\\';
      out += value.substr(0, size);
    }
    value.remove_prefix(std::max<size_t>(size, 1));
  }
}

template <class Number>
void append_number(Number value, Bytes& out) {
  if constexpr (std::is_floating_point_v<Number>) {
    if (std::isnan(value)) {
      out += "NaN";
      return;
    }
    if (std::isinf(value)) {
      out += value > 0 ? "+Inf" : "-Inf";
      return;
    }
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    std::array<char, 32> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
    out.append(text.data(), end.ptr);
  }
}

}  // namespace

ByteView metric_type_name(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kUnknown:
      break;
  }
  return "unknown";
}

ByteView metric_content_type(MetricFormat format) {
  return format == MetricFormat::kOpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                              : "text/plain; version=0.0.4; charset=utf-8";
}

MetricFormat chosen_metric_format(ByteView accept) {
  return accept.find("application/openmetrics-text") != ByteView::npos ? MetricFormat::kOpenMetrics
                                                                       : MetricFormat::kPrometheus;
}

Bytes metric_labels(std::initializer_list<MetricLabel> labels) {
  Bytes text;
  for (const MetricLabel& label : labels) {
    if (!text.empty()) text += ',';
    text += label.name;
    text += "=\"";
    append_escaped(label.value, text);
    text += '"';
  }
  return text;
}

void MetricWriter::begin(const MetricName& metric) {
  metric_ = metric;
  named_ = false;
}

void MetricWriter::name_metric() {
  named_ = true;
  ByteView family = metric_.name;
  ByteView type = metric_type_name(metric_.type);
  if (format_ == MetricFormat::kOpenMetrics) {
    // A counter's family name is without its suffix.
    if (metric_.type == MetricType::kCounter && family.ends_with(kTotal)) family.remove_suffix(kTotal.size());
  } else if (metric_.type == MetricType::kUnknown) {
    type = "untyped";
  }
  out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", family, metric_.help, family, type);
}

template <class Number>
void MetricWriter::line(ByteView suffix, ByteView labels, ByteView more_labels, Number value) {
  if (!named_) name_metric();
  out_ += metric_.name;
  out_ += suffix;
  if (!labels.empty() || !more_labels.empty()) {
    out_ += '{';
    out_ += labels;
    if (!labels.empty() && !more_labels.empty()) out_ += ',';
    out_ += more_labels;
    out_ += '}';
  }
  out_ += ' ';
  append_number(value, out_);
  out_ += '\n';
}

void MetricWriter::sample(ByteView labels, uint64_t value) {
  line("", labels, "", value);
}
void MetricWriter::sample(ByteView labels, int64_t value) {
  line("", labels, "", value);
}
void MetricWriter::sample(ByteView labels, double value) {
  line("", labels, "", value);
}

void MetricWriter::histogram(ByteView labels, const LatencyHistogram& values) {
  const uint64_t count = values.count();
  for (int exponent = kFirstBucket; exponent <= kLastBucket; exponent++) {
    const double bound = std::ldexp(1e-6, exponent);
    line("_bucket", labels, fmt::format("le=\"{}\"", bound), values.count_below(exponent));
  }
  line("_bucket", labels, "le=\"+Inf\"", count);
  line("_sum", labels, "", values.sum_seconds());
  line("_count", labels, "", count);
}

void MetricWriter::summary_ms(ByteView labels, const LatencyHistogram& values) {
  for (const char* share : {"0.50", "0.75", "0.95", "0.98", "0.99", "0.999"}) {
    line("", labels, fmt::format("quantile=\"{}\"", share), values.quantile_seconds(std::atof(share)) * 1000);
  }
  line("_sum", labels, "", values.sum_seconds() * 1000);
  line("_count", labels, "", values.count());
}

Bytes MetricWriter::take() {
  if (format_ == MetricFormat::kOpenMetrics) out_ += "# EOF\n";
  return std::move(out_);
}

}  // namespace milena::http
