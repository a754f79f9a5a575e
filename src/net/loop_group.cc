#include "net/loop_group.h"

#include <pthread.h>

#include <latch>

#include <fmt/core.h>

namespace milena::net {

LoopGroup::LoopGroup(int count) {
  for (int i = 0; i < count; i++) loops_.push_back(std::make_unique<EventLoop>(workers_, computers_));
  for (int i = 0; i < count; i++) {
    try {
      threads_.emplace_back([this, i] { loops_[i]->run(); });
    } catch (...) {
      stop();
      throw;
    }
    pthread_setname_np(threads_.back().native_handle(), fmt::format("milena-shard-{}", i).c_str());
  }
}

std::vector<Executor*> LoopGroup::executors() const {
  std::vector<Executor*> all;
  for (const auto& loop : loops_) all.push_back(loop.get());
  return all;
}

void LoopGroup::run_on_each(const std::function<void(int index)>& task) {
  std::latch done(size());
  for (int i = 0; i < size(); i++) {
    loops_[i]->post([&, i] {
      task(i);
      done.count_down();
    });
  }
  done.wait();
}

void LoopGroup::stop() {
  for (auto& loop : loops_) loop->stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace milena::net
