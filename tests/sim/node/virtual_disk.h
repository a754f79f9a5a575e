// VirtualDisk: a FileSystem in memory with what real disks do to a broker. The first part of a path ("/a") is
// a volume, a file system of its own.
//
// Writes are visible at once, as in a page cache. A power failure undoes unsynced changes: of a file's writes any may
// be missing, and one may be torn (the file has its length, with zeros in place of missing bytes); of a directory's
// changes the last ones are missing, each directory for itself. Volumes fill, fail, vanish and return.
//
// Single-threaded. Before each call on_call() is asked, which may throw: the process is killed there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "sim/node/random.h"

namespace milena::sim {

class VirtualDisk final : public FileSystem {
 public:
  explicit VirtualDisk(SimRandom& random);
  ~VirtualDisk() override;

  // --- as FileSystem

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override;
  bool exists(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  DiskSpace space(const std::string& path) override;

  // --- what the simulator does to it

  void set_on_call(std::function<void()> on_call) { on_call_ = std::move(on_call); }
  // The process is dead: what its destructors still try has no effect.
  void freeze(bool frozen) { frozen_ = frozen; }
  // Everything that is not synced may be lost. No file may be open any more.
  void lose_power();

  // Calls on the volume fail with EIO until it returns.
  void set_away(const std::string& volume, bool away);
  // Calls that need space on the volume fail with ENOSPC. That is not a disk error.
  void set_full(const std::string& volume, bool full);
  // The call after so many others on the volume fails with EIO, once.
  void fail_after(const std::string& volume, uint64_t calls);
  // Opening fails with EMFILE when so many files are open. 0: no limit.
  void set_open_limit(size_t limit) { open_limit_ = limit; }
  bool is_full() const { return !full_.empty(); }
  void make_room() { full_.clear(); }
  void heal();
  // Whether a call was failed since this was asked last.
  bool take_trouble() { return std::exchange(trouble_, false); }
  bool in_trouble() const { return trouble_; }

  uint64_t calls() const { return calls_; }
  size_t open_files() const { return open_files_; }
  // For looking at what is there; nullptr if there is no such file.
  const std::string* content(const std::string& path) const;
  std::vector<std::string> paths_under(const std::string& path) const;
  // Without a process: it is on the disk, and synced.
  void put(const std::string& path, std::string content);
  void drop(const std::string& path);
  // One byte of a file is no longer what was written.
  void rot(const std::string& path, size_t position);

 private:
  struct Inode;
  class OpenFile;
  using InodePtr = std::shared_ptr<Inode>;
  struct Write {
    bool truncate = false;
    uint64_t position = 0;  // or the size
    std::string bytes;
  };
  struct Change {
    // Null: the name goes.
    std::vector<std::pair<std::string, InodePtr>> entries;
  };
  struct Inode {
    bool is_directory = false;
    std::string bytes;
    std::string durable_bytes;
    std::vector<Write> unsynced;
    std::map<std::string, InodePtr> entries;
    std::map<std::string, InodePtr> durable_entries;
    std::vector<Change> changes;
  };

  Status begin(const char* what, const std::string& path, bool takes_room = false);
  InodePtr find(const std::string& path) const;
  InodePtr parent_of(const std::string& path, std::string& name) const;
  void change(Inode& directory, Change what);
  static void apply(std::string& to, const Write& write, uint64_t only);
  void settle(Inode& inode);
  void settle_file(Inode& file);
  static std::string volume_of(const std::string& path);

  SimRandom& random_;
  InodePtr root_;
  std::function<void()> on_call_;
  std::set<std::string> away_;
  std::set<std::string> full_;
  std::map<std::string, uint64_t> fails_at_;  // by volume: the calls that are left
  size_t open_limit_ = 0;
  size_t open_files_ = 0;
  uint64_t calls_ = 0;
  bool trouble_ = false;
  bool frozen_ = false;
};

}  // namespace milena::sim
