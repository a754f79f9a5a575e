#include "base/log.h"

#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace milena {

// The names of files as the compiler sees them must lead to a logger, however the build maps paths.
static_assert(kLoggerFolders[logger_of_file(std::source_location::current().file_name())] == "base");
static_assert(kLoggerFolders[logger_of_file("/home/me/src/milena/src/broker/api/00_produce.cc")] == "broker");
static_assert(kLoggerFolders[logger_of_file("src/net/server.cc")] == "net");
static_assert(logger_of_file("src/main.cc") == 0 && logger_of_file("tests/base/log_test.cc") == 0);

namespace {

constexpr size_t kLoggerCount = std::size(kLoggerFolders);
constexpr std::string_view kLoggerNames[kLoggerCount] = {"root", "milena.base", "milena.broker", "milena.coordinator",
                                                         "milena.log", "milena.metadata", "milena.net", "milena.protocol"};

// Below 0: as the root.
constexpr int8_t kAsRoot = -1;
std::atomic<int8_t> levels[kLoggerCount] = {static_cast<int8_t>(LogLevel::kInfo), kAsRoot, kAsRoot, kAsRoot,
                                            kAsRoot, kAsRoot, kAsRoot, kAsRoot};

const char* level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace: return "TRACE";
    case LogLevel::kDebug: return "DEBUG";
    case LogLevel::kInfo: return "INFO";
    case LogLevel::kWarn: return "WARN";
    default: return "ERROR";
  }
}

}  // namespace

std::span<const std::string_view> logger_names() { return kLoggerNames; }

void set_log_level(LogLevel level) { set_logger_level(0, level); }

LogLevel log_level(uint8_t logger) {
  int8_t level = levels[logger].load(std::memory_order_relaxed);
  if (level < 0) level = levels[0].load(std::memory_order_relaxed);
  return static_cast<LogLevel>(level);
}

void set_logger_level(uint8_t logger, std::optional<LogLevel> level) {
  if (logger == 0 && !level) return;
  levels[logger].store(level ? static_cast<int8_t>(*level) : kAsRoot, std::memory_order_relaxed);
}

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
