#include "sim/group_simulator.h"

#include <algorithm>
#include <utility>

#include "coordinator/group/consumer_protocol.h"
#include "coordinator/record_bytes.h"

namespace milena {
namespace {

constexpr ErrorCode kRefusedAppends[] = {ErrorCode::kNotLeaderOrFollower, ErrorCode::kRequestTimedOut,
                                         ErrorCode::kKafkaStorageError, ErrorCode::kNotEnoughReplicas};
constexpr int kSteps = 120;
constexpr int kSettling_s = 240;
constexpr int32_t kClassicSession_ms = 12'000;

coordinator::GroupConfig config_of(uint32_t seed) {
  coordinator::GroupConfig config;
  config.consumer.assignment_interval_ms = {seed % 3 == 0 ? 1'000 : 0, 0, 15'000};
  config.consumer.max_size = seed % 5 == 0 ? 4 : INT32_MAX;
  config.max_size = seed % 13 == 0 ? 4 : INT32_MAX;
  config.initial_rebalance_delay_ms = seed % 6 == 0 ? 3'000 : 0;
  config.join_silence_ms = seed % 4 == 1 ? 5 : 0;
  if (seed % 7 == 0) config.consumer.migration.downgrade = false;
  if (seed % 11 == 0) config.consumer.migration.upgrade = false;
  return config;
}

// One seed of so many has a group of the largest size here.
bool is_large(uint32_t seed) { return seed % 40 == 7; }

bool is_within(const coordinator::Assignment& part, const coordinator::Assignment& whole) {
  return std::all_of(part.begin(), part.end(), [&](const auto& topic) {
    const auto at = whole.find(topic.first);
    return at != whole.end() &&
           std::includes(at->second.begin(), at->second.end(), topic.second.begin(), topic.second.end());
  });
}

std::optional<std::string> instance_of(const std::string& instance) {
  return instance.empty() ? std::nullopt : std::optional(instance);
}

}  // namespace

GroupSimulator::GroupSimulator(uint32_t seed)
    : random_(seed), seed_(seed), h_(std::make_unique<HeldShard>(config_of(seed))),
      most_clients_(is_large(seed) ? 50 : 10), topic_names_(is_large(seed) ? 8 : 4) {
  for (int i = 0; i + 1 < topic_names_; ++i) h_->add_topic("t" + std::to_string(i), 1 + static_cast<int32_t>(pick(6)));
  const uint32_t first = is_large(seed) ? 35 + pick(15) : 3;
  for (uint32_t i = 0; i < first; ++i) spawn();
}

std::string GroupSimulator::run() {
  for (int i = 0; i < kSteps && failure_.empty(); ++i) step();
  if (failure_.empty()) settle();
  return failure_;
}

void GroupSimulator::note(std::string event) {
  history_.push_back(std::to_string(now_ms()) + "  " + std::move(event));
}

std::string GroupSimulator::history() const {
  std::string text;
  for (const std::string& event : history_) text += event + "\n";
  return text;
}

void GroupSimulator::expect(bool holds, const std::string& what) {
  if (holds || !failure_.empty()) return;
  failure_ = what;
  note("FAILED: " + what);
}

std::vector<std::string> GroupSimulator::some_topics() {
  std::set<std::string> topics;
  for (uint32_t i = 0; i <= pick(3); ++i)
    topics.insert("t" + std::to_string(pick(static_cast<uint32_t>(topic_names_))));
  return {topics.begin(), topics.end()};
}

void GroupSimulator::spawn() {
  Client client;
  client.number = ++next_client_;
  client.connection = ++next_connection_;
  client.group = "g" + std::to_string(pick(is_large(seed_) ? 8 : 2) == 1 ? 1 : 0);
  const uint32_t kinds = seed_ % 4;  // 0: consumers alone, 1: classic ones alone
  client.classic = kinds == 1 || (kinds > 1 && pick(3) == 0);
  if (pick(3) == 0) client.instance = "i" + std::to_string(pick(3));
  client.topics = some_topics();
  if (!client.classic && pick(4) == 0) client.regex = pick(2) == 0 ? "t[0-2]" : ".*";
  if (!client.regex.empty() && pick(2) == 0) client.topics.clear();
  if (!client.classic && pick(3) == 0) client.assignor = pick(2) == 0 ? "range" : "uniform";
  client.rebalance_ms = 20'000 + static_cast<int32_t>(pick(20)) * 1'000;
  client.stubborn = !client.classic && pick(12) == 0;
  if (!client.classic) client.member = "c" + std::to_string(client.number);
  note("client " + std::to_string(client.number) + (client.classic ? " classic" : " consumer") + " in " + client.group +
       " as " + client.instance);
  clients_.push_back(std::move(client));
}

void GroupSimulator::step() {
  trouble(pick(30));
  check();
  if (clients_.empty()) spawn();
  for (Client& client : clients_) {
    if (pick(3) == 0) continue;  // is slow
    act(client);
    check();
    if (!failure_.empty()) return;
  }
  if (pick(3) == 0) commit(some_client());
  if (pick(3) == 0) read_offset();
  deliver();
  check();
}

void GroupSimulator::trouble(uint32_t kind) {
  switch (kind) {
    case 0: case 1: case 2:
      if (clients_.size() < most_clients_) spawn();
      break;
    case 3: {  // dies silently
      Client& client = some_client();
      note("client " + std::to_string(client.number) + " dies");
      client.alive = false;
      if (pick(2) == 0) cut_connection(client);
      break;
    }
    case 4: leave(some_client()); break;
    case 5:
      if (pick(3) == 0) reload();
      break;
    case 6: h_->fail_next_append(kRefusedAppends[pick(4)]); break;
    case 7: case 8: change_topics(); break;
    case 9: {
      Client& client = some_client();
      if (client.wait != Wait::kNothing) break;
      client.topics = some_topics();
      client.says_all = true;
      client.joined = false;
      break;
    }
    case 10:
      std::erase_if(clients_, [this](const Client& client) { return !client.alive && pick(2) == 0; });
      break;
    case 11: pass(pick(20'000)); break;
    case 12: case 13:
      note("the high watermark stands still");
      h_->lag(true);
      break;
    case 14:
      if (h_->lags()) crash();
      break;
    case 15:
      note("appends time out");
      h_->time_out();
      h_->lag(false);
      break;
    case 16: case 17: h_->lag(false); break;
    case 18: h_->set_clock((static_cast<int64_t>(pick(7'200)) - 3'600) * 1'000); break;
    case 19: sleep_through(pick(90'000)); break;
    case 20: {
      Client& client = some_client();
      client.asleep_until_ms = now_ms() + 5'000 + pick(80'000);
      note("client " + std::to_string(client.number) + " falls asleep");
      break;
    }
    case 21:
      if (pick(4) == 0) delete_group();
      break;
    case 22: {
      Client& client = some_client();
      if (is_awake(client) && client.wait == Wait::kNothing) cut_connection(client);
      break;
    }
    default: pass(pick(3'000)); break;
  }
}

void GroupSimulator::change_topics() {
  const std::string name = "t" + std::to_string(pick(static_cast<uint32_t>(topic_names_)));
  const metadata::TopicImage* topic = h_->image().find_topic(name);
  if (topic == nullptr) {
    note("topic " + name + " comes");
    h_->add_topic(name, 1 + static_cast<int32_t>(pick(6)));
  } else if (pick(3) == 0) {
    note("topic " + name + " goes");
    const std::vector<coordinator::DeletedTopic> gone{{topic->name, topic->id}};
    h_->remove_topic(name);
    h_->fail_next_append(ErrorCode::kNone);
    h_->run(h_->shard().topics_deleted(gone));
    forget_offsets({}, name);
  } else {
    note("topic " + name + " grows");
    h_->grow_topic(name, topic->partition_count() + static_cast<int32_t>(pick(3)));
  }
}

void GroupSimulator::delete_group() {
  const Bytes group = "g" + std::to_string(pick(2));
  const std::vector<ByteView> names{group};
  h_->run(h_->shard().delete_groups(h_->caller(2), names, h_->now()));
  const auto& result = std::get<DeleteGroupsResponse>(*h_->decided(h_->last_token())).results.at(0);
  note("group " + group + " is deleted: error " + std::to_string(static_cast<int>(result.error_code)));
  if (result.error_code != ErrorCode::kNone) return;
  forget_offsets(group, {});
  check();  // that it is gone, before there is another one with its name
}

void GroupSimulator::act(Client& client) {
  if (!is_awake(client) || client.wait != Wait::kNothing) return;
  h_->connection = client.connection;
  if (client.classic) return act_classic(client);
  if (client.owned != client.told && !client.stubborn && pick(2) == 0) give_back(client);
  const bool has_news = client.epoch == 0 || client.says_all || client.says_owned;
  if (!has_news && now_ms() < client.next_beat_ms) return;
  client.loses_answer = pick(12) == 0;
  beat(client);
}

void GroupSimulator::cut_connection(Client& client) {
  note("the connection of client " + std::to_string(client.number) + " is cut");
  h_->run(h_->shard().connection_closed(client.group, client.connection, h_->now()));
  client.connection = ++next_connection_;
}

// --- members with the consumer protocol

void GroupSimulator::beat(Client& client) {
  coordinator::ask::Beat what;
  what.group = client.group;
  what.member = client.member;
  what.epoch = client.epoch;
  what.instance = instance_of(client.instance);
  if (client.says_all || client.epoch == 0) {
    what.topics = client.topics;
    what.regex = client.regex;
    if (!client.assignor.empty()) what.assignor = client.assignor;
    what.rebalance_ms = client.rebalance_ms;
  }
  if (client.says_all || client.says_owned || client.epoch == 0) what.owned_ids = client.owned;
  ++heartbeats_;
  client.life = lives_[client.group].number;
  client.token = h_->send(what);
  client.wait = Wait::kBeat;
}

void GroupSimulator::on_beat(Client& client, const ConsumerGroupHeartbeatResponse& response) {
  note("client " + std::to_string(client.number) + " has beaten in epoch " + std::to_string(client.epoch) + ": error " +
       std::to_string(static_cast<int>(response.error_code)) + ", epoch " + std::to_string(response.member_epoch) +
       (client.loses_answer ? ", and does not hear it" : ""));
  if (std::exchange(client.loses_answer, false)) {
    client.says_all = true;
    return;
  }
  client.next_beat_ms = now_ms() + std::max(response.heartbeat_interval_ms, 500);
  switch (response.error_code) {
    case ErrorCode::kNone: break;
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kCoordinatorNotAvailable:
      client.says_all = true;
      return;
    case ErrorCode::kFencedMemberEpoch:
    case ErrorCode::kUnknownMemberId: return start_over(client);
    case ErrorCode::kGroupIdNotFound:
      // Unless the group became classic, it will not accept us either.
      if (client.epoch == 0) client.alive = false;
      return start_over(client);
    default:
      client.alive = false;
      return start_over(client);
  }
  expect(response.member_epoch >= client.epoch, "the epoch of client " + std::to_string(client.number) + " goes back");
  client.says_all = client.epoch == 0 && response.member_epoch == 0;
  client.says_owned = false;
  client.epoch = response.member_epoch;
  told_epoch(client);
  if (!response.assignment) return;
  client.told.clear();
  for (const auto& topic : response.assignment->topic_partitions) {
    client.told[topic.topic_id].merge(coordinator::PartitionNumbers(topic.partitions.begin(), topic.partitions.end()));
  }
  // If the assignment revokes nothing, the client takes it at once.
  if (is_within(client.owned, client.told)) give_back(client);
}

void GroupSimulator::give_back(Client& client) {
  revocations_ += !is_within(client.owned, client.told);
  client.says_owned = true;
  client.owned = client.told;
}

void GroupSimulator::start_over(Client& client) {
  client.owned.clear();
  client.told.clear();
  client.epoch = client.classic ? -1 : 0;
  client.joined = false;
  client.says_all = true;
  client.stubborn = false;  // once is enough, or two of this kind would fence each other for ever
}

void GroupSimulator::leave(Client& client) {
  if (!is_awake(client) || client.member.empty() || client.wait != Wait::kNothing) return;
  note("client " + std::to_string(client.number) + " leaves");
  client.alive = false;
  if (client.classic) {
    h_->send_leave({{client.member, instance_of(client.instance)}}, client.group);
  } else {
    coordinator::ask::Beat what;
    what.group = client.group;
    what.member = client.member;
    what.instance = instance_of(client.instance);
    what.epoch = what.instance && pick(2) == 0 ? coordinator::kStaticLeaveEpoch : coordinator::kLeaveEpoch;
    h_->send(what);
  }
  start_over(client);
}

// --- offsets

void GroupSimulator::commit(Client& client) {
  if (!is_awake(client) || client.epoch <= 0 || client.owned.empty()) return;
  if (client.classic && (!client.joined || client.wait != Wait::kNothing)) return;
  const auto& [id, partitions] = *client.owned.begin();
  const metadata::TopicImage* topic = h_->image().find_topic(id);
  if (topic == nullptr) return;
  coordinator::ask::Commit what{.group = client.group,
                                .member = client.member,
                                .generation = client.epoch,
                                .topic = topic->name,
                                .partition = *partitions.begin(),
                                .offset = ++next_offset_};
  what.topic_id = id;
  if (client.classic) what.instance = instance_of(client.instance);
  const bool may = may_commit(client, what.topic, what.partition);
  h_->connection = client.connection;
  const coordinator::AnswerToken token = h_->send_commit(what);
  const auto& answer = std::get<OffsetCommitResponse>(*h_->decided(token));
  const ErrorCode error = answer.topics.at(0).partitions.at(0).error_code;
  note("client " + std::to_string(client.number) + " commits " + std::to_string(what.offset) + ": error " +
       std::to_string(static_cast<int>(error)));
  expect(may || error != ErrorCode::kNone,
         "client " + std::to_string(client.number) + " commits for what is not its own");
  asked_.push_back({token, {what.group, what.topic, what.partition}, what.offset, offsets_life_});
}

void GroupSimulator::read_offset() {
  const std::string topic = "t" + std::to_string(pick(static_cast<uint32_t>(topic_names_)));
  const OffsetPlace place{"g" + std::to_string(pick(2)), topic, static_cast<int32_t>(pick(2))};
  asked_.push_back({h_->send_fetch(std::get<0>(place), topic, std::get<2>(place)), place, -1, offsets_life_});
}

void GroupSimulator::on_offset(const Asked& asked) {
  const coordinator::GroupResponse& answer = *h_->find_answer(asked.token);
  int64_t known = asked.offset;
  if (const auto* read = std::get_if<coordinator::OffsetFetchGroupResponse>(&answer)) {
    if (read->error_code != ErrorCode::kNone) return;
    known = read->topics.at(0).partitions.at(0).committed_offset;
    // Offsets of the same place are committed one after the other.
    if (asked.life == offsets_life_) {
      const auto before = known_offsets_.find(asked.place);
      expect(before == known_offsets_.end() || known >= 0, "an offset that was committed cannot be read");
    }
  } else if (std::get<OffsetCommitResponse>(answer).topics.at(0).partitions.at(0).error_code != ErrorCode::kNone) {
    return;
  } else {
    ++commits_;
  }
  if (asked.life != offsets_life_ || known < 0) return;
  int64_t& least = known_offsets_.emplace(asked.place, known).first->second;
  least = std::max(least, known);
}

// --- members with the classic protocol, eager: they revoke everything before they join again

std::string GroupSimulator::topics_now() const {
  std::string text;
  for (const metadata::TopicImage& topic : h_->image().topics()) {
    text += topic.id.to_string() + ":" + std::to_string(topic.partition_count()) + " ";
  }
  return text;
}

std::set<Uuid> GroupSimulator::topic_ids() const {
  std::set<Uuid> ids;
  for (const metadata::TopicImage& topic : h_->image().topics()) ids.insert(topic.id);
  return ids;
}

void GroupSimulator::on_answer(Client& client, Wait waited) {
  switch (waited) {
    case Wait::kJoin: return on_join(client, h_->answer<JoinGroupResponse>(client.token));
    case Wait::kSync: return on_sync(client, h_->answer<SyncGroupResponse>(client.token));
    case Wait::kBeat: return on_beat(client, h_->answer<ConsumerGroupHeartbeatResponse>(client.token));
    default: break;
  }
  const ErrorCode error = h_->answer<HeartbeatResponse>(client.token).error_code;
  note("client " + std::to_string(client.number) + " has beaten in generation " + std::to_string(client.epoch) +
       ": error " + std::to_string(static_cast<int>(error)));
  if (error != ErrorCode::kNone) on_refused(client, error);
}

void GroupSimulator::deliver() {
  for (const Asked& asked : asked_) {
    if (h_->answered(asked.token)) on_offset(asked);
  }
  std::erase_if(asked_, [this](const Asked& asked) { return h_->answered(asked.token); });
  for (bool again = true; again && failure_.empty();) {
    again = false;
    for (Client& client : clients_) {
      if (client.wait == Wait::kNothing || client.asleep_until_ms > now_ms() || !h_->answered(client.token)) continue;
      const Wait waited = std::exchange(client.wait, Wait::kNothing);
      again = true;
      if (!client.alive) continue;
      on_answer(client, waited);
      check();
    }
  }
}

// --- time and loss

void GroupSimulator::pass(int64_t ms) {
  for (; ms > 0; ms -= 1'000) {
    h_->advance(std::min<int64_t>(ms, 1'000));
    check();
    deliver();
  }
}

// The process was stopped, or its clock jumped: all timers are due at once.
void GroupSimulator::sleep_through(int64_t ms) {
  note("the coordinator sleeps for " + std::to_string(ms) + " ms");
  h_->sleep_through(ms);
  h_->advance(0);
  check();
}

void GroupSimulator::reload() {
  note("the coordinator is loaded again");
  const auto before = remembered();
  const bool lagged = h_->lags();
  h_->lag(false);
  h_->reload();
  h_->lag(lagged);
  // Generations that were not stored begin again; those sent to members count.
  for (auto& [name, life] : lives_) life.last_epoch = 0;
  const auto after = remembered();
  for (const auto& [name, what] : before) {
    const auto at = after.find(name);
    expect(at != after.end() && at->second == what,
           "a load has changed " + name + ": " + what + " is " + (at == after.end() ? "nothing" : at->second));
  }
  // A classic group that was about to rebalance is back in its last generation, and nothing else may come back.
  for (const auto& [name, what] : after) {
    expect(before.count(name) > 0 || name.starts_with("classic group"), "a load has brought back " + name);
  }
}

void GroupSimulator::crash() {
  note("another node leads, and loads what was replicated");
  ++losses_;
  h_->crash();
  for (auto& [name, life] : lives_) life.last_epoch = 0;
}

void GroupSimulator::settle() {
  note("peace");
  h_->fail_next_append(ErrorCode::kNone);
  h_->lag(false);
  // At most one of each instance id, or they fence each other for ever.
  std::set<std::pair<std::string, std::string>> instances;
  for (Client& client : clients_) {
    client.asleep_until_ms = 0;
    if (client.alive && !client.instance.empty() && !instances.emplace(client.group, client.instance).second) {
      client.alive = false;
    }
  }
  for (int i = 0; i < kSettling_s && failure_.empty(); ++i) {
    pass(1'000);
    for (Client& client : clients_) {
      act(client);
      check();
    }
    deliver();
    check();
  }
  if (failure_.empty()) check_settled();
}

}  // namespace milena
