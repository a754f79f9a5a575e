// Directories, partitions, the cluster's other brokers, timestamps.
#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "broker/operations/doctor.h"

namespace milena::broker {
namespace {

constexpr double kLittleSpace = 0.05;
constexpr double kHardlyAnySpace = 0.01;
// A few syncs prove nothing.
constexpr uint64_t kEnoughSyncs = 10;
constexpr double kSlowSync_seconds = 0.5;

void examine_directory(const DirectoryFigures& directory, Diagnoses& findings) {
  const Bytes path = escape_for_log(directory.path);
  if (!directory.online) {
    findings.push_back({Severity::kError, "directory-offline", "directory", path,
                        fmt::format("The log directory {} has failed: its partitions cannot be used.", path),
                        "Look for the error in the broker's log, repair the disk, and start the broker again."});
    return;
  }
  if (directory.total_bytes == 0) return;
  const double share = static_cast<double>(directory.free_bytes) / static_cast<double>(directory.total_bytes);
  if (share >= kLittleSpace) return;
  findings.push_back({share < kHardlyAnySpace ? Severity::kError : Severity::kWarning, "disk-full", "directory", path,
                      fmt::format("The file system of the log directory {} has {} of {} bytes left ({:.1f} %).", path,
                                  directory.free_bytes, directory.total_bytes, share * 100),
                      "Free disk space, or lower retention.bytes or retention.ms of the largest topics (`milena "
                      "logdirs` and `milena topics` show sizes)."});
}

void examine_syncs(const NodeFigures& figures, Diagnoses& findings) {
  if (figures.flushes.count() < kEnoughSyncs) return;
  const double slow_seconds = figures.flushes.quantile_seconds(0.99);
  if (slow_seconds < kSlowSync_seconds) return;
  Bytes paths;
  for (const DirectoryFigures& directory : figures.directories) {
    paths += (paths.empty() ? "" : ", ") + escape_for_log(directory.path);
  }
  findings.push_back({Severity::kWarning, "disk-slow", "directory", paths,
                      fmt::format("One of a hundred disk syncs takes {:.1f} s or longer ({} syncs since the start).",
                                  slow_seconds, figures.flushes.count()),
                      "Check which other processes use the disk; move log.dirs to a faster one, or sync less often "
                      "(flush.messages, flush.ms)."});
}

// Partitions with the same problem, in one finding.
struct Together {
  size_t count = 0;
  Bytes first;   // the name of the first one
  Bytes named;   // the first few

  void add(const PartitionFigures& partition) {
    constexpr size_t kNamed = 5;
    const Bytes name = escape_for_log(partition.name.to_string());
    if (count == 0) first = name;
    if (count < kNamed) named += (count == 0 ? "" : ", ") + name;
    if (count == kNamed) named += ", ...";
    count++;
  }
};

void examine_partitions(const NodeFigures& figures, Diagnoses& findings) {
  Together leaderless, closed, under, behind;
  for (const PartitionFigures& partition : figures.partitions) {
    if (partition.leader < 0) {
      leaderless.add(partition);
    } else if (partition.offline) {
      closed.add(partition);
    } else if (partition.under_min_in_sync()) {
      under.add(partition);
    } else if (partition.under_replicated()) {
      behind.add(partition);
    }
  }
  if (leaderless.count > 0) {
    findings.push_back({Severity::kError, "partition-leaderless", "partition", leaderless.first,
                        fmt::format("{} partitions have no leader: {}.", leaderless.count, leaderless.named),
                        "Bring back a broker or directory with a replica in sync; as a last resort, elect an unclean "
                        "leader (kafka-leader-election.sh), which loses records."});
  }
  if (closed.count > 0) {
    findings.push_back({Severity::kError, "partition-offline", "partition", closed.first,
                        fmt::format("{} partitions cannot be used: {}.", closed.count, closed.named),
                        "Look for the error in the broker's log; `milena check` examines a directory while the broker "
                        "is stopped."});
  }
  if (under.count > 0) {
    findings.push_back({Severity::kError, "partition-under-min-isr", "partition", under.first,
                        fmt::format("{} partitions have fewer replicas in sync than min.insync.replicas, so producers "
                                    "with acks=all are refused: {}.",
                                    under.count, under.named),
                        "Bring back the brokers of the missing replicas, or lower min.insync.replicas."});
  }
  if (behind.count > 0) {
    findings.push_back({Severity::kWarning, "partition-under-replicated", "partition", behind.first,
                        fmt::format("{} partitions have replicas that are not in sync: {}. Fewer failures than planned "
                                    "can be survived.",
                                    behind.count, behind.named),
                        "Bring back the brokers of the missing replicas (`milena topics describe` shows them). While "
                        "they catch up, this goes away by itself."});
  }
}

void examine_brokers(const NodeFigures& figures, Diagnoses& findings) {
  size_t count = 0;
  for (const BrokerFigures& broker : figures.brokers) {
    if (!broker.fenced || broker.id == figures.node_id) continue;
    if (count++ >= kMaxOfAKind) return;
    const Bytes address = broker.address.empty() ? Bytes() : fmt::format(" ({})", escape_for_log(broker.address));
    findings.push_back(
        {Severity::kWarning, "broker-fenced", "broker", fmt::format("{}", broker.id),
         fmt::format("Broker {}{} is fenced: it has stopped, or the controller does not hear from it.", broker.id,
                     address),
         "Start it; if it runs, look into its log for the reason. If it will not come back, move its replicas "
         "(kafka-reassign-partitions.sh) and remove it (kafka-cluster.sh unregister)."});
  }
}

void examine_timestamps(const NodeFigures& figures, Diagnoses& findings) {
  size_t count = 0;
  for (const FutureRecords& future : figures.symptoms.future) {
    if (count++ >= kMaxOfAKind) return;
    const Bytes name = escape_for_log(future.name.to_string());
    findings.push_back(
        {Severity::kWarning, "timestamps-ahead", "partition", name,
         fmt::format("{} has records with timestamps {} ahead of this broker's clock.", name,
                     span_text(future.timestamp_ms - figures.now_ms)),
         "Compare the clocks of producers with this machine's; retention.ms keeps such records for longer. "
         "message.timestamp.after.max.ms refuses them."});
  }
}

// A batch of the metadata log may have waited for its sync before it was sent here.
constexpr int64_t kSameClock_ms = 2000;

}  // namespace

void examine_clocks(const NodeFigures& figures, Diagnoses& findings) {
  const ControllerClockSymptoms& clock = figures.symptoms.controller_clock;
  const int64_t apart_ms = clock.ahead_ms < 0 ? -clock.ahead_ms : clock.ahead_ms;
  if (clock.controller < 0 || apart_ms < kSameClock_ms) return;
  findings.push_back(
      {Severity::kWarning, "clocks-differ", "broker", fmt::format("{}", figures.node_id),
       fmt::format("The clock of broker {} is {} {} that of controller {}.", figures.node_id, span_text(apart_ms),
                   clock.ahead_ms < 0 ? "ahead of" : "behind", clock.controller),
       "Keep the clocks of all machines right, with chrony or another client of NTP: retention, LogAppendTime, the end "
       "of transactions and of delegation tokens go by them."});
}

void examine_storage(const NodeFigures& figures, Diagnoses& findings) {
  for (const DirectoryFigures& directory : figures.directories) examine_directory(directory, findings);
  examine_syncs(figures, findings);
  examine_partitions(figures, findings);
  examine_brokers(figures, findings);
  examine_timestamps(figures, findings);
}

}  // namespace milena::broker
