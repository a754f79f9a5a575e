#include "tools/own/own.h"

#include <algorithm>
#include <cstdio>

#include "base/executor.h"
#include "base/saturating.h"
#include "config/config_values.h"
#include "tools/kafka/offset_reset.h"

namespace milena::tools {

void OwnCommand::add_common(bool with_json) {
  if (with_json) options.flag("--json", json, "Prints JSON.");
  reach.add_to(options);
}

int exit_code(const Options& options, const Status& status) {
  if (status.ok()) return 0;
  if (status.error().kind == ErrorKind::kUnsupported) return options.mistake(status.error().message);
  return complain(status.error().message);
}

int OwnCommand::run(ToolWords words, const std::function<Status(Cluster&)>& work,
                    const std::function<Status()>& check) {
  if (auto code = options.parse(words)) return *code;
  Status checked = check();
  if (!checked.ok()) return exit_code(options, checked);
  auto opened = Cluster::open(reach);
  if (!opened.ok()) return complain(opened.error().message);
  Status done = work(**opened);
  if (std::fflush(stdout) != 0) return complain("standard output cannot be written to");
  return exit_code(options, done);
}

namespace {

// "10m", "2h30m"; nullopt if invalid.
std::optional<int64_t> parse_span_ms(const std::string& text) {
  int64_t total = 0;
  size_t at = 0;
  while (at < text.size()) {
    size_t end = text.find_first_not_of("0123456789", at);
    if (end == std::string::npos || end == at) return std::nullopt;
    std::optional<int64_t> number = config::parse_integer(ByteView(text).substr(at, end - at));
    if (!number) return std::nullopt;
    int64_t unit = 0;
    if (text.compare(end, 2, "ms") == 0)
      unit = 1;
    else if (text[end] == 's')
      unit = 1000;
    else if (text[end] == 'm')
      unit = 60'000;
    else if (text[end] == 'h')
      unit = 3'600'000;
    else if (text[end] == 'd')
      unit = 86'400'000;
    if (unit == 0 || *number > INT64_MAX / unit) return std::nullopt;
    total = add_saturating(total, *number * unit);
    at = end + (unit == 1 ? 2 : 1);
  }
  return text.empty() ? std::nullopt : std::optional(total);
}

}  // namespace

Result<int64_t> parse_time_ms(const std::string& text) {
  if (text == "now") return system_clock().wall_ms();
  if (text.starts_with("-")) {
    if (auto span = parse_span_ms(text.substr(1))) return system_clock().wall_ms() - *span;
  }
  if (text.size() == 10 && text[4] == '-') {
    if (auto day = parse_datetime_ms(text + "T00:00:00")) return *day;
  }
  if (auto time = parse_datetime_ms(text)) return *time;
  if (auto number = config::parse_integer(text); number && *number >= 0) return *number;
  return usage_error(
      "{}: expected a time such as -10m, -2h30m, 2026-11-29, 2026-11-29T22:14:40Z, or milliseconds since "
      "1970",
      text);
}

}  // namespace milena::tools
