#include "sim/node/virtual_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace milena::sim {
namespace {

// Of a name in a directory.
constexpr uint64_t kName_bytes = 64;

Error disk_error(int number, const char* what, const std::string& path) {
  const bool exhausted = number == EMFILE || number == ENOSPC;
  const ErrorKind kind = number == ENOENT ? ErrorKind::kNotFound
                         : exhausted      ? ErrorKind::kExhausted
                                          : ErrorKind::kIo;
  return make_error(kind, "cannot {} {}: {}", what, path, std::strerror(number));
}

// Each call is a line of the history: for who asks what a process did last.
bool traced() {
  static const bool wanted = std::getenv("MILENA_CALLS") != nullptr;
  return wanted;
}

}  // namespace

class VirtualDisk::OpenFile final : public File {
 public:
  OpenFile(VirtualDisk& disk, InodePtr inode, std::string path)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)) {
    disk_.open_files_++;
  }
  ~OpenFile() override { disk_.open_files_--; }

  Result<size_t> read_at(uint64_t position, char* to, size_t size) const override {
    RETURN_IF_ERROR(disk_.begin("read", path_));
    if (position >= inode_->bytes.size()) return size_t{0};
    size_t there = std::min<size_t>(size, inode_->bytes.size() - position);
    std::memcpy(to, inode_->bytes.data() + position, there);
    return there;
  }

  Status write_at(uint64_t position, std::span<const iovec> parts) override {
    Write write{false, position, {}};
    for (const iovec& part : parts) write.bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
    RETURN_IF_ERROR(disk_.begin("write", path_, write.bytes.size()));
    if (write.bytes.empty()) return ok_status();
    apply(inode_->bytes, write, write.bytes.size());
    inode_->unsynced.push_back(std::move(write));
    return ok_status();
  }

  Status truncate(uint64_t size) override {
    RETURN_IF_ERROR(disk_.begin("truncate", path_));
    Write write{true, size, {}};
    apply(inode_->bytes, write, 0);
    inode_->unsynced.push_back(std::move(write));
    return ok_status();
  }

  Status sync() override {
    RETURN_IF_ERROR(disk_.begin("sync", path_));
    for (const Write& write : inode_->unsynced) apply(inode_->durable_bytes, write, write.bytes.size());
    inode_->unsynced.clear();
    return ok_status();
  }

  Result<uint64_t> size() const override {
    RETURN_IF_ERROR(disk_.begin("stat", path_));
    return static_cast<uint64_t>(inode_->bytes.size());
  }

  int descriptor() const override { return -1; }
  const std::string& path() const override { return path_; }

 private:
  VirtualDisk& disk_;
  InodePtr inode_;
  std::string path_;
};

VirtualDisk::VirtualDisk(SimRandom& random) : random_(random), root_(std::make_shared<Inode>()) {
  root_->is_directory = true;
}

VirtualDisk::~VirtualDisk() = default;

std::string VirtualDisk::volume_of(const std::string& path) {
  return path.substr(0, path.find('/', 1));
}

// Every call comes through here: who is killed, is killed before it has an effect.
Status VirtualDisk::begin(const char* what, const std::string& path, uint64_t room) {
  calls_++;
  if (traced()) std::fprintf(stderr, "    %s %s\n", what, path.c_str());
  if (on_call_) on_call_(what, path);
  if (frozen_) return disk_error(EIO, what, path);
  const std::string volume = volume_of(path);
  int number = 0;
  if (auto fails = fails_at_.find(volume); fails != fails_at_.end() && fails->second-- == 0) {
    fails_at_.erase(fails);
    number = EIO;
  } else if (away_.contains(volume)) {
    number = EIO;
  } else if (auto left = left_.find(volume); room > 0 && left != left_.end()) {
    if (left->second < room) number = ENOSPC;
    else left->second -= room;
  }
  if (number == 0) return ok_status();
  trouble_ |= number != ENOSPC;
  return disk_error(number, what, path);
}

void VirtualDisk::free_room_of(const std::string& path, const Inode& inode) {
  auto left = left_.find(volume_of(path));
  if (left != left_.end()) left->second += std::max<uint64_t>(inode.bytes.size(), inode.allocated) + kName_bytes;
}

VirtualDisk::InodePtr VirtualDisk::find(const std::string& path) const {
  InodePtr at = root_;
  for (size_t from = 1; at != nullptr && from < path.size();) {
    size_t to = std::min(path.find('/', from), path.size());
    if (to > from) {
      auto entry = at->entries.find(path.substr(from, to - from));
      at = entry == at->entries.end() ? nullptr : entry->second;
    }
    from = to + 1;
  }
  return at;
}

VirtualDisk::InodePtr VirtualDisk::parent_of(const std::string& path, std::string& name) const {
  name = path.substr(path.find_last_of('/') + 1);
  InodePtr parent = find(parent_directory(path));
  return parent != nullptr && parent->is_directory ? parent : nullptr;
}

void VirtualDisk::change(Inode& directory, Change what) {
  for (const auto& [name, inode] : what.entries) {
    if (inode != nullptr)
      directory.entries[name] = inode;
    else
      directory.entries.erase(name);
  }
  directory.changes.push_back(std::move(what));
}

void VirtualDisk::apply(std::string& to, const Write& write, uint64_t only) {
  if (write.truncate) return to.resize(write.position);
  uint64_t end = write.position + write.bytes.size();
  if (to.size() < end) to.resize(end);
  to.replace(write.position, only, write.bytes, 0, only);
}

Result<std::shared_ptr<File>> VirtualDisk::open(const std::string& path, OpenMode mode) {
  bool there = find(path) != nullptr;
  RETURN_IF_ERROR(begin("open", path, !there && mode == OpenMode::kReadOrCreate ? kName_bytes : 0));
  if (open_limit_ > 0 && open_files_ >= open_limit_) return disk_error(EMFILE, "open", path);
  InodePtr inode = find(path);
  if (inode == nullptr) {
    if (mode != OpenMode::kReadOrCreate) return disk_error(ENOENT, "open", path);
    std::string name;
    InodePtr parent = parent_of(path, name);
    if (parent == nullptr) return disk_error(ENOENT, "open", path);
    inode = std::make_shared<Inode>();
    change(*parent, Change{{{name, inode}}});
  }
  if (inode->is_directory) return disk_error(EISDIR, "open", path);
  return std::shared_ptr<File>(std::make_shared<OpenFile>(*this, std::move(inode), path));
}

bool VirtualDisk::exists(const std::string& path) {
  return begin("look for", path).ok() && find(path) != nullptr;
}

Status VirtualDisk::make_directories(const std::string& path) {
  RETURN_IF_ERROR(begin("make directory", path, find(path) == nullptr ? kName_bytes : 0));
  InodePtr at = root_;
  for (size_t from = 1; from < path.size();) {
    size_t to = std::min(path.find('/', from), path.size());
    std::string name = path.substr(from, to - from);
    from = to + 1;
    InodePtr& next = at->entries[name];
    if (next == nullptr) {
      auto made = std::make_shared<Inode>();
      made->is_directory = true;
      change(*at, Change{{{name, made}}});
      // A volume is there.
      if (at == root_) at->durable_entries[name] = made;
    }
    at = at->entries[name];
    if (!at->is_directory) return disk_error(ENOTDIR, "make directory", path);
  }
  return ok_status();
}

// File systems list names in no order.
void VirtualDisk::shuffle(std::vector<std::string>& names) {
  for (size_t i = names.size(); i > 1; i--) std::swap(names[i - 1], names[random_.pick(i)]);
}

Result<std::vector<std::string>> VirtualDisk::list(const std::string& path) {
  RETURN_IF_ERROR(begin("list", path));
  InodePtr directory = find(path);
  if (directory == nullptr) return disk_error(ENOENT, "list", path);
  if (!directory->is_directory) return disk_error(ENOTDIR, "list", path);
  std::vector<std::string> names;
  for (const auto& [name, inode] : directory->entries) names.push_back(name);
  shuffle(names);
  return names;
}

Status VirtualDisk::rename(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(begin("rename", from + " to " + to));
  std::string name, new_name;
  InodePtr parent = parent_of(from, name);
  InodePtr new_parent = parent_of(to, new_name);
  InodePtr inode = find(from);
  if (inode == nullptr || new_parent == nullptr) return disk_error(ENOENT, "rename", from + " to " + to);
  CHECK(parent == new_parent, "{} to {}: not in one directory", from, to);
  InodePtr there = find(to);
  if (there != nullptr && there->is_directory && !there->entries.empty()) {
    return disk_error(ENOTEMPTY, "rename", from + " to " + to);
  }
  change(*parent, Change{{{name, nullptr}, {new_name, inode}}});
  return ok_status();
}

Status VirtualDisk::remove(const std::string& path) {
  RETURN_IF_ERROR(begin("remove", path));
  std::string name;
  InodePtr parent = parent_of(path, name);
  auto inode = find(path);
  if (inode == nullptr) return ok_status();
  if (inode->is_directory) return disk_error(EISDIR, "remove", path);
  change(*parent, Change{{{name, nullptr}}});
  free_room_of(path, *inode);
  return ok_status();
}

// One call for each file, as on a real disk.
Status VirtualDisk::remove_tree(const std::string& path) {
  RETURN_IF_ERROR(begin("remove", path));
  InodePtr inode = find(path);
  if (inode == nullptr) return ok_status();
  std::vector<std::string> names;
  for (const auto& [name, entry] : inode->entries) names.push_back(name);
  shuffle(names);
  for (const std::string& name : names) RETURN_IF_ERROR(remove_tree(path + "/" + name));
  std::string name;
  InodePtr parent = parent_of(path, name);
  // It may have gone or been renamed meanwhile.
  if (parent == nullptr || find(path) != inode) return ok_status();
  change(*parent, Change{{{name, nullptr}}});
  free_room_of(path, *inode);
  return ok_status();
}

Status VirtualDisk::sync_directory(const std::string& path) {
  RETURN_IF_ERROR(begin("sync", path));
  InodePtr directory = find(path);
  if (directory == nullptr) return disk_error(ENOENT, "open", path);
  directory->durable_entries = directory->entries;
  directory->changes.clear();
  return ok_status();
}

// The file is empty as far as anybody reads it.
Status VirtualDisk::allocate(const std::string& path, uint64_t bytes) {
  InodePtr inode = find(path);
  const uint64_t before = inode == nullptr ? 0 : inode->allocated;
  if (bytes <= before) return begin("allocate", path);
  RETURN_IF_ERROR(begin("allocate", path, bytes - before + (inode == nullptr ? kName_bytes : 0)));
  if (inode == nullptr) {
    std::string name;
    InodePtr parent = parent_of(path, name);
    if (parent == nullptr) return disk_error(ENOENT, "allocate", path);
    inode = std::make_shared<Inode>();
    change(*parent, Change{{{name, inode}}});
  }
  inode->allocated = bytes;
  return ok_status();
}

DiskSpace VirtualDisk::space(const std::string& path) {
  if (!begin("stat", path).ok()) return {};
  auto left = left_.find(volume_of(path));
  return {1 << 30, left == left_.end() ? 1 << 29 : static_cast<int64_t>(left->second)};
}

// --- faults

void VirtualDisk::lose_power() {
  CHECK(open_files_ == 0, "{} files are open", open_files_);
  root_->changes.clear();
  settle(*root_);
}

void VirtualDisk::settle(Inode& inode) {
  if (!inode.is_directory) return settle_file(inode);
  size_t kept = inode.changes.empty() ? 0 : random_.pick(inode.changes.size() + 1);
  for (size_t i = 0; i < kept; i++) {
    for (const auto& [name, entry] : inode.changes[i].entries) {
      if (entry != nullptr)
        inode.durable_entries[name] = entry;
      else
        inode.durable_entries.erase(name);
    }
  }
  inode.entries = inode.durable_entries;
  inode.changes.clear();
  for (const auto& [name, entry] : inode.entries) settle(*entry);
}

void VirtualDisk::settle_file(Inode& file) {
  if (file.unsynced.empty()) return;
  // None, all, the first ones with a torn one behind them, or any.
  const size_t how = random_.pick(4);
  const size_t first_lost = how == 0   ? 0
                            : how == 2 ? random_.pick(file.unsynced.size())
                                       : file.unsynced.size();
  for (size_t i = 0; i < file.unsynced.size(); i++) {
    const Write& write = file.unsynced[i];
    if (i < first_lost) {
      if (how == 3 && random_.chance(30)) continue;
      apply(file.durable_bytes, write, write.bytes.size());
    } else if (i == first_lost && how == 2 && !write.truncate) {
      uint64_t landed = random_.pick(write.bytes.size() + 1);
      if (random_.chance(50)) {
        apply(file.durable_bytes, write, landed);
      } else {
        apply(file.durable_bytes, Write{false, write.position, write.bytes.substr(0, landed)}, landed);
      }
    }
  }
  file.unsynced.clear();
  file.bytes = file.durable_bytes;
}

void VirtualDisk::set_away(const std::string& volume, bool away) {
  if (away)
    away_.insert(volume);
  else
    away_.erase(volume);
}

void VirtualDisk::fail_after(const std::string& volume, uint64_t calls) {
  fails_at_[volume] = calls;
}

void VirtualDisk::heal() {
  away_.clear();
  left_.clear();
  fails_at_.clear();
  open_limit_ = 0;
  trouble_ = false;
}

// --- behind the process's back

const std::string* VirtualDisk::content(const std::string& path) const {
  InodePtr inode = find(path);
  if (inode == nullptr || inode->is_directory) return nullptr;
  return &inode->bytes;
}

std::vector<std::string> VirtualDisk::paths_under(const std::string& path) const {
  std::vector<std::string> all;
  InodePtr directory = find(path);
  if (directory == nullptr) return all;
  for (const auto& [name, inode] : directory->entries) {
    const std::string child = path + "/" + name;
    all.push_back(child);
    if (!inode->is_directory) continue;
    for (std::string& below : paths_under(child)) all.push_back(std::move(below));
  }
  return all;
}

void VirtualDisk::put(const std::string& path, std::string content) {
  std::string name;
  InodePtr parent = parent_of(path, name);
  CHECK(parent != nullptr, "{}", path);
  auto inode = std::make_shared<Inode>();
  inode->bytes = inode->durable_bytes = std::move(content);
  parent->entries[name] = inode;
  parent->durable_entries = parent->entries;
  parent->changes.clear();
}

void VirtualDisk::drop(const std::string& path) {
  std::string name;
  InodePtr parent = parent_of(path, name);
  if (parent == nullptr) return;
  parent->entries.erase(name);
  parent->durable_entries = parent->entries;
  parent->changes.clear();
}

void VirtualDisk::rot(const std::string& path, size_t position) {
  InodePtr inode = find(path);
  CHECK(inode != nullptr && position < inode->bytes.size(), "{} at {}", path, position);
  for (const Write& write : inode->unsynced) apply(inode->durable_bytes, write, write.bytes.size());
  inode->unsynced.clear();
  inode->bytes[position] = static_cast<char>(inode->bytes[position] ^ 0x55);
  inode->durable_bytes = inode->bytes;
}

}  // namespace milena::sim
