#include "broker/replica/waiter.h"

#include <utility>

#include "broker/shard_context.h"

namespace milena::broker {

Waiter::Waiter(ShardContext& home, Task on_progress)
    : home_(home), id_(home.index(), home.next_waiter_number()), on_progress_(std::move(on_progress)) {}

void Waiter::signal(ShardContext& from) {
  if (&from == &home_) {
    schedule();
  } else {
    home_.executor().post([self = shared_from_this()] { self->schedule(); });
  }
}

void Waiter::schedule() {
  if (scheduled_ || !on_progress_) return;
  scheduled_ = true;
  // At the end of the turn, so that ten appends of a turn wake the reader once.
  home_.executor().at_end_of_turn([self = shared_from_this()] {
    self->scheduled_ = false;
    if (!self->on_progress_) return;
    // The callback may finish this waiter, which would destroy the callback while it runs.
    Task run = self->on_progress_;
    run();
  });
}

void Waiter::finish() { on_progress_ = nullptr; }

void WaiterList::remove(const Waiter& waiter) { waiters_.erase(waiter.id()); }

void WaiterList::signal_all(ShardContext& from) {
  if (waiters_.empty()) return;
  auto told = std::exchange(waiters_, {});
  for (const auto& [id, waiter] : told) waiter->signal(from);
}

}  // namespace milena::broker
