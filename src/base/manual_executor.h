// ManualExecutor: an Executor that is run by its caller, with a clock that only moves when set, and random numbers from
// a seed. Tests and simulators use it; blocking work runs at once, in its turn. Single-threaded.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "base/executor.h"

namespace milena {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t start_ms = 1'700'000'000'000) : now_ms_(start_ms) {}
  int64_t wall_ms() const override { return now_ms_; }
  int64_t steady_ms() const override { return now_ms_ += tick_ms_; }
  int64_t thread_cpu_ns() const override { return 0; }
  void advance(int64_t ms) { now_ms_ += ms; }
  // From now on, time passes at each look at the steady clock: work that takes a slice of a turn ends its slice.
  void tick_at_each_look(int64_t ms) { tick_ms_ = ms; }

 private:
  mutable int64_t now_ms_;
  int64_t tick_ms_ = 0;
};

class ManualExecutor final : public Executor {
 public:
  // The caller owns the clock; several executors may share it.
  explicit ManualExecutor(ManualClock& clock, uint64_t seed = 1) : clock_(clock), random_(seed) {}

  const Clock& clock() const override { return clock_; }
  Random& random() const override { return random_; }
  void post(Task task) override { ready_.push_back(std::move(task)); }
  TimerId call_at(int64_t steady_ms, Task task) override {
    timers_.emplace(std::pair(steady_ms, ++last_id_), std::move(task));
    return last_id_;
  }
  void cancel(TimerId id) override {
    std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  }
  void at_end_of_turn(Task task) override { end_of_turn_.push_back(std::move(task)); }
  void run_blocking(Task work, Task then) override {
    post([work = std::move(work), then = std::move(then)] { work(); then(); });
  }

  void run_computation(Task work, Task then) override {
    computations_++;
    run_blocking(std::move(work), std::move(then));
  }
  int computations() const { return computations_; }

  void run_parallel(std::vector<Task> tasks) override {
    for (Task& task : tasks) task();
  }

  // Runs one turn: ready tasks, due timers, then end-of-turn tasks. False if there was nothing to run.
  bool run_turn() {
    const Running running(*this);
    bool ran = false;
    std::deque<Task> ready = std::exchange(ready_, {});
    for (Task& task : ready) { task(); ran = true; }
    // Timers set by these tasks wait for the next turn, as in the event loop.
    const TimerId last_id = last_id_;
    while (!timers_.empty() && timers_.begin()->first.first <= clock_.steady_ms() &&
           timers_.begin()->first.second <= last_id) {
      Task task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      task();
      ran = true;
    }
    std::deque<Task> ends = std::exchange(end_of_turn_, {});
    for (Task& task : ends) { task(); ran = true; }
    return ran;
  }
  // Runs turns until nothing is left to do at this time.
  void run_until_idle() { while (run_turn()) {} }

 private:
  ManualClock& clock_;
  mutable SeededRandom random_;
  std::deque<Task> ready_;
  std::deque<Task> end_of_turn_;
  std::map<std::pair<int64_t, TimerId>, Task> timers_;
  TimerId last_id_ = 0;
  int computations_ = 0;
};

}  // namespace milena
