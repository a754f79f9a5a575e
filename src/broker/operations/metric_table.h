// The metrics: one row for each, with its value from NodeFigures. /metrics and docs/metrics.md are made from these
// rows.
//
// Milena's own names are always served. Names of other projects, for which dashboards and alerts exist, are served if
// milena.metrics.names or the request asks for them.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "broker/operations/node_figures.h"
#include "http/metrics/writer.h"

namespace milena::broker {

struct MetricRow {
  http::MetricName name;
  const char* labels;  // for people: "topic, partition"
  void (*write)(const NodeFigures& figures, http::MetricWriter& writer);
};

std::span<const MetricRow> milena_metric_rows();
// Kafka's MBeans as the rules of the JMX exporter name them.
std::span<const MetricRow> jmx_metric_rows();
// Its counters without "_total", as in some versions of those rules.
std::span<const MetricRow> jmx_bare_metric_rows();
// kafka_exporter's.
std::span<const MetricRow> exporter_metric_rows();
// Redpanda's /public_metrics.
std::span<const MetricRow> redpanda_metric_rows();

enum class MetricNames : uint8_t { kMilena, kJmx, kJmxBare, kExporter, kRedpanda };

// Parses the words of milena.metrics.names: "milena,jmx". Returns nullopt if a word is unknown.
std::optional<std::vector<MetricNames>> parse_metric_names(ByteView list);

// The sets of names with a word of their own in milena.metrics.names, and the word.
struct MetricSet {
  const char* word;
  MetricNames names;
  std::span<const MetricRow> (*rows)();
  const char* title;
};
std::span<const MetricSet> metric_sets();

// The page of these names. On any thread.
Bytes metrics_page(const NodeFigures& figures, std::span<const MetricNames> names, http::MetricFormat format);

// docs/metrics.md.
Bytes metric_reference();

}  // namespace milena::broker
