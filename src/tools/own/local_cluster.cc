// `milena cluster`: several nodes on this machine, each in its own process, as a cluster for development. The first is
// the controller, too. Runs until a signal; then the nodes stop in order, the controller last.
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "config/config_values.h"
#include "config/settings.h"
#include "tools/commands.h"
#include "tools/options.h"

namespace milena::tools {
namespace {

constexpr int kMaxBrokers = 100;
constexpr std::chrono::seconds kStart_s(60), kStop_s(30);
constexpr std::chrono::milliseconds kLook_ms(10);
constexpr const char* kStartedLine = "Kafka Server started";

struct ClusterNode {
  int id = 0;
  int port = 0;
  std::string directory;
  pid_t pid = -1;

  std::string log_file() const { return directory + ".log"; }
};

struct ClusterPlan {
  std::vector<ClusterNode> nodes;
  int controller_port = 0;
  std::vector<std::string> overrides;
};

std::vector<std::string> words_of(const ClusterPlan& plan, const ClusterNode& node) {
  const bool first = node.id == 1;
  std::string listeners = fmt::format("PLAINTEXT://localhost:{}", node.port);
  if (first) listeners += fmt::format(",CONTROLLER://localhost:{}", plan.controller_port);
  const size_t replicas = std::min<size_t>(plan.nodes.size(), 3);
  std::vector<std::string> settings = {
      fmt::format("node.id={}", node.id),
      fmt::format("process.roles={}", first ? "broker,controller" : "broker"),
      "listeners=" + listeners,
      "controller.listener.names=CONTROLLER",
      fmt::format("controller.quorum.voters=1@localhost:{}", plan.controller_port),
      "log.dirs=" + node.directory,
      fmt::format("default.replication.factor={}", replicas),
      fmt::format("offsets.topic.replication.factor={}", replicas),
      fmt::format("transaction.state.log.replication.factor={}", replicas),
      fmt::format("transaction.state.log.min.isr={}", replicas > 2 ? 2 : 1),
      "milena.shards=1",
      "milena.http.listeners=",
  };
  settings.insert(settings.end(), plan.overrides.begin(), plan.overrides.end());
  std::vector<std::string> words = {"milena"};
  for (const std::string& one : settings) words.insert(words.end(), {"--override", one});
  return words;
}

// The child ends with this process, however that ends.
pid_t start_node(const ClusterPlan& plan, const ClusterNode& node) {
  std::vector<std::string> words = words_of(plan, node);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Ctrl-C must only reach the parent, which stops the nodes in order.
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  if (::getppid() != parent) ::_exit(1);
  std::FILE* log = std::freopen(node.log_file().c_str(), "w", stdout);
  if (log == nullptr || ::dup2(STDOUT_FILENO, STDERR_FILENO) < 0) ::_exit(1);
  ::execv("/proc/self/exe", arguments.data());
  ::_exit(127);
}

bool says_started(const ClusterNode& node) {
  std::ifstream log(node.log_file());
  for (std::string line; std::getline(log, line);) {
    if (line.find(kStartedLine) != std::string::npos) return true;
  }
  return false;
}

bool has_ended(ClusterNode& node) {
  int status = 0;
  if (node.pid < 0 || ::waitpid(node.pid, &status, WNOHANG) != node.pid) return node.pid < 0;
  node.pid = -1;
  return true;
}

void stop_node(ClusterNode& node) {
  if (has_ended(node)) return;
  ::kill(node.pid, SIGTERM);
  const auto end = std::chrono::steady_clock::now() + kStop_s;
  while (!has_ended(node)) {
    if (std::chrono::steady_clock::now() > end) ::kill(node.pid, SIGKILL);
    std::this_thread::sleep_for(kLook_ms);
  }
}

void stop_all(ClusterPlan& plan) {
  for (auto node = plan.nodes.rbegin(); node != plan.nodes.rend(); ++node) stop_node(*node);
}

bool is_interrupted() {
  sigset_t pending;
  ::sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

// Empty: all nodes serve.
std::string wait_for_all(ClusterPlan& plan) {
  const auto end = std::chrono::steady_clock::now() + kStart_s;
  for (ClusterNode& node : plan.nodes) {
    while (!says_started(node)) {
      if (has_ended(node)) return fmt::format("node {} has ended; see {}", node.id, node.log_file());
      if (is_interrupted()) return "interrupted";
      if (std::chrono::steady_clock::now() > end) {
        return fmt::format("node {} does not start; see {}", node.id, node.log_file());
      }
      std::this_thread::sleep_for(kLook_ms);
    }
  }
  return {};
}

struct ClusterWords {
  int64_t brokers = 3;
  int64_t port = 9092;
  std::string directory;
  std::vector<std::string> overrides;
};

Result<ClusterPlan> make_plan(const ClusterWords& wanted) {
  if (wanted.brokers < 1 || wanted.brokers > kMaxBrokers) {
    return make_error(ErrorKind::kInvalid, "--brokers {}: expected 1 to {}", wanted.brokers, kMaxBrokers);
  }
  if (wanted.port < 1 || wanted.port > 65535 - kMaxBrokers) {
    return make_error(ErrorKind::kInvalid, "--port {}: expected 1 to {}", wanted.port, 65535 - kMaxBrokers);
  }
  ClusterPlan plan;
  const std::string directory =
      wanted.directory.empty() ? config::default_data_directory() + "/cluster" : wanted.directory;
  const int brokers = static_cast<int>(wanted.brokers), port = static_cast<int>(wanted.port);
  for (int id = 1; id <= brokers; id++) {
    plan.nodes.push_back({id, port + id - 1, fmt::format("{}/node-{}", directory, id)});
  }
  plan.controller_port = port + brokers;
  plan.overrides = wanted.overrides;
  RETURN_IF_ERROR(posix_file_system().make_directories(directory));
  return plan;
}

void print_plan(const ClusterPlan& plan) {
  fmt::print("{:<6}{:<20}{:<22}{}\n", "node", "roles", "address", "data directory");
  for (const ClusterNode& node : plan.nodes) {
    fmt::print("{:<6}{:<20}{:<22}{}\n", node.id, node.id == 1 ? "broker,controller" : "broker",
               fmt::format("localhost:{}", node.port), node.directory);
  }
  std::string all;
  for (const ClusterNode& node : plan.nodes) all += fmt::format("{}localhost:{}", all.empty() ? "" : ",", node.port);
  fmt::print("bootstrap.servers={}\nAll nodes serve. Stop them with Ctrl-C.\n", all);
  std::fflush(stdout);
}

}  // namespace

int run_cluster(ToolWords words) {
  ClusterWords wanted;
  Options options(Options::Style::kOwn, "milena cluster",
                  "Starts several nodes on this machine, each in its own process, as one cluster. The first is also "
                  "the controller. Topics have three replicas, or one on each node. Ctrl-C stops them all.",
                  "[--brokers N] [--dir DIRECTORY] [--port PORT] [--override KEY=VALUE]...");
  options.number("--brokers", wanted.brokers, "N", "Number of nodes; default 3.");
  options.text("--dir", wanted.directory, "DIRECTORY", "Directory for data and logs.");
  options.number("--port", wanted.port, "PORT", "Port of the first node, default 9092; the others have the next "
                                                "ports.");
  options.texts("--override", wanted.overrides, "KEY=VALUE", "A setting for all nodes.");
  options.example("milena cluster --brokers 3 --dir /tmp/cluster");
  if (auto code = options.parse(words)) return *code;
  auto plan = make_plan(wanted);
  if (!plan.ok()) return complain(plan.error().message);
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  for (ClusterNode& node : plan->nodes) {
    node.pid = start_node(*plan, node);
    if (node.pid < 0) return complain("a process cannot be started");
  }
  const std::string failure = wait_for_all(*plan);
  if (!failure.empty()) {
    stop_all(*plan);
    return complain(failure);
  }
  print_plan(*plan);
  while (true) {
    int number = 0;
    if (::sigwait(&signals, &number) != 0) continue;
    if (number != SIGCHLD) break;
    for (ClusterNode& node : plan->nodes) {
      if (node.pid < 0 || !has_ended(node)) continue;
      fmt::print("Node {} has ended; see {}\n", node.id, node.log_file());
      std::fflush(stdout);
    }
  }
  stop_all(*plan);
  return 0;
}

}  // namespace milena::tools
