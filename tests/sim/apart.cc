#include "sim/apart.h"

#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "base/check.h"
#include "base/log.h"

namespace milena::sim {
namespace {

constexpr uint64_t kPatience_s = 120;
constexpr std::string_view kEndOfHistory = "\x01";

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t n = ::write(fd, text.data(), text.size());
    if (n <= 0) ::_exit(3);
    text.remove_prefix(static_cast<size_t>(n));
  }
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

}  // namespace

ApartResult run_apart(const std::function<std::string(const OnLine&, std::vector<size_t>&)>& history, bool with_log) {
  int ends[2];
  CHECK(::pipe(ends) == 0);
  const pid_t child = ::fork();
  CHECK(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    ::alarm(static_cast<unsigned>(number_or("MILENA_PATIENCE", kPatience_s)));
    ::dup2(ends[1], STDERR_FILENO);  // for the last words of a CHECK
    set_log_level(with_log ? LogLevel::kInfo : LogLevel::kOff);
    std::vector<size_t> counts;
    const std::string failure =
        history([out = ends[1]](const std::string& line) { write_all(out, line + "\n"); }, counts);
    std::string numbers;
    for (const size_t count : counts) numbers += fmt::format("{} ", count);
    write_all(ends[1], fmt::format("{}{}\n{}", kEndOfHistory, numbers, failure));
    ::_exit(0);
  }
  ::close(ends[1]);
  ApartResult result;
  const std::string all = read_all(ends[0]);
  ::close(ends[0]);
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  const size_t end = all.find(kEndOfHistory);
  result.history = all.substr(0, end);
  if (end == std::string::npos || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result.failure =
        signal == SIGALRM ? "it hangs" : fmt::format("it dies ({}): {}", ::strsignal(signal), last_line(all));
    return result;
  }
  const std::string tail = all.substr(end + 1);
  const size_t line = tail.find('\n');
  std::istringstream numbers(tail.substr(0, line));
  for (size_t count = 0; numbers >> count;) result.counts.push_back(count);
  result.failure = tail.substr(line + 1);
  return result;
}

std::string kind_of_failure(const std::string& failure) {
  std::string kind;
  for (char c : failure) {
    if (!std::isdigit(static_cast<unsigned char>(c))) kind += c;
  }
  return kind.substr(0, 60);
}

uint64_t number_or(const char* name, uint64_t usual) {
  const char* text = std::getenv(name);
  return text == nullptr ? usual : static_cast<uint64_t>(std::atoll(text));
}

bool is_in_list(std::string_view list, std::string_view name) {
  return fmt::format(",{},", list).find(fmt::format(",{},", name)) != std::string::npos;
}

bool left_out(std::string_view name) {
  const char* text = std::getenv("MILENA_WITHOUT");
  return text != nullptr && is_in_list(text, name);
}

}  // namespace milena::sim
