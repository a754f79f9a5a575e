#include "sim/node/node_runner.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "base/check.h"
#include "base/log.h"
#include "sim/node/node_simulator.h"

namespace milena::sim {
namespace {

constexpr unsigned kPatience_s = 120;
constexpr std::string_view kEndOfHistory = "\x01";

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t n = ::write(fd, text.data(), text.size());
    if (n <= 0) ::_exit(3);
    text.remove_prefix(static_cast<size_t>(n));
  }
}

[[noreturn]] void run_here(const Plan& plan, bool with_log, int out) {
  ::alarm(kPatience_s);
  ::dup2(out, STDERR_FILENO);  // for the last words of a CHECK
  set_log_level(with_log ? LogLevel::kInfo : LogLevel::kOff);
  NodeSimulator simulator(plan, [out](const std::string& line) { write_all(out, line + "\n"); });
  std::string failure = simulator.run();
  write_all(out,
            fmt::format("{}{} {} {} {} {}\n{}", kEndOfHistory, simulator.acknowledged(), simulator.deaths(),
                        simulator.records_read(), simulator.transactions(), simulator.disk_calls(), failure));
  ::_exit(0);
}

std::string read_all(int fd) {
  std::string all;
  char part[65536];
  for (ssize_t n; (n = ::read(fd, part, sizeof part)) > 0;) all.append(part, static_cast<size_t>(n));
  return all;
}

std::string last_line(const std::string& text) {
  std::string rest = text.substr(0, text.find_last_not_of('\n') + 1);
  return rest.substr(rest.find_last_of('\n') + 1);
}

// What is compared: without the numbers, which change with every step that is left out.
std::string kind_of(const std::string& failure) {
  std::string kind;
  for (char c : failure) {
    if (!std::isdigit(static_cast<unsigned char>(c))) kind += c;
  }
  return kind.substr(0, 60);
}

}  // namespace

Verdict run_apart(const Plan& plan, bool with_log) {
  int ends[2];
  CHECK(::pipe(ends) == 0);
  const pid_t child = ::fork();
  CHECK(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    run_here(plan, with_log, ends[1]);
  }
  ::close(ends[1]);
  Verdict verdict;
  std::string all = read_all(ends[0]);
  ::close(ends[0]);
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  size_t end = all.find(kEndOfHistory);
  verdict.history = all.substr(0, end);
  if (end == std::string::npos || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    verdict.failure =
        signal == SIGALRM ? "it hangs" : fmt::format("it dies ({}): {}", ::strsignal(signal), last_line(all));
    return verdict;
  }
  const std::string tail = all.substr(end + 1);
  std::sscanf(tail.c_str(), "%zu %zu %zu %zu %zu", &verdict.acknowledged, &verdict.deaths,
              &verdict.records_read, &verdict.transactions, &verdict.disk_calls);
  verdict.failure = tail.substr(tail.find('\n') + 1);
  return verdict;
}

Plan shrink(Plan plan, const std::string& failure) {
  const std::string kind = kind_of(failure);
  for (size_t size = std::max<size_t>(plan.steps.size() / 2, 1);; size /= 2) {
    bool shorter = false;
    for (size_t from = 0; from < plan.steps.size();) {
      Plan without = plan;
      auto first = without.steps.begin() + static_cast<std::ptrdiff_t>(from);
      without.steps.erase(first,
                          first + static_cast<std::ptrdiff_t>(std::min(size, plan.steps.size() - from)));
      if (kind_of(run_apart(without).failure) == kind) {
        plan = std::move(without);
        shorter = true;
      } else {
        from += size;
      }
    }
    if (size == 1 && !shorter) return plan;
    if (size == 1) size = 2;
  }
}

}  // namespace milena::sim
