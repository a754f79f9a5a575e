// EventLoop: the Executor of one shard, a thread that waits for sockets, timers and messages.
//
// A turn: ready sockets, messages, due timers, a slice of the postponed work, then the end-of-turn tasks, which group
// the fsyncs and the writes of the turn. Then it blocks until the next event; an idle loop does not wake up at all.
// Every part of a turn is bounded in number and, between two tasks, in time: the rest runs in the next turn, behind the
// sockets. Run by one thread (run()); only post(), run_blocking's `then` (and run_computation's) and stop() may be
// called from others. Senders limit the number of waiting messages.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/executor.h"
#include "net/worker_pool.h"

namespace asio {
class io_context;
}

namespace milena::net {

class EventLoop final : public Executor {
 public:
  EventLoop(WorkerPool& workers, WorkerPool& computers, Clock& clock = system_clock());
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  const Clock& clock() const override { return clock_; }
  Random& random() const override { return system_random(); }
  void post(Task task) override;
  TimerId call_at(int64_t steady_ms, Task task) override;
  void cancel(TimerId id) override;
  void at_end_of_turn(Task task) override { end_of_turn_.push_back(std::move(task)); }
  void run_blocking(Task work, Task then) override { run_in(workers_, std::move(work), std::move(then)); }
  void run_computation(Task work, Task then) override { run_in(computers_, std::move(work), std::move(then)); }
  void run_parallel(std::vector<Task> tasks) override { run_on_threads(std::move(tasks)); }

  // Work of a connection that has had its slice of this turn. All such work of the loop shares one slice, so that busy
  // connections wait for each other and other connections do not wait for them.
  void postpone(Task task) { postponed_.push_back(std::move(task)); }

  // Runs turns until stop(). The calling thread is the loop's thread from here on.
  void run();
  // Ends the loop after the current turn. From any thread.
  void stop();

  // For the folder's own sockets.
  asio::io_context& io();
  // A buffer that every connection of the loop may use within one call, so that idle connections need none.
  char* scratch() { return scratch_.get(); }
  static constexpr size_t kScratchBytes = 128 * 1024;
  // Another, for streams that change the bytes between a connection and its socket. Allocated at its first use.
  char* stream_scratch() {
    if (!stream_scratch_) stream_scratch_.reset(new char[kStreamScratchBytes]);
    return stream_scratch_.get();
  }
  static constexpr size_t kStreamScratchBytes = 144 * 1024;

 private:
  struct Sleeper;  // wakes Asio: an eventfd and a timer
  struct Timer {
    int64_t deadline_ms;
    TimerId id;
    bool operator>(const Timer& other) const {
      return deadline_ms != other.deadline_ms ? deadline_ms > other.deadline_ms : id > other.id;
    }
  };

  void run_in(WorkerPool& pool, Task work, Task then);
  void run_ready_sockets(bool may_block);
  bool run_messages();
  bool run_due_timers();
  bool run_postponed();
  bool run_end_of_turn();
  bool prepare_sleep();
  void arm_alarm();

  Clock& clock_;
  WorkerPool& workers_;
  WorkerPool& computers_;
  std::unique_ptr<Sleeper> sleeper_;
  std::unique_ptr<char[]> scratch_;
  std::unique_ptr<char[]> stream_scratch_;

  // Messages: one lock, taken once a turn by the loop. With `asleep_` the loop needs a wake-up; the first sender clears
  // it, so a batch of messages needs one.
  std::mutex mailbox_mutex_;
  std::vector<Task> mailbox_;
  bool asleep_ = false;
  std::vector<Task> draining_;
  size_t drained_ = 0;  // how many of them ran
  std::atomic<bool> stop_{false};

  // A heap of deadlines and a map of tasks; cancelled timers stay in the heap until they are due or too many.
  std::vector<Timer> timer_heap_;
  std::unordered_map<TimerId, Task> timer_tasks_;
  TimerId last_timer_id_ = 0;
  int64_t alarm_ms_ = INT64_MAX;  // the deadline of the one system timer

  std::vector<Task> end_of_turn_;
  std::deque<Task> postponed_;
};

}  // namespace milena::net
