// The names of Redpanda's /public_metrics that dashboards for it use.
#include <fmt/core.h>

#include <set>

#include "broker/operations/metric_table.h"

namespace milena::broker {
namespace redpanda_metrics {
namespace {

using Figures = const NodeFigures&;

constexpr auto kC = http::MetricType::kCounter;
constexpr auto kG = http::MetricType::kGauge;
constexpr auto kH = http::MetricType::kHistogram;

#define NODE(expression) []([[maybe_unused]] Figures f, http::MetricWriter& w) { w.sample("", expression); }

Bytes topic_labels(ByteView topic) {
  return http::metric_labels({{"redpanda_namespace", "kafka"}, {"redpanda_topic", topic}});
}

Bytes group_label(const GroupFigures& group) { return http::metric_labels({{"redpanda_group", group.id}}); }

void each_partition(Figures figures, http::MetricWriter& writer, int64_t (*value)(const PartitionFigures&)) {
  for (const PartitionFigures& one : figures.shown_partitions()) {
    const Bytes number = fmt::format("{}", one.name.partition);
    writer.sample(
        http::metric_labels(
            {{"redpanda_namespace", "kafka"}, {"redpanda_partition", number}, {"redpanda_topic", one.name.topic}}),
        value(one));
  }
}

void each_group(Figures figures, http::MetricWriter& writer, int64_t (*value)(const GroupFigures&)) {
  for (const GroupFigures& group : figures.shown_groups()) writer.sample(group_label(group), value(group));
}

int64_t topics_of(const GroupFigures& group) {
  std::set<ByteView> topics;
  for (const GroupFigures::Offset& offset : group.offsets) topics.insert(offset.partition.topic);
  return static_cast<int64_t>(topics.size());
}

int64_t most_lag(const GroupFigures& group) {
  int64_t most = 0;
  for (const GroupFigures::Offset& offset : group.offsets) most = std::max(most, offset.lag);
  return most;
}

int64_t lag_sum(const GroupFigures& group) {
  int64_t sum = 0;
  for (const GroupFigures::Offset& offset : group.offsets) sum += std::max<int64_t>(offset.lag, 0);
  return sum;
}

void committed(Figures figures, http::MetricWriter& writer) {
  for (const GroupFigures& group : figures.shown_groups()) {
    for (const GroupFigures::Offset& offset : group.offsets) {
      const Bytes number = fmt::format("{}", offset.partition.partition);
      writer.sample(http::metric_labels({{"redpanda_group", group.id},
                                         {"redpanda_partition", number},
                                         {"redpanda_topic", offset.partition.topic}}),
                    offset.committed);
    }
  }
}

void latency(Figures figures, http::MetricWriter& writer, ByteView label, ByteView produce, ByteView fetch) {
  for (const auto& [key, name] : {std::pair(ApiKey::kProduce, produce), std::pair(ApiKey::kFetch, fetch)}) {
    auto found = figures.apis.find(key);
    if (found != figures.apis.end()) writer.histogram(http::metric_labels({{label, name}}), found->second.total);
  }
}

void request_bytes(Figures figures, http::MetricWriter& writer) {
  for (const auto& [name, traffic] : figures.topics) {
    for (const auto& [request, bytes] :
         {std::pair("consume", traffic.bytes_out), std::pair("produce", traffic.bytes_in)}) {
      writer.sample(http::metric_labels(
                        {{"redpanda_namespace", "kafka"}, {"redpanda_request", request}, {"redpanda_topic", name}}),
                    bytes);
    }
  }
}

// The file system of the first directory, since Redpanda has one.
template <class Value>
void disk(Figures figures, http::MetricWriter& writer, Value value) {
  if (!figures.directories.empty()) writer.sample("", value(figures.directories.front()));
}

uint64_t open_connections(Figures figures) {
  int64_t open = 0;
  for (const auto& [name, listener] : figures.listeners) open += listener.open;
  return static_cast<uint64_t>(std::max<int64_t>(open, 0));
}

const MetricRow kRows[] = {
    {{"redpanda_application_uptime_seconds_total", kG, "Since the broker started."}, "", NODE(f.uptime_seconds)},
    {{"redpanda_application_build", kG, "Always 1."},
     "redpanda_version",
     [](Figures f, http::MetricWriter& w) {
       w.sample(http::metric_labels({{"redpanda_version", f.version}}), uint64_t{1});
     }},
    {{"redpanda_cluster_brokers", kG, "Brokers of the cluster."}, "", NODE(uint64_t{f.brokers.size()})},
    {{"redpanda_cluster_topics", kG, "Topics of the cluster."}, "", NODE(uint64_t{f.topic_count})},
    {{"redpanda_cluster_partitions", kG, "Partitions of the cluster."}, "", NODE(uint64_t{f.partition_count})},
    {{"redpanda_cluster_unavailable_partitions", kG, "Partitions without a leader."},
     "",
     NODE(uint64_t{f.partitions_without_leader})},
    {{"redpanda_cpu_busy_seconds_total", kG, "Processor time of a shard's event loop."},
     "shard",
     [](Figures f, http::MetricWriter& w) {
       for (const auto& [shard, loop] : f.loops) {
         w.sample(http::metric_labels({{"shard", fmt::format("{}", shard)}}), loop.cpu_seconds);
       }
     }},
    {{"redpanda_kafka_request_latency_seconds", kH, "From the arrival of a request until its response was sent."},
     "redpanda_request",
     [](Figures f, http::MetricWriter& w) { latency(f, w, "redpanda_request", "produce", "consume"); }},
    {{"redpanda_kafka_handler_latency_seconds", kH, "The same by handler."},
     "handler",
     [](Figures f, http::MetricWriter& w) { latency(f, w, "handler", "produce", "fetch"); }},
    {{"redpanda_kafka_request_bytes_total", kC, "Bytes produced to a topic and consumed from it."},
     "redpanda_namespace, redpanda_topic, redpanda_request",
     request_bytes},
    {{"redpanda_kafka_records_produced_total", kC, "Records appended for producers."},
     "redpanda_namespace, redpanda_topic",
     [](Figures f, http::MetricWriter& w) {
       for (const auto& [name, traffic] : f.topics) w.sample(topic_labels(name), traffic.records_in);
     }},
    {{"redpanda_kafka_max_offset", kG, "High watermark: consumers read up to it."},
     "redpanda_namespace, redpanda_topic, redpanda_partition",
     [](Figures f, http::MetricWriter& w) {
       each_partition(f, w, [](const PartitionFigures& p) { return p.high_watermark; });
     }},
    {{"redpanda_kafka_under_replicated_replicas", kG, "Replicas that are not in sync."},
     "redpanda_namespace, redpanda_topic, redpanda_partition",
     [](Figures f, http::MetricWriter& w) {
       each_partition(f, w, [](const PartitionFigures& p) { return int64_t{p.replicas} - p.in_sync; });
     }},
    {{"redpanda_kafka_partitions", kG, "Partitions of the topic."},
     "redpanda_namespace, redpanda_topic",
     [](Figures f, http::MetricWriter& w) {
       for (const auto& [name, count] : f.topic_partitions) w.sample(topic_labels(name), count);
     }},
    {{"redpanda_kafka_consumer_group_committed_offset", kG, "The offset that the group committed."},
     "redpanda_group, redpanda_topic, redpanda_partition",
     committed},
    {{"redpanda_kafka_consumer_group_consumers", kG, "Members of the group."},
     "redpanda_group",
     [](Figures f, http::MetricWriter& w) {
       each_group(f, w, [](const GroupFigures& group) { return static_cast<int64_t>(group.members); });
     }},
    {{"redpanda_kafka_consumer_group_topics", kG, "Topics with committed offsets of the group."},
     "redpanda_group",
     [](Figures f, http::MetricWriter& w) { each_group(f, w, topics_of); }},
    {{"redpanda_kafka_consumer_group_lag_max", kG, "Greatest lag of the group in a partition."},
     "redpanda_group",
     [](Figures f, http::MetricWriter& w) { each_group(f, w, most_lag); }},
    {{"redpanda_kafka_consumer_group_lag_sum", kG, "Lag of the group in all partitions together."},
     "redpanda_group",
     [](Figures f, http::MetricWriter& w) { each_group(f, w, lag_sum); }},
    {{"redpanda_rpc_active_connections", kG, "Open connections of clients."},
     "redpanda_server",
     [](Figures f, http::MetricWriter& w) {
       w.sample(http::metric_labels({{"redpanda_server", "kafka"}}), open_connections(f));
     }},
    {{"redpanda_storage_disk_free_bytes", kG, "Free bytes for the broker in the first log directory."},
     "",
     [](Figures f, http::MetricWriter& w) { disk(f, w, [](const DirectoryFigures& d) { return d.free_bytes; }); }},
    {{"redpanda_storage_disk_total_bytes", kG, "Size of the first log directory's file system."},
     "",
     [](Figures f, http::MetricWriter& w) { disk(f, w, [](const DirectoryFigures& d) { return d.total_bytes; }); }},
};

#undef NODE

}  // namespace
}  // namespace redpanda_metrics

std::span<const MetricRow> redpanda_metric_rows() {
  return redpanda_metrics::kRows;
}

}  // namespace milena::broker
