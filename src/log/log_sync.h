// LogSync: files of one log that must be synced, and the offset up to which the log is then durable. A value created by
// PartitionLog::prepare_sync() on the log's shard; run() is for a worker thread and only uses the files, which it keeps
// open.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace milena::log {

class LogSync {
 public:
  LogSync() = default;

  bool empty() const { return files_.empty() && directory_.empty() && parent_.empty(); }
  int64_t offset() const { return offset_; }
  // Syncs every file, then the directory if names were added to it, then its parent if the directory is new there.
  Status run(FileSystem& file_system) const;

 private:
  friend class PartitionLog;
  std::vector<std::shared_ptr<File>> files_;
  std::string directory_;
  std::string parent_;
  int64_t offset_ = -1;
  uint64_t truncations_ = 0;
};

}  // namespace milena::log
