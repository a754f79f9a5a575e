#include "base/log.h"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <vector>

#include "base/executor.h"
#include "base/left_out_lines.h"
#include "base/log_format.h"

namespace milena {

// File names must map to a logger, however the build maps paths.
static_assert(kLoggerFolders[logger_of_file(std::source_location::current().file_name())] == "base");
static_assert(kLoggerFolders[logger_of_file("/home/me/src/milena/src/broker/api/00_produce.cc")] == "broker");
static_assert(kLoggerFolders[logger_of_file("src/net/server.cc")] == "net");
static_assert(logger_of_file("src/main.cc") == 0 && logger_of_file("tests/base/log_test.cc") == 0);

namespace {

constexpr size_t kLoggerCount = std::size(kLoggerFolders);
constexpr std::string_view kLoggerNames[kLoggerCount] = {
    "root",       "milena.base",     "milena.broker", "milena.coordinator",
    "milena.log", "milena.metadata", "milena.net",    "milena.protocol"};

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

// --- limits

constexpr size_t kLongestLine_bytes = 2048;
// Limits for one kind of line: a burst, and a sustained rate.
constexpr double kBurst = 1000;
constexpr double kLinesPerSecond = 10;
// The number of omitted lines is logged when a kind of line has been quiet, or limited, for so long.
constexpr int64_t kTellAfter_ms = 1000;

struct KindOfLine {
  double room = kBurst;
  int64_t filled_ms = 0;
  uint64_t left_out = 0;
  int64_t left_out_since_ms = 0;
  LogLevel level = LogLevel::kInfo;
};

struct LineLimits {
  std::mutex mutex;
  // Bounded: the texts are literals in the source.
  std::unordered_map<std::string_view, KindOfLine> kinds;
  std::atomic<bool> any_left_out = false;
  // Tells about them later; null without LeftOutLines.
  Executor* teller = nullptr;
};

LineLimits& limits() {
  static LineLimits all;
  return all;
}

// "12 more lines like this were left out: ..." for each kind that is due.
std::vector<std::pair<LogLevel, std::string>> take_left_out(LineLimits& all, int64_t now_ms) {
  std::vector<std::pair<LogLevel, std::string>> told;
  bool more = false;
  for (auto& [text, kind] : all.kinds) {
    if (kind.left_out == 0) continue;
    if (now_ms < kind.left_out_since_ms + kTellAfter_ms) {
      more = true;
      continue;
    }
    told.emplace_back(kind.level,
                      fmt::format("{} more lines like this were left out: {}", std::exchange(kind.left_out, 0), text));
  }
  all.any_left_out = more;
  return told;
}

void tell_left_out() {
  LineLimits& all = limits();
  if (!all.any_left_out) return;
  std::vector<std::pair<LogLevel, std::string>> told;
  {
    std::lock_guard lock(all.mutex);
    told = take_left_out(all, system_clock().steady_ms());
  }
  for (const auto& [level, text] : told) write_log_line(level, text);
}

void tell_left_out_later(Executor& executor) {
  executor.call_after(kTellAfter_ms, [&executor] {
    tell_left_out();
    if (limits().any_left_out) tell_left_out_later(executor);
  });
}

bool is_second_of_c1(unsigned char byte) { return byte >= 0x80 && byte <= 0x9f; }

}  // namespace

bool admit_log_line(LogLevel level, std::string_view kind) {
  if (level <= LogLevel::kDebug) return true;
  tell_left_out();
  LineLimits& all = limits();
  const int64_t now_ms = system_clock().steady_ms();
  std::lock_guard lock(all.mutex);
  KindOfLine& known = all.kinds[kind];
  known.level = level;
  known.room = std::min(kBurst, known.room + static_cast<double>(now_ms - known.filled_ms) * kLinesPerSecond / 1000);
  known.filled_ms = now_ms;
  if (known.room >= 1) {
    known.room -= 1;
    return true;
  }
  if (known.left_out++ == 0) known.left_out_since_ms = now_ms;
  const bool first = !all.any_left_out.exchange(true);
  if (first && all.teller != nullptr) all.teller->post([&teller = *all.teller] { tell_left_out_later(teller); });
  return false;
}

LeftOutLines::LeftOutLines(Executor& executor) {
  std::lock_guard lock(limits().mutex);
  limits().teller = &executor;
  if (limits().any_left_out) executor.post([&executor] { tell_left_out_later(executor); });
}

LeftOutLines::~LeftOutLines() {
  std::lock_guard lock(limits().mutex);
  limits().teller = nullptr;
}

std::string escape_for_log(std::string_view text) {
  std::string escaped;
  escaped.reserve(std::min(text.size(), kLongestLine_bytes));
  for (size_t i = 0; i < text.size(); i++) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (escaped.size() >= kLongestLine_bytes) {
      return escaped + fmt::format("... ({} bytes more)", text.size() - i);
    }
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && is_second_of_c1(static_cast<unsigned char>(text[i + 1]));
    if (byte == '\n') {
      escaped += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      escaped += fmt::format("\\x{:02x}", byte);
    } else if (c1) {
      escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    } else {
      escaped += text[i];
    }
  }
  return escaped;
}

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

namespace {

std::atomic<LogFormatOfLines> format_of_lines = LogFormatOfLines::kText;

// The form of Kafka's own log4j pattern, so that what reads its logs reads ours.
std::string text_line(const timeval& now, LogLevel level, const std::string& escaped) {
  tm parts;
  localtime_r(&now.tv_sec, &parts);
  return fmt::format("[{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03}] {} {}\n", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_usec / 1000, level_name(level),
                     escaped);
}

std::string json_line(const timeval& now, LogLevel level, const std::string& escaped) {
  tm parts;
  gmtime_r(&now.tv_sec, &parts);
  // Clients' texts may be any bytes.
  const std::string text = nlohmann::json(escaped).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return fmt::format(
      "{{\"time\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\",\"level\":\"{}\",\"message\":{}}}\n",
      parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
      now.tv_usec / 1000, level_name(level), text);
}

}  // namespace

void set_format_of_log_lines(LogFormatOfLines format) { format_of_lines.store(format, std::memory_order_relaxed); }

void write_log_line(LogLevel level, const std::string& text) {
  timeval now;
  gettimeofday(&now, nullptr);
  const bool json = format_of_lines.load(std::memory_order_relaxed) == LogFormatOfLines::kJson;
  const std::string escaped = escape_for_log(text);
  // One write call: lines of several threads do not mix.
  const std::string line = json ? json_line(now, level, escaped) : text_line(now, level, escaped);
  [[maybe_unused]] ssize_t written = ::write(STDOUT_FILENO, line.data(), line.size());
}

}  // namespace milena
