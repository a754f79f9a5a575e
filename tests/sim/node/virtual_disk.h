// VirtualDisk: a FileSystem in memory with the faults of real disks. The first part of a path ("/a") is a volume, a
// separate file system.
//
// Writes are visible at once, as in a page cache. A power failure undoes unsynced changes: of a file's writes any may
// be missing, and one may be torn (the file has its length, with zeros in place of missing bytes); of a directory's
// changes the last ones are missing, each directory for itself. Volumes fill up, fail, vanish and return.
//
// Single-threaded. Before each call on_call() is called, which may throw: the process is killed there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
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
  Status allocate(const std::string& path, uint64_t bytes) override;
  DiskSpace space(const std::string& path) override;

  // --- faults by the simulator

  using OnCall = std::function<void(std::string_view call, const std::string& path)>;
  void set_on_call(OnCall on_call) { on_call_ = std::move(on_call); }
  // The process is dead: what its destructors still try has no effect.
  void freeze(bool frozen) { frozen_ = frozen; }
  // Everything unsynced may be lost. No file may be open.
  void lose_power();

  // Calls on the volume fail with EIO until it returns.
  void set_away(const std::string& volume, bool away);
  // There is no room left on the volume but for what is removed from now on, and what would take more fails with
  // ENOSPC. That is no trouble with the disk.
  void fill(const std::string& volume) { left_[volume] = 0; }
  // The call after so many others on the volume fails with EIO, once.
  void fail_after(const std::string& volume, uint64_t calls);
  // Opening fails with EMFILE if so many files are open. 0: no limit.
  void set_open_limit(size_t limit) { open_limit_ = limit; }
  bool is_full() const { return !left_.empty(); }
  void make_room() { left_.clear(); }
  void heal();
  // Whether a call has failed since the last call of this.
  bool take_trouble() { return std::exchange(trouble_, false); }
  bool in_trouble() const { return trouble_; }

  uint64_t calls() const { return calls_; }
  size_t open_files() const { return open_files_; }
  // The content of a file; nullptr if there is no such file.
  const std::string* content(const std::string& path) const;
  std::vector<std::string> paths_under(const std::string& path) const;
  // Creates a file without a process: it is synced.
  void put(const std::string& path, std::string content);
  void drop(const std::string& path);
  // Changes one byte of a file.
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
    // Null: the name is removed.
    std::vector<std::pair<std::string, InodePtr>> entries;
  };
  struct Inode {
    bool is_directory = false;
    std::string bytes;
    std::string durable_bytes;
    uint64_t allocated = 0;  // room that it has taken, whatever is in it
    std::vector<Write> unsynced;
    std::map<std::string, InodePtr> entries;
    std::map<std::string, InodePtr> durable_entries;
    std::vector<Change> changes;
  };

  // `room` is what it takes on the volume, in bytes.
  Status begin(const char* what, const std::string& path, uint64_t room = 0);
  void shuffle(std::vector<std::string>& names);
  void free_room_of(const std::string& path, const Inode& inode);
  InodePtr find(const std::string& path) const;
  InodePtr parent_of(const std::string& path, std::string& name) const;
  void change(Inode& directory, Change what);
  static void apply(std::string& to, const Write& write, uint64_t only);
  void settle(Inode& inode);
  void settle_file(Inode& file);
  static std::string volume_of(const std::string& path);

  SimRandom& random_;
  InodePtr root_;
  OnCall on_call_;
  std::set<std::string> away_;
  std::map<std::string, uint64_t> left_;      // by volume: bytes, of those that are filled
  std::map<std::string, uint64_t> fails_at_;  // by volume: the calls that are left
  size_t open_limit_ = 0;
  size_t open_files_ = 0;
  uint64_t calls_ = 0;
  bool trouble_ = false;
  bool frozen_ = false;
};

}  // namespace milena::sim
