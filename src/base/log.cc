#include "base/log.h"

#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace milena {
namespace {

std::atomic<LogLevel> current_level{LogLevel::kInfo};

const char* level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "DEBUG";
    case LogLevel::kInfo: return "INFO";
    case LogLevel::kWarn: return "WARN";
    default: return "ERROR";
  }
}

}  // namespace

void set_log_level(LogLevel level) { current_level.store(level, std::memory_order_relaxed); }
LogLevel log_level() { return current_level.load(std::memory_order_relaxed); }

void write_log_line(LogLevel level, const std::string& text) {
  timeval now;
  gettimeofday(&now, nullptr);
  tm parts;
  localtime_r(&now.tv_sec, &parts);
  // The form of Kafka's own log4j pattern, so that what reads its logs reads ours. One write call: lines of several
  // threads do not mix.
  std::string line = fmt::format("[{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03}] {} {}\n", parts.tm_year + 1900,
                                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                                 now.tv_usec / 1000, level_name(level), text);
  [[maybe_unused]] ssize_t written = ::write(STDOUT_FILENO, line.data(), line.size());
}

}  // namespace milena
