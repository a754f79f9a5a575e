#include "base/executor.h"

#include <ctime>
#include <system_error>
#include <thread>

namespace milena {
namespace {

timespec read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return now;
}

int64_t read_clock_ms(clockid_t id) {
  timespec now = read_clock(id);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

int64_t read_clock_ns(clockid_t id) {
  timespec now = read_clock(id);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

class SystemClock final : public Clock {
 public:
  int64_t wall_ms() const override { return read_clock_ms(CLOCK_REALTIME); }
  int64_t steady_ms() const override { return read_clock_ms(CLOCK_MONOTONIC); }
  int64_t steady_ns() const override { return read_clock_ns(CLOCK_MONOTONIC); }
  int64_t thread_cpu_ns() const override { return read_clock_ns(CLOCK_THREAD_CPUTIME_ID); }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

void run_on_threads(std::vector<Task> tasks) {
  std::vector<std::thread> threads;
  threads.reserve(tasks.size());
  std::vector<Task*> left;
  for (Task& task : tasks) {
    try {
      threads.emplace_back([&task] { task(); });
    } catch (const std::system_error&) {  // no thread available: run it on this one
      left.push_back(&task);
    }
  }
  for (Task* task : left) (*task)();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace milena
