#include "net/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <asio.hpp>
#include <chrono>

namespace milena::net {
namespace {

// Enough for every connection of a busy shard to be served once, few enough not to delay responses.
constexpr int kSocketsPerTurn = 256;
// No new socket is handled in a turn after this time.
constexpr int64_t kSocketsSlice_ms = 10;
constexpr int64_t kMessagesSlice_ms = 10;
constexpr int64_t kPostponedSlice_ms = 5;
// How often end-of-turn tasks may add others in the same turn. A client that pipelines requests that are answered at
// the end of a turn adds one for each.
constexpr int kEndOfTurnRounds = 16;

}  // namespace

struct EventLoop::Sleeper {
  // Only the loop's thread touches Asio: its locks are off. Other threads use the mailbox and the eventfd.
  asio::io_context io{ASIO_CONCURRENCY_HINT_UNSAFE};
  asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
  asio::posix::stream_descriptor bell{io, ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  asio::steady_timer alarm{io};
  uint64_t alarm_generation = 0;

  void watch_bell() {
    bell.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
      if (error) return;
      uint64_t count;
      [[maybe_unused]] ssize_t got = ::read(bell.native_handle(), &count, sizeof count);
      watch_bell();
    });
  }
  void ring() {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t put = ::write(bell.native_handle(), &one, sizeof one);
  }
};

EventLoop::EventLoop(WorkerPool& workers, WorkerPool& computers, Clock& clock)
    : clock_(clock),
      workers_(workers),
      computers_(computers),
      sleeper_(std::make_unique<Sleeper>()),
      scratch_(new char[kScratchBytes]) {
  sleeper_->watch_bell();
}

EventLoop::~EventLoop() {
  // Waiting tasks may hold sockets of this loop, so they are destroyed before the loop.
  end_of_turn_.clear();
  postponed_.clear();
  timer_tasks_.clear();
  draining_.clear();
  mailbox_.clear();
}

asio::io_context& EventLoop::io() { return sleeper_->io; }

void EventLoop::post(Task task) {
  bool wake;
  {
    std::lock_guard lock(mailbox_mutex_);
    mailbox_.push_back(std::move(task));
    wake = !is_current() && std::exchange(asleep_, false);
  }
  if (wake) sleeper_->ring();
}

void EventLoop::stop() {
  stop_ = true;
  post([] {});
}

void EventLoop::run_in(WorkerPool& pool, Task work, Task then) {
  pool.run([this, work = std::move(work), then = std::move(then)]() mutable {
    work();
    work = nullptr;
    post(std::move(then));
  });
}

TimerId EventLoop::call_at(int64_t steady_ms, Task task) {
  TimerId id = ++last_timer_id_;
  timer_tasks_.emplace(id, std::move(task));
  timer_heap_.push_back({steady_ms, id});
  std::push_heap(timer_heap_.begin(), timer_heap_.end(), std::greater<>());
  return id;
}

void EventLoop::cancel(TimerId id) {
  if (timer_tasks_.erase(id) == 0) return;
  if (timer_heap_.size() < 64 || timer_heap_.size() < 2 * timer_tasks_.size()) return;
  std::erase_if(timer_heap_, [this](const Timer& timer) { return !timer_tasks_.contains(timer.id); });
  std::make_heap(timer_heap_.begin(), timer_heap_.end(), std::greater<>());
}

void EventLoop::run() {
  const Running running(*this);
  bool more = true;
  while (!stop_) {
    run_ready_sockets(!more);
    more = run_messages();
    more |= run_due_timers();
    more |= run_postponed();
    more |= run_end_of_turn();
    if (!more) more = !prepare_sleep();
  }
}

void EventLoop::run_ready_sockets(bool may_block) {
  asio::io_context& io = sleeper_->io;
  int count = 0;
  if (may_block) {
    io.run_one();
    std::lock_guard lock(mailbox_mutex_);
    asleep_ = false;
    count++;
  }
  const int64_t end_ms = clock_.steady_ms() + kSocketsSlice_ms;
  while (count < kSocketsPerTurn && io.poll_one() != 0) {
    count++;
    if (clock_.steady_ms() >= end_ms) return;
  }
}

bool EventLoop::run_messages() {
  if (draining_.empty()) {
    std::lock_guard lock(mailbox_mutex_);
    draining_.swap(mailbox_);
  }
  if (draining_.empty()) return false;
  const int64_t end_ms = clock_.steady_ms() + kMessagesSlice_ms;
  while (drained_ < draining_.size()) {
    Task task = std::move(draining_[drained_++]);
    task();
    task = nullptr;
    if (clock_.steady_ms() >= end_ms) break;
  }
  if (drained_ < draining_.size()) return true;
  draining_.clear();
  drained_ = 0;
  return true;
}

bool EventLoop::run_due_timers() {
  if (timer_heap_.empty()) return false;
  int64_t now_ms = clock_.steady_ms();
  // Timers set by these tasks wait for the next turn, even if they are due at once.
  TimerId last_id = last_timer_id_;
  bool any = false;
  while (!timer_heap_.empty() && timer_heap_.front().deadline_ms <= now_ms && timer_heap_.front().id <= last_id) {
    TimerId id = timer_heap_.front().id;
    std::pop_heap(timer_heap_.begin(), timer_heap_.end(), std::greater<>());
    timer_heap_.pop_back();
    auto found = timer_tasks_.find(id);
    if (found == timer_tasks_.end()) continue;
    Task task = std::move(found->second);
    timer_tasks_.erase(found);
    task();
    any = true;
  }
  return any;
}

// True if something is left.
bool EventLoop::run_postponed() {
  if (postponed_.empty()) return false;
  const int64_t end_ms = clock_.steady_ms() + kPostponedSlice_ms;
  // Tasks that these postpone run after the others.
  for (size_t count = postponed_.size(); count > 0; count--) {
    Task task = std::move(postponed_.front());
    postponed_.pop_front();
    task();
    if (clock_.steady_ms() >= end_ms) break;
  }
  return !postponed_.empty();
}

// True if something is left.
bool EventLoop::run_end_of_turn() {
  // An end-of-turn task may add another one: after an fsync the connection with its response is flushed in the same
  // turn.
  for (int round = 0; round < kEndOfTurnRounds && !end_of_turn_.empty(); round++) {
    std::vector<Task> tasks = std::exchange(end_of_turn_, {});
    for (Task& task : tasks) task();
  }
  return !end_of_turn_.empty();
}

// True if the loop may block; from then on senders wake it.
bool EventLoop::prepare_sleep() {
  while (!timer_heap_.empty() && !timer_tasks_.contains(timer_heap_.front().id)) {
    std::pop_heap(timer_heap_.begin(), timer_heap_.end(), std::greater<>());
    timer_heap_.pop_back();
  }
  if (!timer_heap_.empty()) {
    if (timer_heap_.front().deadline_ms <= clock_.steady_ms()) return false;
    arm_alarm();
  }
  std::lock_guard lock(mailbox_mutex_);
  if (!mailbox_.empty()) return false;
  asleep_ = true;
  return true;
}

// The system timer is only moved forward: a cancelled wait costs at most one needless wake-up, while setting the timer
// again each time would cost two system calls.
void EventLoop::arm_alarm() {
  int64_t deadline_ms = timer_heap_.front().deadline_ms;
  if (alarm_ms_ <= deadline_ms) return;
  alarm_ms_ = deadline_ms;
  uint64_t generation = ++sleeper_->alarm_generation;
  // Limited to a day, so that a deadline of "never" does not overflow.
  int64_t wait_ms = std::clamp<int64_t>(deadline_ms - clock_.steady_ms(), 1, 86'400'000);
  sleeper_->alarm.expires_after(std::chrono::milliseconds(wait_ms));
  sleeper_->alarm.async_wait([this, generation](const asio::error_code&) {
    if (generation == sleeper_->alarm_generation) alarm_ms_ = INT64_MAX;
  });
}

}  // namespace milena::net
