// WorkerPool: a few threads beside the event loops, shared by all of them: those of the process that may block (fsync,
// deletes, recovery), and those that compute for long (decompression, assignments).
//
// Threads start when there is work and no idle one, at most `max_threads`; one that finds nothing to do for some
// seconds ends, so a broker at rest has none. Work is taken in the order given, by several threads: two pieces of work
// may run at the same time.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "base/executor.h"

namespace milena::net {

class WorkerPool {
 public:
  // `nice` is added to the threads' own niceness.
  explicit WorkerPool(int max_threads = 4, int idle_ms = 5000, int nice = 0)
      : max_threads_(max_threads), idle_ms_(idle_ms), nice_(nice) {}
  // Finishes what was given, then waits for the threads to end.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // From any thread. The work runs on one of the pool's threads; where not a single thread can be had, within the call.
  void run(Task work);

  int thread_count() const;

 private:
  // False if the system has no thread to give.
  bool start_thread();
  void work_loop();

  const int max_threads_;
  const int idle_ms_;
  const int nice_;
  mutable std::mutex mutex_;
  std::condition_variable work_or_stop_;
  std::condition_variable thread_ended_;
  std::deque<Task> queue_;
  int threads_ = 0;
  int idle_threads_ = 0;
  bool stopping_ = false;
};

}  // namespace milena::net
