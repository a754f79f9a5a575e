// VirtualMachine: the clock, the event loops and the worker threads of a simulated process, on a VirtualDisk. The seed
// decides which of them runs next. A worker may stop at any call to the disk and let others go on; time passes
// meanwhile.
//
// The process's main thread is separate (start_main): a start that waits for other nodes waits there. Machines of
// several nodes share a clock.
//
// kill_after() kills the process at a call to the disk: Killed is thrown there, through the production code, and
// whatever is on the stack of the workers is unwound when the process is buried. The code that would have run next does
// not run.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "sim/node/random.h"
#include "sim/node/virtual_disk.h"

namespace milena::sim {

// The process ends here. Not a std::exception: only the simulator catches it.
struct Killed {
  // It ended itself (the broker halts); else it was killed.
  bool by_itself = false;
};

class VirtualClock final : public Clock {
 public:
  int64_t wall_ms() const override { return wall_ms_; }
  int64_t steady_ms() const override { return steady_ms_; }
  int64_t thread_cpu_ns() const override { return 0; }
  void advance(int64_t ms) {
    wall_ms_ += ms;
    steady_ms_ += ms;
  }
  // The clock is set.
  void jump(int64_t ms) { wall_ms_ += ms; }

 private:
  int64_t wall_ms_ = 1'700'000'000'000;
  int64_t steady_ms_ = 1'000'000;
};

class VirtualMachine {
 public:
  VirtualMachine(SimRandom& random, VirtualDisk& disk, VirtualClock* clock = nullptr);
  ~VirtualMachine();

  VirtualClock& clock() { return clock_; }
  const VirtualClock& clock() const { return clock_; }
  // New loops for a new process. The old ones must be buried.
  std::vector<Executor*> start_loops(size_t count);
  // Unwinds the workers and drops every task, after the process ended and its objects are gone.
  void bury_workers();
  void bury_loops();

  // Runs work of the process outside of its loops: its start, its end. One at a time.
  void start_main(Task work);
  bool main_runs() const { return main_ != nullptr; }
  // Called by the main thread to wait for the loops: others run first.
  void wait_in_main();

  // Whether step() has something to do at this time.
  bool ready() const;
  std::optional<int64_t> next_timer() const;
  size_t workers() const { return workers_.size(); }
  // Calls of workers to the disk take at least until then.
  void hold_workers(int64_t until_ms) { workers_held_ms_ = until_ms; }

  // Runs one turn of a loop or a piece of a worker's work; false if nothing is ready at this time.
  bool step();
  void run_steps(size_t count);
  // Runs until nothing is ready.
  void run_until_idle();
  // Runs until no worker has anything left to do.
  void finish_work();
  // Time passes, timers run. With `lazily`, workers may take all that time.
  void pass(int64_t ms, bool lazily);

  // The process dies at the call to the disk after `calls` others.
  void kill_after(uint64_t calls) { calls_left_ = calls; }
  // The same, of the calls that change a name: where a crash finds things half done.
  void kill_at_name(uint64_t changes) { names_left_ = changes; }
  // The same, of the calls behind the next change of a name with this in it ("/a/t-0.1-future to /a/t-0").
  void kill_behind(std::string name, uint64_t calls) {
    awaited_name_ = std::move(name);
    calls_from_it_ = calls + 1;
  }
  // The same, at that change.
  void kill_before(std::string name) {
    awaited_name_ = std::move(name);
    calls_from_it_ = 0;
  }
  void never_kill() {
    calls_left_.reset();
    names_left_.reset();
    awaited_name_.clear();
  }
  bool will_kill() const { return calls_left_ || names_left_ || !awaited_name_.empty(); }
  bool dead() const { return dead_.has_value(); }
  bool ended_itself() const { return dead_ && dead_->by_itself; }
  // Runs the task as the process, on the main thread. False if it died.
  bool run(const std::function<void()>& task);
  Executor& loop(size_t index);

  // Called where the code under test waits for another thread.
  static VirtualMachine* current();
  void wait_for_workers();
  // Called where it waits for a lock.
  void let_others_run();

 private:
  class Loop;
  class Worker;

  void on_disk_call(std::string_view call, const std::string& path);
  void note_death(Killed how);
  bool advance_worker(size_t index);
  size_t workers_at_work() const;
  bool main_ready() const;
  [[noreturn]] static void end_process(int code);
  void run_parallel(std::vector<Task> tasks);

  SimRandom& random_;
  VirtualDisk& disk_;
  VirtualClock own_clock_;
  VirtualClock& clock_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::deque<std::unique_ptr<Worker>> workers_;  // the first few are at work, the others wait
  std::unique_ptr<Worker> main_;
  int64_t main_waits_ms_ = -1;  // since then, until something else has run or time has passed
  int64_t workers_held_ms_ = 0;
  Worker* running_ = nullptr;
  std::optional<uint64_t> calls_left_;
  std::optional<uint64_t> names_left_;
  std::string awaited_name_;
  uint64_t calls_from_it_ = 0;
  std::optional<Killed> dead_;
};

}  // namespace milena::sim
