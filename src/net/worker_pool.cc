#include "net/worker_pool.h"

#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <thread>

namespace milena::net {

WorkerPool::~WorkerPool() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  work_or_stop_.notify_all();
  thread_ended_.wait(lock, [this] { return threads_ == 0; });
}

void WorkerPool::run(Task work) {
  {
    std::lock_guard lock(mutex_);
    if (static_cast<int>(queue_.size()) < idle_threads_ || threads_ == max_threads_ || start_thread() || threads_ > 0) {
      queue_.push_back(std::move(work));
      work_or_stop_.notify_one();
      return;
    }
  }
  // There is no thread and none can be started: slow is better than never.
  work();
}

bool WorkerPool::start_thread() {
  threads_++;
  try {
    std::thread([this] { work_loop(); }).detach();
  } catch (const std::system_error&) {
    threads_--;
    return false;
  }
  return true;
}

int WorkerPool::thread_count() const {
  std::lock_guard lock(mutex_);
  return threads_;
}

void WorkerPool::work_loop() {
  pthread_setname_np(pthread_self(), nice_ == 0 ? "milena-worker" : "milena-compute");
  // On Linux niceness is per thread.
  if (nice_ != 0) [[maybe_unused]] const int now = ::nice(nice_);
  std::unique_lock lock(mutex_);
  while (true) {
    if (queue_.empty()) {
      if (stopping_) break;
      idle_threads_++;
      bool woken = work_or_stop_.wait_for(lock, std::chrono::milliseconds(idle_ms_),
                                          [this] { return stopping_ || !queue_.empty(); });
      idle_threads_--;
      if (!woken) break;
      continue;
    }
    Task work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // its data is freed without the lock
    lock.lock();
  }
  threads_--;
  // Last touch of the pool: its owner waits for this under the same lock.
  thread_ended_.notify_all();
}

}  // namespace milena::net
