#include "sim/cluster/cluster_simulator.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace milena::sim {
namespace {

constexpr uint16_t kControllerPort = 9300;
// Time for the cluster to recover after all faults.
constexpr int64_t kRecovery_ms = 180'000;

}  // namespace

ClusterSimulator::ClusterSimulator(ClusterPlan plan, OnLine on_line)
    : plan_(std::move(plan)),
      random_(plan_.seed),
      network_(random_, clock_),
      client_(network_),
      producers_(2),
      consumers_{{.committed = false}, {.committed = true}},
      transactors_{{.id = "x"}, {.id = "y"}},
      committers_{{.group = "g"}, {.group = "h"}},
      on_line_(std::move(on_line)) {
  make_nodes();
}

ClusterSimulator::~ClusterSimulator() {
  over_ = true;
  failure_ = "over";
  client_.drop_all();
}

void ClusterSimulator::make_nodes() {
  for (int id = 1; id <= plan_.nodes(); id++) {
    auto made = std::make_unique<ClusterNode>(id, random_, clock_, network_, plan_.shards);
    auto set = [&](const std::string& name, const std::string& value) {
      Status done = made->settings().set(name, value);
      CHECK(done.ok(), "{}", done.error().message);
    };
    std::string roles, listeners;
    auto listen = [&](const char* role, const char* name, uint16_t port) {
      roles += (roles.empty() ? "" : ",") + std::string(role);
      listeners += fmt::format("{}{}://localhost:{}", listeners.empty() ? "" : ",", name, port);
      made->add_listener(name, port);
    };
    if (id <= 3) listen("broker", "PLAINTEXT", client_port(id));
    if (id == plan_.controller()) listen("controller", "CONTROLLER", kControllerPort);
    set("node.id", std::to_string(id));
    set("process.roles", roles);
    set("listeners", listeners);
    set("controller.listener.names", "CONTROLLER");
    set("controller.quorum.voters", fmt::format("{}@localhost:{}", plan_.controller(), kControllerPort));
    set("log.dirs", "/a");
    set("offsets.topic.num.partitions", "1");
    set("transaction.state.log.num.partitions", "1");
    for (const auto& [name, value] : plan_.settings) set(name, value);
    network_.add(*made);
    nodes_[id] = std::move(made);
  }
}

void ClusterSimulator::note(std::string line) {
  if (on_line_) on_line_(fmt::format("{:>3} {:>9} ms  {}", step_, now_ms() - 1'000'000, line));
}

void ClusterSimulator::fail(std::string what) {
  if (failed()) return;
  failure_ = std::move(what);
  note("FAILED: " + failure_);
  for (const auto& [id, state] : partitions_) note(describe(id));
}

std::string ClusterSimulator::run() {
  for (auto& [id, node] : nodes_) start_node(id);
  const bool begun = pass_until(
      [this] {
        return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& one) { return one.second->listens(); });
      },
      60'000);
  if (!begun) fail("the cluster does not begin");
  for (const TopicPlan& topic : plan_.topics) create_topic(topic);
  if (!failed() && !pass_until([this] { return !partitions_.empty(); }, 60'000)) fail("no topic can be made");
  for (const ClusterStep& step : plan_.steps) {
    if (failed()) break;
    step_++;
    random_ = SimRandom(step.seed);
    act(step);
    // Several steps often come at once.
    if (!failed() && random_.chance(70)) {
      if (random_.chance(50)) {
        for (size_t turns = pick(60); turns > 0 && !failed() && this->step(); turns--) {
        }
      } else {
        pass(static_cast<int64_t>(pick(100)));
      }
    }
  }
  if (!failed()) settle();
  return failure_;
}

void ClusterSimulator::act(const ClusterStep& step) {
  switch (step.kind) {
    case ClusterStepKind::kProduce:
      return produce(-1);
    case ClusterStepKind::kLoose:
      return produce(1);
    case ClusterStepKind::kSequence:
      return produce_in_sequence();
    case ClusterStepKind::kConsume:
      return consume();
    case ClusterStepKind::kTransact:
      return transact();
    case ClusterStepKind::kCommit:
      return commit_offset();
    case ClusterStepKind::kPass: {
      static constexpr int64_t kTimes_ms[] = {10, 50, 200, 1000, 3000, 12'000};
      const int64_t ms = kTimes_ms[pick(std::size(kTimes_ms))];
      note(fmt::format("{} ms pass", ms));
      return pass(ms);
    }
    case ClusterStepKind::kWait:
      for (size_t turns = 0; turns < 5000 && !failed() && this->step(); turns++) {
      }
      return;
    case ClusterStepKind::kKill:
      return kill(false);
    case ClusterStepKind::kPowerOff:
      return kill(true);
    case ClusterStepKind::kPowerOffAll:
      return power_off_all();
    case ClusterStepKind::kRestart:
      return restart_in_order();
    case ClusterStepKind::kPause:
      return pause();
    case ClusterStepKind::kCut:
      return cut();
    case ClusterStepKind::kHeal:
      note("links are whole");
      return network_.heal();
    case ClusterStepKind::kReset:
      note("a connection is reset");
      return network_.reset_one();
    case ClusterStepKind::kSlowNet: {
      static constexpr int64_t kTimes_ms[] = {5, 40, 400};
      const int64_t ms = kTimes_ms[pick(std::size(kTimes_ms))];
      note(fmt::format("messages take up to {} ms", ms));
      return network_.set_slow(ms);
    }
    case ClusterStepKind::kSlowDisk:
      return slow_disk();
    case ClusterStepKind::kOldFetch:
      return old_fetch();
    case ClusterStepKind::kPreferred:
      return elect(true);
    case ClusterStepKind::kUnclean:
      return elect(false);
    case ClusterStepKind::kReassign:
      return reassign();
    case ClusterStepKind::kDeleteTopic:
      return delete_topic();
    case ClusterStepKind::kDeleteRecords:
      return delete_records();
    case ClusterStepKind::kCount:
      return;
  }
}

// --- time

// Runs one turn of anything that is ready; false if nothing is.
bool ClusterSimulator::step() {
  while (!timers_.empty() && timers_.begin()->first <= now_ms()) {
    Task task = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    task();
  }
  std::vector<ClusterNode*> ready;
  for (auto& [id, node] : nodes_) {
    if (node->alive() && node->paused_until_ms() <= now_ms() && node->machine().ready()) ready.push_back(node.get());
  }
  const size_t arrivals = network_.ready() ? 2 : 0;
  if (ready.empty() && arrivals == 0) return false;
  const size_t choice = pick(ready.size() + arrivals);
  if (choice >= ready.size()) return network_.step();
  step_node(*ready[choice]);
  return true;
}

void ClusterSimulator::step_node(ClusterNode& node) {
  node.machine().step();
  // Also of one that has just died: others may know its decisions.
  if (node.id() == plan_.controller()) follow_controller();
  look_at(node);
  if (!failed() && (node.machine().dead() || node.ended())) on_death(node);
}

int64_t ClusterSimulator::next_event_ms(int64_t most_ms) const {
  int64_t next = most_ms;
  if (!timers_.empty()) next = std::min(next, timers_.begin()->first);
  if (const auto arrival = network_.next_ms()) next = std::min(next, *arrival);
  for (const auto& [id, node] : nodes_) {
    if (!node->alive()) continue;
    if (node->paused_until_ms() > now_ms()) {
      next = std::min(next, node->paused_until_ms());
    } else if (const auto timer = node->machine().next_timer()) {
      next = std::min(next, *timer);
    }
    // Its main thread polls the clock.
    if (node->machine().main_runs()) next = std::min(next, now_ms() + 200);
  }
  return next;
}

void ClusterSimulator::pass(int64_t ms) {
  pass_until([] { return false; }, ms);
}

bool ClusterSimulator::pass_until(const std::function<bool()>& holds, int64_t most_ms) {
  const int64_t end_ms = now_ms() + most_ms;
  // Sometimes the clock goes on while there is work.
  const uint32_t lazily = random_.chance(50) ? 2 : 0;
  for (size_t turns = 0; !failed(); turns++) {
    if (holds()) return true;
    if (turns == 300'000) {
      fail("the cluster is never idle");
      return false;
    }
    if (!(lazily > 0 && random_.chance(lazily)) && step()) continue;
    if (now_ms() >= end_ms) return holds();
    const int64_t next = std::max(now_ms() + 1, next_event_ms(end_ms));
    clock_.advance(std::min(next, end_ms) - now_ms());
  }
  return false;
}

// After the faults.
void ClusterSimulator::settle() {
  step_++;
  note("the end");
  over_ = true;
  heal_all();
  const bool whole = pass_until([this] { return all_in_sync() && streams_done() && transactors_done(); }, kRecovery_ms);
  if (failed()) return;
  if (!whole) return fail("the cluster is not whole again");
  // Coordinators abort the transactions that are left open.
  const bool stable = pass_until([this] { return all_stable() && all_in_sync(); }, kRecovery_ms);
  if (failed()) return;
  if (!stable) return fail("transactions stay open");
  read_all();
  if (failed()) return;
  for (Committer& one : committers_) one.read = false;
  if (!pass_until([this] { return offsets_read(); }, kRecovery_ms) && !failed()) fail("a group's offsets are not read");
  // The requests may have created a topic, or written a marker again.
  if (!failed() && !pass_until([this] { return all_stable() && all_in_sync(); }, kRecovery_ms) && !failed()) {
    fail("the cluster is not whole at the end");
  }
  if (!failed()) check_end();
}

}  // namespace milena::sim
