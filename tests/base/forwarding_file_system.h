// ForwardingFileSystem and ForwardingFile: the real file system and its files. Tests override the calls that fail.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"

namespace milena {

class ForwardingFile : public File {
 public:
  explicit ForwardingFile(std::shared_ptr<File> file) : file_(std::move(file)) {}
  Result<size_t> read_at(uint64_t position, char* to, size_t size) const override {
    return file_->read_at(position, to, size);
  }
  Status write_at(uint64_t position, std::span<const iovec> parts) override { return file_->write_at(position, parts); }
  Status truncate(uint64_t size) override { return file_->truncate(size); }
  Status sync() override { return file_->sync(); }
  Result<uint64_t> size() const override { return file_->size(); }
  int descriptor() const override { return file_->descriptor(); }
  const std::string& path() const override { return file_->path(); }

 protected:
  File& file() { return *file_; }

 private:
  std::shared_ptr<File> file_;
};

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
