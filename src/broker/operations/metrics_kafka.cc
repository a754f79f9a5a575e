// The names that dashboards for Kafka use: those that the usual rules of the JMX exporter give to its MBeans, and those
// of kafka_exporter.
#include <fmt/core.h>

#include <list>

#include "broker/operations/metric_table.h"
#include "protocol/api_key.h"

namespace milena::broker {
namespace kafka_metrics {
namespace {

using Figures = const NodeFigures&;

constexpr auto kC = http::MetricType::kCounter;
constexpr auto kG = http::MetricType::kGauge;
constexpr auto kS = http::MetricType::kSummary;

#define NODE(expression) []([[maybe_unused]] Figures f, http::MetricWriter& w) { w.sample("", expression); }

// --- the JMX exporter's

// The total without a label, and each topic.
void traffic(Figures figures, http::MetricWriter& writer, uint64_t TopicTraffic::*count) {
  writer.sample("", figures.all_topics.*count);
  for (const auto& [name, topic] : figures.topics) writer.sample(http::metric_labels({{"topic", name}}), topic.*count);
}

// Kafka shows the fetches of consumers alone, and together with those of followers.
template <class Show>
void each_request(Figures figures, Show show) {
  for (const auto& [key, api] : figures.apis) {
    show(api_name(key), api);
    if (key == ApiKey::kFetch) show(ByteView("FetchConsumer"), api);
  }
}

void request_times(Figures figures, http::MetricWriter& writer, http::LatencyHistogram ApiFigures::*part) {
  each_request(figures, [&](ByteView name, const ApiFigures& api) {
    writer.summary_ms(http::metric_labels({{"request", name}}), api.*part);
  });
}

void requests(Figures figures, http::MetricWriter& writer) {
  each_request(figures, [&](ByteView name, const ApiFigures& api) {
    for (size_t version = 0; version < api.requests.size(); version++) {
      if (api.requests[version] == 0) continue;
      const Bytes text = fmt::format("{}", version);
      writer.sample(http::metric_labels({{"request", name}, {"version", text}}), api.requests[version]);
    }
  });
}

void errors(Figures figures, http::MetricWriter& writer) {
  each_request(figures, [&](ByteView name, const ApiFigures& api) {
    for (const auto& [error, count] : api.errors) {
      writer.sample(http::metric_labels({{"request", name}, {"error", error_name(error)}}), count);
    }
  });
}

template <class Count>
void each_listener(Figures figures, http::MetricWriter& writer, Count ListenerFigures::*count) {
  for (const auto& [name, one] : figures.listeners)
    writer.sample(http::metric_labels({{"listener", name}}), one.*count);
}

template <class Test>
int64_t count_partitions(Figures figures, Test test) {
  return std::count_if(figures.partitions.begin(), figures.partitions.end(), test);
}

template <class Value>
void each_partition(Figures figures, http::MetricWriter& writer, Value value) {
  for (const PartitionFigures& partition : figures.shown_partitions()) {
    if (value(partition) >= 0) writer.sample(partition.labels, value(partition));
  }
}

double idle_share(Figures figures) {
  double busy = 0;
  for (const auto& [shard, loop] : figures.loops) busy += loop.busy_share / static_cast<double>(figures.loops.size());
  return 1 - busy;
}

int64_t fenced_brokers(Figures figures) {
  return std::count_if(figures.brokers.begin(), figures.brokers.end(), [](const BrokerFigures& b) { return b.fenced; });
}

int64_t groups_in(Figures figures, ByteView state) {
  return std::count_if(figures.groups.begin(), figures.groups.end(),
                       [&](const GroupFigures& group) { return group.state == state; });
}

#define TRAFFIC(count) [](Figures f, http::MetricWriter& w) { traffic(f, w, &TopicTraffic::count); }
#define TIMES(part) [](Figures f, http::MetricWriter& w) { request_times(f, w, &ApiFigures::part); }
#define EACH(value) \
  [](Figures f, http::MetricWriter& w) { each_partition(f, w, [](const PartitionFigures& p) { return p.value; }); }

#define LISTENERS(count) [](Figures f, http::MetricWriter& w) { each_listener(f, w, &ListenerFigures::count); }

const MetricRow kJmxRows[] = {
    {{"kafka_server_brokertopicmetrics_messagesin_total", kC, "Records appended for producers."},
     "topic, or none",
     TRAFFIC(records_in)},
    {{"kafka_server_brokertopicmetrics_bytesin_total", kC, "Bytes appended for producers."},
     "topic, or none",
     TRAFFIC(bytes_in)},
    {{"kafka_server_brokertopicmetrics_bytesout_total", kC, "Bytes sent to consumers."},
     "topic, or none",
     TRAFFIC(bytes_out)},
    {{"kafka_server_brokertopicmetrics_bytesrejected_total", kC, "Bytes of refused batches."},
     "topic, or none",
     TRAFFIC(bytes_rejected)},
    {{"kafka_server_brokertopicmetrics_totalproducerequests_total", kC, "Partitions in Produce requests."},
     "topic, or none",
     TRAFFIC(produce_requests)},
    {{"kafka_server_brokertopicmetrics_totalfetchrequests_total", kC, "Partitions in Fetch responses."},
     "topic, or none",
     TRAFFIC(fetch_requests)},
    {{"kafka_server_brokertopicmetrics_failedproducerequests_total", kC,
      "Partitions in Produce requests with an error."},
     "topic, or none",
     TRAFFIC(failed_produce_requests)},
    {{"kafka_server_brokertopicmetrics_failedfetchrequests_total", kC, "Partitions in Fetch responses with an error."},
     "topic, or none",
     TRAFFIC(failed_fetch_requests)},

    {{"kafka_server_replicamanager_leadercount", kG, "Partitions that this node leads."},
     "",
     NODE(count_partitions(f, [&](const PartitionFigures& p) { return p.leader == f.node_id; }))},
    {{"kafka_server_replicamanager_partitioncount", kG, "Partitions of this node."},
     "",
     NODE(uint64_t{f.partitions.size()})},
    {{"kafka_server_replicamanager_underreplicatedpartitions", kG, "Partitions with replicas that are not in sync."},
     "",
     NODE(count_partitions(f, [](const PartitionFigures& p) { return p.under_replicated(); }))},
    {{"kafka_server_replicamanager_underminisrpartitioncount", kG, "Partitions with too few replicas in sync."},
     "",
     NODE(count_partitions(f, [](const PartitionFigures& p) { return p.under_min_in_sync(); }))},
    {{"kafka_server_replicamanager_atminisrpartitioncount", kG, "Partitions with just enough replicas in sync."},
     "",
     NODE(count_partitions(f, [](const PartitionFigures& p) { return p.in_sync == p.min_in_sync && p.replicas > 1; }))},
    {{"kafka_server_replicamanager_offlinereplicacount", kG, "Replicas that cannot be used."},
     "",
     NODE(count_partitions(f, [](const PartitionFigures& p) { return p.offline; }))},

    {{"kafka_controller_kafkacontroller_activecontrollercount", kG, "1 if this node is the active controller."},
     "",
     NODE(f.active_controller)},
    {{"kafka_controller_kafkacontroller_offlinepartitionscount", kG, "Partitions of the cluster without a leader."},
     "",
     NODE(uint64_t{f.partitions_without_leader})},
    {{"kafka_controller_kafkacontroller_globalpartitioncount", kG, "Partitions of the cluster."},
     "",
     NODE(uint64_t{f.partition_count})},
    {{"kafka_controller_kafkacontroller_globaltopiccount", kG, "Topics of the cluster."},
     "",
     NODE(uint64_t{f.topic_count})},
    {{"kafka_controller_kafkacontroller_fencedbrokercount", kG, "Brokers that are fenced."},
     "",
     NODE(fenced_brokers(f))},
    {{"kafka_controller_kafkacontroller_activebrokercount", kG, "Brokers that are not fenced."},
     "",
     NODE(static_cast<int64_t>(f.brokers.size()) - fenced_brokers(f))},

    {{"kafka_network_requestmetrics_requests_total", kC, "Requests."}, "request, version", requests},
    {{"kafka_network_requestmetrics_errors_total", kC, "Error codes in responses."}, "request, error", errors},
    {{"kafka_network_requestmetrics_totaltimems", kS, "From the arrival until the response was sent."},
     "request, quantile",
     TIMES(total)},
    {{"kafka_network_requestmetrics_requestqueuetimems", kS, "Until the handler began."},
     "request, quantile",
     TIMES(queue)},
    {{"kafka_network_requestmetrics_localtimems", kS, "In the handler."}, "request, quantile", TIMES(work)},
    {{"kafka_network_requestmetrics_remotetimems", kS, "Waiting for the response."}, "request, quantile", TIMES(wait)},
    {{"kafka_network_requestmetrics_responsesendtimems", kS, "Sending the response."},
     "request, quantile",
     TIMES(send)},
    {{"kafka_network_requestchannel_requestqueuesize", kG, "Always 0: there is no queue between threads."},
     "",
     NODE(int64_t{0})},
    {{"kafka_network_socketserver_networkprocessoravgidle_percent", kG,
      "Share of the time that the event loops were idle."},
     "",
     NODE(idle_share(f))},
    {{"kafka_network_socketserver_networkprocessoravgidlepercent", kG, "The same, by the name of the rules above."},
     "",
     NODE(idle_share(f))},
    {{"kafka_server_socket_server_metrics_connection_count", kG, "Open connections of clients."},
     "listener",
     LISTENERS(open)},
    {{"kafka_server_socket_server_metrics_connection_creation_total", kC, "Connections of clients since the start."},
     "listener",
     LISTENERS(opened)},
    {{"kafka_server_socket_server_metrics_successful_authentication_total", kC,
      "Clients that have shown who they are, by TLS or SASL."},
     "listener",
     LISTENERS(authenticated)},
    {{"kafka_server_socket_server_metrics_failed_authentication_total", kC, "Those that could not."},
     "listener",
     LISTENERS(not_authenticated)},
    {{"kafka_server_socket_server_metrics_successful_reauthentication_total", kC,
      "Clients that have shown it again, by SASL."},
     "listener",
     LISTENERS(authenticated_again)},
    {{"kafka_server_socket_server_metrics_failed_reauthentication_total", kC, "Those that could not."},
     "listener",
     LISTENERS(not_authenticated_again)},
    {{"kafka_server_socket_server_metrics_expired_connections_killed_count", kG,
      "Clients that did not show it again in time."},
     "listener",
     LISTENERS(sessions_expired)},
    {{"kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent", kG,
      "The same: the loops handle requests, too."},
     "",
     NODE(idle_share(f))},

    {{"kafka_log_log_size", kG, "Bytes of all segments."}, "topic, partition", EACH(size_bytes)},
    {{"kafka_log_log_logendoffset", kG, "The offset that the next record gets."},
     "topic, partition",
     EACH(log_end_offset)},
    {{"kafka_log_log_logstartoffset", kG, "First offset of the log."}, "topic, partition", EACH(log_start_offset)},
    {{"kafka_log_log_numlogsegments", kG, "Segments."}, "topic, partition", EACH(segments)},

    {{"kafka_coordinator_group_groupmetadatamanager_numgroups", kG, "Groups whose coordinator is here."},
     "",
     NODE(uint64_t{f.groups.size()})},
    {{"kafka_coordinator_group_groupmetadatamanager_numgroupsstable", kG, "Groups that are stable."},
     "",
     NODE(groups_in(f, "Stable"))},
    {{"kafka_coordinator_group_groupmetadatamanager_numgroupsempty", kG, "Groups without members."},
     "",
     NODE(groups_in(f, "Empty"))},
    {{"kafka_coordinator_group_groupmetadatamanager_numgroupspreparingrebalance", kG, "Groups that wait for members."},
     "",
     NODE(groups_in(f, "PreparingRebalance"))},
    {{"kafka_coordinator_group_groupmetadatamanager_numgroupscompletingrebalance", kG,
      "Groups that wait for assignments."},
     "",
     NODE(groups_in(f, "CompletingRebalance"))},
};

#undef LISTENERS
#undef TRAFFIC
#undef TIMES
#undef EACH

// --- kafka_exporter's

struct TopicSums {
  int64_t offset = 0;
  int64_t lag = 0;
};

std::map<Bytes, TopicSums> sums_of(const GroupFigures& group) {
  std::map<Bytes, TopicSums> sums;
  for (const GroupFigures::Offset& offset : group.offsets) {
    TopicSums& sum = sums[offset.partition.topic];
    sum.offset += std::max<int64_t>(offset.committed, 0);
    sum.lag += std::max<int64_t>(offset.lag, 0);
  }
  return sums;
}

void group_offsets(Figures figures, http::MetricWriter& writer, int64_t GroupFigures::Offset::*value) {
  for (const GroupFigures& group : figures.shown_groups()) {
    for (const GroupFigures::Offset& offset : group.offsets) {
      if (offset.lag < 0) continue;
      const Bytes number = fmt::format("{}", offset.partition.partition);
      writer.sample(
          http::metric_labels({{"consumergroup", group.id}, {"partition", number}, {"topic", offset.partition.topic}}),
          offset.*value);
    }
  }
}

void group_sums(Figures figures, http::MetricWriter& writer, int64_t TopicSums::*value) {
  for (const GroupFigures& group : figures.shown_groups()) {
    for (const auto& [topic, sums] : sums_of(group)) {
      writer.sample(http::metric_labels({{"consumergroup", group.id}, {"topic", topic}}), sums.*value);
    }
  }
}

template <class Value>
void every_partition(Figures figures, http::MetricWriter& writer, Value value) {
  for (const PartitionFigures& partition : figures.shown_partitions())
    writer.sample(partition.labels, value(partition));
}

#define EVERY(value) \
  [](Figures f, http::MetricWriter& w) { every_partition(f, w, [](const PartitionFigures& p) { return value; }); }

const MetricRow kExporterRows[] = {
    {{"kafka_brokers", kG, "Brokers of the cluster."},
     "",
     NODE(static_cast<int64_t>(f.brokers.size()) - fenced_brokers(f))},
    {{"kafka_broker_info", kG, "Always 1; the labels identify the broker."},
     "id, address",
     [](Figures f, http::MetricWriter& w) {
       for (const BrokerFigures& broker : f.brokers) {
         if (broker.fenced) continue;
         w.sample(http::metric_labels({{"address", broker.address}, {"id", fmt::format("{}", broker.id)}}),
                  uint64_t{1});
       }
     }},
    {{"kafka_topic_partitions", kG, "Partitions of the topic."},
     "topic",
     [](Figures f, http::MetricWriter& w) {
       for (const auto& [name, count] : f.topic_partitions) w.sample(http::metric_labels({{"topic", name}}), count);
     }},
    {{"kafka_topic_partition_current_offset", kG, "High watermark: consumers read up to it."},
     "topic, partition",
     EVERY(p.high_watermark)},
    {{"kafka_topic_partition_oldest_offset", kG, "First offset."}, "topic, partition", EVERY(p.log_start_offset)},
    {{"kafka_topic_partition_in_sync_replica", kG, "Replicas in sync."}, "topic, partition", EVERY(p.in_sync)},
    {{"kafka_topic_partition_leader", kG, "Id of the leader."}, "topic, partition", EVERY(p.leader)},
    {{"kafka_topic_partition_leader_is_preferred", kG, "1 if the preferred replica leads."},
     "topic, partition",
     EVERY(p.leader == p.preferred_leader)},
    {{"kafka_topic_partition_replicas", kG, "Replicas."}, "topic, partition", EVERY(p.replicas)},
    {{"kafka_topic_partition_under_replicated_partition", kG, "1 if replicas are not in sync."},
     "topic, partition",
     EVERY(p.under_replicated())},
    {{"kafka_consumergroup_current_offset", kG, "The offset that the group committed."},
     "consumergroup, topic, partition",
     [](Figures f, http::MetricWriter& w) { group_offsets(f, w, &GroupFigures::Offset::committed); }},
    {{"kafka_consumergroup_current_offset_sum", kG, "The same of all partitions of the topic."},
     "consumergroup, topic",
     [](Figures f, http::MetricWriter& w) { group_sums(f, w, &TopicSums::offset); }},
    {{"kafka_consumergroup_lag", kG, "Lag of the group in records."},
     "consumergroup, topic, partition",
     [](Figures f, http::MetricWriter& w) { group_offsets(f, w, &GroupFigures::Offset::lag); }},
    {{"kafka_consumergroup_lag_sum", kG, "The same of all partitions of the topic."},
     "consumergroup, topic",
     [](Figures f, http::MetricWriter& w) { group_sums(f, w, &TopicSums::lag); }},
    {{"kafka_consumergroup_members", kG, "Members of the group."},
     "consumergroup",
     [](Figures f, http::MetricWriter& w) {
       for (const GroupFigures& group : f.shown_groups()) {
         w.sample(http::metric_labels({{"consumergroup", group.id}}), uint64_t{group.members});
       }
     }},
};

#undef EVERY
#undef NODE

}  // namespace
}  // namespace kafka_metrics

std::span<const MetricRow> jmx_metric_rows() {
  return kafka_metrics::kJmxRows;
}

std::span<const MetricRow> jmx_bare_metric_rows() {
  static const std::vector<MetricRow> rows = [] {
    static std::list<Bytes> names;
    std::vector<MetricRow> made;
    for (const MetricRow& row : kafka_metrics::kJmxRows) {
      if (row.name.type != http::MetricType::kCounter) continue;
      const ByteView name(row.name.name);
      names.emplace_back(name.substr(0, name.size() - ByteView("_total").size()));
      made.push_back({{names.back().c_str(), http::MetricType::kUnknown, row.name.help}, row.labels, row.write});
    }
    return made;
  }();
  return rows;
}

std::span<const MetricRow> exporter_metric_rows() {
  return kafka_metrics::kExporterRows;
}

}  // namespace milena::broker
