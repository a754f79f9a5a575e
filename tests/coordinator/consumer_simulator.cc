#include "coordinator/consumer_simulator.h"

#include <algorithm>

#include "coordinator/consumer_protocol.h"
#include "coordinator/consumer_records.h"
#include "coordinator/record_bytes.h"
#include "protocol/messages/offsets/record_type.h"

namespace milena {
namespace {

constexpr ErrorCode kRefusedAppends[] = {ErrorCode::kNotLeaderOrFollower, ErrorCode::kRequestTimedOut,
                                         ErrorCode::kKafkaStorageError, ErrorCode::kNotEnoughReplicas};
constexpr int32_t kMostClients = 10;

GroupConfig config_of(uint32_t seed) {
  GroupConfig config;
  config.consumer.assignment_interval_ms = {seed % 3 == 0 ? 1'000 : 0, 0, 15'000};
  config.consumer.max_size = seed % 5 == 0 ? 4 : INT32_MAX;
  if (seed % 7 == 0) config.consumer.migration.downgrade = false;
  if (seed % 11 == 0) config.consumer.migration.upgrade = false;
  return config;
}

OffsetsRecordType type_of(const CoordinatorRecord& record) {
  return static_cast<OffsetsRecordType>(Reader(record.key).read_int16());
}

Bytes subscription_of(const std::vector<std::string>& topics) {
  ConsumerProtocolSubscription value;
  value.topics.assign(topics.begin(), topics.end());
  return Bytes("\0\1", 2) + write_message(value, 1);
}

bool is_within(const Assignment& part, const Assignment& whole) {
  return std::all_of(part.begin(), part.end(), [&](const auto& topic) {
    const auto at = whole.find(topic.first);
    return at != whole.end() && std::includes(at->second.begin(), at->second.end(), topic.second.begin(), topic.second.end());
  });
}

// Everything that a load must bring back.
struct Remembered {
  ConsumerGroup::Members members;
  std::map<Bytes, Assignment, std::less<>> targets;
  std::map<Bytes, TopicNames, std::less<>> regexes;
  int32_t epoch = 0;
  int32_t assignment_epoch = 0;
  int64_t hash = 0;
  bool operator==(const Remembered&) const = default;

  explicit Remembered(const ConsumerGroup& group)
      : members(group.members()), targets(group.targets()), epoch(group.epoch()),
        assignment_epoch(group.assignment_epoch()), hash(group.metadata_hash()) {
    for (const auto& [regex, resolved] : group.resolved_regexes()) regexes[regex] = resolved.topics;
  }
};

}  // namespace

class ConsumerSimulator::Harness : public ConsumerHarness {
 public:
  Harness(GroupConfig config, Mistake mistake) : ConsumerHarness(std::move(config)), mistake_(mistake) {
    hears_metadata_ = mistake != Mistake::kMissesMetadata;
  }
  void reload_badly() {
    if (mistake_ == Mistake::kForgetsLastRecord) lose_last_record();
    reload();
  }

 protected:
  CoordinatorRecord written(const CoordinatorRecord& record) override {
    if (!record.value) return record;
    if (type_of(record) == OffsetsRecordType::kConsumerGroupMetadata && mistake_ == Mistake::kEpochGoesBack) {
      auto parsed = parse_coordinator_record(record.key, *record.value);
      const auto& epoch = std::get<GroupEpochRecord>(*parsed);
      if (epoch.value->epoch % 7 != 0) return record;
      return make_group_epoch_record(epoch.key.group_id, epoch.value->epoch - 2, epoch.value->metadata_hash);
    }
    if (type_of(record) != OffsetsRecordType::kConsumerGroupTargetAssignmentMember) return record;
    auto parsed = parse_coordinator_record(record.key, *record.value);
    const auto& target = std::get<TargetRecord>(*parsed);
    Assignment changed = target_from_record(*target.value);
    if (changed.empty()) return record;
    if (mistake_ == Mistake::kTargetsTooLittle) {
      changed.begin()->second.erase(changed.begin()->second.begin());
      if (changed.begin()->second.empty()) changed.erase(changed.begin());
    } else if (mistake_ == Mistake::kTargetsTwice) {
      changed.begin()->second.insert(0);
    }
    return make_target_record(target.key.group_id, target.key.member_id, changed);
  }
  bool is_stored(const CoordinatorRecord& record) override {
    switch (mistake_) {
      case Mistake::kForgetsTombstones:
        return record.value || type_of(record) != OffsetsRecordType::kConsumerGroupMemberMetadata;
      case Mistake::kForgetsMember:
        return !record.value || type_of(record) != OffsetsRecordType::kConsumerGroupMemberMetadata;
      case Mistake::kForgetsRegex:
        return type_of(record) != OffsetsRecordType::kConsumerGroupRegularExpression;
      default: return true;
    }
  }
  Effects when_failed(const Effects& asked, Effects told) override {
    if (mistake_ != Mistake::kAnswersWhatIsNotWritten) return told;
    Effects believed;
    believed.answers = asked.answers;
    return believed;
  }

 private:
  const Mistake mistake_;
};

ConsumerSimulator::~ConsumerSimulator() = default;

ConsumerSimulator::ConsumerSimulator(uint32_t seed, Mistake mistake)
    : random_(seed), mistake_(mistake), h_(std::make_unique<Harness>(config_of(seed), mistake)) {
  for (int i = 0; i < 3; ++i) h_->add_topic("t" + std::to_string(i), 1 + static_cast<int32_t>(pick(6)));
  for (int i = 0; i < 3; ++i) spawn();
}

void ConsumerSimulator::note(std::string event) {
  history_.push_back(std::to_string(h_->now().steady_ms) + "  " + std::move(event));
}

std::string ConsumerSimulator::history() const {
  std::string text;
  for (const std::string& event : history_) text += event + "\n";
  return text;
}

void ConsumerSimulator::expect(bool holds, const std::string& what) {
  if (holds || !failure_.empty()) return;
  failure_ = what;
  note("FAILED: " + what);
}

std::vector<std::string> ConsumerSimulator::some_topics() {
  std::set<std::string> topics;
  for (uint32_t i = 0; i <= pick(3); ++i) topics.insert("t" + std::to_string(pick(4)));
  return {topics.begin(), topics.end()};
}

void ConsumerSimulator::spawn() {
  Client client;
  client.number = ++next_client_;
  client.group = "g" + std::to_string(pick(2));
  client.classic = pick(3) == 0;
  if (pick(3) == 0) client.instance = "i" + std::to_string(pick(3));
  client.topics = some_topics();
  if (!client.classic && pick(4) == 0) client.regex = pick(2) == 0 ? "t[0-2]" : ".*";
  if (!client.regex.empty() && pick(2) == 0) client.topics.clear();
  if (!client.classic && pick(3) == 0) client.assignor = pick(2) == 0 ? "range" : "uniform";
  client.rebalance_ms = 20'000 + static_cast<int32_t>(pick(20)) * 1'000;
  if (!client.classic) client.member = "c" + std::to_string(client.number);
  note("client " + std::to_string(client.number) + (client.classic ? " classic" : " consumer") + " in " + client.group +
       " as " + client.instance);
  clients_.push_back(std::move(client));
}

bool ConsumerSimulator::step() {
  switch (pick(22)) {
    case 0: case 1:
      if (clients_.size() < kMostClients) spawn();
      break;
    case 2: {  // dies without a word
      Client& client = some_client();
      note("client " + std::to_string(client.number) + " dies");
      client.alive = false;
      break;
    }
    case 3: leave(some_client()); break;
    case 4:
      if (pick(3) == 0) reload();
      break;
    case 5: h_->fail_next_append(kRefusedAppends[pick(4)]); break;
    case 6: change_topics(); break;
    case 7: {
      Client& client = some_client();
      if (client.wait != Wait::kNothing) break;
      client.topics = some_topics();
      client.says_all = true;
      client.joined = false;
      break;
    }
    case 8: case 9: commit(some_client()); break;
    case 10:
      std::erase_if(clients_, [this](const Client& client) { return !client.alive && pick(2) == 0; });
      break;
    case 11: pass(pick(20'000)); break;
    default: pass(pick(3'000)); break;
  }
  if (clients_.empty()) spawn();
  for (Client& client : clients_) {
    if (pick(3) == 0) continue;  // is slow
    act(client);
    check();
  }
  deliver();
  check();
  return failure_.empty();
}

void ConsumerSimulator::change_topics() {
  const std::string name = "t" + std::to_string(pick(4));
  const TopicImage* topic = h_->image().find_topic(name);
  if (topic == nullptr) {
    note("topic " + name + " comes");
    h_->add_topic(name, 1 + static_cast<int32_t>(pick(6)));
  } else if (pick(3) == 0) {
    note("topic " + name + " goes");
    const std::vector<DeletedTopic> gone{{topic->name, topic->id}};
    h_->remove_topic(name);
    h_->fail_next_append(ErrorCode::kNone);
    h_->run(h_->shard().topics_deleted(gone));
    std::erase_if(committed_, [&](const auto& offset) { return std::get<1>(offset.first) == name; });
  } else {
    note("topic " + name + " grows");
    h_->grow_topic(name, topic->partition_count() + static_cast<int32_t>(pick(3)));
  }
}

void ConsumerSimulator::act(Client& client) {
  if (!client.alive) return;
  if (client.classic) return act_classic(client);
  if (client.owned != client.told && pick(2) == 0) give_back(client);
  const bool has_news = client.epoch == 0 || client.says_all || client.says_owned;
  if (!has_news && h_->now().steady_ms < client.next_beat_ms) return;
  beat(client, pick(12) == 0);
}

void ConsumerSimulator::beat(Client& client, bool lose_answer) {
  ask::Beat what;
  what.group = client.group;
  what.member = client.member;
  what.epoch = client.epoch;
  if (!client.instance.empty()) what.instance = client.instance;
  if (client.says_all || client.epoch == 0) {
    what.topics = client.topics;
    what.regex = client.regex;
    if (!client.assignor.empty()) what.assignor = client.assignor;
    what.rebalance_ms = client.rebalance_ms;
  }
  if (client.says_all || client.says_owned || client.epoch == 0) what.owned_ids = client.owned;
  if (mistake_ == Mistake::kBelievesEverythingGivenBack && client.epoch > 0) what.owned_ids = client.told;
  ++heartbeats_;
  const ConsumerGroupHeartbeatResponse response = h_->beat(what);
  note("client " + std::to_string(client.number) + " beats in epoch " + std::to_string(what.epoch) + ": error " +
       std::to_string(static_cast<int>(response.error_code)) + ", epoch " + std::to_string(response.member_epoch) +
       (lose_answer ? ", and does not hear it" : ""));
  if (lose_answer) {
    client.says_all = true;
    return;
  }
  on_beat(client, response);
}

void ConsumerSimulator::on_beat(Client& client, const ConsumerGroupHeartbeatResponse& response) {
  client.next_beat_ms = h_->now().steady_ms + std::max(response.heartbeat_interval_ms, 500);
  switch (response.error_code) {
    case ErrorCode::kNone: break;
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kCoordinatorNotAvailable:
      client.says_all = true;
      return;
    case ErrorCode::kFencedMemberEpoch:
    case ErrorCode::kUnknownMemberId: return start_over(client);
    case ErrorCode::kGroupIdNotFound:
      // Unless the group became classic, it will not let us in either.
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
  if (!response.assignment) return;
  client.told.clear();
  for (const auto& topic : response.assignment->topic_partitions) {
    client.told[topic.topic_id].insert(topic.partitions.begin(), topic.partitions.end());
  }
  // What it need not give anything back for, it takes at once.
  if (is_within(client.owned, client.told)) give_back(client);
}

void ConsumerSimulator::give_back(Client& client) {
  revocations_ += !is_within(client.owned, client.told);
  client.says_owned = true;
  client.owned = client.told;
}

void ConsumerSimulator::start_over(Client& client) {
  client.owned.clear();
  client.told.clear();
  client.epoch = client.classic ? -1 : 0;
  client.joined = false;
  client.says_all = true;
}

void ConsumerSimulator::leave(Client& client) {
  if (!client.alive || client.member.empty() || client.wait != Wait::kNothing) return;
  note("client " + std::to_string(client.number) + " leaves");
  std::optional<std::string> instance;
  if (!client.instance.empty()) instance = client.instance;
  client.alive = false;
  if (client.classic) {
    h_->leave({{client.member, instance}}, client.group);
  } else {
    ask::Beat what;
    what.group = client.group;
    what.member = client.member;
    what.instance = instance;
    what.epoch = instance && pick(2) == 0 ? kStaticLeaveEpoch : kLeaveEpoch;
    h_->beat(what);
  }
  start_over(client);
}

void ConsumerSimulator::commit(Client& client) {
  if (!client.alive || client.epoch <= 0 || client.owned.empty()) return;
  if (client.classic && (!client.joined || client.wait != Wait::kNothing)) return;
  const auto& [id, partitions] = *client.owned.begin();
  const TopicImage* topic = h_->image().find_topic(id);
  if (topic == nullptr) return;
  ask::Commit what{.group = client.group, .member = client.member, .generation = client.epoch, .topic = topic->name,
                   .partition = *partitions.begin(), .offset = ++next_offset_};
  what.topic_id = id;
  if (client.classic && !client.instance.empty()) what.instance = client.instance;
  if (h_->commit(what) != ErrorCode::kNone) return;
  committed_[{what.group, what.topic, what.partition}] = what.offset;
}

// --- members with the classic protocol, eager: before they join again they give everything back

void ConsumerSimulator::act_classic(Client& client) {
  if (client.wait != Wait::kNothing) return;
  if (!client.joined) return join_classic(client);
  if (h_->now().steady_ms < client.next_beat_ms) return;
  client.next_beat_ms = h_->now().steady_ms + 3'000;
  std::optional<std::string> instance;
  if (!client.instance.empty()) instance = client.instance;
  const ErrorCode error = h_->heartbeat(client.member, client.epoch, client.group, instance);
  note("client " + std::to_string(client.number) + " beats in generation " + std::to_string(client.epoch) + ": error " +
       std::to_string(static_cast<int>(error)));
  if (error != ErrorCode::kNone) on_refused(client, error);
}

void ConsumerSimulator::join_classic(Client& client) {
  client.owned.clear();
  client.told.clear();
  ask::Join join{.group = client.group, .member = client.member, .protocols = {{"range", subscription_of(client.topics)}},
                 .session_ms = 12'000, .rebalance_ms = client.rebalance_ms};
  if (!client.instance.empty()) join.instance = client.instance;
  note("client " + std::to_string(client.number) + " joins as " + client.member);
  client.token = h_->join(join);
  client.wait = Wait::kJoin;
}

void ConsumerSimulator::on_refused(Client& client, ErrorCode error) {
  start_over(client);
  switch (error) {
    case ErrorCode::kRebalanceInProgress:
    case ErrorCode::kIllegalGeneration:
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kCoordinatorNotAvailable: return;
    case ErrorCode::kUnknownMemberId: client.member.clear(); return;
    default: client.alive = false;
  }
}

void ConsumerSimulator::on_join(Client& client, const JoinGroupResponse& response) {
  if (response.error_code == ErrorCode::kMemberIdRequired) {
    client.member = response.member_id;
    return join_classic(client);
  }
  note("client " + std::to_string(client.number) + " has joined: error " +
       std::to_string(static_cast<int>(response.error_code)) + ", generation " + std::to_string(response.generation_id));
  if (response.error_code != ErrorCode::kNone) return on_refused(client, response.error_code);
  client.member = response.member_id;
  client.epoch = response.generation_id;
  if (pick(10) == 0) return;  // its answer got lost: it will join again
  ask::Sync sync{.group = client.group, .member = client.member, .generation = client.epoch};
  if (!client.instance.empty()) sync.instance = client.instance;
  if (response.leader == response.member_id && !response.skip_assignment) {
    std::map<std::string, ConsumerProtocolAssignment> shares;
    std::map<Bytes, std::vector<std::string>> subscribers;
    for (const auto& member : response.members) {
      shares[member.member_id];
      if (const auto subscription = read_subscription(member.metadata)) {
        for (const Bytes& topic : subscription->topics) subscribers[topic].push_back(member.member_id);
      }
    }
    size_t next = 0;
    for (const auto& [name, members] : subscribers) {
      const TopicImage* topic = h_->image().find_topic(name);
      for (int32_t p = 0; topic != nullptr && p < topic->partition_count(); ++p) {
        auto& one = shares[members[next++ % members.size()]].assigned_partitions.emplace_back();
        one.topic = name;
        one.partitions = {p};
      }
    }
    for (const auto& [member, share] : shares) {
      sync.assignments[member] = write_assignment_for(subscription_of({}), share);
    }
  }
  client.token = h_->sync(sync);
  client.wait = Wait::kSync;
}

void ConsumerSimulator::on_sync(Client& client, const SyncGroupResponse& response) {
  note("client " + std::to_string(client.number) + " has synced: error " +
       std::to_string(static_cast<int>(response.error_code)));
  if (response.error_code != ErrorCode::kNone) return on_refused(client, response.error_code);
  client.joined = true;
  client.next_beat_ms = h_->now().steady_ms + 3'000;
  client.owned.clear();
  if (const auto assignment = read_assignment(response.assignment)) {
    for (const auto& topic : assignment->assigned_partitions) {
      const TopicImage* found = h_->image().find_topic(topic.topic);
      if (found != nullptr) client.owned[found->id].insert(topic.partitions.begin(), topic.partitions.end());
    }
  }
  client.told = client.owned;
}

void ConsumerSimulator::deliver() {
  for (bool again = true; again;) {
    again = false;
    for (Client& client : clients_) {
      if (client.wait == Wait::kNothing || !h_->answered(client.token)) continue;
      const Wait waited = std::exchange(client.wait, Wait::kNothing);
      again = true;
      if (!client.alive) continue;
      check();
      if (waited == Wait::kJoin) {
        on_join(client, h_->answer<JoinGroupResponse>(client.token));
      } else {
        on_sync(client, h_->answer<SyncGroupResponse>(client.token));
      }
    }
  }
}

// --- time and loss

void ConsumerSimulator::pass(int64_t ms) {
  for (; ms > 0; ms -= 1'000) {
    if (mistake_ == Mistake::kNeverExpires) {
      h_->sleep_through(std::min<int64_t>(ms, 1'000));
    } else {
      h_->advance(std::min<int64_t>(ms, 1'000));
    }
    deliver();
  }
}

void ConsumerSimulator::reload() {
  note("the coordinator is loaded again");
  std::map<std::string, Remembered> before;
  for (const auto& [id, group] : h_->shard().consumer_groups()) before.emplace(id, Remembered(*group));
  h_->reload_badly();
  std::map<std::string, Remembered> after;
  for (const auto& [id, group] : h_->shard().consumer_groups()) after.emplace(id, Remembered(*group));
  expect(before == after, "consumer groups are not what they were before the load");
}

// --- what must always hold

void ConsumerSimulator::check() {
  for (const auto& [id, group] : h_->shard().consumer_groups()) {
    expect(h_->shard().find_group(id) == nullptr, "group " + id + " is of both kinds");
    check_group(*group);
  }
  std::erase_if(last_epoch_, [this](const auto& last) { return h_->shard().find_consumer_group(last.first) == nullptr; });
  check_owners();
  if (pick(10) != 0) return;
  for (const auto& [at, offset] : committed_) {
    const auto& [group, topic, partition] = at;
    expect(h_->fetch(group, topic, partition).committed_offset == offset, "a committed offset of " + group + " is lost");
  }
}

void ConsumerSimulator::check_group(const ConsumerGroup& group) {
  expect(group.epoch() >= last_epoch_[group.id()], "the epoch of " + group.id() + " goes back");
  last_epoch_[group.id()] = group.epoch();
  expect(group.assignment_epoch() <= group.epoch(), "the assignment of " + group.id() + " is ahead of the group");
  std::map<std::pair<Uuid, int32_t>, std::string> holders;
  for (const auto& [id, member] : group.members()) {
    expect(member.epoch <= group.assignment_epoch(), "member " + id + " is ahead of its group");
    expect((member.state == MemberState::kUnrevokedPartitions) == !member.pending_revocation.empty() || member.epoch < 0,
           "member " + id + " has " + (member.pending_revocation.empty() ? "nothing" : "something") + " to give back");
    for (const EpochAssignment* held : {&member.assigned, &member.pending_revocation}) {
      for (const auto& [topic, partitions] : *held) {
        for (const auto& [partition, epoch] : partitions) {
          const auto [holder, first] = holders.emplace(std::pair(topic, partition), id);
          expect(first, topic.to_string() + "-" + std::to_string(partition) + " is held by " + holder->second + " and " + id);
          expect(epoch <= group.assignment_epoch(), "a partition was assigned in an epoch to come");
        }
      }
    }
  }
}

// What clients believe to own, as long as the group knows them: nothing twice.
void ConsumerSimulator::check_owners() {
  std::map<std::tuple<std::string, Uuid, int32_t>, int> owners;
  for (const Client& client : clients_) {
    if (!client.alive || client.member.empty() || client.owned.empty()) continue;
    if (const ConsumerGroup* group = h_->shard().find_consumer_group(client.group)) {
      const ConsumerMember* member = group->find_member(client.member);
      if (member == nullptr || (client.classic && member->epoch != client.epoch)) continue;
    } else if (const ClassicGroup* classic = h_->shard().find_group(client.group)) {
      if (classic->generation() != client.epoch || classic->members().count(client.member) == 0) continue;
    } else {
      continue;
    }
    for (const auto& [topic, partitions] : client.owned) {
      if (h_->image().find_topic(topic) == nullptr) continue;
      for (int32_t partition : partitions) {
        const auto [owner, first] = owners.emplace(std::tuple(client.group, topic, partition), client.number);
        expect(first, "clients " + std::to_string(owner->second) + " and " + std::to_string(client.number) +
                          " both own a partition");
      }
    }
  }
}

bool ConsumerSimulator::settle() {
  note("peace");
  h_->fail_next_append(ErrorCode::kNone);
  // One of each instance id at most, or they fence each other for ever.
  std::set<std::pair<std::string, std::string>> instances;
  for (Client& client : clients_) {
    if (client.alive && !client.instance.empty() && !instances.emplace(client.group, client.instance).second) {
      client.alive = false;
    }
  }
  for (int i = 0; i < 200 && failure_.empty(); ++i) {
    pass(1'000);
    for (Client& client : clients_) act(client);
    deliver();
    check();
  }
  check_settled();
  return failure_.empty();
}

void ConsumerSimulator::check_settled() {
  std::map<std::string, std::vector<const Client*>> living;
  for (const Client& client : clients_) {
    if (client.alive) living[client.group].push_back(&client);
    expect(!client.alive || client.wait == Wait::kNothing, "client " + std::to_string(client.number) + " waits for ever");
  }
  for (const auto& [id, clients] : living) {
    if (const ClassicGroup* classic = h_->shard().find_group(id)) {
      expect(classic->is(GroupState::kStable), "classic group " + id + " is stuck");
      expect(classic->members().size() == clients.size(), "classic group " + id + " has ghosts");
      continue;
    }
    const ConsumerGroup* group = h_->shard().find_consumer_group(id);
    expect(group != nullptr, "group " + id + " is gone");
    if (group == nullptr) continue;
    expect(group->state() == ConsumerGroupState::kStable, "consumer group " + id + " is stuck");
    expect(group->members().size() == clients.size(), "consumer group " + id + " has ghosts");
    std::map<std::pair<Uuid, int32_t>, int> owned;
    std::set<std::string> wanted;
    for (const Client* client : clients) {
      for (const auto& [topic, partitions] : client->owned) {
        for (int32_t partition : partitions) ++owned[{topic, partition}];
      }
      wanted.insert(client->topics.begin(), client->topics.end());
      for (const TopicImage& topic : h_->image().topics()) {
        if (client->regex == ".*" || (client->regex == "t[0-2]" && topic.name < "t3")) wanted.insert(topic.name);
      }
    }
    size_t expected = 0;
    for (const std::string& name : wanted) {
      const TopicImage* topic = h_->image().find_topic(name);
      for (int32_t p = 0; topic != nullptr && p < topic->partition_count(); ++p, ++expected) {
        expect(owned[{topic->id, p}] == 1, name + "-" + std::to_string(p) + " of " + id + " has " +
                                               std::to_string(owned[{topic->id, p}]) + " owners");
      }
    }
    expect(owned.size() == expected, "somebody in " + id + " owns what nobody wants");
  }
}

}  // namespace milena
