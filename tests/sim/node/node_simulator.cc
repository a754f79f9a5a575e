#include "sim/node/node_simulator.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace milena::sim {
namespace {

constexpr int64_t kPatience_ms = 120'000;

}  // namespace

NodeSimulator::NodeSimulator(Plan plan, std::function<void(const std::string&)> on_line)
    : plan_(std::move(plan)),
      random_(plan_.seed),
      disk_(random_),
      machine_(random_, disk_),
      process_(machine_, disk_, settings(), plan_.shards),
      producers_(2),
      on_line_(std::move(on_line)) {
  for (int i = 0; plan_.transactions && i < 2; i++)
    transactional_.push_back(Producer{.id = fmt::format("tx{}", i)});
}

NodeSimulator::~NodeSimulator() = default;

config::Settings NodeSimulator::settings() const {
  config::Settings all;
  auto set = [&](ByteView name, ByteView value) {
    Status done = all.set(name, value);
    CHECK(done.ok(), "{}", done.error().message);
  };
  set("log.dirs", "/a,/b,/c");
  if (plan_.metadata_apart) set("metadata.log.dir", "/m");
  set("offsets.topic.num.partitions", "1");
  set("transaction.state.log.num.partitions", "1");
  for (const auto& [name, value] : plan_.settings) set(name, value);
  return all;
}

void NodeSimulator::note(std::string line) {
  if (on_line_)
    on_line_(fmt::format("{:>3} {:>9} ms  {}", step_, machine_.clock().steady_ms() - 1'000'000, line));
}

void NodeSimulator::fail(std::string what) {
  if (failed()) return;
  failure_ = std::move(what);
  show_disks();
  note("FAILED: " + failure_);
}

// Prints the contents of the disks, for debugging.
void NodeSimulator::show_disks() {
  for (const char* volume : {"/a", "/b", "/c"}) {
    for (const std::string& path : disk_.paths_under(volume)) {
      const std::string* content = disk_.content(path);
      if (content == nullptr) continue;
      std::string text = path.ends_with("-checkpoint") ? *content : "";
      std::replace(text.begin(), text.end(), '\n', ' ');
      note(fmt::format("{}: {} bytes {}", path, content->size(), text));
    }
  }
}

std::string NodeSimulator::run() {
  for (const char* volume : {"/a", "/b", "/c", "/m"}) CHECK(disk_.make_directories(volume).ok());
  start_node();
  find_coordinators();
  for (size_t i = 0; i < plan_.topic_names && !failed(); i++) create_topic(fmt::format("t{}", i));
  for (const Step& step : plan_.steps) {
    if (failed()) break;
    step_++;
    random_ = SimRandom(step.seed);
    act(step);
    if (!failed() && process_.alive()) take_turns();
    for (const TopicPtr& topic : topics_) mark_expired(*topic, wall_ms());
    if (!failed() && !process_.alive()) revive();
  }
  if (!failed()) settle();
  return failure_;
}

void NodeSimulator::act(const Step& step) {
  switch (step.kind) {
    case StepKind::kProduce:
      return produce();
    case StepKind::kSequence:
      return produce_in_sequence();
    case StepKind::kRepeat:
      return repeat();
    case StepKind::kTransact:
      return transact();
    case StepKind::kScan:
      if (!troubled_) verify(false);
      return;
    case StepKind::kLook:
      return look();
    case StepKind::kDeleteRecords:
      return delete_records(step.aim);
    case StepKind::kCommitOffset:
      return commit_offset();
    case StepKind::kPass:
      return pass(step.aim);
    case StepKind::kJump: {
      int64_t ms = (static_cast<int64_t>(pick(7200)) - 3600) * 1000;
      note(fmt::format("the clock is set by {} ms", ms));
      set_back_ms_ += std::max<int64_t>(-ms, 0);
      return machine_.clock().jump(ms);
    }
    case StepKind::kMove:
      return move();
    case StepKind::kDeleteTopic:
      return delete_topic();
    case StepKind::kCreateTopic:
      return create_topic(fmt::format("t{}", pick(plan_.topic_names)));
    case StepKind::kConfigure:
      return configure(step.aim);
    case StepKind::kRestart:
      return restart(true, step.aim);
    case StepKind::kKill:
      return kill_soon(false, step.aim);
    case StepKind::kPowerOff:
      return kill_soon(true, step.aim);
    case StepKind::kDirectoryAway:
      return send_directory_away(step.aim);
    case StepKind::kDirectoryBack:
      if (troubled_) verify(false);
      return;
    case StepKind::kFailCall: {
      std::string volume = a_directory();
      size_t calls = pick(60);
      note(fmt::format("{} fails once, {} calls from now", volume, calls));
      disk_.fail_after(volume, calls);
      begin_trouble();
      return;
    }
    case StepKind::kFill:
      return short_ && random_.chance(50) ? give_back() : fill();
    case StepKind::kFewFiles:
      return short_ && random_.chance(50) ? give_back() : leave_few_files();
    case StepKind::kRot:
      return rot(step.aim);
    case StepKind::kLoseCheckpoint:
      return lose_checkpoint(step.aim);
    case StepKind::kOldRecords:
      return bring_old_records();
    case StepKind::kArrive:
      if (!troubled_ && !short_) check_moves();
      return;
    case StepKind::kOutlive:
      return outlive_transactions();
    case StepKind::kCount:
      return;
  }
}

void NodeSimulator::take_turns() {
  switch (pick(4)) {
    case 0:
      return;
    case 1:
      return machine_.run_steps(pick(40));
    case 2:
      return machine_.run_until_idle();
    default:
      return machine_.pass(static_cast<int64_t>(pick(200)), true);
  }
}

void NodeSimulator::wait_for(const bool& over) {
  const int64_t until_ms = machine_.clock().steady_ms() + kPatience_ms;
  while (!over && process_.alive() && machine_.clock().steady_ms() < until_ms) {
    machine_.run_steps(50);
    if (over) return;
    if (!machine_.step()) machine_.pass(5, false);
  }
}

// --- life and death

void NodeSimulator::kill_soon(bool power, Aim aim) {
  power_goes_ |= power;
  const char* what = power ? "machine" : "process";
  dies_again_ = aim == Aim::kTwice;
  const auto kill_behind = [&](const char* of_what, const char* name, size_t below) {
    const size_t calls = pick(below);
    note(fmt::format("the {} is killed, {} calls behind {}", what, calls, of_what));
    machine_.kill_behind(name, calls);
  };
  if (aim == Aim::kMoved) return kill_behind("a move", "-future to ", 12);
  if (aim == Aim::kTwice) return kill_behind("a rename of the cleaner", ".timeindex.cleaned to ", 2);
  if (aim == Aim::kBetween) return kill_behind("a checkpoint", "/recovery-point-offset-checkpoint", 6);
  if (aim == Aim::kMoving) {
    note(fmt::format("the {} is killed at the end of a move", what));
    return machine_.kill_before("-future to ");
  }
  if (aim == Aim::kAtOnce || aim == Aim::kBack) {
    back_with_power_ |= aim == Aim::kBack;
    note(fmt::format("the {} is killed", what));
    machine_.run([] { throw Killed{}; });
    return;
  }
  const bool at_name = aim == Aim::kAtName || (aim == Aim::kAny && random_.chance(20));
  if (at_name) {
    const size_t names = pick(12);
    note(fmt::format("the {} is killed, {} changes of names from now", what, names));
    return machine_.kill_at_name(names);
  }
  const bool at_once = random_.chance(aim == Aim::kSoon ? 10 : 30);
  const bool soon = aim == Aim::kSoon ? random_.chance(70) : random_.chance(50);
  const size_t calls = at_once ? 0 : soon ? pick(20) : pick(300);
  note(fmt::format("the {} is killed, {} calls from now", what, calls));
  machine_.kill_after(calls);
}

void NodeSimulator::pass(Aim aim) {
  static constexpr int64_t kTimes_ms[] = {10, 100, 1000, 7000, 40'000, 400'000};
  static constexpr size_t kShortOnes = 3;
  const size_t first = aim == Aim::kLong ? kShortOnes : 0;
  const size_t end = aim == Aim::kShort ? kShortOnes : std::size(kTimes_ms);
  const int64_t ms = kTimes_ms[first + pick(end - first)];
  note(fmt::format("{} ms pass", ms));
  machine_.pass(ms, random_.chance(50));
}

void NodeSimulator::start_node() {
  disk_.set_open_limit(0);
  short_ = disk_.is_full();
  Status started = process_.start();
  if (!started.ok()) {
    if (troubled_ || short_) {
      note("the node does not start: " + started.error().message);
      disk_.heal();
      troubled_ = short_ = false;
      process_.bury();
      return start_node();
    }
    return fail("the node does not start: " + started.error().message);
  }
  note(process_.alive() ? "started" : "killed while it started");
}

// If it dies during a clean stop, revive() starts it.
void NodeSimulator::restart(bool in_order, Aim aim) {
  note(in_order ? "a stop in order" : "killed");
  if (troubled_ || short_) forget_late_starts();
  disk_.set_open_limit(0);  // no connections are left
  if (in_order && !process_.stop()) return;
  if (in_order && plan_.power && random_.chance(aim == Aim::kAtOnce ? 100 : 20)) lose_power();
  if (!in_order) {
    process_.bury();
    forget_late_starts();
  }
  start_node();
}

void NodeSimulator::begin_trouble() {
  excuse_all_moves();
  if (!std::exchange(troubled_, true)) troubled_since_ms_ = machine_.clock().steady_ms();
}

void NodeSimulator::begin_shortage() {
  excuse_all_moves();
  if (!std::exchange(short_, true)) short_since_ms_ = machine_.clock().steady_ms();
}

void NodeSimulator::excuse_all_moves() {
  for (const TopicPtr& topic : topics_) {
    for (PartitionModel& partition : topic->partitions) excuse_moves(partition);
  }
}

// No checkpoint can be counted on after a disk began to fail, or was full.
void NodeSimulator::forget_late_starts() {
  int64_t until_ms = machine_.clock().steady_ms();
  if (troubled_) until_ms = std::min(until_ms, troubled_since_ms_);
  if (short_) until_ms = std::min(until_ms, short_since_ms_);
  for (const TopicPtr& topic : topics_) sim::forget_late_starts(*topic, until_ms);
}

// No process lives.
void NodeSimulator::lose_power() {
  note("the disks lose power");
  disk_.lose_power();
  for (const TopicPtr& topic : topics_) mark_power_lost(*topic);
  for (Producer& producer : producers_) {
    for (auto& [place, sequence] : producer.sequences) sequence.forgettable = true;
  }
}

// The process died; it is started until it lives.
void NodeSimulator::revive() {
  for (int tries = 0; !process_.alive() && !failed(); tries++) {
    if (machine_.ended_itself() && !troubled_ && !disk_.in_trouble()) return fail("the broker ended itself");
    note(power_goes_               ? "the machine is dead"
         : machine_.ended_itself() ? "the broker ended itself"
                                   : "the process is dead");
    process_.bury();
    deaths_++;
    forget_late_starts();
    excuse_all_moves();
    if (std::exchange(power_goes_, false)) lose_power();
    if (std::exchange(back_with_power_, false)) {
      note("all directories are back");
      for (const char* volume : {"/a", "/b", "/c"}) disk_.set_away(volume, false);
    }
    const bool again = std::exchange(dies_again_, false);
    if (tries < 3 && (again || random_.chance(30))) {
      if (again && random_.chance(70)) machine_.kill_behind(".cleaned", pick(4));
      else if (again || random_.chance(30)) machine_.kill_at_name(pick(12));
      else machine_.kill_after(pick(400));
      power_goes_ = plan_.power && random_.chance(50);
    }
    start_node();
  }
  // Now it may live.
  machine_.never_kill();
  power_goes_ = false;
  if (!failed() && !troubled_) verify(true);
}

// After the faults: everything is answered correctly, before and after a clean stop.
void NodeSimulator::settle() {
  step_++;
  machine_.never_kill();
  power_goes_ = false;
  note("the end");
  verify(false);
  if (!failed()) check_moves();
  if (failed()) return;
  restart(true);
  if (!failed()) verify(true);
}

TopicPtr NodeSimulator::a_topic() {
  std::vector<TopicPtr> live;
  for (const TopicPtr& topic : topics_) {
    if (!topic->deleted && !topic->delete_asked) live.push_back(topic);
  }
  return live.empty() ? nullptr : live[pick(live.size())];
}

}  // namespace milena::sim
