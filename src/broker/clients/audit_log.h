// The audit log (milena.audit.log): denied and administrative requests, one JSON line each, in a file. Off by default.
//
// Each shard gathers lines and has a worker append them, one append at a time. If the disk is slower than the requests,
// further lines are counted and dropped, and the log reports how many. The file is opened for each append, so that it
// may be renamed at any time. Beyond milena.audit.log.max.bytes it is renamed to PATH.1, replacing the older one.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/bytes.h"
#include "base/executor.h"
#include "base/file.h"
#include "security/audit_line.h"

namespace milena::broker {

// Shared by the shards.
class AuditFile {
 public:
  AuditFile(FileSystem& files, std::string path, uint64_t max_bytes)
      : files_(files), path_(std::move(path)), max_bytes_(max_bytes) {}
  // May be called on any thread.
  Status append(ByteView lines);
  const std::string& path() const { return path_; }

 private:
  FileSystem& files_;
  const std::string path_;
  const uint64_t max_bytes_;
  std::mutex mutex_;
};

// One shard's part.
class AuditLog {
 public:
  AuditLog(Executor& executor, std::shared_ptr<AuditFile> file) : executor_(executor), file_(std::move(file)) {}

  bool on() const { return file_ != nullptr; }
  void write(Bytes line);
  // At a stop: writes the remaining lines on the calling thread.
  void close();

 private:
  static constexpr size_t kMaxGathered = 1 << 20;

  void start_append();

  Executor& executor_;
  std::shared_ptr<AuditFile> file_;
  Bytes gathered_;
  size_t missing_ = 0;
  bool appending_ = false;
  bool warned_ = false;
  bool closed_ = false;
};

}  // namespace milena::broker
