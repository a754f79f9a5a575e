// RecentTable: values for the keys that were used most recently. Bounded: when it is full, the least recently used key
// is dropped. Clients may choose the keys.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <utility>

namespace milena::broker {

template <class Key, class Value>
class RecentTable {
 public:
  explicit RecentTable(size_t most) : most_(most) {}

  // Returns the value of the key; a new one if there is none.
  Value& touch(const Key& key) {
    auto found = places_.find(key);
    if (found != places_.end()) {
      newest_first_.splice(newest_first_.begin(), newest_first_, found->second);
      return found->second->second;
    }
    if (places_.size() >= most_) {
      places_.erase(newest_first_.back().first);
      newest_first_.pop_back();
    }
    newest_first_.emplace_front(key, Value());
    try {
      places_.emplace(key, newest_first_.begin());
    } catch (...) {
      newest_first_.pop_front();
      throw;
    }
    return newest_first_.front().second;
  }

  const std::list<std::pair<Key, Value>>& newest_first() const { return newest_first_; }
  size_t size() const { return places_.size(); }

 private:
  using Entries = std::list<std::pair<Key, Value>>;

  const size_t most_;
  Entries newest_first_;
  std::map<Key, typename Entries::iterator> places_;
};

}  // namespace milena::broker
