#include "base/executor.h"

#include <ctime>

namespace milena {
namespace {

int64_t read_clock_ms(clockid_t id) {
  timespec now;
  clock_gettime(id, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

class SystemClock final : public Clock {
 public:
  int64_t wall_ms() const override { return read_clock_ms(CLOCK_REALTIME); }
  int64_t steady_ms() const override { return read_clock_ms(CLOCK_MONOTONIC); }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace milena
