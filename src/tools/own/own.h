// Shared by milena's own commands.
#pragma once

#include <functional>
#include <string>

#include "tools/cluster.h"
#include "tools/commands.h"
#include "tools/options.h"

namespace milena::tools {

struct OwnCommand {
  Options options;
  ClusterOptions reach;
  bool json = false;

  OwnCommand(std::string name, std::string summary, std::string usage)
      : options(Options::Style::kOwn, "milena " + std::move(name), std::move(summary), std::move(usage)) {}
  // --bootstrap-server, --command-config, --json, --help: after the command's own.
  void add_common(bool with_json = true);
  // Parses, checks without a broker, connects and runs. The exit code: 0, 1 for a failure, kUsageMistake.
  int run(ToolWords words, const std::function<Status(Cluster&)>& work,
          const std::function<Status()>& check = ok_status);
};

// A failure that is the user's mistake ends with kUsageMistake.
int exit_code(const Options& options, const Status& status);
// ErrorKind::kUnsupported is used for mistakes in the command line.
template <class... Args>
Error usage_error(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorKind::kUnsupported, format, std::forward<Args>(args)...);
}

// "-10m", "-2h30m", "now", "2026-11-29", "2026-11-29T22:14:40", milliseconds since 1970.
Result<int64_t> parse_time_ms(const std::string& text);

}  // namespace milena::tools
