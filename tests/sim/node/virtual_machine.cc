#include "sim/node/virtual_machine.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include "base/check.h"
#include "base/process.h"

namespace milena::sim {
namespace {

constexpr size_t kThreads = 4;  // as in the broker's pool
constexpr size_t kStackBytes = 1 << 20;
// A worker's task is done in this time, or soon after.
constexpr int64_t kSlowest_ms = 2000;
// A worker yields at so many of a hundred calls to the disk.
constexpr uint32_t kGivesWayPercent = 30;

VirtualMachine* the_machine = nullptr;

// Stacks are reused: creating one costs more than most tasks.
std::vector<void*> free_stacks;

void* take_stack() {
  if (!free_stacks.empty()) {
    void* stack = free_stacks.back();
    free_stacks.pop_back();
    return stack;
  }
  void* stack =
      ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  CHECK(stack != MAP_FAILED);
  return stack;
}

}  // namespace

}  // namespace milena::sim

// Overrides that of the C library: std::condition_variable calls this.
extern "C" int pthread_cond_wait(pthread_cond_t*, pthread_mutex_t* mutex) {
  ::pthread_mutex_unlock(mutex);
  try {
    milena::sim::VirtualMachine::current()->wait_for_workers();
  } catch (...) {
    ::pthread_mutex_lock(mutex);
    throw;
  }
  return ::pthread_mutex_lock(mutex);
}

// The same for std::mutex: a worker may hold one while the disk works, and others wait for it. The C library's own
// would stop the only thread that there is.
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  while (true) {
    const int error = ::pthread_mutex_trylock(mutex);
    if (error != EBUSY) return error;
    milena::sim::VirtualMachine::current()->let_others_run();
  }
}

namespace milena::sim {

class VirtualMachine::Loop final : public Executor {
 public:
  Loop(VirtualMachine& machine, SimRandom& random) : machine_(machine), random_(random) {}

  const Clock& clock() const override { return machine_.clock_; }
  Random& random() const override { return random_; }
  void post(Task task) override { ready_.push_back(std::move(task)); }
  TimerId call_at(int64_t steady_ms, Task task) override {
    timers_.emplace(std::pair(steady_ms, ++last_id_), std::move(task));
    deadlines_.emplace(last_id_, steady_ms);
    return last_id_;
  }
  void cancel(TimerId id) override {
    auto found = deadlines_.find(id);
    if (found == deadlines_.end()) return;
    timers_.erase({found->second, id});
    deadlines_.erase(found);
  }
  void at_end_of_turn(Task task) override { end_of_turn_.push_back(std::move(task)); }
  void run_blocking(Task work, Task then) override;
  void run_parallel(std::vector<Task> tasks) override { machine_.run_parallel(std::move(tasks)); }

  bool ready() const { return !ready_.empty() || !end_of_turn_.empty() || timer_due(); }
  std::optional<int64_t> next_timer() const {
    return timers_.empty() ? std::nullopt : std::optional(timers_.begin()->first.first);
  }
  // Some of the ready tasks, the due timers, and the end-of-turn tasks.
  void run_turn() {
    const Running running(*this);
    size_t count = ready_.empty() || random_.chance(70) ? ready_.size() : random_.pick(ready_.size()) + 1;
    for (; count > 0; count--) run(take(ready_));
    while (timer_due()) {
      auto first = timers_.begin();
      deadlines_.erase(first->first.second);
      Task task = std::move(first->second);
      timers_.erase(first);
      run(std::move(task));
    }
    std::deque<Task> ends = std::exchange(end_of_turn_, {});
    while (!ends.empty()) run(take(ends));
  }

 private:
  static Task take(std::deque<Task>& from) {
    Task task = std::move(from.front());
    from.pop_front();
    return task;
  }
  static void run(Task task) { task(); }
  bool timer_due() const {
    return !timers_.empty() && timers_.begin()->first.first <= machine_.clock_.steady_ms();
  }

  VirtualMachine& machine_;
  SimRandom& random_;
  std::deque<Task> ready_;
  std::deque<Task> end_of_turn_;
  std::map<std::pair<int64_t, TimerId>, Task> timers_;
  std::map<TimerId, int64_t> deadlines_;
  TimerId last_id_ = 0;
};

// A thread of the pool with one piece of work: a separate context, which runs when resumed.
class VirtualMachine::Worker {
 public:
  Worker(VirtualMachine& machine, Loop& loop, Task work, Task then)
      : machine_(machine), loop_(loop), work_(std::move(work)), then_(std::move(then)) {}
  ~Worker() {
    if (stack_ != nullptr) free_stacks.push_back(stack_);
  }

  bool started() const { return stack_ != nullptr; }
  // Runs until it yields, is done or dies.
  void go_on() {
    if (!started()) {
      stack_ = take_stack();
      CHECK(::getcontext(&context_) == 0);
      context_.uc_stack.ss_sp = stack_;
      context_.uc_stack.ss_size = kStackBytes;
      context_.uc_link = &back_;
      auto self = reinterpret_cast<uintptr_t>(this);
      ::makecontext(&context_, reinterpret_cast<void (*)()>(&Worker::enter), 2,
                    static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
    }
    machine_.running_ = this;
    ::swapcontext(&back_, &context_);
    machine_.running_ = nullptr;
    if (done_ && !machine_.dead() && then_) loop_.post(std::move(then_));
  }
  void give_way() { ::swapcontext(&context_, &back_); }
  bool done() const { return done_; }

 private:
  static void enter(unsigned high, unsigned low) {
    auto* self = reinterpret_cast<Worker*>((static_cast<uintptr_t>(high) << 32) | low);
    try {
      self->work_();
    } catch (Killed how) {
      self->machine_.note_death(how);
    }
    self->work_ = nullptr;
    self->done_ = true;
  }

  VirtualMachine& machine_;
  Loop& loop_;
  Task work_;
  Task then_;
  void* stack_ = nullptr;
  ucontext_t context_;
  ucontext_t back_;
  bool done_ = false;
};

void VirtualMachine::Loop::run_blocking(Task work, Task then) {
  machine_.workers_.push_back(std::make_unique<Worker>(machine_, *this, std::move(work), std::move(then)));
}

VirtualMachine::VirtualMachine(SimRandom& random, VirtualDisk& disk, VirtualClock* clock)
    : random_(random), disk_(disk), clock_(clock != nullptr ? *clock : own_clock_) {
  disk_.set_on_call([this](std::string_view call, const std::string& path) { on_disk_call(call, path); });
  the_machine = this;
  end_process_instead = &VirtualMachine::end_process;
}

VirtualMachine::~VirtualMachine() {
  bury_workers();
  bury_loops();
  disk_.set_on_call(nullptr);
}

void VirtualMachine::end_process(int) {
  throw Killed{.by_itself = true};
}

// One after the other, in any order.
void VirtualMachine::run_parallel(std::vector<Task> tasks) {
  while (!tasks.empty()) {
    auto at = tasks.begin() + static_cast<std::ptrdiff_t>(random_.pick(tasks.size()));
    Task task = std::move(*at);
    tasks.erase(at);
    task();
  }
}

std::vector<Executor*> VirtualMachine::start_loops(size_t count) {
  CHECK(loops_.empty() && workers_.empty());
  dead_.reset();
  disk_.freeze(false);
  std::vector<Executor*> pointers;
  for (size_t i = 0; i < count; i++) {
    loops_.push_back(std::make_unique<Loop>(*this, random_));
    pointers.push_back(loops_.back().get());
  }
  return pointers;
}

Executor& VirtualMachine::loop(size_t index) {
  return *loops_[index];
}

void VirtualMachine::start_main(Task work) {
  CHECK(main_ == nullptr && !loops_.empty());
  main_waits_ms_ = -1;
  main_ = std::make_unique<Worker>(*this, *loops_[0], std::move(work), nullptr);
}

void VirtualMachine::wait_in_main() {
  CHECK(running_ != nullptr && running_ == main_.get());
  main_waits_ms_ = clock_.steady_ms();
  running_->give_way();
  if (dead_) throw *dead_;
}

void VirtualMachine::bury_workers() {
  the_machine = this;
  if (!dead_) note_death(Killed{});
  // A worker in the middle of a task is killed at its call, and one that waits for a lock as soon as it has that.
  for (bool again = true; std::exchange(again, false);) {
    for (auto& worker : workers_) {
      if (worker->started() && !worker->done()) worker->go_on();
      again |= worker->started() && !worker->done();
    }
    if (main_ != nullptr && main_->started() && !main_->done()) main_->go_on();
    again |= main_ != nullptr && main_->started() && !main_->done();
  }
  workers_.clear();
  main_.reset();
}

void VirtualMachine::bury_loops() {
  loops_.clear();
}

void VirtualMachine::note_death(Killed how) {
  if (!dead_) dead_ = how;
  never_kill();
  disk_.freeze(true);
}

void VirtualMachine::on_disk_call(std::string_view call, const std::string& path) {
  // A destructor on the way out: there is no process any more that could be killed.
  if (std::uncaught_exceptions() > 0) return;
  if (dead_) {
    if (running_ != nullptr) throw *dead_;
    return;
  }
  const bool changes_name = call == "rename" || call == "remove";
  if (changes_name && !awaited_name_.empty() && path.find(awaited_name_) != std::string::npos) {
    awaited_name_.clear();
    calls_left_ = calls_from_it_;
  }
  const bool called = calls_left_ && (*calls_left_)-- == 0;
  const bool named = changes_name && names_left_ && (*names_left_)-- == 0;
  if (called || named) {
    never_kill();
    throw Killed{};
  }
  if (running_ == nullptr || !random_.chance(kGivesWayPercent)) return;
  Worker* self = running_;
  self->give_way();
  if (dead_) throw *dead_;
}

bool VirtualMachine::run(const std::function<void()>& task) {
  the_machine = this;
  try {
    task();
  } catch (Killed how) {
    note_death(how);
  }
  return !dead();
}

bool VirtualMachine::advance_worker(size_t index) {
  Worker& worker = *workers_[index];
  worker.go_on();
  if (worker.done() && !dead()) workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(index));
  return !dead();
}

// A loop waits for a worker, or a worker for another: those run meanwhile. Spurious wake-ups are allowed.
void VirtualMachine::wait_for_workers() {
  if (running_ != nullptr) {
    running_->give_way();
  } else if (workers_.empty()) {
    CHECK(main_ != nullptr, "a loop waits, and nobody works");
    main_->go_on();
    if (main_->done()) main_.reset();
  } else {
    advance_worker(random_.pick(std::min(workers_.size(), kThreads)));
  }
  if (dead_) throw *dead_;
}

// Also on the way out: a worker that holds what is waited for is killed at its call.
void VirtualMachine::let_others_run() {
  if (running_ != nullptr) return running_->give_way();
  CHECK(main_ != nullptr || !workers_.empty(), "a loop waits for a lock, and nobody works");
  if (main_ == nullptr || (!workers_.empty() && random_.chance(50))) {
    advance_worker(random_.pick(std::min(workers_.size(), kThreads)));
  } else {
    main_->go_on();
    if (main_->done()) main_.reset();
  }
}

VirtualMachine* VirtualMachine::current() {
  return the_machine;
}

size_t VirtualMachine::workers_at_work() const {
  return clock_.steady_ms() < workers_held_ms_ ? 0 : std::min(workers_.size(), kThreads);
}

bool VirtualMachine::main_ready() const { return main_ != nullptr && main_waits_ms_ != clock_.steady_ms(); }

bool VirtualMachine::ready() const {
  if (dead()) return false;
  return workers_at_work() > 0 || main_ready() ||
         std::any_of(loops_.begin(), loops_.end(), [](const auto& loop) { return loop->ready(); });
}

bool VirtualMachine::step() {
  if (dead()) return false;
  the_machine = this;
  std::vector<Loop*> ready;
  for (auto& loop : loops_) {
    if (loop->ready()) ready.push_back(loop.get());
  }
  const size_t at_work = workers_at_work();
  const size_t all = ready.size() + at_work + (main_ready() ? 1 : 0);
  if (all == 0) return false;
  size_t choice = random_.pick(all);
  if (choice == ready.size() + at_work) {
    main_->go_on();
    if (main_->done()) main_.reset();
    return !dead();
  }
  main_waits_ms_ = -1;
  if (choice >= ready.size()) return advance_worker(choice - ready.size());
  return run([&] { ready[choice]->run_turn(); });
}

void VirtualMachine::run_steps(size_t count) {
  for (; count > 0 && step(); count--) {
  }
}

void VirtualMachine::run_until_idle() {
  size_t steps = 0;
  while (step()) CHECK(++steps < 1'000'000, "the node is never idle");
}

void VirtualMachine::finish_work() {
  while (!workers_.empty() && !dead()) advance_worker(random_.pick(std::min(workers_.size(), kThreads)));
}

std::optional<int64_t> VirtualMachine::next_timer() const {
  std::optional<int64_t> first;
  if (clock_.steady_ms() < workers_held_ms_ && !workers_.empty()) first = workers_held_ms_;
  for (const auto& loop : loops_) {
    if (auto next = loop->next_timer()) first = first ? std::min(*first, *next) : *next;
  }
  return first;
}

void VirtualMachine::pass(int64_t ms, bool lazily) {
  const int64_t end_ms = clock_.steady_ms() + ms;
  int64_t idle_ms = clock_.steady_ms();
  while (!dead()) {
    if (lazily && random_.chance(50) && clock_.steady_ms() - idle_ms < kSlowest_ms) {
      run_steps(random_.pick(20));
    } else {
      run_until_idle();
      idle_ms = clock_.steady_ms();
    }
    if (dead() || clock_.steady_ms() >= end_ms) return;
    int64_t next_ms = std::min(end_ms, next_timer().value_or(end_ms));
    // A slow worker is not slower because no timer is near.
    if (ready()) next_ms = std::min(next_ms, idle_ms + kSlowest_ms);
    // Never quite when it was asked for.
    next_ms = std::min<int64_t>(
        end_ms, std::max(next_ms, clock_.steady_ms() + 1) + static_cast<int64_t>(random_.pick(3)));
    clock_.advance(next_ms - clock_.steady_ms());
  }
}

}  // namespace milena::sim
