#include "net/worker_pool.h"

#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <utility>

namespace milena::net {

WorkerPool::~WorkerPool() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  work_or_stop_.notify_all();
  thread_ended_.wait(lock, [this] { return threads_.empty(); });
  lock.unlock();
  if (last_ended_.joinable()) last_ended_.join();
}

void WorkerPool::run(Task work) {
  {
    std::lock_guard lock(mutex_);
    if (static_cast<int>(queue_.size()) < idle_threads_ || static_cast<int>(threads_.size()) == max_threads_ ||
        start_thread() || !threads_.empty()) {
      queue_.push_back(std::move(work));
      work_or_stop_.notify_one();
      return;
    }
  }
  // There is no thread and none can be started: slow is better than never.
  work();
}

bool WorkerPool::start_thread() {
  // The thread looks at its place in the list under the lock that the caller holds.
  const auto self = threads_.emplace(threads_.end());
  try {
    *self = std::thread([this, self] { work_loop(self); });
  } catch (const std::system_error&) {
    threads_.erase(self);
    return false;
  }
  return true;
}

int WorkerPool::thread_count() const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(threads_.size());
}

void WorkerPool::work_loop(std::list<std::thread>::iterator self) {
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
  std::thread previous = std::exchange(last_ended_, std::move(*self));
  threads_.erase(self);
  thread_ended_.notify_all();
  lock.unlock();
  // So each is joined, and never more than one that has ended waits for that.
  if (previous.joinable()) previous.join();
}

}  // namespace milena::net
