#include "log/check/partition_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "log/check/segment_check.h"
#include "log/format/file_names.h"
#include "log/format/partition_metadata.h"
#include "log/format/producer_snapshot.h"
#include "log/format/text_checkpoint.h"

namespace milena::log {
namespace {

using Kind = Finding::Kind;

constexpr const char* kReadAnew = "is removed; the broker reads the records instead";

class PartitionCheck {
 public:
  PartitionCheck(FileSystem& files, const PartitionDirectory& partition, const LogDirectory::Found& known,
                 const std::function<void(uint64_t bytes)>& on_read)
      : files_(files), path_(partition.path), known_(known) {
    out_.name = partition.path.substr(partition.path.find_last_of('/') + 1);
    walk_ = {&files, path_, known.clean_shutdown, known.known ? known.recovery_point : 0, -1, -1, {}, &out_, &on_read};
  }

  Result<PartitionFindings> run() {
    Result<std::vector<std::string>> names = files_.list(path_);
    RETURN_IF_ERROR(names);
    std::sort(names->begin(), names->end());
    sort_names(*names);
    RETURN_IF_ERROR(check_identity());
    RETURN_IF_ERROR(check_segments());
    RETURN_IF_ERROR(check_snapshots());
    RETURN_IF_ERROR(check_epochs());
    check_checkpoints();
    return std::move(out_);
  }

 private:
  void add(Kind kind, const std::string& where, std::string what, std::optional<Mend> mend = {}) {
    out_.findings.push_back({kind, where, std::move(what), std::move(mend), false});
  }
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }

  void sort_names(const std::vector<std::string>& names) {
    std::vector<int64_t> indexes;
    for (const std::string& name : names) {
      const std::optional<SegmentFileName> file = parse_segment_file_name(name);
      if (!file) continue;
      if (file->suffix == kLogSuffix) bases_.push_back(file->offset);
      if (file->suffix == kSnapshotSuffix) snapshots_.push_back(file->offset);
      if (file->suffix == kIndexSuffix || file->suffix == kTimeIndexSuffix) indexes.push_back(file->offset);
      const bool leftover = file->suffix.ends_with(kDeletedSuffix) || file->suffix.ends_with(kCleanedSuffix) ||
                            file->suffix.ends_with(kSwapSuffix);
      if (leftover) add(Kind::kNote, name, "is left from a deletion or a compaction; the next start completes it");
    }
    for (const int64_t index : indexes) {
      if (std::binary_search(bases_.begin(), bases_.end(), index)) continue;
      add(Kind::kNote, segment_file_name(index, kIndexSuffix), "has no .log; the next start removes it");
    }
  }

  Status check_identity() {
    const std::string name(kPartitionMetadataFile);
    Result<Bytes> file = files_.read_file(path_of(name));
    if (!file && file.error().kind != ErrorKind::kNotFound) return file.error();
    if (!file) {
      add(Kind::kNote, name, "is missing; the next start creates it");
    } else if (auto id = decode_partition_metadata(*file); !id) {
      add(Kind::kProblem, name, id.error().message,
          Mend{path_of(name), {}, "is removed; the broker creates it again, for the topic of that name"});
    }
    return ok_status();
  }

  Status check_segments() {
    for (size_t i = 0; i < bases_.size(); ++i) {
      const int64_t end = i + 1 < bases_.size() ? bases_[i + 1] : INT64_MAX;
      RETURN_IF_ERROR(SegmentCheck(walk_, bases_[i], end).run());
    }
    out_.segments = bases_.size();
    out_.first_offset = bases_.empty() ? 0 : bases_.front();
    out_.end_offset = bases_.empty() ? 0 : std::max(walk_.next_offset, bases_.back());
    return ok_status();
  }

  Status check_snapshots() {
    for (const int64_t offset : snapshots_) {
      const std::string name = segment_file_name(offset, kSnapshotSuffix);
      Result<Bytes> file = files_.read_file(path_of(name));
      RETURN_IF_ERROR(file);
      const auto entries = decode_producer_snapshot(*file);
      if (entries && offset <= out_.end_offset) continue;
      if (entries) {
        add(Kind::kNote, name, fmt::format("is beyond the log's end, {}; the next start removes it", out_.end_offset));
        continue;
      }
      // Beyond the recovery point it is rewritten.
      const bool promised = walk_.clean_shutdown || offset < walk_.recovery_point;
      add(promised ? Kind::kProblem : Kind::kNote, name, entries.error().message, Mend{path_of(name), {}, kReadAnew});
    }
    return ok_status();
  }

  Status check_epochs() {
    const std::string name(kLeaderEpochFile);
    Result<Bytes> file = files_.read_file(path_of(name));
    if (!file && file.error().kind != ErrorKind::kNotFound) return file.error();
    if (!file) {
      if (walk_.latest_epoch >= 0) {
        Finding finding{Kind::kProblem, name, "is missing, but the records have leader epochs", {}, true};
        out_.findings.push_back(std::move(finding));
      }
      return ok_status();
    }
    // Kafka creates an empty file and fills it with the first record.
    if (file->empty() && walk_.latest_epoch < 0) return ok_status();
    const auto entries = decode_epoch_checkpoint(*file);
    if (!entries)
      add(Kind::kNote, name, entries.error().message + "; the next start reads the epochs from the records");
    return ok_status();
  }

  // Checks the entries of this partition in the log directory's own files.
  void check_checkpoints() {
    if (known_.log_start_offset > out_.end_offset) {
      add(Kind::kProblem, "",
          fmt::format("the log ends at {}, before its log start offset {}: it would restart there, without any of its "
                      "records",
                      out_.end_offset, known_.log_start_offset));
    }
    if (known_.clean_shutdown && known_.known && known_.recovery_point > out_.end_offset) {
      add(Kind::kProblem, "",
          fmt::format("the log ends at {}, but records up to {} were synced before a clean shutdown: they are lost",
                      out_.end_offset, known_.recovery_point));
    }
  }

  FileSystem& files_;
  const std::string path_;
  const LogDirectory::Found known_;
  PartitionFindings out_;
  PartitionWalk walk_;
  std::vector<int64_t> bases_;
  std::vector<int64_t> snapshots_;
};

}  // namespace

Result<PartitionFindings> check_partition(FileSystem& files, const PartitionDirectory& partition,
                                          const LogDirectory::Found& known,
                                          const std::function<void(uint64_t bytes)>& on_read) {
  return PartitionCheck(files, partition, known, on_read).run();
}

}  // namespace milena::log
