// milena check --nagios: a cluster's figures against thresholds, for monitoring systems that run plugins.
#include "tools/own/check_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/executor.h"
#include "protocol/messages/describe_log_dirs.h"
#include "tools/group_admin.h"
#include "tools/kafka/group_tables.h"
#include "tools/own/http_client.h"
#include "tools/own/nagios.h"
#include "tools/own/own.h"

namespace milena::tools {
namespace {

// Of many partitions, the first are named.
constexpr size_t kMaxNamed = 5;
constexpr double kDay_s = 86'400;

// The figures of a cluster, from all sources.
struct ClusterFigures {
  struct Directory {
    std::string name;  // "1:/var/lib/milena"
    double free = -1, total = -1;
  };

  std::vector<std::string> offline, under_replicated;  // partitions; as many as `*_count`, or the first
  size_t offline_count = 0, under_replicated_count = 0;
  size_t brokers = 0, topics = 0, partitions = 0;
  std::vector<Directory> directories;
  std::map<std::string, int64_t> lags;            // by group
  std::map<std::string, int64_t> certificates_s;  // until they end, by broker
};

std::string named(const std::vector<std::string>& names, size_t count) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kMaxNamed); i++) out += (i == 0 ? ": " : ", ") + names[i];
  return out + (names.empty() || count <= kMaxNamed ? "" : ", ...");
}

std::string counted(size_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

struct CheckCommand {
  Options options;
  ClusterOptions reach;
  bool nagios = false;
  std::string http, brokers, offline = ",0", under_replicated = "0", lag, disk = "10:,5:", certificates = "30:,7:";
  std::vector<std::string> groups;
  int64_t timeout_s = 10;

  Thresholds broker_limits, offline_limits, replica_limits, lag_limits, disk_limits, certificate_limits;
  ClusterFigures figures;
  NagiosReport report;

  CheckCommand()
      : options(
            Options::Style::kOwn, "milena check --nagios",
            "Compares a running cluster with thresholds, as a plugin of Nagios, Icinga, Naemon or Checkmk. It asks the "
            "brokers, or one broker over HTTP (--http), or both. It prints a line with performance data and ends "
            "with 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN: bad options, or a figure that cannot be asked). "
            "Without --nagios, milena check examines data directories.",
            "[options]") {
    options.flag("--nagios", nagios, "Examines a running cluster.");
    options.text("--offline", offline, "W,C", "Partitions that nobody leads. \",0\": more than 0 are critical.");
    options.text("--under-replicated", under_replicated, "W,C", "Partitions with replicas that are not in sync.");
    options.text("--brokers", brokers, "W,C", "Brokers of the cluster: \"3:,2:\" for fewer than 3, fewer than 2.");
    options.text("--lag", lag, "W,C", "Records by which a group lags, summed over its partitions.");
    options.texts("--group", groups, "name", "Looks at the lag of these groups alone.");
    options.text("--disk", disk, "W,C", "Per cent that are free on the disk of each directory.");
    options.text("--certificates", certificates, "W,C", "Days for which certificates of brokers, with TLS, are valid.");
    options.text("--http", http, "HOST:PORT",
                 "Where a broker serves HTTP (milena.http.listeners; https://HOST:PORT with TLS): is it ready? Without "
                 "-b its metrics are all that is asked.");
    options.number("-t,--timeout", timeout_s, "s", "Seconds to wait for an answer; 10 without it.");
    reach.add_to(options);
    options.example("milena check --nagios -b broker1:9092 --lag 1000,100000 --group billing");
    options.example("milena check --nagios --http localhost:9644 --disk 20:,10:");
    options.example("milena check --nagios -b b1:9093 --command-config tls.properties");
    options.example("");
    options.example("W,C are a warning and a critical range; either may be empty. A range is as");
    options.example("plugins have it: 10 alerts above 10, 10: below 10, 1:9 outside of 1 to 9,");
    options.example("@1:9 within. Without options: --offline ,0 --under-replicated 0");
    options.example("--disk 10:,5: --certificates 30:,7:");
  }

  Status read_thresholds();
  Status ask_brokers();
  Status ask_partitions(Cluster& cluster);
  void ask_directories(Cluster& cluster);
  void ask_groups(Cluster& cluster);
  Status ask_over_http(bool for_all);
  void take_metrics(const std::vector<MetricSample>& samples);
  bool wants_group(const std::string& name) const {
    return groups.empty() || std::find(groups.begin(), groups.end(), name) != groups.end();
  }
  void judge();
};

Status CheckCommand::read_thresholds() {
  const struct {
    const char* name;
    const std::string& text;
    Thresholds& to;
  } all[] = {{"--offline", offline, offline_limits}, {"--under-replicated", under_replicated, replica_limits},
             {"--brokers", brokers, broker_limits},  {"--lag", lag, lag_limits},
             {"--disk", disk, disk_limits},          {"--certificates", certificates, certificate_limits}};
  for (const auto& one : all) {
    auto parsed = Thresholds::parse(one.text);
    if (!parsed.ok()) return usage_error("{} {}", one.name, parsed.error().message);
    one.to = parsed.take();
  }
  if (timeout_s < 1 || timeout_s > 3600) return usage_error("--timeout {}: expected 1 to 3600", timeout_s);
  return ok_status();
}

Status CheckCommand::ask_brokers() {
  reach.timeout_ms = timeout_s * 1000;
  auto opened = Cluster::open(reach);
  RETURN_IF_ERROR(opened);
  Cluster& cluster = **opened;
  RETURN_IF_ERROR(ask_partitions(cluster));
  ask_directories(cluster);
  ask_groups(cluster);
  return ok_status();
}

Status CheckCommand::ask_partitions(Cluster& cluster) {
  auto metadata = cluster.metadata();
  RETURN_IF_ERROR(metadata);
  figures.brokers = metadata->brokers.size();
  figures.topics = metadata->topics.size();
  for (const auto& topic : metadata->topics) {
    figures.partitions += topic.partitions.size();
    for (const auto& partition : topic.partitions) {
      const std::string name = fmt::format("{}-{}", topic.name.value_or(""), partition.partition_index);
      if (partition.leader_id < 0) figures.offline.push_back(name);
      if (partition.isr_nodes.size() < partition.replica_nodes.size()) figures.under_replicated.push_back(name);
    }
  }
  figures.offline_count = figures.offline.size();
  figures.under_replicated_count = figures.under_replicated.size();
  return ok_status();
}

// And the certificate that each broker shows.
void CheckCommand::ask_directories(Cluster& cluster) {
  DescribeLogDirsRequest request;
  request.topics.emplace();  // of no topic: only the directories
  for (const auto& broker : std::vector(cluster.brokers())) {
    Result<BrokerClient*> client = cluster.broker(broker.node_id);
    if (!client.ok()) {
      report.problem(NagiosState::kCritical, fmt::format("broker {}: {}", broker.node_id, client.error().message));
      continue;
    }
    if (auto end_s = (*client)->certificates_end_s()) {
      figures.certificates_s[std::to_string(broker.node_id)] = *end_s - system_clock().wall_ms() / 1000;
    }
    auto answer = (*client)->ask<DescribeLogDirsResponse>(request);
    if (!answer.ok() || answer->error_code != ErrorCode::kNone) {
      const Error why = answer.ok() ? answer_error(answer->error_code) : answer.error();
      report.problem(NagiosState::kUnknown, fmt::format("directories of broker {}: {}", broker.node_id, why.message));
      continue;
    }
    for (const auto& directory : answer->results) {
      const std::string name = fmt::format("{}:{}", broker.node_id, directory.log_dir);
      if (directory.error_code != ErrorCode::kNone) {
        report.problem(NagiosState::kCritical,
                       fmt::format("directory {}: {}", name, answer_error(directory.error_code).message));
      } else {
        figures.directories.push_back(
            {name, static_cast<double>(directory.usable_bytes), static_cast<double>(directory.total_bytes)});
      }
    }
  }
}

void CheckCommand::ask_groups(Cluster& cluster) {
  auto unknown = [&](const std::string& what, const Error& error) {
    report.problem(NagiosState::kUnknown, fmt::format("{}: {}", what, error.message));
  };
  std::vector<std::string> names = groups;
  if (names.empty()) {
    auto listed = list_groups(cluster);
    if (!listed.ok()) return unknown("groups", listed.error());
    for (const GroupListing& one : *listed) names.push_back(one.name);
  }
  for (const std::string& name : names) {
    Result<GroupInfo> info = describe_group(cluster, name);
    // One that was listed may be gone.
    if (!info.ok() && groups.empty() && info.error().kind == ErrorKind::kNotFound) continue;
    if (!info.ok()) {
      unknown("group " + name, info.error());
      continue;
    }
    auto rows = group_offset_rows(cluster, *info);
    if (!rows.ok()) {
      unknown("group " + name, rows.error());
      continue;
    }
    int64_t& sum = figures.lags[name];
    for (const GroupOffsetRow& row : *rows) sum += row.lag().value_or(0);
  }
}

// `for_all`: nobody else is asked.
Status CheckCommand::ask_over_http(bool for_all) {
  auto client = HttpClient::from_file(reach.config_file);
  RETURN_IF_ERROR(client);
  auto address = client->server(http, reach.servers);
  if (!address.ok()) return usage_error("{}", address.error().message);
  auto ready = client->get(*address, "/readyz", timeout_s * 1000);
  RETURN_IF_ERROR(ready);
  if (ready->status == 503) {
    std::string reasons;
    for (char c : ready->body) reasons += c == '\n' || c == '\r' ? ' ' : c;
    while (reasons.find("  ") != std::string::npos) reasons.erase(reasons.find("  "), 1);
    report.problem(NagiosState::kCritical, fmt::format("{} is not ready: {}", address->text(), reasons));
  } else if (ready->status != 200) {
    return make_error(ErrorKind::kIo, "what answers at {} is no Milena: HTTP status {}", address->text(),
                      ready->status);
  }
  if (!for_all) return ok_status();
  auto metrics = client->get(*address, "/metrics?names=milena", timeout_s * 1000);
  RETURN_IF_ERROR(metrics);
  if (metrics->status != 200) {
    return make_error(ErrorKind::kIo, "{} serves no metrics: HTTP status {}", address->text(), metrics->status);
  }
  take_metrics(parse_metrics(metrics->body));
  return ok_status();
}

void CheckCommand::take_metrics(const std::vector<MetricSample>& samples) {
  std::map<std::string, ClusterFigures::Directory> directories;
  auto count = [](double value) { return value > 0 ? static_cast<size_t>(value) : 0; };
  for (const std::string& group : groups) figures.lags[group] = 0;
  for (const MetricSample& one : samples) {
    const std::string path = one.label("path"), group = one.label("group");
    if (one.name == "milena_partitions_without_leader") figures.offline_count = count(one.value);
    if (one.name == "milena_partitions_under_replicated") figures.under_replicated_count = count(one.value);
    if (one.name == "milena_topics") figures.topics = count(one.value);
    if (one.name == "milena_partitions") figures.partitions = count(one.value);
    if (one.name == "milena_brokers" && one.label("state") == "active") figures.brokers = count(one.value);
    if (one.name == "milena_directory_free_bytes") directories[path].free = one.value;
    if (one.name == "milena_directory_size_bytes") directories[path].total = one.value;
    if (one.name == "milena_directory_online" && one.value == 0) {
      report.problem(NagiosState::kCritical, fmt::format("directory {} has failed", path));
    }
    if (one.name == "milena_group_lag" && wants_group(group)) figures.lags[group] += static_cast<int64_t>(one.value);
  }
  for (auto& [path, directory] : directories) {
    directory.name = path;
    figures.directories.push_back(directory);
  }
}

void CheckCommand::judge() {
  report.note(fmt::format("{}, {}, {}", counted(figures.brokers, "broker"), counted(figures.topics, "topic"),
                          counted(figures.partitions, "partition")));
  report.figure("brokers", static_cast<double>(figures.brokers), "", broker_limits, counted(figures.brokers, "broker"));
  report.figure("offline", static_cast<double>(figures.offline_count), "", offline_limits,
                counted(figures.offline_count, "partition") + " without a leader" +
                    named(figures.offline, figures.offline_count));
  report.figure("under_replicated", static_cast<double>(figures.under_replicated_count), "", replica_limits,
                counted(figures.under_replicated_count, "under-replicated partition") +
                    named(figures.under_replicated, figures.under_replicated_count));
  for (const auto& one : figures.directories) {
    if (one.free < 0 || one.total <= 0) continue;  // brokers before Kafka 3.3 do not tell
    const double free_percent = std::floor(one.free / one.total * 10'000) / 100;
    report.figure("free_" + one.name, free_percent, "%", disk_limits,
                  fmt::format("{:.1f} % are free in directory {}", free_percent, one.name));
  }
  for (const auto& [broker, left_s] : figures.certificates_s) {
    const double days = std::floor(static_cast<double>(left_s) / kDay_s);
    report.judge(days, certificate_limits,
                 days < 0 ? fmt::format("a certificate of broker {} has expired", broker)
                          : fmt::format("a certificate of broker {} expires in {:.0f} days", broker, days));
    report.figure("certificate_" + broker, static_cast<double>(std::max<int64_t>(left_s, 0)), "s", {}, "");
  }
  for (const auto& [group, records] : figures.lags) {
    report.figure("lag_" + group, static_cast<double>(records), "", lag_limits,
                  fmt::format("group {} lags by {} records", group, records));
  }
}

}  // namespace

int run_check_cluster(ToolWords words) {
  CheckCommand check;
  constexpr int kUnknown = static_cast<int>(NagiosState::kUnknown);
  auto print = [&] {
    fmt::print("{}", check.report.text());
    return std::fflush(stdout) == 0 ? static_cast<int>(check.report.state()) : kUnknown;
  };
  // Monitoring systems take the first line of standard output, and the code.
  auto cannot = [&](NagiosState state, const std::string& why) {
    check.report.problem(state, why);
    return print();
  };
  if (auto code = check.options.parse(words)) return *code == 0 ? 0 : kUnknown;
  const bool over_http = !check.http.empty(), over_kafka = !over_http || !check.reach.servers.empty();
  Status valid = check.read_thresholds();
  if (!valid.ok()) {
    check.options.mistake(valid.error().message);
    return kUnknown;
  }
  Status asked = over_kafka ? check.ask_brokers() : ok_status();
  if (asked.ok() && over_http) asked = check.ask_over_http(!over_kafka);
  if (!asked.ok()) {
    const bool mistake = asked.error().kind == ErrorKind::kUnsupported || asked.error().kind == ErrorKind::kInvalid ||
                         asked.error().kind == ErrorKind::kNotFound;
    return cannot(mistake ? NagiosState::kUnknown : NagiosState::kCritical, asked.error().message);
  }
  check.judge();
  return print();
}

}  // namespace milena::tools
