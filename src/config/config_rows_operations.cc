// Settings of quotas, metrics.
// See config_def.h for what a row says.
#include "config/config_rows.h"

namespace milena {
namespace config_rows {

static const ConfigDef kOperationsRows[] = {
    {"quota.window.num", kInt, "11", "[1,...]", kReadOnly, kHonoured,
     "Samples over which the rates of clients are measured."},
    {"quota.window.size.seconds", kInt, "1", "[1,...]", kReadOnly, kHonoured,
     "Length of each of those samples."},
    {"replication.quota.window.num", kInt, "11", "[1,...]", kReadOnly, 0,
     "Samples over which the rates of replication are measured."},
    {"replication.quota.window.size.seconds", kInt, "1", "[1,...]", kReadOnly, 0,
     "Length of each of those samples."},
    {"alter.log.dirs.replication.quota.window.num", kInt, "11", "[1,...]", kReadOnly, 0,
     "Samples over which moves between directories are measured."},
    {"alter.log.dirs.replication.quota.window.size.seconds", kInt, "1", "[1,...]", kReadOnly, 0,
     "Length of each of those samples."},
    {"controller.quota.window.num", kInt, "11", "[1,...]", kReadOnly, kHonoured,
     "Samples over which changes of topics are measured."},
    {"controller.quota.window.size.seconds", kInt, "1", "[1,...]", kReadOnly, kHonoured,
     "Length of each of those samples."},
    {"client.quota.callback.class", kClass, nullptr, "", kReadOnly, 0,
     "Java class that decides quotas."},
    {"metric.reporters", kList, "org.apache.kafka.common.metrics.JmxReporter", "items", kClusterWide, kNoEffect,
     "Java classes that report metrics."},
    {"metrics.num.samples", kInt, "2", "[1,...]", kReadOnly, kNoEffect,
     "Samples that a metric keeps."},
    {"metrics.recording.level", kString, "INFO", "", kReadOnly, kNoEffect,
     "Which of Kafka's metrics are recorded."},
    {"metrics.sample.window.ms", kLong, "30000", "[1,...]", kReadOnly, kNoEffect,
     "Length of a metric's sample."},
    {"kafka.metrics.reporters", kList, "", "", kReadOnly, kNoEffect,
     "Java classes that report the older kind of metrics."},
    {"kafka.metrics.polling.interval.secs", kInt, "10", "[1,...]", kReadOnly, kNoEffect,
     "How often those report."},
    {"config.providers", kList, "", "", kClusterWide, 0,
     "Java classes that fetch settings from elsewhere."},
};

}  // namespace config_rows

std::span<const ConfigDef> config_rows_operations() { return config_rows::kOperationsRows; }

}  // namespace milena
