// ForgetfulFileSystem: a disk in memory that loses unsynced data at a loss of power: the bytes of files, and the names
// in directories, independently. A file may be there and be empty.
//
// Within a directory the changes of names reach the disk in their order; the test chooses how many of the unsynced ones
// did. Files opened before the loss still exist, but not in the tree: a dead process cannot change it.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"

namespace milena::base_test {

class ForgetfulFileSystem final : public FileSystem {
 public:
  // The number of unsynced changes of a directory's names, in their order, that reached the disk.
  using KeptNames = std::function<size_t(const std::string& directory, size_t changes)>;
  // Whether the unsynced bytes of a file reached the disk.
  using KeptBytes = std::function<bool(const std::string& file)>;
  static size_t no_names(const std::string&, size_t) { return 0; }
  static size_t all_names(const std::string&, size_t changes) { return changes; }
  static bool no_bytes(const std::string&) { return false; }
  static bool all_bytes(const std::string&) { return true; }

  // Called before each operation, with its name ("rename", "write", ...) and path; true: it fails, and does nothing.
  std::function<bool(ByteView call, const std::string& path)> fails;

  void lose_power(const KeptNames& names = no_names, const KeptBytes& bytes = no_bytes) {
    std::lock_guard lock(mutex_);
    root_ = after_loss(*root_, "", names, bytes);
  }
  // As if everything so far had been synced.
  void settle() {
    std::lock_guard lock(mutex_);
    settle(*root_);
  }

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    std::lock_guard lock(mutex_);
    if (fail("open", path)) return failure(path);
    Node* parent = find(parent_directory(path));
    if (parent == nullptr) return not_found(path);
    auto at = parent->names.find(name_of(path));
    if (at == parent->names.end() && mode != OpenMode::kReadOrCreate) return not_found(path);
    if (at == parent->names.end()) at = change(*parent, {{name_of(path), std::make_shared<Node>()}});
    if (at->second->directory) return failure(path);
    return std::shared_ptr<File>(std::make_shared<OpenFile>(*this, at->second, path));
  }
  bool exists(const std::string& path) override {
    std::lock_guard lock(mutex_);
    return find(path) != nullptr;
  }
  Status make_directories(const std::string& path) override {
    std::lock_guard lock(mutex_);
    if (fail("make_directories", path)) return failure(path);
    Node* at = root_.get();
    for (const std::string& name : parts(path)) {
      auto next = at->names.find(name);
      if (next == at->names.end()) next = change(*at, {{name, make_directory()}});
      if (!next->second->directory) return failure(path);
      at = next->second.get();
    }
    return ok_status();
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    std::lock_guard lock(mutex_);
    if (fail("list", path)) return failure(path);
    Node* directory = find(path);
    if (directory == nullptr) return not_found(path);
    std::vector<std::string> names;
    for (const auto& [name, node] : directory->names) names.push_back(name);
    return names;
  }
  Status rename(const std::string& from, const std::string& to) override {
    std::lock_guard lock(mutex_);
    if (fail("rename", from)) return failure(from);
    Node* source = find(parent_directory(from));
    Node* target = find(parent_directory(to));
    if (find(from) == nullptr || target == nullptr) return not_found(from);
    std::shared_ptr<Node> moved = source->names.at(name_of(from));
    Node* there = find(to);
    if (there != nullptr && there->directory && !there->names.empty()) return failure(to);
    if (source == target) {
      change(*source, {{name_of(from), nullptr}, {name_of(to), moved}});
    } else {
      change(*source, {{name_of(from), nullptr}});
      change(*target, {{name_of(to), moved}});
    }
    return ok_status();
  }
  Status remove(const std::string& path) override {
    std::lock_guard lock(mutex_);
    if (fail("remove", path)) return failure(path);
    if (find(path) != nullptr) change(*find(parent_directory(path)), {{name_of(path), nullptr}});
    return ok_status();
  }
  Status remove_tree(const std::string& path) override {
    std::lock_guard lock(mutex_);
    if (fail("remove_tree", path)) return failure(path);
    if (find(path) == nullptr) return ok_status();
    empty(*find(path));
    change(*find(parent_directory(path)), {{name_of(path), nullptr}});
    return ok_status();
  }
  Status sync_directory(const std::string& path) override {
    std::lock_guard lock(mutex_);
    if (fail("sync_directory", path)) return failure(path);
    Node* directory = find(path);
    if (directory == nullptr) return not_found(path);
    directory->synced_names = directory->names;
    directory->changes.clear();
    return ok_status();
  }

  Status sync_everything(const std::string& path) override {
    std::lock_guard lock(mutex_);
    if (fail("sync_everything", path)) return failure(path);
    settle(*root_);
    return ok_status();
  }

 private:
  struct Node;
  using Names = std::map<std::string, std::shared_ptr<Node>>;
  using Change = std::vector<std::pair<std::string, std::shared_ptr<Node>>>;  // null: the name is removed
  struct Node {
    bool directory = false;
    Bytes bytes, synced_bytes;
    Names names, synced_names;
    std::vector<Change> changes;  // since the last sync
  };

  class OpenFile final : public File {
   public:
    OpenFile(ForgetfulFileSystem& owner, std::shared_ptr<Node> node, std::string path)
        : owner_(owner), node_(std::move(node)), path_(std::move(path)) {}
    Result<size_t> read_at(uint64_t position, char* to, size_t size) const override {
      std::lock_guard lock(owner_.mutex_);
      if (owner_.fail("read", path_)) return failure(path_);
      if (position >= node_->bytes.size()) return size_t{0};
      size_t count = std::min<size_t>(size, node_->bytes.size() - position);
      std::memcpy(to, node_->bytes.data() + position, count);
      return count;
    }
    Status write_at(uint64_t position, std::span<const iovec> parts) override {
      std::lock_guard lock(owner_.mutex_);
      if (owner_.fail("write", path_)) return failure(path_);
      for (const iovec& part : parts) {
        if (node_->bytes.size() < position + part.iov_len) node_->bytes.resize(position + part.iov_len, '\0');
        if (part.iov_len > 0) std::memcpy(node_->bytes.data() + position, part.iov_base, part.iov_len);
        position += part.iov_len;
      }
      return ok_status();
    }
    Status truncate(uint64_t size) override {
      std::lock_guard lock(owner_.mutex_);
      if (owner_.fail("truncate", path_)) return failure(path_);
      node_->bytes.resize(size, '\0');
      return ok_status();
    }
    Status sync() override {
      std::lock_guard lock(owner_.mutex_);
      if (owner_.fail("sync", path_)) return failure(path_);
      node_->synced_bytes = node_->bytes;
      return ok_status();
    }
    Result<uint64_t> size() const override {
      std::lock_guard lock(owner_.mutex_);
      return static_cast<uint64_t>(node_->bytes.size());
    }
    int descriptor() const override { return -1; }
    const std::string& path() const override { return path_; }

   private:
    ForgetfulFileSystem& owner_;
    std::shared_ptr<Node> node_;
    std::string path_;
  };

  static std::shared_ptr<Node> make_directory() {
    auto node = std::make_shared<Node>();
    node->directory = true;
    return node;
  }
  static std::vector<std::string> parts(const std::string& path) {
    std::vector<std::string> found;
    for (size_t at = 0; at < path.size();) {
      size_t end = std::min(path.find('/', at), path.size());
      if (end > at) found.push_back(path.substr(at, end - at));
      at = end + 1;
    }
    return found;
  }
  static std::string name_of(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }
  Node* find(const std::string& path) {
    Node* at = root_.get();
    for (const std::string& name : parts(path)) {
      auto next = at->names.find(name);
      if (next == at->names.end()) return nullptr;
      at = next->second.get();
    }
    return at;
  }

  static void apply(Names& names, const Change& change) {
    for (const auto& [name, node] : change) {
      if (node == nullptr) names.erase(name);
      else names[name] = node;
    }
  }
  static Names::iterator change(Node& directory, Change change) {
    apply(directory.names, change);
    std::string last = change.back().first;
    directory.changes.push_back(std::move(change));
    return directory.names.find(last);
  }
  static void empty(Node& node) {
    while (!node.names.empty()) {
      empty(*node.names.begin()->second);
      change(node, {{node.names.begin()->first, nullptr}});
    }
  }
  static void settle(Node& node) {
    node.synced_bytes = node.bytes;
    node.synced_names = node.names;
    node.changes.clear();
    for (auto& [name, below] : node.names) settle(*below);
  }
  static std::shared_ptr<Node> after_loss(const Node& of, const std::string& path, const KeptNames& kept_names,
                                          const KeptBytes& kept_bytes) {
    auto left = std::make_shared<Node>();
    left->directory = of.directory;
    if (!of.directory) {
      left->bytes = left->synced_bytes = kept_bytes(path) ? of.bytes : of.synced_bytes;
      return left;
    }
    Names names = of.synced_names;
    size_t kept = of.changes.empty() ? 0 : std::min(kept_names(path, of.changes.size()), of.changes.size());
    for (size_t i = 0; i < kept; ++i) apply(names, of.changes[i]);
    for (const auto& [name, node] : names)
      left->names[name] = after_loss(*node, path + "/" + name, kept_names, kept_bytes);
    left->synced_names = left->names;
    return left;
  }

  bool fail(ByteView call, const std::string& path) { return fails && fails(call, path); }
  static Error failure(const std::string& path) { return Error{ErrorKind::kIo, path + ": the disk fails"}; }
  static Error not_found(const std::string& path) { return Error{ErrorKind::kNotFound, path + " is not there"}; }

  std::mutex mutex_;
  std::shared_ptr<Node> root_ = make_directory();
};

}  // namespace milena::base_test
