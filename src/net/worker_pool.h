// WorkerPool: a few threads beside the event loops, shared by all of them: for blocking work (fsync, deletes,
// recovery), or for long computations (decompression, assignments).
//
// Threads start when there is work and no idle one, at most `max_threads`; one without work for some seconds ends, so
// an idle broker has none. Work starts in the order given, on several threads: two pieces of work may run at the same
// time.
#pragma once

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>

#include "base/executor.h"

namespace milena::net {

class WorkerPool {
 public:
  // `nice` is added to the threads' own niceness.
  explicit WorkerPool(int max_threads = 4, int idle_ms = 5000, int nice = 0)
      : max_threads_(max_threads), idle_ms_(idle_ms), nice_(nice) {}
  // Finishes all work, then joins the threads: whatever they free as they end is freed before the process ends.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // From any thread. The work runs on one of the pool's threads; if none can be started, within the call.
  void run(Task work);

  int thread_count() const;

 private:
  // False if the system cannot start another thread.
  bool start_thread();
  void work_loop(std::list<std::thread>::iterator self);

  const int max_threads_;
  const int idle_ms_;
  const int nice_;
  mutable std::mutex mutex_;
  std::condition_variable work_or_stop_;
  std::condition_variable thread_ended_;
  std::deque<Task> queue_;
  std::list<std::thread> threads_;
  std::thread last_ended_;  // joins the one that ended before it
  int idle_threads_ = 0;
  bool stopping_ = false;
};

}  // namespace milena::net
