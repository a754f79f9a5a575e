// FullFiles: a disk for tests that can be full.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/forwarding_file_system.h"
#include "log/disk_reserve.h"

namespace milena::broker::broker_test {

// The real file system, which the test can make full: then nothing is written, unless a reserve is removed.
class FullFiles final : public ForwardingFileSystem {
 public:
  enum class Room { kPlenty, kReserve, kNone };

  void fill(Room room = Room::kReserve) { room_ = room; }
  bool full() const { return room_ != Room::kPlenty && !(room_ == Room::kReserve && spent_); }
  int refused() const { return refused_; }

  Status allocate(const std::string& path, uint64_t) override {
    if (room_ != Room::kPlenty) return no_room(path);
    spent_ = false;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    auto file = ForwardingFileSystem::open(path, OpenMode::kReadOrCreate);
    return file.ok() ? ok_status() : Status(file.error());
  }
  Status remove(const std::string& path) override {
    spent_ |= path.ends_with(log::DiskReserve::kFileName);
    return ForwardingFileSystem::remove(path);
  }
  DiskSpace space(const std::string&) override { return {1 << 30, room_ == Room::kPlenty ? 1 << 29 : 0}; }
  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (mode == OpenMode::kReadOrCreate && full() && !exists(path)) return no_room(path);
    auto file = ForwardingFileSystem::open(path, mode);
    if (!file) return file;
    return std::shared_ptr<File>(std::make_shared<Written>(*file, *this));
  }

 private:
  class Written final : public ForwardingFile {
   public:
    Written(std::shared_ptr<File> file, FullFiles& owner) : ForwardingFile(std::move(file)), owner_(owner) {}
    Status write_at(uint64_t position, std::span<const iovec> parts) override {
      return owner_.full() ? Status(owner_.no_room(path())) : ForwardingFile::write_at(position, parts);
    }

   private:
    FullFiles& owner_;
  };

  Error no_room(const std::string& path) {
    refused_++;
    return make_error(ErrorKind::kExhausted, "{}: no space left on device", path);
  }

  Room room_ = Room::kPlenty;
  bool spent_ = false;
  int refused_ = 0;
};

}  // namespace milena::broker::broker_test
