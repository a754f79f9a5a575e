// GroupTable: the groups of one partition of __consumer_offsets by their ids. An id belongs to one group of one kind.
// Single-threaded, owned by the shard.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "coordinator/group/group.h"

namespace milena::coordinator {

class GroupTable {
 public:
  using Map = std::map<Bytes, std::unique_ptr<Group>, std::less<>>;

  const Map& all() const { return groups_; }
  bool empty() const { return groups_.empty(); }

  Group* find(ByteView id) const {
    const auto at = groups_.find(id);
    return at == groups_.end() ? nullptr : at->second.get();
  }
  // Null if the group is of another kind, too. T::is returns whether a type is its own.
  template <class T>
  T* find(ByteView id) const {
    return as<T>(find(id));
  }
  template <class T>
  static T* as(Group* group) {
    return group != nullptr && T::is(group->type()) ? static_cast<T*>(group) : nullptr;
  }

  // Replaces a group with the same id, and returns the old one.
  template <class T>
  std::pair<T*, std::unique_ptr<Group>> put(std::unique_ptr<T> group) {
    T* there = group.get();
    std::unique_ptr<Group>& slot = groups_[there->id()];
    return {there, std::exchange(slot, std::move(group))};
  }
  void erase(ByteView id) {
    const auto at = groups_.find(id);
    if (at != groups_.end()) groups_.erase(at);
  }
  // A group of another kind stays.
  template <class T>
  void erase(ByteView id) {
    if (find<T>(id) != nullptr) erase(id);
  }

  // The groups of one kind, in the order of their ids.
  template <class T>
  std::vector<T*> of_kind() const {
    std::vector<T*> found;
    for (const auto& [id, group] : groups_) {
      if (T* own = as<T>(group.get())) found.push_back(own);
    }
    return found;
  }

 private:
  Map groups_;
};

}  // namespace milena::coordinator
