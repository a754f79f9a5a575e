// ForwardingFileSystem: the real file system, to be overridden by tests in which some calls fail.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"

namespace milena {

class ForwardingFileSystem : public FileSystem {
 public:
  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override { return real_.open(path, mode); }
  bool exists(const std::string& path) override { return real_.exists(path); }
  Status make_directories(const std::string& path) override { return real_.make_directories(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return real_.list(path); }
  Status rename(const std::string& from, const std::string& to) override { return real_.rename(from, to); }
  Status remove(const std::string& path) override { return real_.remove(path); }
  Status remove_tree(const std::string& path) override { return real_.remove_tree(path); }
  Status sync_directory(const std::string& path) override { return real_.sync_directory(path); }
  Status sync_everything(const std::string& path) override { return real_.sync_everything(path); }

 private:
  FileSystem& real_ = posix_file_system();
};

}  // namespace milena
