// Milena's own metrics.
#include <fmt/core.h>

#include "broker/operations/metric_table.h"
#include "protocol/api_key.h"

namespace milena::broker {
namespace milena_metrics {
namespace {

using Figures = const NodeFigures&;

Bytes label(ByteView name, ByteView value) { return http::metric_labels({{name, value}}); }
Bytes api_label(ApiKey key) {
  return label("api", api_name(key));
}

template <class Value>
void each_api(Figures figures, http::MetricWriter& writer, Value value) {
  for (const auto& [key, api] : figures.apis) writer.sample(api_label(key), value(api));
}

void times(Figures figures, http::MetricWriter& writer, http::LatencyHistogram ApiFigures::*part) {
  for (const auto& [key, api] : figures.apis) writer.histogram(api_label(key), api.*part);
}

void each_topic(Figures figures, http::MetricWriter& writer, uint64_t TopicTraffic::*count) {
  for (const auto& [name, traffic] : figures.topics) writer.sample(label("topic", name), traffic.*count);
}

template <class Value>
void each_partition(Figures figures, http::MetricWriter& writer, Value value) {
  for (const PartitionFigures& partition : figures.shown_partitions())
    writer.sample(partition.labels, value(partition));
}

// The size of a log that was not opened since the start is unknown.
void known(Figures figures, http::MetricWriter& writer, int64_t PartitionFigures::*value) {
  for (const PartitionFigures& partition : figures.shown_partitions()) {
    if (partition.*value >= 0) writer.sample(partition.labels, partition.*value);
  }
}

template <class Test>
uint64_t partitions_that(Figures figures, Test test) {
  return static_cast<uint64_t>(std::count_if(figures.partitions.begin(), figures.partitions.end(), test));
}

template <class Value>
void each_offset(Figures figures, http::MetricWriter& writer, Value value) {
  for (const GroupFigures& group : figures.shown_groups()) {
    for (const GroupFigures::Offset& offset : group.offsets) {
      if (value(offset) >= 0) writer.sample(offset.labels, value(offset));
    }
  }
}

template <class Value>
void each_directory(Figures figures, http::MetricWriter& writer, Value value) {
  for (const DirectoryFigures& directory : figures.directories) {
    writer.sample(label("path", directory.path), value(directory));
  }
}

template <class Value>
void each_loop(Figures figures, http::MetricWriter& writer, Value value) {
  for (const auto& [shard, loop] : figures.loops) writer.sample(label("shard", fmt::format("{}", shard)), value(loop));
}

void requests(Figures figures, http::MetricWriter& writer) {
  for (const auto& [key, api] : figures.apis) {
    for (size_t version = 0; version < api.requests.size(); version++) {
      if (api.requests[version] == 0) continue;
      const Bytes text = fmt::format("{}", version);
      writer.sample(http::metric_labels({{"api", api_name(key)}, {"version", text}}), api.requests[version]);
    }
  }
}

void errors(Figures figures, http::MetricWriter& writer) {
  for (const auto& [key, api] : figures.apis) {
    for (const auto& [error, count] : api.errors) {
      writer.sample(http::metric_labels({{"api", api_name(key)}, {"error", error_name(error)}}), count);
    }
  }
}

void group_states(Figures figures, http::MetricWriter& writer) {
  std::map<std::pair<Bytes, Bytes>, uint64_t> counts;
  for (const GroupFigures& group : figures.groups) counts[{group.type, group.state}]++;
  for (const auto& [kind, count] : counts) {
    writer.sample(http::metric_labels({{"type", kind.first}, {"state", kind.second}}), count);
  }
}

void brokers(Figures figures, http::MetricWriter& writer) {
  uint64_t fenced = 0;
  for (const BrokerFigures& broker : figures.brokers) fenced += broker.fenced ? 1 : 0;
  writer.sample(label("state", "fenced"), fenced);
  writer.sample(label("state", "active"), figures.brokers.size() - fenced);
}

constexpr auto kC = http::MetricType::kCounter;
constexpr auto kG = http::MetricType::kGauge;
constexpr auto kH = http::MetricType::kHistogram;

// One of the node's numbers, without labels.
#define NODE(expression) []([[maybe_unused]] Figures f, http::MetricWriter& w) { w.sample("", expression); }

const MetricRow
    kRows[] =
        {
            {{"milena_build_info", kG, "Always 1; the labels identify this Milena."},
             "version, node, cluster",
             [](Figures f, http::MetricWriter& w) {
               const Bytes node = fmt::format("{}", f.node_id);
               w.sample(http::metric_labels({{"version", f.version}, {"node", node}, {"cluster", f.cluster_id}}),
                        uint64_t{1});
             }},
            {{"milena_uptime_seconds", kG, "Since the broker started."}, "", NODE(f.uptime_seconds)},

            {{"milena_requests_total", kC, "Requests of clients."}, "api, version", requests},
            {{"milena_request_errors_total", kC,
              "Error codes in responses, each occurrence; NONE counts responses without an error."},
             "api, error",
             errors},
            {{"milena_requests_refused_total", kC,
              "Requests that closed their connection: an unknown API or version, or not a request."},
             "",
             NODE(f.refused_requests)},
            {{"milena_request_bytes_total", kC, "Bytes of requests."},
             "api",
             [](Figures f, http::MetricWriter& w) {
               each_api(f, w, [](const ApiFigures& api) { return api.request_bytes; });
             }},
            {{"milena_response_bytes_total", kC, "Bytes of answers."},
             "api",
             [](Figures f, http::MetricWriter& w) {
               each_api(f, w, [](const ApiFigures& api) { return api.response_bytes; });
             }},
            {{"milena_request_seconds", kH, "From the arrival of a request until its response was given to the "
                                            "operating system."},
             "api",
             [](Figures f, http::MetricWriter& w) { times(f, w, &ApiFigures::total); }},
            {{"milena_request_queue_seconds", kH,
              "Waiting before the handler: for earlier requests of the connection, or throttled."},
             "api",
             [](Figures f, http::MetricWriter& w) { times(f, w, &ApiFigures::queue); }},
            {{"milena_request_work_seconds", kH, "In the handler, until it answered or had to wait."},
             "api",
             [](Figures f, http::MetricWriter& w) { times(f, w, &ApiFigures::work); }},
            {{"milena_request_wait_seconds", kH,
              "From there until the answer: for other shards, the disk, replicas, new records, other members."},
             "api",
             [](Figures f, http::MetricWriter& w) { times(f, w, &ApiFigures::wait); }},
            {{"milena_request_send_seconds", kH, "From the response until the operating system accepted all of it."},
             "api",
             [](Figures f, http::MetricWriter& w) { times(f, w, &ApiFigures::send); }},

            {{"milena_records_in_total", kC, "Records appended for producers."}, "", NODE(f.all_topics.records_in)},
            {{"milena_bytes_in_total", kC, "Bytes of record batches appended for producers."},
             "",
             NODE(f.all_topics.bytes_in)},
            {{"milena_bytes_out_total", kC, "Bytes of record batches sent to consumers."},
             "",
             NODE(f.all_topics.bytes_out)},
            {{"milena_topic_records_in_total", kC, "Records appended for producers."},
             "topic",
             [](Figures f, http::MetricWriter& w) { each_topic(f, w, &TopicTraffic::records_in); }},
            {{"milena_topic_bytes_in_total", kC, "Bytes of record batches appended for producers."},
             "topic",
             [](Figures f, http::MetricWriter& w) { each_topic(f, w, &TopicTraffic::bytes_in); }},
            {{"milena_topic_bytes_out_total", kC, "Bytes of record batches sent to consumers."},
             "topic",
             [](Figures f, http::MetricWriter& w) { each_topic(f, w, &TopicTraffic::bytes_out); }},
            {{"milena_topic_bytes_rejected_total", kC, "Bytes of record batches that were refused."},
             "topic",
             [](Figures f, http::MetricWriter& w) { each_topic(f, w, &TopicTraffic::bytes_rejected); }},
            {{"milena_topic_produce_requests_total", kC, "Partitions in Produce requests."},
             "topic",
             [](Figures f, http::MetricWriter& w) { each_topic(f, w, &TopicTraffic::produce_requests); }},
            {{"milena_topic_produce_failures_total", kC, "Partitions in Produce requests that got an error."},
             "topic",
             [](Figures f, http::MetricWriter& w) { each_topic(f, w, &TopicTraffic::failed_produce_requests); }},
            {{"milena_topic_fetch_requests_total", kC, "Partitions in Fetch responses."},
             "topic",
             [](Figures f, http::MetricWriter& w) { each_topic(f, w, &TopicTraffic::fetch_requests); }},
            {{"milena_topic_fetch_failures_total", kC, "Partitions in Fetch responses with an error."},
             "topic",
             [](Figures f, http::MetricWriter& w) { each_topic(f, w, &TopicTraffic::failed_fetch_requests); }},

            {{"milena_topics", kG, "Topics of the cluster."}, "", NODE(uint64_t{f.topic_count})},
            {{"milena_partitions", kG, "Partitions of the cluster."}, "", NODE(uint64_t{f.partition_count})},
            {{"milena_partitions_led", kG, "Partitions that this node leads."},
             "",
             NODE(partitions_that(f, [&](const PartitionFigures& one) { return one.leader == f.node_id; }))},
            {{"milena_partitions_offline", kG, "Partitions of this node that cannot be used."},
             "",
             NODE(partitions_that(f, [](const PartitionFigures& one) { return one.offline; }))},
            {{"milena_partitions_without_leader", kG, "Partitions of the cluster without a leader."},
             "",
             NODE(uint64_t{f.partitions_without_leader})},
            {{"milena_partitions_under_replicated", kG, "Partitions with replicas that are not in sync."},
             "",
             NODE(partitions_that(f, [](const PartitionFigures& one) { return one.under_replicated(); }))},
            {{"milena_partitions_under_min_isr", kG,
              "Partitions with fewer replicas in sync than min.insync.replicas."},
             "",
             NODE(partitions_that(f, [](const PartitionFigures& one) { return one.under_min_in_sync(); }))},
            {{"milena_brokers", kG, "Brokers of the cluster."}, "state", brokers},
            {{"milena_controller_active", kG, "1 if this node is the active controller."},
             "",
             NODE(f.active_controller)},
            {{"milena_metadata_offset", kG, "Offset of the last metadata record that was applied."},
             "",
             NODE(f.metadata_offset)},

            {{"milena_partition_log_start_offset", kG, "First offset of the log."},
             "topic, partition",
             [](Figures f, http::MetricWriter& w) {
               each_partition(f, w, [](const PartitionFigures& p) { return p.log_start_offset; });
             }},
            {{"milena_partition_log_end_offset", kG, "The offset that the next record gets."},
             "topic, partition",
             [](Figures f, http::MetricWriter& w) {
               each_partition(f, w, [](const PartitionFigures& p) { return p.log_end_offset; });
             }},
            {{"milena_partition_high_watermark", kG, "High watermark: consumers read up to it."},
             "topic, partition",
             [](Figures f, http::MetricWriter& w) {
               each_partition(f, w, [](const PartitionFigures& p) { return p.high_watermark; });
             }},
            {{"milena_partition_last_stable_offset", kG, "Last stable offset: consumers with read_committed read up to "
                                                         "it."},
             "topic, partition",
             [](Figures f, http::MetricWriter& w) {
               each_partition(f, w, [](const PartitionFigures& p) { return p.last_stable_offset; });
             }},
            {{"milena_partition_size_bytes", kG,
              "Bytes of all segments; without logs that were not used since the start."},
             "topic, partition",
             [](Figures f, http::MetricWriter& w) { known(f, w, &PartitionFigures::size_bytes); }},
            {{"milena_partition_segments", kG, "Segments; without logs that were not used since the start."},
             "topic, partition",
             [](Figures f, http::MetricWriter& w) { known(f, w, &PartitionFigures::segments); }},
            {{"milena_partitions_left_out", kG, "Partitions without metrics because of milena.metrics.partitions.max."},
             "",
             NODE(uint64_t{f.partitions.size() - f.shown_partitions().size()})},

            {{"milena_flush_seconds", kH, "Syncs of logs to the disk."},
             "",
             [](Figures f, http::MetricWriter& w) { w.histogram("", f.flushes); }},
            {{"milena_cleaner_rounds_total", kC, "Completed rounds of compaction."}, "", NODE(f.cleaner.rounds)},
            {{"milena_cleaner_failures_total", kC, "Failed rounds of compaction."},
             "",
             NODE(f.cleaner.failed_rounds)},
            {{"milena_cleaner_read_bytes_total", kC, "Bytes read by compaction."}, "", NODE(f.cleaner.read_bytes)},
            {{"milena_cleaner_written_bytes_total", kC, "Bytes written by compaction."},
             "",
             NODE(f.cleaner.written_bytes)},
            {{"milena_cleaner_seconds_total", kC, "Duration of rounds of compaction."},
             "",
             NODE(static_cast<double>(f.cleaner.ms) / 1000)},

            {{"milena_groups", kG, "Groups whose coordinator is here."}, "type, state", group_states},
            {{"milena_group_members", kG, "Members of the group."},
             "group",
             [](Figures f, http::MetricWriter& w) {
               for (const GroupFigures& group : f.shown_groups())
                 w.sample(label("group", group.id), uint64_t{group.members});
             }},
            {{"milena_group_state", kG, "1 for the state that the group is in."},
             "group, state",
             [](Figures f, http::MetricWriter& w) {
               for (const GroupFigures& group : f.shown_groups()) {
                 w.sample(http::metric_labels({{"group", group.id}, {"state", group.state}}), uint64_t{1});
               }
             }},
            {{"milena_group_committed_offset", kG, "The offset that the group committed."},
             "group, topic, partition",
             [](Figures f, http::MetricWriter& w) {
               each_offset(f, w, [](const GroupFigures::Offset& o) { return o.committed; });
             }},
            {{"milena_group_lag", kG, "Records between the committed offset and the high watermark."},
             "group, topic, partition",
             [](Figures f, http::MetricWriter& w) {
               each_offset(f, w, [](const GroupFigures::Offset& o) { return o.lag; });
             }},
            {{"milena_group_lag_read_committed",
              kG, "Records between the committed offset and the last stable offset."},
             "group, topic, partition",
             [](Figures f, http::MetricWriter& w) {
               each_offset(f, w, [](const GroupFigures::Offset& o) { return o.lag_read_committed; });
             }},
            {{"milena_group_lag_seconds",
              kG, "Time since the partition's end was at the committed offset, estimated from previous scrapes."},
             "group, topic, partition",
             [](Figures f, http::MetricWriter& w) {
               each_offset(f, w, [](const GroupFigures::Offset& o) { return o.lag_seconds; });
             }},
            {{"milena_groups_left_out", kG, "Groups without metrics because of milena.metrics.groups.max."},
             "",
             NODE(uint64_t{f.groups.size() - f.shown_groups().size()})},

            {{"milena_transactions", kG, "Transactional ids whose coordinator is here."},
             "state",
             [](Figures f, http::MetricWriter& w) {
               for (const auto& [state, count] : f.transactions.by_state) w.sample(label("state", state), count);
             }},
            {{"milena_transaction_oldest_seconds", kG, "Age of the oldest transaction that is open; 0 without one."},
             "",
             NODE(f.transactions.oldest_open_ms < 0
                      ? 0.0
                      : static_cast<double>(std::max<int64_t>(0, f.now_ms - f.transactions.oldest_open_ms)) / 1000)},

            {{"milena_connections", kG, "Open connections of clients."},
             "listener",
             [](Figures f, http::MetricWriter& w) {
               for (const auto& [name, one] : f.listeners) w.sample(label("listener", name), one.open);
             }},
            {{"milena_connections_opened_total", kC, "Connections of clients since the start."},
             "listener",
             [](Figures f, http::MetricWriter& w) {
               for (const auto& [name, one] : f.listeners) w.sample(label("listener", name), one.opened);
             }},
            {{"milena_authentications_total", kC,
              "Clients that had to show who they are, by TLS or SASL; over HTTP by TLS or a password."},
             "listener, result",
             [](Figures f, http::MetricWriter& w) {
               // A listener of Kafka's protocol may have the name of one of HTTP.
               std::map<std::string, HttpAuthenticationFigures> all = f.http_listeners;
               for (const auto& [name, one] : f.listeners) all[name].merge({one.authenticated, one.not_authenticated});
               for (const auto& [name, one] : all) {
                 w.sample(http::metric_labels({{"listener", name}, {"result", "success"}}), one.authenticated);
                 w.sample(http::metric_labels({{"listener", name}, {"result", "failure"}}), one.not_authenticated);
               }
             }},
            {{"milena_reauthentications_total", kC, "Clients that had to show it again, by SASL."},
             "listener, result",
             [](Figures f, http::MetricWriter& w) {
               for (const auto& [name, one] : f.listeners) {
                 w.sample(http::metric_labels({{"listener", name}, {"result", "success"}}), one.authenticated_again);
                 w.sample(http::metric_labels({{"listener", name}, {"result", "failure"}}),
                          one.not_authenticated_again);
               }
             }},
            {{"milena_sessions_expired_total", kC, "Clients that did not authenticate again in time."},
             "listener",
             [](Figures f, http::MetricWriter& w) {
               for (const auto& [name, one] : f.listeners) w.sample(label("listener", name), one.sessions_expired);
             }},
            {{"milena_throttled_requests_total", kC, "Requests of clients over their quota."},
             "",
             NODE(f.throttled_requests)},
            {{"milena_throttled_seconds_total", kC, "How long those clients were throttled."},
             "",
             NODE(static_cast<double>(f.throttled_ms) / 1000)},
            {{"milena_fetch_sessions", kG, "Incremental fetch sessions."},
             "",
             NODE(uint64_t{f.fetch_sessions})},

            {{"milena_loop_cpu_seconds_total", kC, "Processor time of a shard's event loop."},
             "shard",
             [](Figures f, http::MetricWriter& w) {
               each_loop(f, w, [](const LoopFigures& loop) { return loop.cpu_seconds; });
             }},
            {{"milena_loop_busy_ratio", kG, "Share of processor time that the event loop used since the previous "
                                            "scrape."},
             "shard",
             [](Figures f, http::MetricWriter& w) {
               each_loop(f, w, [](const LoopFigures& loop) { return loop.busy_share; });
             }},
            {{"milena_memory_bytes", kG, "Memory of the process: its own, and shared pages of files."},
             "kind",
             [](Figures f, http::MetricWriter& w) {
               w.sample(label("kind", "own"), f.process.resident_bytes - f.process.resident_file_bytes);
               w.sample(label("kind", "files"), f.process.resident_file_bytes);
             }},
            {{"milena_logs_open", kG, "Logs that were used since the start."}, "", NODE(uint64_t{f.open_logs})},
            {{"milena_directory_online", kG, "1 if the log directory works."},
             "path",
             [](Figures f, http::MetricWriter& w) {
               each_directory(f, w, [](const DirectoryFigures& d) { return d.online; });
             }},
            {{"milena_directory_size_bytes", kG, "Size of the log directory's file system."},
             "path",
             [](Figures f, http::MetricWriter& w) {
               each_directory(f, w, [](const DirectoryFigures& d) { return d.total_bytes; });
             }},
            {{"milena_directory_free_bytes", kG, "Free bytes of that file system for the broker."},
             "path",
             [](Figures f, http::MetricWriter& w) {
               each_directory(f, w, [](const DirectoryFigures& d) { return d.free_bytes; });
             }},

            {{"process_cpu_seconds_total", kC, "Processor time of the process."}, "", NODE(f.process.cpu_seconds)},
            {{"process_start_time_seconds", kG, "Start time of the process, since 1970."},
             "",
             NODE(f.process.start_seconds)},
            {{"process_resident_memory_bytes", kG, "Resident memory."}, "", NODE(f.process.resident_bytes)},
            {{"process_virtual_memory_bytes", kG, "Virtual memory."}, "", NODE(f.process.virtual_bytes)},
            {{"process_open_fds", kG, "Open files and sockets."}, "", NODE(f.process.open_files)},
            {{"process_max_fds", kG, "Most open files and sockets."}, "", NODE(f.process.most_open_files)},
            {{"process_threads", kG, "Threads."}, "", NODE(f.process.threads)},
};

#undef NODE

}  // namespace
}  // namespace milena_metrics

std::span<const MetricRow> milena_metric_rows() {
  return milena_metrics::kRows;
}

}  // namespace milena::broker
