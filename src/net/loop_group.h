// LoopGroup: the event loops of the process, one thread each, and the worker pool they share. Owned by main, or by a
// test. Everything on the loops (the node, the server) must be destroyed or stopped before the group is destroyed.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "net/event_loop.h"

namespace milena::net {

class LoopGroup {
 public:
  // Starts `count` loops and their threads. Throws std::system_error if the system has no thread to give.
  explicit LoopGroup(int count);
  ~LoopGroup() { stop(); }

  int size() const { return static_cast<int>(loops_.size()); }
  EventLoop& loop(int index) { return *loops_[index]; }
  std::vector<Executor*> executors() const;

  // Runs the task on every loop and waits until all are done. Not from a loop's thread.
  void run_on_each(const std::function<void(int index)>& task);
  // Ends the loops after their current turn and waits for the threads. Not from a loop's thread.
  void stop();

 private:
  // More than the processors, so that long computations share them.
  static constexpr int kComputers = 8;
  static constexpr int kComputersNice = 10;

  std::vector<std::unique_ptr<EventLoop>> loops_;
  // After the loops, so that it ends before them: its threads post to them.
  WorkerPool workers_;
  WorkerPool computers_{kComputers, 5000, kComputersNice};
  std::vector<std::thread> threads_;
};

}  // namespace milena::net
