// Router: the only file that knows there are several shards.
//
// A partition, a group's coordinator and the controller each live on one shard; a connection lives on another, or on
// the same one, in which case everything here is a plain call. Only values and immutable objects are passed between
// shards. The Router itself is immutable after start, so every shard may use it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "broker/later_turn.h"
#include "broker/replica/topic_partition_id.h"

namespace milena::broker {

class Shard;

class Router {
 public:
  void set_shards(std::vector<Shard*> shards) { shards_ = std::move(shards); }
  size_t shard_count() const { return shards_.size(); }

  bool owns(const Shard& shard, const TopicPartitionId& id) const { return &shard == &owner_of(id); }

  // Runs `task` on the given shard: at once if `from` is it, else as a message.
  void run_on(Shard& from, Shard& to, Task task) const;
  // Runs the task on the partition's shard.
  void at_owner(Shard& from, const TopicPartitionId& id, std::function<void(Shard& owner)> task) const;
  // Runs the task on the controller's shard.
  void at_controller(Shard& from, std::function<void(Shard& controller)> task) const;
  // Runs the task on the shard of the fetch session with this id (session ids carry their shard).
  void at_session_home(Shard& from, int32_t session_id, std::function<void(Shard& home)> task) const;
  // Runs the task on the shard that the hash maps to, for objects that are shared by name.
  void at_hashed(Shard& from, size_t hash, std::function<void(Shard& home)> task) const;
  // Whether the remainder of the id is this shard.
  bool is_session_of(const Shard& shard, int32_t session_id) const;
  // Runs the task once on every shard, then `done` on `from`.
  void at_all(Shard& from, std::function<void(Shard&)> task, Task done) const;

  // Splits the items by the owner of `item.id` and runs work(owner, part, finished) on each owner, which may change its
  // part and calls finished() exactly once, at once or later. After the last, runs done(items), in the original order,
  // on `from`. With one shard nothing is copied. Without the memory for `work` or for `done`, `done` is dropped on
  // `from`.
  template <class Item>
  void scatter(Shard& from, std::vector<Item> items,
               std::function<void(Shard&, const std::shared_ptr<std::vector<Item>>&, Task finished)> work,
               std::function<void(std::vector<Item>)> done) const;
  // The same for items that are finished at once: `visit` runs on the owner of each. Many items take several turns of
  // the owner, so that others are served in between. Without the memory for a visit, `done` is dropped on `from`.
  template <class Item>
  void visit_each(Shard& from, std::vector<Item> items, void (*visit)(Shard& owner, Item& item),
                  std::function<void(std::vector<Item>)> done) const {
    auto fits = std::make_shared<std::atomic<bool>>(true);
    auto work = [visit, fits](Shard& owner, const std::shared_ptr<std::vector<Item>>& part, Task finished) {
      visit_from<Item>(owner, part, visit, 0, [fits, finished = std::move(finished)](bool all_visited) {
        if (!all_visited) *fits = false;
        finished();
      });
    };
    scatter<Item>(from, std::move(items), work, [fits, done = std::move(done)](std::vector<Item> visited) {
      if (*fits) done(std::move(visited));
    });
  }
  // The same for items without an owner: all are visited on `here`.
  template <class Item>
  static void visit_each_here(Shard& here, std::vector<Item> items, void (*visit)(Shard& here, Item& item),
                              std::function<void(std::vector<Item>)> done) {
    auto all = std::make_shared<std::vector<Item>>(std::move(items));
    visit_from<Item>(here, all, visit, 0, [all, done = std::move(done)](bool all_visited) {
      if (all_visited) continue_or_drop([&] { done(std::move(*all)); });
    });
  }

 private:
  // The most time of a turn for one request.
  static constexpr int64_t kSlice_ms = 3;

  // finished(false) means that memory was short.
  template <class Item>
  static void visit_from(Shard& owner, const std::shared_ptr<std::vector<Item>>& part, void (*visit)(Shard&, Item&),
                         size_t next, std::function<void(bool all_visited)> finished) {
    const int64_t end_ms = steady_ms(owner) + kSlice_ms;
    while (next < part->size()) {
      if (!continue_or_drop([&] { visit(owner, (*part)[next++]); })) return finished(false);
      if (next == part->size() || steady_ms(owner) < end_ms) continue;
      return post(owner, [&owner, part, visit, next, finished = std::move(finished)] {
        visit_from<Item>(owner, part, visit, next, finished);
      });
    }
    finished(true);
  }
  static int64_t steady_ms(const Shard& shard);
  static void post(Shard& shard, Task task);

  Shard& owner_of(const TopicPartitionId& id) const {
    return shards_.size() == 1 ? *shards_[0] : *shards_[std::hash<TopicPartitionId>()(id) % shards_.size()];
  }

  std::vector<Shard*> shards_;
};

template <class Item>
void Router::scatter(Shard& from, std::vector<Item> items,
                     std::function<void(Shard&, const std::shared_ptr<std::vector<Item>>&, Task finished)> work,
                     std::function<void(std::vector<Item>)> done) const {
  if (shards_.size() == 1) {
    auto all = std::make_shared<std::vector<Item>>(std::move(items));
    continue_or_drop([&] {
      work(from, all, [all, done = std::move(done)] { continue_or_drop([&] { done(std::move(*all)); }); });
    });
    return;
  }
  struct Gather {
    std::vector<Item> items;
    size_t open_parts = 0;
    std::function<void(std::vector<Item>)> done;
  };
  struct Part {
    std::shared_ptr<std::vector<Item>> items = std::make_shared<std::vector<Item>>();
    std::vector<size_t> places;
  };
  auto gather = std::make_shared<Gather>();
  gather->done = std::move(done);
  std::vector<Part> parts(shards_.size());
  for (size_t i = 0; i < items.size(); i++) {
    Part& part = parts[std::hash<TopicPartitionId>()(items[i].id) % shards_.size()];
    part.items->push_back(std::move(items[i]));
    part.places.push_back(i);
  }
  gather->items = std::move(items);
  for (const Part& part : parts) gather->open_parts += part.places.empty() ? 0 : 1;
  if (gather->open_parts == 0) return gather->done({});
  for (size_t i = 0; i < parts.size(); i++) {
    if (parts[i].places.empty()) continue;
    Shard* owner = shards_[i];
    auto run = [this, &from, owner, work, gather, part = std::make_shared<Part>(std::move(parts[i]))]() mutable {
      auto finished = [this, &from, owner, gather, part] {
        run_on(*owner, from, [gather, part] {
          for (size_t k = 0; k < part->places.size(); k++) {
            gather->items[part->places[k]] = std::move((*part->items)[k]);
          }
          if (--gather->open_parts > 0 || !gather->done) return;
          continue_or_drop([&] { std::exchange(gather->done, nullptr)(std::move(gather->items)); });
        });
      };
      if (continue_or_drop([&] { work(*owner, part->items, finished); })) return;
      // The request is dropped on its own shard.
      run_on(*owner, from, [gather = std::move(gather), part = std::move(part)] { gather->done = nullptr; });
    };
    run_on(from, *owner, std::move(run));
  }
}

}  // namespace milena::broker
