// Checks and repairs a data directory while no broker uses it. See docs/operations or the help of `milena check`.
//
// check_directory() writes only the lock file, and removes it again if it was not there. repair() does what the
// findings propose, one by one. Each file that it replaces stays beside the new one as *.before-repair, so that a
// person may put it back.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "log/check/findings.h"
#include "log/log_directory.h"

namespace milena::log {

class DirectoryCheck {
 public:
  // An error if the directory does not exist, or a broker has it locked.
  static Result<std::unique_ptr<DirectoryCheck>> open(FileSystem& files, const std::string& path);

  // The bytes of all segments, which run() reads.
  Result<uint64_t> log_bytes() const;
  // `on_partition` is told of each as it is done; `on_read`, of the bytes of segments, as they are read.
  Result<DirectoryFindings> run(
      const std::function<void(const PartitionFindings&)>& on_partition,
      const std::function<void(uint64_t bytes)>& on_read = [](uint64_t) {});
  // The directory, for checks that several directories of one node must agree.
  const LogDirectory& directory() const { return *directory_; }

  // Calls `on_done` for each repair.
  Status repair(const DirectoryFindings& findings, const std::function<void(const std::string&)>& on_done);

 private:
  DirectoryCheck(FileSystem& files, std::unique_ptr<LogDirectory> directory)
      : files_(files), directory_(std::move(directory)) {}

  Status check_own_files(DirectoryFindings& out);
  void check_checkpoint(const std::string& name, const Bytes& content, DirectoryFindings& out);
  Status check_snapshots(const std::string& path, std::vector<Finding>& out);
  Result<PartitionFindings> check_partition(const PartitionDirectory& partition,
                                            const std::function<void(uint64_t bytes)>& on_read);
  Result<std::string> keep(const std::string& path);
  Status rewrite(const Mend& mend);
  Status keep_snapshots_behind(const std::string& log_path);
  Status ask_for_recovery(const std::vector<std::string>& partitions,
                          const std::function<void(const std::string&)>& on_done);

  FileSystem& files_;
  std::unique_ptr<LogDirectory> directory_;
};

}  // namespace milena::log
