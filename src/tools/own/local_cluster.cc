// `milena cluster`: several nodes on this machine, each in its own process, as a cluster for development. The first is
// the controller, too. Runs until a signal; then the nodes stop in order, the controller last.
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "config/config_listeners.h"
#include "config/config_values.h"
#include "config/settings.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/output.h"

namespace milena::tools {
namespace {

constexpr int kMaxBrokers = 100;
constexpr std::chrono::seconds kStart_s(60), kStop_s(30);
constexpr std::chrono::milliseconds kLook_ms(10);
constexpr const char* kStartedLine = "Kafka Server started";

struct ClusterNode {
  int id = 0;
  int port = 0;
  int http_port = 0;
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
      fmt::format("{}=127.0.0.1:{}", config::kHttpListeners, node.http_port),
  };
  settings.insert(settings.end(), plan.overrides.begin(), plan.overrides.end());
  std::vector<std::string> words = {"milena"};
  for (const std::string& one : settings) words.insert(words.end(), {"--override", one});
  return words;
}

// The child ends with this process, however that ends.
pid_t start_node(const ClusterPlan& plan, const ClusterNode& node, const char* log_mode = "w") {
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
  std::FILE* log = std::freopen(node.log_file().c_str(), log_mode, stdout);
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
  // A port of each node for Kafka's clients, one of the controller, and one of each node for HTTP.
  const int64_t ports = 2 * wanted.brokers + 1, last = 65536 - ports;
  if (wanted.port < 1 || wanted.port > last) {
    return make_error(ErrorKind::kInvalid, "--port {}: expected 1 to {}, for the nodes need {} ports in a row",
                      wanted.port, last, ports);
  }
  ClusterPlan plan;
  const std::string directory =
      wanted.directory.empty() ? config::default_data_directory() + "/cluster" : wanted.directory;
  const int brokers = static_cast<int>(wanted.brokers), port = static_cast<int>(wanted.port);
  for (int id = 1; id <= brokers; id++) {
    plan.nodes.push_back({id, port + id - 1, port + brokers + id, fmt::format("{}/node-{}", directory, id)});
  }
  plan.controller_port = port + brokers;
  plan.overrides = wanted.overrides;
  RETURN_IF_ERROR(posix_file_system().make_directories(directory));
  return plan;
}

// True where an --override says where the nodes serve HTTP, or that they do not.
bool http_is_overridden(const ClusterPlan& plan) {
  return std::any_of(plan.overrides.begin(), plan.overrides.end(), [](const std::string& one) {
    return one.starts_with(std::string(config::kHttpListeners) + "=");
  });
}

void print_plan(const ClusterPlan& plan) {
  Table table({"NODE", "PROCESS", "ROLES", "ADDRESS", "HTTP", "DATA"});
  const bool other_http = http_is_overridden(plan);
  for (const ClusterNode& node : plan.nodes) {
    table.row({std::to_string(node.id), std::to_string(node.pid), node.id == 1 ? "broker,controller" : "broker",
               fmt::format("localhost:{}", node.port), other_http ? "-" : fmt::format("localhost:{}", node.http_port),
               node.directory});
  }
  table.print(false);
  std::string all;
  for (const ClusterNode& node : plan.nodes) all += fmt::format("{}localhost:{}", all.empty() ? "" : ",", node.port);
  fmt::print("bootstrap.servers={}\nAll nodes serve. Stop them with Ctrl-C.\n", all);
  std::fflush(stdout);
}

void tell_ended(const ClusterNode& node) {
  fmt::print("Node {} has ended; see {}. To start it again: kill -USR1 {}\n", node.id, node.log_file(), ::getpid());
  std::fflush(stdout);
}

// Those that have ended.
void start_again(ClusterPlan& plan) {
  for (ClusterNode& node : plan.nodes) {
    if (node.pid >= 0) continue;
    node.pid = start_node(plan, node, "a");
    if (node.pid < 0) {
      fmt::print("Node {} cannot be started: {}\n", node.id, std::strerror(errno));
    } else {
      fmt::print("Node {} starts, as process {}\n", node.id, node.pid);
    }
    std::fflush(stdout);
  }
}

}  // namespace

int run_cluster(ToolWords words) {
  ClusterWords wanted;
  Options options(Options::Style::kOwn, "milena cluster",
                  "Starts several nodes on this machine, each in its own process, as one cluster. The first is also "
                  "the controller. Topics have three replicas, or one on each node. Ctrl-C stops them all. A node "
                  "that was killed is started again by signal USR1 to this command.",
                  "[--brokers N] [--dir DIRECTORY] [--port PORT] [--override KEY=VALUE]...");
  options.number("--brokers", wanted.brokers, "N", "Number of nodes; default 3.");
  options.text("--dir", wanted.directory, "DIRECTORY", "Directory for data and logs.");
  options.number("--port", wanted.port, "PORT", "Port of the first node, default 9092. The others have the next "
                                                "ports, then the controller, then each node for HTTP.");
  options.texts("--override", wanted.overrides, "KEY=VALUE", "A setting for all nodes.");
  options.example("milena cluster --brokers 3 --dir /tmp/cluster");
  if (auto code = options.parse(words)) return *code;
  auto plan = make_plan(wanted);
  if (!plan.ok()) return complain(plan.error().message);
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1}) sigaddset(&signals, number);
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
    if (number != SIGCHLD && number != SIGUSR1) break;
    for (ClusterNode& node : plan->nodes) {
      if (node.pid >= 0 && has_ended(node)) tell_ended(node);
    }
    if (number == SIGUSR1) start_again(*plan);
  }
  stop_all(*plan);
  return 0;
}

}  // namespace milena::tools
