#include "broker/operations/metric_table.h"

#include <fmt/core.h>

namespace milena::broker {
namespace {

constexpr char kIntroduction[] = R"(# Metrics

<!-- Written by `milena --metric-reference`; change the rows in src/broker/operations/metrics_*.cc. -->

`http://localhost:9644/metrics` serves the metrics, in Prometheus' text format or, if the scraper asks for it, in
OpenMetrics. `milena.http.listeners` sets the address; an empty value turns the server off. It can have TLS and ask for
a password ([security.md](security.md)).

By default the metrics have Milena's own names. `milena.metrics.names`, or `?names=` of a request, lists the sets of
names to serve: with `milena.metrics.names=milena,jmx,exporter` dashboards for Kafka's JMX exporter and for
kafka_exporter work unchanged. `/public_metrics` serves Redpanda's names.

Only the first `milena.metrics.partitions.max` partitions and `milena.metrics.groups.max` groups, in the order of their
names, have metrics; `milena_partitions_left_out` and `milena_groups_left_out` count the others.

All counters count since the start of the broker. The broker measures the times of requests: from the last byte of the
request until the operating system has accepted the last byte of the response.
)";

void add_set(const MetricSet& set, Bytes& page) {
  page += fmt::format("\n## {} (`{}`)\n\n| Metric | Type | Labels | Description |\n|---|---|---|---|\n", set.title,
                      set.word);
  for (const MetricRow& row : set.rows()) {
    page += fmt::format("| `{}` | {} | {} | {} |\n", row.name.name, http::metric_type_name(row.name.type), row.labels,
                        row.name.help);
  }
}

const MetricSet kSets[] = {
    {"milena", MetricNames::kMilena, milena_metric_rows, "Milena's own"},
    {"jmx", MetricNames::kJmx, jmx_metric_rows, "Kafka's, by the rules of the JMX exporter"},
    {"jmx-bare", MetricNames::kJmxBare, jmx_bare_metric_rows, "Its counters without their suffix"},
    {"exporter", MetricNames::kExporter, exporter_metric_rows, "kafka_exporter's"},
    {"redpanda", MetricNames::kRedpanda, redpanda_metric_rows, "Redpanda's"},
};

const MetricSet* find_set(ByteView word) {
  for (const MetricSet& set : kSets) {
    if (word == set.word) return &set;
  }
  return nullptr;
}

}  // namespace

std::span<const MetricSet> metric_sets() {
  return kSets;
}

std::optional<std::vector<MetricNames>> parse_metric_names(ByteView list) {
  std::vector<MetricNames> names;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    const MetricSet* set = find_set(list.substr(0, end));
    if (set == nullptr) return std::nullopt;
    // A name that occurs twice must not give its samples twice.
    if (std::find(names.begin(), names.end(), set->names) == names.end()) names.push_back(set->names);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return names;
}

Bytes metrics_page(const NodeFigures& figures, std::span<const MetricNames> names, http::MetricFormat format) {
  http::MetricWriter writer(format);
  for (const MetricSet& set : kSets) {
    if (std::find(names.begin(), names.end(), set.names) == names.end()) continue;
    for (const MetricRow& row : set.rows()) {
      writer.begin(row.name);
      row.write(figures, writer);
    }
  }
  return writer.take();
}

Bytes metric_reference() {
  Bytes page = kIntroduction;
  for (const MetricSet& set : kSets) {
    if (set.names != MetricNames::kJmxBare) add_set(set, page);
  }
  page +=
      "\n## Without their suffix (`jmx-bare`)\n\nSome versions of those rules name the counters of `jmx` without "
      "`_total`. `jmx-bare` serves them\nunder these names, with or without `jmx`, only in the text format.\n";
  return page;
}

}  // namespace milena::broker
