// `milena check`: checks data directories that no broker uses at the moment.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "log/check/directory_check.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/own/check_cluster.h"
#include "tools/progress.h"

namespace milena::tools {
namespace {

using Kind = log::Finding::Kind;

struct Checked {
  std::unique_ptr<log::DirectoryCheck> check;
  log::DirectoryFindings findings;
};

struct Sums {
  size_t partitions = 0;
  size_t problems = 0;
  size_t notes = 0;
  size_t to_repair = 0;

  void add(const std::vector<log::Finding>& findings) {
    for (const log::Finding& one : findings) {
      (one.kind == Kind::kProblem ? problems : notes)++;
      to_repair += one.kind == Kind::kProblem && (one.mend || one.wants_recovery) ? 1 : 0;
    }
  }
};

void print_findings(const std::vector<log::Finding>& findings) {
  for (const log::Finding& one : findings) {
    fmt::print("    {}: {}{}{}\n", one.kind == Kind::kProblem ? "problem" : "note", one.where,
               one.where.empty() ? "" : " ", one.what);
    if (one.mend) fmt::print("      --repair: {} {}\n", one.mend->path, one.mend->says);
    if (one.wants_recovery) fmt::print("      --repair: the next start reads the whole log\n");
  }
}

void print_partition(const log::PartitionFindings& one, bool all) {
  if (one.findings.empty() && !all) return;
  fmt::print("  {}: {} segments, {} bytes, offsets {} to {}\n", one.name, one.segments, one.bytes, one.first_offset,
             one.end_offset);
  print_findings(one.findings);
  std::fflush(stdout);
}

Result<Checked> check_one(const std::string& path, bool all) {
  auto check = log::DirectoryCheck::open(posix_file_system(), path);
  RETURN_IF_ERROR(check);
  Checked checked{check.take(), {}};
  const log::LogDirectory& directory = checked.check->directory();
  fmt::print("{}: {}\n", path, directory.clean_shutdown() ? "clean shutdown" : "no clean shutdown");
  auto bytes = checked.check->log_bytes();
  RETURN_IF_ERROR(bytes);
  Progress progress(path, static_cast<int64_t>(*bytes), Progress::Unit::kBytes);
  auto findings = checked.check->run(
      [&](const log::PartitionFindings& one) {
        progress.clear();
        print_partition(one, all);
      },
      [&](uint64_t part) { progress.add(static_cast<int64_t>(part)); });
  progress.clear();
  RETURN_IF_ERROR(findings);
  if (!findings->findings.empty()) fmt::print("  its own files ({})\n", findings->identity);
  print_findings(findings->findings);
  checked.findings = findings.take();
  return checked;
}

// Compares properties that all directories of one node must agree on.
size_t compare(const std::vector<Checked>& all) {
  size_t problems = 0;
  std::map<std::string, std::string> seen;  // live partitions
  for (const Checked& one : all) {
    if (one.findings.identity != all.front().findings.identity) {
      fmt::print("problem: {} is of {}, {} of {}\n", one.findings.path, one.findings.identity,
                 all.front().findings.path, all.front().findings.identity);
      problems++;
    }
    for (const log::PartitionFindings& partition : one.findings.partitions) {
      const auto name = log::parse_partition_directory(partition.name);
      if (!name || name->kind != log::DirectoryKind::kLive) continue;
      const auto [other, first] = seen.emplace(partition.name, one.findings.path);
      if (first) continue;
      fmt::print("problem: {} is in {} and in {}\n", partition.name, other->second, one.findings.path);
      problems++;
    }
  }
  return problems;
}

int repair(const std::vector<Checked>& all) {
  fmt::print("Repairing; replaced files are kept as *.before-repair:\n");
  for (const Checked& one : all) {
    Status done = one.check->repair(one.findings, [](const std::string& what) { fmt::print("  {}\n", what); });
    if (!done) return complain(done.error().message);
  }
  return 0;
}

}  // namespace

int run_check(ToolWords words) {
  set_log_level(LogLevel::kOff);  // it is said here
  const bool of_cluster = std::any_of(words.begin(), words.end(), [](ByteView word) { return word == "--nagios"; });
  if (of_cluster) return run_check_cluster(words);
  bool repairs = false, prints_all = false, nagios = false;
  std::vector<std::string> paths;
  Options options(Options::Style::kOwn, "milena check",
                  "Reads data directories (log.dirs) while no broker uses them: every batch with its checksum, "
                  "indexes, snapshots, checkpoints. It reports problems, partition by partition. It changes nothing "
                  "without --repair.",
                  "[--all] [--repair] DIRECTORY...\n--nagios [options]");
  options.flag("--all", prints_all, "Names partitions that are whole, too.");
  options.flag("--repair", repairs,
               "Then applies the repair under each problem. Damaged bytes are left out of a segment; files that the "
               "broker creates again are removed. Replaced files are kept as *.before-repair. Damaged records are "
               "lost: their offsets are listed.");
  options.flag("--nagios", nagios,
               "Compares a running cluster with thresholds instead, for monitoring systems: milena check --nagios "
               "--help tells more.");
  options.words("directory", paths, "Directories of log.dirs.");
  options.example("The exit status is 0 without problems or if all were repaired, 1 with some,");
  options.example("and 2 if a directory cannot be read or a broker uses it. A note is not");
  options.example("a problem: the next start corrects it.");
  if (auto code = options.parse(words)) return *code;
  if (paths.empty()) return options.mistake("check: expected a data directory (log.dirs)");
  std::vector<Checked> all;
  Sums sums;
  for (const std::string& path : paths) {
    auto checked = check_one(path, prints_all);
    if (!checked) return complain(checked.error().message), 2;
    sums.add(checked->findings.findings);
    for (const log::PartitionFindings& one : checked->findings.partitions) sums.add(one.findings);
    sums.partitions += checked->findings.partitions.size();
    all.push_back(checked.take());
  }
  sums.problems += compare(all);
  fmt::print("{} partitions, {} problems, {} notes\n", sums.partitions, sums.problems, sums.notes);
  if (sums.problems == 0) return 0;
  if (!repairs) {
    if (sums.to_repair > 0) fmt::print("--repair applies the repairs above and keeps the replaced files\n");
    return 1;
  }
  const int failed = repair(all);
  return failed != 0 ? failed : sums.to_repair == sums.problems ? 0 : 1;
}

}  // namespace milena::tools
