#include "tools/kafka/offset_reset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "base/executor.h"
#include "base/file.h"
#include "base/saturating.h"
#include "config/config_values.h"
#include "tools/kafka/group_tables.h"
#include "tools/kafka/script.h"

namespace milena::tools {

void OffsetReset::add_to(Options& options) {
  options.flag("--dry-run", dry_run, "Shows the new offsets without setting them (the default).");
  options.flag("--execute", execute, "Does it.");
  options.flag("--export", as_csv, "Prints the new offsets as CSV.");
  options.flag("--to-earliest", to_earliest, "Resets to the first record.");
  options.flag("--to-latest", to_latest, "Resets to the end.");
  options.flag("--to-current", to_current, "Resets to the group's current offset.");
  options.number("--to-offset", to_offset, "offset", "Resets to this offset.");
  options.number("--shift-by", shift_by, "number", "Moves by this number of records; negative moves back.");
  options.text("--to-datetime", to_datetime, "time", "Resets to a time: YYYY-MM-DDThh:mm:ss.sss.");
  options.text("--by-duration", by_duration, "duration", "Resets to this duration before now: P7D, PT1H30M.");
  options.text("--from-file", from_file, "file", "Resets to the offsets of a CSV file.");
}

std::string OffsetReset::mistake(const std::vector<std::string>& topics) const {
  if (dry_run && execute) return "Option [reset-offsets] only accepts one of [execute] and [dry-run]";
  int ways = to_earliest + to_latest + to_current + to_offset.has_value() + shift_by.has_value() +
             to_datetime.has_value() + by_duration.has_value() + from_file.has_value();
  if (ways == 0) {
    return "Option '[reset-offsets]' requires one of the following scenarios: [to-offset], [to-datetime], "
           "[by-duration], [to-earliest], [to-latest], [shift-by], [from-file], [to-current]";
  }
  if (ways > 1) return "Option [reset-offsets] takes only one of its scenarios";
  if (topics.empty() && !all_topics && !from_file) {
    return "One of the reset scopes should be defined: --all-topics, --topic.";
  }
  if (!topics.empty() && all_topics) return "Option \"[topic]\" can't be used with option \"[all-topics]\"";
  if (to_datetime && !parse_datetime_ms(*to_datetime)) return *to_datetime + ": expected YYYY-MM-DDThh:mm:ss.sss";
  if (by_duration && !parse_duration_ms(*by_duration)) return *by_duration + ": expected a duration such as P1DT2H3M4S";
  return "";
}

std::optional<int64_t> parse_datetime_ms(const std::string& text) {
  tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  int64_t milliseconds = 0;
  if (*rest == '.') {
    int64_t unit = 100;
    for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10) milliseconds += (*rest - '0') * unit;
  }
  int64_t zone_minutes = 0;
  std::string zone = rest;
  if ((zone.size() == 5 || zone.size() == 6) && (zone[0] == '+' || zone[0] == '-')) {
    std::erase(zone, ':');
    std::optional<int64_t> hours = config::parse_integer(zone.substr(1, 2)),
                           minutes = config::parse_integer(zone.substr(3));
    if (!hours || !minutes) return std::nullopt;
    zone_minutes = (*hours * 60 + *minutes) * (zone[0] == '-' ? -1 : 1);
  } else if (!zone.empty() && zone != "Z") {
    return std::nullopt;
  }
  return (::timegm(&parts) - zone_minutes * 60) * 1000 + milliseconds;
}

std::optional<int64_t> parse_duration_ms(const std::string& text) {
  size_t at = text.starts_with("P") || text.starts_with("p") ? 1 : 0;
  if (at == 0 || text.size() < 3) return std::nullopt;
  bool in_time = false;
  double total = 0;
  while (at < text.size()) {
    if (text[at] == 'T' || text[at] == 't') {
      in_time = true;
      at++;
      continue;
    }
    size_t end = text.find_first_not_of("-+0123456789.", at);
    if (end == std::string::npos || end == at) return std::nullopt;
    char* stop = nullptr;
    double number = std::strtod(text.c_str() + at, &stop);
    if (stop != text.c_str() + end) return std::nullopt;
    char unit = static_cast<char>(text[end] & ~0x20);
    if (!in_time && unit == 'D')
      total += number * 86'400'000;
    else if (in_time && unit == 'H')
      total += number * 3'600'000;
    else if (in_time && unit == 'M')
      total += number * 60'000;
    else if (in_time && unit == 'S')
      total += number * 1000;
    else
      return std::nullopt;
    at = end + 1;
  }
  if (!(total > -1e17 && total < 1e17)) return std::nullopt;
  return static_cast<int64_t>(total);
}

Result<OffsetReset::Plan> OffsetReset::at_time(Cluster& cluster, const Plan& partitions, int64_t time_ms) const {
  Plan times = partitions;
  for (auto& [name, time] : times) time = time_ms;
  auto found = list_offsets(cluster, times);
  if (!found.ok()) return found;
  auto ends = list_offsets(cluster, partitions);  // which holds kLatestTime
  if (!ends.ok()) return ends;
  for (auto& [name, offset] : *found) {
    if (offset < 0) offset = (*ends)[name];
  }
  return found;
}

Result<OffsetReset::Plan> OffsetReset::plan_from_file(const std::string& group, bool several) const {
  Result<Bytes> text = posix_file_system().read_file(*from_file);
  RETURN_IF_ERROR(text);
  Plan wanted;
  for (const std::string& line : split(std::string(*text), '\n')) {
    if (trimmed(line).empty()) continue;
    std::vector<std::string> cells = split(trimmed(line), ',');
    if (cells.size() == 4 && cells[0] != group) continue;
    if (cells.size() != 4 && (cells.size() != 3 || several)) {
      return make_error(ErrorKind::kInvalid, "{}: expected {}topic,partition,offset", line, several ? "group," : "");
    }
    size_t at = cells.size() - 3;
    std::optional<int64_t> partition = config::parse_integer(cells[at + 1]),
                           offset = config::parse_integer(cells[at + 2]);
    std::string topic = cells[at];
    std::erase(topic, '"');
    if (!partition || *partition < 0 || *partition > INT32_MAX || !offset) {
      return make_error(ErrorKind::kInvalid, "{}: expected numbers after the topic", line);
    }
    wanted[{topic, static_cast<int32_t>(*partition)}] = *offset;
  }
  return wanted;
}

Result<OffsetReset::Plan> OffsetReset::plan(Cluster& cluster, const std::string& group,
                                            const std::vector<std::string>& topics, bool several) const {
  auto committed = fetch_committed(cluster, group);
  RETURN_IF_ERROR(committed);
  Plan latest;
  if (from_file) {
    auto wanted = plan_from_file(group, several);
    if (!wanted.ok()) return wanted;
    latest = *wanted;
  } else if (all_topics) {
    for (const auto& [name, offset] : *committed) latest[name] = 0;
  } else {
    auto partitions = named_partitions(cluster, topics);
    RETURN_IF_ERROR(partitions);
    for (const TopicPartitionName& name : *partitions) latest[name] = 0;
  }
  Plan wanted = latest, earliest = latest;
  for (auto& [name, time] : latest) time = kLatestTime;
  for (auto& [name, time] : earliest) time = kEarliestTime;
  if (to_datetime) return at_time(cluster, latest, *parse_datetime_ms(*to_datetime));
  if (by_duration) {
    return at_time(cluster, latest, add_saturating(system_clock().wall_ms(), -*parse_duration_ms(*by_duration)));
  }
  auto begins = list_offsets(cluster, earliest);
  if (!begins.ok()) return begins;
  auto ends = list_offsets(cluster, latest);
  if (!ends.ok()) return ends;
  for (auto& [name, offset] : wanted) {
    if (!begins->contains(name) || !ends->contains(name)) {
      return make_error(ErrorKind::kNotFound, "The partition {}-{} does not exist or has no leader", name.first,
                        name.second);
    }
    int64_t begin = (*begins)[name], end = (*ends)[name];
    auto current = committed->find(name);
    if (to_earliest)
      offset = begin;
    else if (to_latest)
      offset = end;
    else if (to_current)
      offset = current == committed->end() ? end : current->second.offset;
    else if (shift_by && current == committed->end()) {
      return make_error(ErrorKind::kInvalid,
                        "Cannot shift offset for partition {}-{} since there is no current "
                        "committed offset",
                        name.first, name.second);
    } else if (shift_by)
      offset = add_saturating(current->second.offset, *shift_by);
    else if (to_offset)
      offset = *to_offset;
    if (!to_current) offset = std::clamp(offset, begin, std::max(begin, end));
  }
  return wanted;
}

std::map<TopicPartitionName, GroupOffset> at_offsets(const std::map<TopicPartitionName, int64_t>& plan) {
  std::map<TopicPartitionName, GroupOffset> offsets;
  for (const auto& [name, offset] : plan) offsets[name] = {offset};
  return offsets;
}

Status OffsetReset::run(Cluster& cluster, const std::vector<std::string>& groups,
                        const std::vector<std::string>& topics) const {
  std::map<std::string, Plan> plans;
  for (const std::string& group : groups) {
    Result<GroupInfo> info = describe_group(cluster, group);
    if (!info.ok() && info.error().kind != ErrorKind::kNotFound) return info.error();
    plans[group];
    if (info.ok() && info->state != "Empty" && info->state != "Dead") {
      fmt::print("\nError: Assignments can only be reset if the group '{}' is inactive, but the current state is {}.\n",
                 group, info->state);
      continue;
    }
    Result<Plan> wanted = plan(cluster, group, topics, groups.size() > 1);
    RETURN_IF_ERROR(wanted);
    if (execute && !wanted->empty()) RETURN_IF_ERROR(commit_offsets(cluster, group, at_offsets(*wanted)));
    plans[group] = wanted.take();
  }
  if (as_csv) {
    for (const auto& [group, offsets] : plans) {
      for (const auto& [name, offset] : offsets) {
        std::string prefix = groups.size() == 1 ? "" : group + ",";
        fmt::print("{}{},{},{}\n", prefix, name.first, name.second, offset);
      }
    }
    fmt::print("\n");
    return ok_status();
  }
  size_t group_width = 15, topic_width = 15;
  for (const auto& [group, offsets] : plans) {
    group_width = std::max(group_width, group.size());
    for (const auto& [name, offset] : offsets) topic_width = std::max(topic_width, name.first.size());
  }
  if (!plans.empty()) {
    fmt::print("\n{:<{}} {:<{}} {:<10} {}", "GROUP", group_width, "TOPIC", topic_width, "PARTITION", "NEW-OFFSET");
  }
  for (const auto& [group, offsets] : plans) {
    for (const auto& [name, offset] : offsets) {
      fmt::print("\n{:<{}} {:<{}} {:<10} {}", group, group_width, name.first, topic_width, name.second, offset);
    }
  }
  fmt::print("\n");
  return ok_status();
}

}  // namespace milena::tools
