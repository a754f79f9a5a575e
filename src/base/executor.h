// Time and turns behind interfaces: production has one event loop per shard (net/event_loop), tests a clock that they
// move themselves (base/manual_executor.h).
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
  // Wall clock, milliseconds since 1970: what records and answers carry.
  virtual int64_t wall_ms() const = 0;
  // Never goes back; for deadlines.
  virtual int64_t steady_ms() const = 0;
  // The same clock, finer: how long things take.
  virtual int64_t steady_ns() const { return steady_ms() * 1'000'000; }
  // Processor time that the calling thread has used, for those who are billed by it.
  virtual int64_t thread_cpu_ns() const = 0;
};

Clock& system_clock();

using TimerId = uint64_t;

// One shard's thread as its code sees it. post() may be called from any thread; the rest only on the shard's own.
class Executor {
 public:
  virtual ~Executor() = default;
  // Whether the caller may touch what belongs to this executor: it runs in one of its turns. While no thread runs the
  // executor, a thread that runs no other may touch it too: a node that starts or stops, a test between two turns.
  bool is_current() const {
    return running_ == this || (running_ == nullptr && !has_thread_.load(std::memory_order_relaxed));
  }
  virtual const Clock& clock() const = 0;
  // On the executor's thread, or while nothing runs on it yet.
  virtual Random& random() const = 0;
  // Runs the task on this executor's thread, soon, in the order posted.
  virtual void post(Task task) = 0;
  // Runs the task once at or after the deadline of clock().steady_ms(). Never within the call. Ids are never 0.
  virtual TimerId call_at(int64_t steady_ms, Task task) = 0;
  // The same, so long from now; a delay without end is a timer that never comes.
  TimerId call_after(int64_t delay_ms, Task task) {
    return call_at(add_saturating(clock().steady_ms(), delay_ms), std::move(task));
  }
  // No effect on a timer that ran already.
  virtual void cancel(TimerId id) = 0;
  // Runs the task once at the end of this turn of the loop, before it sleeps: the place to group work of a turn.
  virtual void at_end_of_turn(Task task) = 0;
  // Runs blocking work (fsync, delete, recovery) on the small worker pool, then `then` back on this executor's thread.
  virtual void run_blocking(Task work, Task then) = 0;
  // The same for work that only computes, and for longer than others may be kept waiting: on threads of its own, which
  // give way to all others.
  virtual void run_computation(Task work, Task then) { run_blocking(std::move(work), std::move(then)); }
  // Runs each of the tasks on a thread of its own, as far as there are threads, and returns when all have ended: for a
  // start, before anything else runs.
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
