// Faults of the nodes and their links.
#include <fmt/format.h>

#include "sim/cluster/cluster_simulator.h"

namespace milena::sim {

void ClusterSimulator::start_node(int id) {
  if (node(id).has_process()) return;
  note(fmt::format("node {} starts", id));
  node(id).start();
}

// The process has died, or ended.
void ClusterSimulator::on_death(ClusterNode& node) {
  const int id = node.id();
  const bool by_itself = node.machine().ended_itself();
  const bool power = dies_with_power_[id] && !node.ended();
  dies_with_power_.erase(id);
  if (by_itself) return fail(fmt::format("node {} ended itself", id));
  const bool waited_in_vain = node.error().find("initial.broker.registration.timeout.ms") != std::string::npos ||
                              node.error().find("did not respond in time") != std::string::npos;
  if (!node.error().empty() && !waited_in_vain)
    return fail(fmt::format("node {} does not start: {}", id, node.error()));
  note(fmt::format("node {} {}", id,
                   !node.error().empty() ? "does not start: " + node.error()
                   : node.ended()        ? "has stopped in order"
                   : power               ? "has lost power"
                                         : "is dead"));
  deaths_++;
  if (power) {
    note_power_loss(node, [&] { node.bury(true); });
  } else {
    node.bury(false);
  }
  static constexpr int64_t kTimes_ms[] = {0, 30, 300, 3000, 15'000};
  const int64_t ms = over_ ? 10 : kTimes_ms[pick(std::size(kTimes_ms))];
  after(ms, [this, id] {
    if (!failed()) start_node(id);
  });
}

void ClusterSimulator::kill(bool power) {
  ClusterNode& victim = node(a_node());
  if (!victim.alive()) return;
  dies_with_power_[victim.id()] |= power;
  const bool at_once = random_.chance(40);
  const size_t calls = pick(random_.chance(50) ? 10 : 100);
  note(fmt::format("node {} {}{}", victim.id(), power ? "loses power" : "is killed",
                   at_once ? "" : fmt::format(", {} calls from now", calls)));
  if (!at_once) return victim.machine().kill_after(calls);
  victim.machine().run([] { throw Killed{}; });
  on_death(victim);
}

void ClusterSimulator::power_off_all() {
  note("all lose power");
  for (auto& [id, victim] : nodes_) {
    if (!victim->alive()) continue;
    dies_with_power_[id] = true;
    victim->machine().run([] { throw Killed{}; });
    on_death(*victim);
  }
}

void ClusterSimulator::restart_in_order() {
  ClusterNode& one = node(a_node());
  if (!one.listens() || one.machine().main_runs()) return;
  note(fmt::format("node {} is to stop in order", one.id()));
  one.stop();
}

void ClusterSimulator::pause() {
  ClusterNode& one = node(a_node());
  static constexpr int64_t kTimes_ms[] = {100, 1000, 5000, 20'000};
  const int64_t ms = kTimes_ms[pick(std::size(kTimes_ms))];
  note(fmt::format("node {} is paused for {} ms", one.id(), ms));
  one.pause_until(now_ms() + ms);
}

void ClusterSimulator::cut() {
  const int one = a_node();
  const bool all = random_.chance(40), both_ways = random_.chance(50);
  const int other = all ? 0 : a_node();
  if (one == other) return;
  note(fmt::format("{} is cut off from {}{}", one, all ? "all" : std::to_string(other),
                   both_ways ? "" : ", in one direction"));
  const bool backwards = random_.chance(50);
  for (const auto& [id, node] : nodes_) {
    if (id == one || (!all && id != other)) continue;
    if (both_ways || backwards) network_.cut(id, one);
    if (both_ways || !backwards) network_.cut(one, id);
  }
}

void ClusterSimulator::heal_all() {
  network_.heal();
  for (auto& [id, node] : nodes_) {
    node->pause_until(0);
    node->machine().never_kill();
    node->machine().hold_workers(0);
    if (!node->has_process()) start_node(id);
  }
}

void ClusterSimulator::slow_disk() {
  ClusterNode& one = node(a_node());
  static constexpr int64_t kTimes_ms[] = {50, 500, 3000};
  const int64_t ms = kTimes_ms[pick(std::size(kTimes_ms))];
  note(fmt::format("the disk of node {} takes {} ms", one.id(), ms));
  one.machine().hold_workers(now_ms() + ms);
}

// A follower's fetch is on its way to the leader while another leads, for which the follower drops what it was given,
// and until the leader of before leads again, who still has that. Chance alone does not come upon it.
void ClusterSimulator::old_fetch() {
  const auto id = a_partition();
  const metadata::PartitionImage* image = id ? image_of(*id) : nullptr;
  if (image == nullptr || !plan_.controller_apart || image->isr.size() != 3 || image->leader < 0) return;
  const int leader = image->leader;
  std::vector<int32_t> others{1, 2, 3};
  std::erase(others, leader);
  if (pick(2) == 0) std::swap(others[0], others[1]);
  const int between = others[0], follower = others[1];
  for (const int one : {leader, between, follower}) {
    if (!node(one).listens() || node(one).paused_until_ms() > now_ms()) return;
  }
  network_.heal();
  note(fmt::format("a fetch of node {} is held back from {}, and {} is to lead meanwhile", follower, leader, between));
  network_.cut(between, leader);
  network_.cut(leader, between);
  network_.cut(follower, leader);
  BatchPtr batch = make_batch(*id);
  send_batch(batch, pick(2), [](std::optional<ErrorCode>) {});
  pass(30);
  if (failed() || !partitions_.contains(*id)) return;
  reassign_to(*id, {between, leader, follower});
  pass(30);
  if (failed() || !partitions_.contains(*id)) return;
  elect_in(*id, true);
  pass(100);
  if (failed() || !node(between).alive()) return;
  note(fmt::format("node {} is killed", between));
  node(between).machine().run([] { throw Killed{}; });
  on_death(node(between));
  pass_until(
      [&] {
        const metadata::PartitionImage* now = image_of(*id);
        return now == nullptr || now->leader == leader;
      },
      12'000);
  note("links are whole");
  network_.heal();
}

}  // namespace milena::sim
