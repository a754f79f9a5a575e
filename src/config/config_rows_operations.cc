// Settings of quotas, metrics.
// See config_def.h for the fields of a row.
#include "config/config_rows.h"

namespace milena::config {
namespace config_rows {

static const ConfigDef kOperationsRows[] = {
    {"quota.window.num", kInt, "11", "[1,...]", kReadOnly, kHonoured,
     "Samples over which the rates of clients are measured."},
    {"quota.window.size.seconds", kInt, "1", "[1,...]", kReadOnly, kHonoured, "Length of each of those samples."},
    {"replication.quota.window.num", kInt, "11", "[1,...]", kReadOnly, kHonoured,
     "Samples over which the rates of replication are measured."},
    {"replication.quota.window.size.seconds", kInt, "1", "[1,...]", kReadOnly, kHonoured,
     "Length of each of those samples."},
    {"alter.log.dirs.replication.quota.window.num", kInt, "11", "[1,...]", kReadOnly, 0,
     "Samples over which moves between directories are measured."},
    {"alter.log.dirs.replication.quota.window.size.seconds", kInt, "1", "[1,...]", kReadOnly, 0,
     "Length of each of those samples."},
    {"controller.quota.window.num", kInt, "11", "[1,...]", kReadOnly, kHonoured,
     "Samples over which partition changes are measured."},
    {"controller.quota.window.size.seconds", kInt, "1", "[1,...]", kReadOnly, kHonoured,
     "Length of each of those samples."},
    {"client.quota.callback.class", kClass, nullptr, "", kReadOnly, 0, "Java class that decides quotas."},
    {"metric.reporters", kList, "org.apache.kafka.common.metrics.JmxReporter", "items", kClusterWide, kNoEffect,
     "Java classes that report metrics."},
    {"metrics.num.samples", kInt, "2", "[1,...]", kReadOnly, kNoEffect, "Samples that a metric keeps."},
    {"metrics.recording.level", kString, "INFO", "", kReadOnly, kNoEffect, "Recording level of Kafka's metrics."},
    {"metrics.sample.window.ms", kLong, "30000", "[1,...]", kReadOnly, kNoEffect, "Length of a metric's sample."},
    {"kafka.metrics.reporters", kList, "", "", kReadOnly, kNoEffect,
     "Java classes that report the older kind of metrics."},
    {"kafka.metrics.polling.interval.secs", kInt, "10", "[1,...]", kReadOnly, kNoEffect, "How often those report."},
    {"milena.disk.reserve.bytes", kLong, "8388608", "[0,...]", kReadOnly, kHonoured,
     "Disk space that is reserved in each log directory, at most a sixteenth of the disk, for the metadata log, "
     "checkpoints and deletions when the disk is full. Once it is used, new records are refused until there is space "
     "for it again."},
    {"milena.http.listeners", kList, "127.0.0.1:9644", "items", kReadOnly, kHonoured,
     "Addresses that serve /metrics, /livez, /readyz and the like: host:port, or with TLS https://host:port; empty: "
     "none. If another process uses the default port, the broker starts without it. Settings of TLS may have the "
     "prefix listener.name.http. (docs/security.md)."},
    {"milena.http.authentication", kString, "none", "{none, basic}", kReadOnly, kHonoured,
     "How clients of milena.http.listeners show who they are. none: not at all. basic: by name and password, of users "
     "with SCRAM credentials or of listener.name.http.plain.sasl.jaas.config, or by their certificate. /livez and "
     "/readyz are open to all."},
    {"milena.seed.file", kList, "", "items", kReadOnly, kHonoured,
     "YAML files with topics, records, users, ACLs and quotas to create (docs/seed.md); each is applied once, before "
     "the first client is served."},
    {"milena.http.max.connections", kInt, "64", "[1,...]", kReadOnly, kHonoured,
     "Most HTTP connections at a time; max.connections does not count them."},
    {"milena.metrics.names", kList, "milena", "{milena, jmx, jmx-bare, exporter, redpanda}", kClusterWide, kHonoured,
     "The names of the metrics at /metrics: Milena's own, those of Kafka's JMX exporter, the same with counters "
     "without _total, kafka_exporter's, Redpanda's (docs/metrics.md)."},
    {"milena.metrics.partitions.max", kInt, "10000", "[0,...]", kClusterWide, kHonoured,
     "Most partitions that have metrics of their own at /metrics."},
    {"milena.metrics.groups.max", kInt, "1000", "[0,...]", kClusterWide, kHonoured,
     "Most groups that have metrics of their own at /metrics."},
    {"config.providers", kList, "", "", kClusterWide, 0, "Java classes that fetch settings from elsewhere."},
};

}  // namespace config_rows

std::span<const ConfigDef> config_rows_operations() { return config_rows::kOperationsRows; }

}  // namespace milena::config
