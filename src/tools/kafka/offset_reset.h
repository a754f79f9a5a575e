// `--reset-offsets` of kafka-consumer-groups.sh.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/group_admin.h"
#include "tools/options.h"

namespace milena::tools {

struct OffsetReset {
  bool all_topics = false, dry_run = false, execute = false, as_csv = false;
  bool to_earliest = false, to_latest = false, to_current = false;
  std::optional<int64_t> to_offset, shift_by;
  std::optional<std::string> to_datetime, by_duration, from_file;

  void add_to(Options& options);
  // The mistake in the options; empty if there is none.
  std::string mistake(const std::vector<std::string>& topics) const;
  // Prints the plan, or the CSV; applies it with `execute`.
  Status run(Cluster& cluster, const std::vector<std::string>& groups, const std::vector<std::string>& topics) const;

 private:
  using Plan = std::map<TopicPartitionName, int64_t>;

  Result<Plan> plan(Cluster& cluster, const std::string& group, const std::vector<std::string>& topics,
                    bool several) const;
  Result<Plan> plan_from_file(const std::string& group, bool several) const;
  Result<Plan> at_time(Cluster& cluster, const Plan& partitions, int64_t time_ms) const;
};

// For committing offsets without an epoch.
std::map<TopicPartitionName, GroupOffset> at_offsets(const std::map<TopicPartitionName, int64_t>& plan);
// "2026-11-29T22:14:40.123", with a zone or, in UTC, without.
std::optional<int64_t> parse_datetime_ms(const std::string& text);
// ISO 8601: "P1DT2H3M4.5S".
std::optional<int64_t> parse_duration_ms(const std::string& text);

}  // namespace milena::tools
