// Interfaces for time and turns: production has one event loop per shard (net/event_loop), tests move the clock
// themselves (base/manual_executor.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/saturating.h"

namespace milena {

using Task = std::function<void()>;

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock, milliseconds since 1970. For records and responses.
  virtual int64_t wall_ms() const = 0;
  // Never goes back; for deadlines.
  virtual int64_t steady_ms() const = 0;
  // The same clock, finer. For durations.
  virtual int64_t steady_ns() const { return steady_ms() * 1'000'000; }
  // Processor time that the calling thread has used. For request quotas.
  virtual int64_t thread_cpu_ns() const = 0;
};

Clock& system_clock();

using TimerId = uint64_t;

// One shard's thread as its code sees it. post() may be called from any thread; the rest only on the shard's own.
class Executor {
 public:
  virtual ~Executor() = default;
  // Whether the caller may use objects of this executor: it runs in one of its turns. While no thread runs the
  // executor, a thread that runs no other may use them, too: a node that starts or stops, a test between two turns.
  bool is_current() const {
    return running_ == this || (running_ == nullptr && !has_thread_.load(std::memory_order_relaxed));
  }
  virtual const Clock& clock() const = 0;
  // Only on the executor's thread, or before anything runs on it.
  virtual Random& random() const = 0;
  // Runs the task on this executor's thread, soon, in the order posted.
  virtual void post(Task task) = 0;
  // Runs the task once at or after the deadline of clock().steady_ms(). Never within the call. Ids are never 0.
  virtual TimerId call_at(int64_t steady_ms, Task task) = 0;
  // The same, `delay_ms` from now; with an infinite delay the timer never fires.
  TimerId call_after(int64_t delay_ms, Task task) {
    return call_at(add_saturating(clock().steady_ms(), delay_ms), std::move(task));
  }
  // No effect on a timer that ran already.
  virtual void cancel(TimerId id) = 0;
  // Runs the task once at the end of this turn of the loop, before it sleeps. For batching the work of a turn.
  virtual void at_end_of_turn(Task task) = 0;
  // Runs blocking work (fsync, delete, recovery) on the small worker pool, then `then` back on this executor's thread.
  virtual void run_blocking(Task work, Task then) = 0;
  // The same for long computations: on separate threads of low priority.
  virtual void run_computation(Task work, Task then) { run_blocking(std::move(work), std::move(then)); }
  // Runs the tasks in parallel, on as many threads as there are, and returns when all have ended. For a start, before
  // anything else runs.
  virtual void run_parallel(std::vector<Task> tasks) = 0;

 protected:
  // While it lives, the calling thread runs the executor. Executors of one thread may run inside each other's turns.
  class Running {
   public:
    explicit Running(Executor& executor)
        : executor_(executor), outer_(std::exchange(running_, &executor)), had_thread_(executor.has_thread_) {
      executor_.has_thread_ = true;
    }
    ~Running() {
      executor_.has_thread_ = had_thread_;
      running_ = outer_;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Executor& executor_;
    const Executor* outer_;
    bool had_thread_;
  };

 private:
  // The executor that this thread runs.
  static inline thread_local constinit const Executor* running_ = nullptr;
  std::atomic<bool> has_thread_ = false;
};

// run_parallel() of an executor that has real threads.
void run_on_threads(std::vector<Task> tasks);

}  // namespace milena
