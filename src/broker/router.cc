#include "broker/router.h"

#include "broker/shard.h"

namespace milena::broker {

int64_t Router::steady_ms(const Shard& shard) { return shard.steady_ms(); }

void Router::post(Shard& shard, Task task) { shard.executor().post(std::move(task)); }

void Router::run_on(Shard& from, Shard& to, Task task) const {
  if (&from == &to) {
    task();
  } else {
    to.executor().post(std::move(task));
  }
}

void Router::at_owner(Shard& from, const TopicPartitionId& id, std::function<void(Shard&)> task) const {
  Shard& owner = owner_of(id);
  run_on(from, owner, [&owner, task = std::move(task)] { task(owner); });
}

void Router::at_controller(Shard& from, std::function<void(Shard&)> task) const {
  Shard& controller = *shards_[0];
  run_on(from, controller, [&controller, task = std::move(task)] { task(controller); });
}

void Router::at_session_home(Shard& from, int32_t session_id, std::function<void(Shard&)> task) const {
  Shard& home = *shards_[static_cast<uint32_t>(session_id) % shards_.size()];
  run_on(from, home, [&home, task = std::move(task)] { task(home); });
}

void Router::at_hashed(Shard& from, size_t hash, std::function<void(Shard&)> task) const {
  Shard& home = *shards_[hash % shards_.size()];
  run_on(from, home, [&home, task = std::move(task)] { task(home); });
}

bool Router::is_session_of(const Shard& shard, int32_t session_id) const {
  return shards_[static_cast<uint32_t>(session_id) % shards_.size()] == &shard;
}

void Router::at_all(Shard& from, std::function<void(Shard&)> task, Task done) const {
  // Counted on `from` alone, so it needs no lock.
  auto open = std::make_shared<size_t>(shards_.size());
  for (Shard* shard : shards_) {
    run_on(from, *shard, [this, &from, shard, task, open, done] {
      task(*shard);
      run_on(*shard, from, [open, done] {
        if (--*open == 0) done();
      });
    });
  }
}

}  // namespace milena::broker
