// FileCache: the open files of many logs, at most `limit` at once; the least recently used one is closed first.
//
// One cache serves a whole process: it is the only class of this folder that several threads may use (its lock is held
// for a few pointer moves and, on a miss, one open()). Each segment owns its slots; the cache uses no memory for closed
// files. A file stays open as long as a shared_ptr to it lives, evicted or not, so responses in flight may take the
// number of descriptors over the limit.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include "base/file.h"

namespace milena::log {

class FileCache {
 public:
  // A place for one file. Belongs to the thread of its owner, which must destroy it before the cache.
  class Slot {
   public:
    Slot() = default;
    ~Slot() { close(); }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    // Releases the file; the next use opens it again.
    void close();

   private:
    friend class FileCache;
    FileCache* cache_ = nullptr;
    std::shared_ptr<File> file_;
    Slot* newer_ = nullptr;
    Slot* older_ = nullptr;
  };

  FileCache(FileSystem& file_system, size_t limit) : file_system_(file_system), limit_(limit) {}
  ~FileCache();
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;

  FileSystem& file_system() { return file_system_; }
  size_t open_files() const;

  // The slot's file, if it is open now. No system call.
  std::shared_ptr<File> find(Slot& slot);
  // Opens the file into the slot.
  Result<std::shared_ptr<File>> open(Slot& slot, const std::string& path, OpenMode mode);
  // For callers that need a descriptor for other files. False if no file is open here.
  bool close_oldest();

 private:
  void link_newest(Slot& slot);
  void unlink(Slot& slot);

  FileSystem& file_system_;
  const size_t limit_;
  mutable std::mutex mutex_;
  Slot* newest_ = nullptr;
  Slot* oldest_ = nullptr;
  size_t count_ = 0;
};

}  // namespace milena::log
