#include "log/check/directory_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "log/check/partition_check.h"
#include "log/format/file_names.h"
#include "log/format/text_checkpoint.h"
#include "log/snapshot_file.h"

namespace milena::log {
namespace {

using Kind = Finding::Kind;

constexpr ByteView kCheckpoints[] = {"recovery-point-offset-checkpoint", "log-start-offset-checkpoint",
                                     "replication-offset-checkpoint", "cleaner-offset-checkpoint"};
constexpr ByteView kRecoveryPoints = kCheckpoints[0];
constexpr ByteView kCleanMark = ".kafka_cleanshutdown";
constexpr ByteView kKeptSuffix = ".before-repair";
constexpr ByteView kMetadataTopic = "__cluster_metadata";
constexpr size_t kCopiedAtOnce = 1 << 20;

}  // namespace

Result<std::unique_ptr<DirectoryCheck>> DirectoryCheck::open(FileSystem& files, const std::string& path) {
  if (!files.exists(path)) return make_error(ErrorKind::kNotFound, "{} does not exist", path);
  auto directory = LogDirectory::open(files, path);
  RETURN_IF_ERROR(directory);
  return std::unique_ptr<DirectoryCheck>(new DirectoryCheck(files, directory.take()));
}

Result<uint64_t> DirectoryCheck::log_bytes() const {
  auto partitions = directory_->list_partitions();
  RETURN_IF_ERROR(partitions);
  uint64_t sum = 0;
  for (const PartitionDirectory& each : *partitions) {
    auto names = files_.list(each.path);
    RETURN_IF_ERROR(names);
    for (const std::string& name : *names) {
      const auto parsed = parse_segment_file_name(name);
      if (!parsed || parsed->suffix != kLogSuffix) continue;
      auto file = files_.open(each.path + "/" + name, OpenMode::kRead);
      RETURN_IF_ERROR(file);
      auto size = (*file)->size();
      RETURN_IF_ERROR(size);
      sum += *size;
    }
  }
  return sum;
}

Result<DirectoryFindings> DirectoryCheck::run(const std::function<void(const PartitionFindings&)>& on_partition,
                                              const std::function<void(uint64_t bytes)>& on_read) {
  DirectoryFindings out;
  out.path = directory_->path();
  out.clean_shutdown = directory_->clean_shutdown();
  RETURN_IF_ERROR(check_own_files(out));
  auto partitions = directory_->list_partitions();
  RETURN_IF_ERROR(partitions);
  std::sort(partitions->begin(), partitions->end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  for (const PartitionDirectory& each : *partitions) {
    auto checked = check_partition(each, on_read);
    RETURN_IF_ERROR(checked);
    on_partition(*checked);
    out.partitions.push_back(checked.take());
  }
  return out;
}

// --- checking

Status DirectoryCheck::check_own_files(DirectoryFindings& out) {
  const auto& properties = directory_->meta_properties();
  if (properties) {
    out.identity = fmt::format("cluster {}, node {}", properties->cluster_id, properties->node_id);
  } else if (directory_->holds_partitions()) {
    out.findings.push_back({Kind::kProblem, "meta.properties",
                            "is missing, so the node and the cluster of the partitions are unknown", {},
                            false});
  }
  for (const ByteView name : kCheckpoints) {
    Result<Bytes> file = files_.read_file(out.path + "/" + std::string(name));
    if (!file && file.error().kind != ErrorKind::kNotFound) return file.error();
    if (file) check_checkpoint(std::string(name), *file, out);
  }
  return check_snapshots(out.path, out.findings);
}

void DirectoryCheck::check_checkpoint(const std::string& name, const Bytes& content, DirectoryFindings& out) {
  if (content.empty()) return;
  const auto offsets = decode_offset_checkpoint(content);
  if (offsets) return;
  out.findings.push_back({Kind::kProblem, name, offsets.error().message,
                          Mend{out.path + "/" + name, {}, "is removed; the broker creates it again"},
                          name == kRecoveryPoints});
}

Status DirectoryCheck::check_snapshots(const std::string& path, std::vector<Finding>& out) {
  auto names = files_.list(path);
  RETURN_IF_ERROR(names);
  std::sort(names->begin(), names->end());
  for (const std::string& name : *names) {
    if (!name.ends_with(".checkpoint")) continue;
    auto snapshot = read_snapshot_file(files_, path + "/" + name);
    if (snapshot) continue;
    if (snapshot.error().kind == ErrorKind::kIo) return snapshot.error();
    out.push_back({Kind::kProblem, name, snapshot.error().message,
                   Mend{path + "/" + name, {}, "is removed; the broker uses an older snapshot, or the log"}, false});
  }
  return ok_status();
}

Result<PartitionFindings> DirectoryCheck::check_partition(const PartitionDirectory& partition,
                                                          const std::function<void(uint64_t bytes)>& on_read) {
  LogDirectory::Found known;
  if (partition.kind == DirectoryKind::kLive) known = directory_->find(partition.partition);
  auto checked = milena::log::check_partition(files_, partition, known, on_read);
  if (!checked) return checked;
  if (partition.partition.topic == kMetadataTopic) {
    // A missing decision may have been any: without it the cluster is another one.
    for (Finding& one : checked->findings) {
      if (!one.mend || one.mend->without.empty()) continue;
      one.mend.reset();
      one.wants_recovery = false;
      one.what += "; this cannot be repaired, restore the directory from a backup";
    }
    RETURN_IF_ERROR(check_snapshots(partition.path, checked->findings));
  }
  const char* why = partition.kind == DirectoryKind::kFuture   ? "is the copy of an unfinished move, which continues"
                    : partition.kind == DirectoryKind::kDelete ? "is marked for deletion; the next start deletes it"
                    : partition.kind == DirectoryKind::kStray  ? "was set aside; it is not used and may be deleted"
                                                               : nullptr;
  if (why != nullptr) checked->findings.push_back({Kind::kNote, "", why, {}, false});
  return checked;
}

// --- repairing

Result<std::string> DirectoryCheck::keep(const std::string& path) {
  std::string kept = path + std::string(kKeptSuffix);
  // Not with a dash: such a name is a partition's.
  for (int i = 2; files_.exists(kept); ++i) kept = fmt::format("{}{}.{}", path, kKeptSuffix, i);
  RETURN_IF_ERROR(files_.rename(path, kept));
  RETURN_IF_ERROR(files_.sync_directory(parent_directory(path)));
  return kept;
}

// The new file is completely on the disk before the old one is moved.
Status DirectoryCheck::rewrite(const Mend& mend) {
  const std::string fresh = mend.path + ".repaired";
  RETURN_IF_ERROR(files_.remove(fresh));
  auto from = files_.open(mend.path, OpenMode::kRead);
  RETURN_IF_ERROR(from);
  auto to = files_.open(fresh, OpenMode::kReadOrCreate);
  RETURN_IF_ERROR(to);
  Result<uint64_t> size = (*from)->size();
  RETURN_IF_ERROR(size);
  Bytes buffer(kCopiedAtOnce, '\0');
  uint64_t written = 0;
  auto copy = [&](uint64_t at, uint64_t end) -> Status {
    while (at < end) {
      const size_t part = std::min<uint64_t>(buffer.size(), end - at);
      RETURN_IF_ERROR((*from)->read_exactly(at, buffer.data(), part));
      RETURN_IF_ERROR((*to)->write_at(written, ByteView(buffer).substr(0, part)));
      at += part;
      written += part;
    }
    return ok_status();
  };
  uint64_t at = 0;
  for (const Stretch& one : mend.without) {
    RETURN_IF_ERROR(copy(at, one.from));
    at = one.to;
  }
  RETURN_IF_ERROR(copy(at, *size));
  RETURN_IF_ERROR((*to)->sync());
  auto kept = keep(mend.path);
  RETURN_IF_ERROR(kept);
  RETURN_IF_ERROR(files_.rename(fresh, mend.path));
  return files_.sync_directory(parent_directory(mend.path));
}

// Recovery writes them again. They also say that the segments followed each other without a gap, and would make it take
// the one that is made here for a loss.
Status DirectoryCheck::keep_snapshots_behind(const std::string& log_path) {
  const std::string directory = parent_directory(log_path);
  const auto cut = parse_segment_file_name(ByteView(log_path).substr(directory.size() + 1));
  Result<std::vector<std::string>> names = files_.list(directory);
  RETURN_IF_ERROR(names);
  for (const std::string& name : *names) {
    const auto file = parse_segment_file_name(name);
    if (!cut || !file || file->suffix != kSnapshotSuffix || file->offset <= cut->offset) continue;
    auto kept = keep(directory + "/" + name);
    RETURN_IF_ERROR(kept);
  }
  return ok_status();
}

Status DirectoryCheck::repair(const DirectoryFindings& findings,
                              const std::function<void(const std::string&)>& on_done) {
  std::vector<std::string> to_recover;
  std::vector<Mend> mends;  // one for each file
  auto gather = [&](const std::vector<Finding>& some, const std::string& partition) {
    for (const Finding& one : some) {
      if (one.wants_recovery) to_recover.push_back(partition);
      if (!one.mend) continue;
      auto same = std::find_if(mends.begin(), mends.end(), [&](const Mend& m) { return m.path == one.mend->path; });
      if (same == mends.end()) {
        mends.push_back(*one.mend);
      } else {
        same->without.insert(same->without.end(), one.mend->without.begin(), one.mend->without.end());
      }
    }
  };
  gather(findings.findings, "");
  for (const PartitionFindings& one : findings.partitions) gather(one.findings, one.name);
  // First: even if interrupted, the next start reads the logs that are changed here.
  if (!to_recover.empty()) RETURN_IF_ERROR(ask_for_recovery(to_recover, on_done));
  const std::string points = directory_->path() + "/" + std::string(kRecoveryPoints);
  for (const Mend& mend : mends) {
    if (mend.path == points && !to_recover.empty()) continue;  // already rewritten
    if (mend.without.empty()) {
      auto kept = keep(mend.path);
      RETURN_IF_ERROR(kept);
    } else {
      RETURN_IF_ERROR(keep_snapshots_behind(mend.path));
      RETURN_IF_ERROR(rewrite(mend));
    }
    on_done(fmt::format("{} {}", mend.path, mend.says));
  }
  return ok_status();
}

// The next start reads those logs completely, as after a crash; the others from their recovery points.
Status DirectoryCheck::ask_for_recovery(const std::vector<std::string>& partitions,
                                        const std::function<void(const std::string&)>& on_done) {
  const std::string points = directory_->path() + "/" + std::string(kRecoveryPoints);
  OffsetCheckpoint kept = directory_->recovery_points();
  std::erase_if(kept, [&](const auto& one) {
    return std::find(partitions.begin(), partitions.end(), one.first.to_string()) != partitions.end();
  });
  if (files_.exists(points)) {
    auto before = keep(points);
    RETURN_IF_ERROR(before);
  }
  RETURN_IF_ERROR(files_.write_file_atomically(points, encode_offset_checkpoint(kept)));
  const std::string mark = directory_->path() + "/" + std::string(kCleanMark);
  if (files_.exists(mark)) {
    auto before = keep(mark);
    RETURN_IF_ERROR(before);
  }
  on_done(fmt::format("{}: the next start reads the whole logs of these partitions", directory_->path()));
  return ok_status();
}

}  // namespace milena::log
