// FailingFiles: the real file system, with calls that fail on request. It affects all paths that contain `match`, or,
// if it ends with '$', that end with the text before it.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/forwarding_file_system.h"

namespace milena::broker::broker_test {

class FailingFiles final : public ForwardingFileSystem {
 public:
  enum class Call { kOpen, kRead, kWrite, kSync, kSyncEverything };

  void fail(Call call, std::string match, ErrorKind kind = ErrorKind::kIo) {
    failing_[call] = {std::move(match), kind};
  }
  void mend() { failing_.clear(); }
  // The number of calls, including failed ones.
  int count(Call call) const { return counts_[static_cast<size_t>(call)]; }
  void forget_counts() {
    for (auto& each : counts_) each = 0;
  }

  Status sync_everything(const std::string& path) override {
    RETURN_IF_ERROR(check(Call::kSyncEverything, path));
    return ForwardingFileSystem::sync_everything(path);
  }

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    RETURN_IF_ERROR(check(Call::kOpen, path));
    auto file = ForwardingFileSystem::open(path, mode);
    if (!file) return file;
    return std::shared_ptr<File>(std::make_shared<Checked>(*file, *this));
  }

 private:
  struct Failure {
    std::string match;
    ErrorKind kind = ErrorKind::kIo;
  };

  class Checked final : public ForwardingFile {
   public:
    Checked(std::shared_ptr<File> file, FailingFiles& owner) : ForwardingFile(std::move(file)), owner_(owner) {}
    Result<size_t> read_at(uint64_t position, char* to, size_t size) const override {
      RETURN_IF_ERROR(owner_.check(Call::kRead, path()));
      return ForwardingFile::read_at(position, to, size);
    }
    Status write_at(uint64_t position, std::span<const iovec> parts) override {
      RETURN_IF_ERROR(owner_.check(Call::kWrite, path()));
      return ForwardingFile::write_at(position, parts);
    }
    Status sync() override {
      RETURN_IF_ERROR(owner_.check(Call::kSync, path()));
      return ForwardingFile::sync();
    }

   private:
    FailingFiles& owner_;
  };

  Status check(Call call, const std::string& path) const {
    counts_[static_cast<size_t>(call)]++;
    auto found = failing_.find(call);
    if (found == failing_.end()) return ok_status();
    const std::string& match = found->second.match;
    const bool hit = match.ends_with('$') ? path.ends_with(match.substr(0, match.size() - 1))
                                          : path.find(match) != std::string::npos;
    if (!hit) return ok_status();
    return make_error(found->second.kind, "{}: made to fail", path);
  }

  std::map<Call, Failure> failing_;
  mutable std::array<std::atomic<int>, 5> counts_{};  // workers sync, too
};

}  // namespace milena::broker::broker_test
