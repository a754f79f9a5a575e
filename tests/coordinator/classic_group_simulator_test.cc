#include "coordinator/classic_group_simulator.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace milena::coordinator {
namespace {

constexpr ErrorCode kAppendErrors[] = {ErrorCode::kNotLeaderOrFollower, ErrorCode::kRequestTimedOut,
                                       ErrorCode::kKafkaStorageError, ErrorCode::kMessageTooLarge};

GroupConfig simulated_config(uint32_t seed) {
  GroupConfig config;
  config.initial_rebalance_delay_ms = seed % 3 == 0 ? 3'000 : 0;
  config.join_silence_ms = seed % 2 == 0 ? 5 : 0;
  config.max_size = seed % 5 == 0 ? 3 : INT32_MAX;
  return config;
}

}  // namespace

ClassicGroupSimulator::ClassicGroupSimulator(uint32_t seed) : random_(seed), h_(simulated_config(seed)) {
  for (int i = 0; i < 3; ++i) spawn();
}

void ClassicGroupSimulator::spawn() {
  Client client;
  client.group = "g" + std::to_string(pick(2));
  if (pick(3) == 0) client.instance = "i" + std::to_string(pick(3));
  client.version = static_cast<int16_t>(client.instance.empty() ? pick(10) : 5 + pick(5));
  client.session_ms = 6'000 + static_cast<int32_t>(pick(10)) * 1'000;
  // Long enough to learn of a rebalance by a heartbeat; with less, members remove each other for ever.
  client.rebalance_ms = client.session_ms + static_cast<int32_t>(pick(30)) * 1'000;
  client.protocols =
      pick(2) == 0 ? std::vector<std::string>{"range", "sticky"} : std::vector<std::string>{"sticky", "range"};
  clients_.push_back(client);
}

void ClassicGroupSimulator::step() {
  switch (pick(20)) {
    case 0: if (clients_.size() < 12) spawn(); break;
    case 1: some_client().alive = false; break;  // dies silently
    case 2: {
      Client& client = some_client();
      if (!client.alive || client.member.empty()) break;
      h_.leave({{client.member, client.instance.empty() ? std::nullopt : std::optional(client.instance)}},
               client.group);
      client.alive = false;
      break;
    }
    case 3: if (pick(4) == 0) reload(); break;
    case 4: h_.fail_next_append(kAppendErrors[pick(4)]); break;
    case 5: {  // loses its response and retries, or changes its protocols
      Client& client = some_client();
      if (!client.alive) break;
      if (pick(2) == 0) std::reverse(client.protocols.begin(), client.protocols.end());
      client.stable = false;
      send_join(client);
      break;
    }
    case 6: pass(pick(40) * 1'000); break;
    case 7: case 8: commit(some_client()); break;
    case 9: std::erase_if(clients_, [this](const Client& client) { return !client.alive && pick(2) == 0; }); break;
    default: pass(pick(2'000)); break;
  }
  if (clients_.empty()) spawn();
  for (Client& client : clients_) {
    if (pick(3) != 0) act(client);  // the others are slow
  }
  deliver();
  check();
}

void ClassicGroupSimulator::act(Client& client) {
  if (!client.alive || client.wait != Wait::kNothing) return;
  if (!client.stable) return send_join(client);
  if (h_.now().steady_ms >= client.next_beat_ms) beat(client);
}

void ClassicGroupSimulator::send_join(Client& client) {
  ask::Join join{.group = client.group, .member = client.member, .session_ms = client.session_ms,
                 .rebalance_ms = client.rebalance_ms, .version = client.version};
  if (!client.instance.empty()) join.instance = client.instance;
  join.protocols.clear();
  for (const std::string& protocol : client.protocols) join.protocols.emplace_back(protocol, "of " + protocol);
  client.token = h_.join(join);
  client.wait = Wait::kJoin;
  sent_.insert(client.token);
}

void ClassicGroupSimulator::on_join(Client& client, const JoinGroupResponse& answer) {
  if (answer.error_code == ErrorCode::kMemberIdRequired) {
    client.member = answer.member_id;
    return send_join(client);
  }
  if (answer.error_code != ErrorCode::kNone) return start_over(client, answer.error_code);
  client.member = answer.member_id;
  client.generation = answer.generation_id;
  note_generation(client, answer);
  if (pick(8) == 0) return;  // its response was lost: it will join again
  ask::Sync sync{.group = client.group, .member = client.member, .generation = client.generation};
  if (!client.instance.empty()) sync.instance = client.instance;
  if (answer.leader == answer.member_id && !answer.skip_assignment) {
    for (const auto& member : answer.members) {
      sync.assignments[member.member_id] = std::to_string(client.generation) + " to " + member.member_id;
    }
  }
  client.token = h_.sync(sync);
  client.wait = Wait::kSync;
  sent_.insert(client.token);
}

// All members of one generation get the same data, and the leader gets all of them.
void ClassicGroupSimulator::note_generation(const Client& client, const JoinGroupResponse& answer) {
  int32_t& last = last_generation_[client.group];
  EXPECT_GE(answer.generation_id, last) << "the generation of " << client.group << " goes back";
  last = std::max(last, answer.generation_id);
  ++answers_;
  Generation& generation = generations_[{life_, client.group, answer.generation_id}];
  if (generation.told.empty()) {
    generation.leader = answer.leader;
    generation.protocol = answer.protocol_name.value_or("");
  }
  // A static member that comes back takes its old place, even the leader's; before version 9 it does not learn that.
  const bool static_leader = generation.leader.front() == 'i' && answer.leader.front() == 'i';
  EXPECT_TRUE(answer.leader == generation.leader || static_leader) << answer.leader << " and " << generation.leader;
  EXPECT_EQ(answer.protocol_name, generation.protocol);
  generation.told.insert(answer.member_id);
  if (!answer.members.empty()) {
    EXPECT_EQ(answer.leader, answer.member_id) << "only the leader gets the list";
    generation.leader_told = true;
    generation.listed.clear();
    for (const auto& member : answer.members) {
      generation.listed.insert(member.member_id);
      EXPECT_EQ(member.metadata, "of " + generation.protocol);
    }
  }
  if (generation.leader_told && client.instance.empty()) {
    EXPECT_TRUE(generation.listed.count(answer.member_id)) << answer.member_id << " is not on the leader's list";
  }
}

void ClassicGroupSimulator::on_sync(Client& client, const SyncGroupResponse& answer) {
  if (answer.error_code != ErrorCode::kNone) return start_over(client, answer.error_code);
  if (client.instance.empty() && !answer.assignment.empty()) {
    EXPECT_EQ(answer.assignment, std::to_string(client.generation) + " to " + client.member);
  }
  client.stable = true;
  client.next_beat_ms = h_.now().steady_ms + client.session_ms / 3;
}

void ClassicGroupSimulator::start_over(Client& client, ErrorCode error) {
  client.stable = false;
  client.generation = -1;
  if (error == ErrorCode::kRebalanceInProgress || error == ErrorCode::kNotCoordinator ||
      error == ErrorCode::kCoordinatorNotAvailable || error == ErrorCode::kIllegalGeneration) {
    return;
  }
  client.member.clear();
  // Fenced, refused, or unknown: like a client, it ends or tries again.
  if (error == ErrorCode::kFencedInstanceId || error == ErrorCode::kGroupMaxSizeReached) client.alive = false;
}

void ClassicGroupSimulator::beat(Client& client) {
  client.next_beat_ms = h_.now().steady_ms + client.session_ms / 3;
  std::optional<std::string> instance;
  if (!client.instance.empty()) instance = client.instance;
  const ErrorCode error = h_.heartbeat(client.member, client.generation, client.group, instance);
  if (error != ErrorCode::kNone) start_over(client, error);
}

void ClassicGroupSimulator::commit(Client& client) {
  ask::Commit commit{.group = client.group, .member = client.member, .generation = client.generation,
                     .partition = static_cast<int32_t>(pick(3)), .offset = ++next_offset_};
  if (!client.instance.empty() && client.generation >= 0) commit.instance = client.instance;
  if (client.generation < 0) commit.member.clear();
  if (h_.commit(commit) != ErrorCode::kNone) return;
  committed_[{commit.group, commit.partition}] = commit.offset;
  ++commits_;
}

void ClassicGroupSimulator::reload() {
  h_.reload();
  ++life_;
  // A generation that was never stored begins again; it must not go below the stored one.
  last_generation_.clear();
  for (const ClassicGroup* group : h_.shard().groups().of_kind<ClassicGroup>()) {
    last_generation_[group->id()] = group->generation();
  }
  check_offsets();
}

// In small steps, so that clients act on responses while time passes.
void ClassicGroupSimulator::pass(int64_t ms) {
  for (; ms > 0; ms -= 500) {
    h_.advance(std::min<int64_t>(ms, 500));
    forget_removed_groups();
    deliver();
  }
}

// An empty group without offsets is removed after a while; a new one with its name begins at generation 1.
void ClassicGroupSimulator::forget_removed_groups() {
  std::erase_if(generations_, [this](const auto& generation) {
    return h_.shard().find_group(std::get<1>(generation.first)) == nullptr;
  });
  std::erase_if(last_generation_, [this](const auto& last) { return h_.shard().find_group(last.first) == nullptr; });
}

ClassicGroupSimulator::Client* ClassicGroupSimulator::next_answered() {
  Client* next = nullptr;
  for (Client& client : clients_) {
    if (client.wait == Wait::kNothing || !h_.answered(client.token)) continue;
    if (next == nullptr || h_.answer_order(client.token) < h_.answer_order(next->token)) next = &client;
  }
  return next;
}

void ClassicGroupSimulator::deliver() {
  while (Client* client = next_answered()) {
    const Wait waited = std::exchange(client->wait, Wait::kNothing);
    if (!client->alive) continue;
    if (waited == Wait::kJoin) {
      on_join(*client, h_.answer<JoinGroupResponse>(client->token));
    } else {
      on_sync(*client, h_.answer<SyncGroupResponse>(client->token));
    }
  }
}

void ClassicGroupSimulator::check() {
  check_parked();
  if (pick(10) == 0) check_offsets();
  for (const auto& group : h_.shard().groups().of_kind<ClassicGroup>()) {
    EXPECT_TRUE(!group->is(GroupState::kEmpty) || group->members().empty()) << group->id();
    // Between its first join and the end of the initial delay all members may have left again.
    EXPECT_TRUE(!group->members().empty() || !group->can_rebalance() || group->is(GroupState::kEmpty)) << group->id();
    EXPECT_EQ(group->leader().has_value(), !group->members().empty()) << group->id();
    EXPECT_EQ(group->members().count(group->leader().value_or("")), group->members().empty() ? 0u : 1u) << group->id();
  }
}

// Every request is either answered or waits with a member that has a timer.
void ClassicGroupSimulator::check_parked() {
  std::set<AnswerToken> parked;
  for (const auto& group : h_.shard().groups().of_kind<ClassicGroup>()) {
    int32_t joining = 0;
    for (const auto& [member_id, member] : group->members()) {
      if (member.awaiting_join) parked.insert(*member.awaiting_join);
      if (member.awaiting_sync) parked.insert(*member.awaiting_sync);
      joining += member.awaiting_join.has_value();
      EXPECT_TRUE(!member.awaiting_join || group->is(GroupState::kPreparingRebalance)) << group->id();
      EXPECT_TRUE(!member.awaiting_sync || group->is(GroupState::kCompletingRebalance)) << group->id();
    }
    EXPECT_EQ(joining, group->awaiting_join_count()) << group->id();
    EXPECT_TRUE(!group->is(GroupState::kPreparingRebalance) || group->join_timer.deadline_ms != kNever) << group->id();
    EXPECT_TRUE(!group->is(GroupState::kCompletingRebalance) || group->sync_timer.deadline_ms != kNever) << group->id();
  }
  std::erase_if(sent_, [this](AnswerToken token) { return h_.answered(token); });
  EXPECT_EQ(sent_, parked);
}

void ClassicGroupSimulator::check_offsets() {
  for (const auto& [at, offset] : committed_) {
    EXPECT_EQ(h_.fetch(std::get<0>(at), "t", std::get<1>(at)).committed_offset, offset) << std::get<0>(at);
  }
}

void ClassicGroupSimulator::settle() {
  // At most one of each instance id, or they fence each other for ever.
  std::set<std::pair<std::string, std::string>> instances;
  for (Client& client : clients_) {
    if (!client.instance.empty() && !instances.emplace(client.group, client.instance).second) client.alive = false;
  }
  for (int i = 0; i < 400; ++i) {
    pass(1'000);
    for (Client& client : clients_) act(client);
    deliver();
  }
  check_parked();
  check_offsets();
  EXPECT_TRUE(sent_.empty()) << sent_.size() << " wait for ever";
  for (const auto& group : h_.shard().groups().of_kind<ClassicGroup>()) {
    const auto lives = [&](const Client& client) { return client.alive && client.group == group->id(); };
    const size_t living = static_cast<size_t>(std::count_if(clients_.begin(), clients_.end(), lives));
    EXPECT_EQ(group->members().size(), living) << group->id();
    EXPECT_EQ(group_state_name(group->state()), living > 0 ? "Stable" : "Empty") << group->id();
  }
}

namespace {

TEST(ClassicGroupSimulator, NoGroupIsStuckNoOffsetLostNoQuestionForgotten) {
  size_t joins = 0;
  size_t commits = 0;
  for (uint32_t seed = 1; seed <= 1'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ClassicGroupSimulator simulator(seed);
    for (int i = 0; i < 150 && !testing::Test::HasFailure(); ++i) simulator.step();
    if (!testing::Test::HasFailure()) simulator.settle();
    joins += simulator.joins_answered();
    commits += simulator.commits();
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  RecordProperty("joins", static_cast<int>(joins));
  RecordProperty("commits", static_cast<int>(commits));
  // Checks that enough happened.
  EXPECT_GT(joins, 20'000u);
  EXPECT_GT(commits, 3'000u);
}

}  // namespace
}  // namespace milena::coordinator
