// The metrics: one row for each, with what it says of NodeFigures. What is served at /metrics and what docs/metrics.md
// tells come from these rows.
//
// Milena's own names are always there; the names of other projects, so that dashboards and alerts made for them work
// unchanged, where milena.metrics.names or the request asks for them.
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
// Its counters without "_total", as some versions of those rules have them.
std::span<const MetricRow> jmx_bare_metric_rows();
// kafka_exporter's.
std::span<const MetricRow> exporter_metric_rows();
// Redpanda's /public_metrics.
std::span<const MetricRow> redpanda_metric_rows();

enum class MetricNames : uint8_t { kMilena, kJmx, kJmxBare, kExporter, kRedpanda };

// "milena,jmx": the words of milena.metrics.names. Nullopt for a word that is none of them.
std::optional<std::vector<MetricNames>> parse_metric_names(ByteView list);

// Which lines have a word of their own in milena.metrics.names, and what it is.
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
