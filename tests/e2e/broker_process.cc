#include "e2e/broker_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/temp_directory.h"

namespace milena::e2e {
namespace {

// Far more than needed, so that a busy machine does not fail the test.
constexpr std::chrono::seconds kPatience(60);

}  // namespace

int free_port() {
  int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  bool ok = ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
            ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(descriptor);
  EXPECT_TRUE(ok) << "no free port";
  return ntohs(address.sin_port);
}

Outcome run_line(const std::string& line) {
  Outcome outcome;
  FILE* pipe = ::popen((line + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  char buffer[4096];
  for (size_t count; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) outcome.output.append(buffer, count);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) outcome.code = WEXITSTATUS(status);
  return outcome;
}

Outcome run_milena(const std::string& words) { return run_line(std::string(MILENA_BINARY) + " " + words); }

Outcome run_script(const std::string& lines) {
  const TempDirectory directory;
  std::ofstream(directory.path() + "/script") << "milena=" MILENA_BINARY "\ncd " << directory.path() << R"(
milena() { $milena "$@"; }
wait_for() {
  for i in $(seq 400); do grep -q "$2" "$1" && return 0; sleep 0.05; done
  echo "no '$2' in $1:"; cat "$1"; return 1
}
)" << lines;
  return run_line("bash " + directory.path() + "/script");
}

BrokerProcess::BrokerProcess(int shards, std::vector<std::string> overrides)
    : shards_(shards), overrides_(std::move(overrides)), port_(free_port()) {
  std::string pattern = (std::filesystem::temp_directory_path() / "milena-e2e-XXXXXX").string();
  EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
  directory_ = pattern;
  start();
}

BrokerProcess::~BrokerProcess() {
#ifdef __SANITIZE_ADDRESS__
  // Memory that was never freed is reported at a clean end only.
  if (pid_ >= 0) {
    EXPECT_EQ(stop(), 0);
  }
#endif
  if (pid_ >= 0) kill();
  if (testing::Test::HasFailure()) std::fprintf(stderr, "--- the broker said:\n%s---\n", output().c_str());
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void BrokerProcess::start() {
  std::vector<std::string> words = {MILENA_BINARY,
                                    "--override", "listeners=PLAINTEXT://:" + std::to_string(port_),
                                    "--override", "log.dirs=" + directory_ + "/data",
                                    "--override", "milena.shards=" + std::to_string(shards_)};
  for (std::string one : overrides_) {
    if (size_t at = one.find("{port}"); at != std::string::npos) one.replace(at, 6, std::to_string(port_));
    words.insert(words.end(), {"--override", one});
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  int pipe_ends[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
  pid_t parent = ::getpid();
  pid_ = ::fork();
  ASSERT_GE(pid_, 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    ::dup2(pipe_ends[1], STDOUT_FILENO);
    ::dup2(pipe_ends[1], STDERR_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  {
    std::lock_guard lock(mutex_);
    output_.clear();
    output_ended_ = false;
  }
  reader_ = std::thread([this, from = pipe_ends[0]] { read_output(from); });
  ASSERT_TRUE(wait_for_output("Kafka Server started")) << output();
}

void BrokerProcess::read_output(int descriptor) {
  char buffer[4096];
  for (;;) {
    ssize_t size = ::read(descriptor, buffer, sizeof buffer);
    std::lock_guard lock(mutex_);
    if (size > 0) {
      output_.append(buffer, static_cast<size_t>(size));
    } else {
      output_ended_ = true;
    }
    changed_.notify_all();
    if (size <= 0) break;
  }
  ::close(descriptor);
}

bool BrokerProcess::wait_for_output(const std::string& text) {
  std::unique_lock lock(mutex_);
  auto seen = [&] { return output_.find(text) != std::string::npos; };
  changed_.wait_for(lock, kPatience, [&] { return seen() || output_ended_; });
  return seen();
}

std::string BrokerProcess::output() {
  std::lock_guard lock(mutex_);
  return output_;
}

// The end of its output is the end of the process.
int BrokerProcess::wait_for_exit(bool forcibly) {
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return output_ended_; })) {
      ADD_FAILURE() << "the broker does not end";
      ::kill(pid_, SIGKILL);
      forcibly = true;
    }
  }
  reader_.join();
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return !forcibly && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int BrokerProcess::stop_with(std::initializer_list<int> signals) {
  for (int number : signals) ::kill(pid_, number);
  return wait_for_exit(false);
}

void BrokerProcess::kill() {
  ::kill(pid_, SIGKILL);
  wait_for_exit(true);
}

}  // namespace milena::e2e
