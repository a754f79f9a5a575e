// Log lines for people: one line each, time, level, text, on standard output (as Kafka's containers do).
// The two lines that Kafka's users wait for are written with log_always, at any level.
//
// Lines may contain text chosen by clients (ids, names): control characters are escaped and long lines are cut. Each
// place in the source writes only so many lines a second, and later the number of omitted ones; debug and trace have no
// limit.
//
// Each folder of the source is a logger of its own ("milena.broker"), which follows "root" until its level is set.
// Levels may be changed at any time, from any thread; they are not kept over a restart.
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

namespace milena {

enum class LogLevel : int8_t { kTrace, kDebug, kInfo, kWarn, kError, kFatal, kOff };

// "root" first, then one for each folder.
std::span<const std::string_view> logger_names();
// The index in logger_names() for a file's folder; 0 for any other.
consteval uint8_t logger_of_file(std::string_view file);

// The level of "root".
void set_log_level(LogLevel level);
LogLevel log_level(uint8_t logger = 0);
// nullopt: follows "root" again. For "root" itself that changes nothing.
void set_logger_level(uint8_t logger, std::optional<LogLevel> level);
void write_log_line(LogLevel level, const std::string& text);
// Whether a line of this kind may be written now. If not, it is counted.
bool admit_log_line(LogLevel level, std::string_view kind);
// The text escaped for a line: "\\n" for a line's end, "\\x1b" for an escape.
std::string escape_for_log(std::string_view text);

inline constexpr std::string_view kLoggerFolders[] = {"",    "base",     "broker", "coordinator",
                                                      "log", "metadata", "net",    "protocol"};

consteval uint8_t logger_of_file(std::string_view file) {
  // The build strips the checkout's path: file names begin with "src/".
  size_t end = file.starts_with("src/") ? 0 : file.rfind("/src/");
  if (end == std::string_view::npos) return 0;
  std::string_view folder = file.substr(file.find('/', end == 0 ? 0 : end + 1) + 1);
  folder = folder.substr(0, folder.find('/'));
  for (uint8_t i = 1; i < std::size(kLoggerFolders); i++) {
    if (kLoggerFolders[i] == folder) return i;
  }
  return 0;
}

// A format string with the logger of its source file.
template <class... Args>
struct LogFormat {
  template <class Text>
  consteval LogFormat(const Text& literal, std::source_location where = std::source_location::current())  // NOLINT
      : text(literal), logger(logger_of_file(where.file_name())) {}
  fmt::format_string<Args...> text;
  uint8_t logger;
};
template <class... Args>
using LogText = LogFormat<std::type_identity_t<Args>...>;

template <class... Args>
void log_at(LogLevel level, const LogText<Args...>& format, Args&&... args) {
  if (log_level(format.logger) > level) return;
  const fmt::string_view kind = format.text;
  if (!admit_log_line(level, {kind.data(), kind.size()})) return;
  write_log_line(level, fmt::format(format.text, std::forward<Args>(args)...));
}
template <class... Args>
void log_debug(LogText<Args...> format, Args&&... args) {
  log_at<Args...>(LogLevel::kDebug, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_info(LogText<Args...> format, Args&&... args) {
  log_at<Args...>(LogLevel::kInfo, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_warn(LogText<Args...> format, Args&&... args) {
  log_at<Args...>(LogLevel::kWarn, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_error(LogText<Args...> format, Args&&... args) {
  log_at<Args...>(LogLevel::kError, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_always(fmt::format_string<Args...> format, Args&&... args) {
  write_log_line(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace milena
