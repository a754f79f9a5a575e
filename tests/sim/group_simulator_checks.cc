// GroupSimulator: the checks after each event and at the end.
#include <algorithm>

#include <fmt/format.h>

#include "sim/group_simulator.h"

namespace milena {
namespace {

std::string text_of(const coordinator::EpochAssignment& held) {
  std::string text;
  for (const auto& [topic, partitions] : held) {
    for (const auto& [partition, epoch] : partitions)
      text += fmt::format("{}-{}@{} ", topic.to_string(), partition, epoch);
  }
  return text;
}

std::string text_of(const coordinator::Assignment& assignment) {
  std::string text;
  for (const auto& [topic, partitions] : assignment) {
    for (int32_t partition : partitions) text += fmt::format("{}-{} ", topic.to_string(), partition);
  }
  return text;
}

std::string text_of(const coordinator::ConsumerMember& member) {
  std::string text =
      fmt::format("{} epoch {} after {} state {} instance {} has {}gives {}wants {} {} classic {};", member.id,
                  member.epoch, member.previous_epoch, static_cast<int>(member.state),
                  member.instance_id.value_or("none"), text_of(member.assigned), text_of(member.pending_revocation),
                  member.pattern(), fmt::join(member.topics, ","), member.uses_classic_protocol());
  return text;
}

// A pattern, or a list, in the form of this simulator's clients.
bool matches(const std::string& regex, const std::string& topic) {
  return regex == ".*" || (regex == "t[0-2]" && topic < "t3");
}

}  // namespace

std::map<std::string, std::string> GroupSimulator::remembered() const {
  std::map<std::string, std::string> all;
  for (const coordinator::ConsumerGroup* group : h_->shard().groups().of_kind<coordinator::ConsumerGroup>()) {
    std::string& text = all["consumer group " + group->id()];
    text = fmt::format("epoch {} assignment {} hash {}; ", group->epoch(), group->assignment_epoch(),
                       group->metadata_hash());
    for (const auto& [member_id, member] : group->members()) text += text_of(member);
    for (const auto& [member_id, target] : group->targets())
      text += fmt::format(" {} shall have {}", member_id, text_of(target));
    for (const auto& [regex, resolved] : group->resolved_regexes()) {
      text += fmt::format(" {} is {}", regex, fmt::join(resolved.topics, ","));
    }
  }
  for (const coordinator::ClassicGroup* group : h_->shard().groups().of_kind<coordinator::ClassicGroup>()) {
    // A generation that was not stored begins again, and its members own their partitions only once it is stored.
    if (!group->is(coordinator::GroupState::kStable)) continue;
    std::string& text = all["classic group " + group->id()];
    text = fmt::format("generation {} led by {}: ", group->generation(), group->leader().value_or("nobody"));
    for (const auto& [member_id, member] : group->members()) {
      text += fmt::format("{} instance {} has {};", member_id, member.instance_id.value_or("none"), member.assignment);
    }
  }
  for (const auto& [group, topics] : h_->shard().offsets().groups()) {
    for (const auto& [topic, partitions] : topics) {
      for (const auto& [partition, offset] : partitions) {
        all[fmt::format("offset of {} in {}-{}", group, topic, partition)] = std::to_string(offset.offset);
      }
    }
  }
  return all;
}

void GroupSimulator::told_epoch(const Client& client) {
  Life& life = lives_[client.group];
  if (life.number == client.life) life.told_epoch = std::max(life.told_epoch, client.epoch);
}

GroupSimulator::Life& GroupSimulator::live(const std::string& group, bool classic, bool empty) {
  Life& life = lives_[group];
  if (!life.known || (life.classic != classic && life.empty)) life = {.number = life.number + 1, .known = true};
  life.classic = classic;
  life.empty = empty;
  return life;
}

void GroupSimulator::forget_offsets(const std::string& group, const std::string& topic) {
  ++offsets_life_;
  std::erase_if(known_offsets_, [&](const auto& known) {
    return (group.empty() || std::get<0>(known.first) == group) && (topic.empty() || std::get<1>(known.first) == topic);
  });
}

void GroupSimulator::check() {
  if (!failure_.empty()) return;
  for (const std::string& fault : h_->faults()) expect(false, fault);
  for (const coordinator::ConsumerGroup* group : h_->shard().groups().of_kind<coordinator::ConsumerGroup>()) {
    check_group(*group);
  }
  for (const coordinator::ClassicGroup* group : h_->shard().groups().of_kind<coordinator::ClassicGroup>())
    check_generation(*group);
  for (auto& [id, life] : lives_) {
    if (h_->shard().find_consumer_group(id) == nullptr && h_->shard().find_group(id) == nullptr) life.known = false;
  }
  check_owners();
  if (pick(10) == 0) check_offsets();
}

void GroupSimulator::check_offsets() {
  for (const auto& [place, offset] : known_offsets_) {
    const auto& [group, topic, partition] = place;
    const coordinator::CommittedOffset* stored = h_->shard().offsets().find(group, topic, partition);
    expect(stored != nullptr && stored->offset >= offset,
           fmt::format("{} of {} was {} and is {}", topic, group, offset, stored == nullptr ? -1 : stored->offset));
  }
}

void GroupSimulator::check_generation(const coordinator::ClassicGroup& group) {
  largest_group_ = std::max(largest_group_, group.members().size());
  Life& life = live(group.id(), true, group.members().empty());
  if (group.is(coordinator::GroupState::kEmpty) && !group.protocol_type()) return;  // only offsets
  expect(group.generation() >= life.last_epoch, "the generation of " + group.id() + " goes back");
  life.last_epoch = group.generation();
  expect(group.generation() >= life.told_epoch, "a generation of " + group.id() + " that was told is undone");
  expect(group.leader().has_value() == !group.members().empty(), group.id() + " has members and no leader");
  expect(!group.is(coordinator::GroupState::kPreparingRebalance) || group.join_timer.deadline_ms != coordinator::kNever,
         group.id() + " waits for members without an end");
  expect(
      !group.is(coordinator::GroupState::kCompletingRebalance) || group.sync_timer.deadline_ms != coordinator::kNever,
      group.id() + " waits for its leader without an end");
}

void GroupSimulator::check_group(const coordinator::ConsumerGroup& group) {
  largest_group_ = std::max(largest_group_, group.members().size());
  Life& life = live(group.id(), false, group.is_empty());
  expect(group.epoch() >= life.last_epoch, "the epoch of " + group.id() + " goes back");
  life.last_epoch = group.epoch();
  expect(group.epoch() >= life.told_epoch, "an epoch of " + group.id() + " that was told is undone");
  expect(group.assignment_epoch() <= group.epoch(), "the assignment of " + group.id() + " is ahead of the group");
  for (const auto& [id, target] : group.targets()) {
    expect(group.find_member(id) != nullptr, "there is a target for " + id + ", who is no member");
  }
  std::map<std::pair<Uuid, int32_t>, std::string> holders;
  for (const auto& [id, member] : group.members()) {
    expect(member.epoch <= group.assignment_epoch(), "member " + id + " is ahead of its group");
    expect((member.state == coordinator::MemberState::kUnrevokedPartitions) == !member.pending_revocation.empty() ||
               member.epoch < 0,
           "member " + id + " has " + (member.pending_revocation.empty() ? "nothing" : "something") + " to give back");
    for (const coordinator::EpochAssignment* held : {&member.assigned, &member.pending_revocation}) {
      for (const auto& [topic, partitions] : *held) {
        for (const auto& [partition, epoch] : partitions) {
          const auto [holder, first] = holders.emplace(std::pair(topic, partition), id);
          expect(first,
                 topic.to_string() + "-" + std::to_string(partition) + " is held by " + holder->second + " and " + id);
          expect(epoch <= group.assignment_epoch(), "a partition was assigned in an epoch to come");
        }
      }
    }
  }
}

// Partitions that clients believe to own, while they are members: none has two owners.
void GroupSimulator::check_owners() {
  std::map<std::tuple<std::string, Uuid, int32_t>, int> owners;
  for (const Client& client : clients_) {
    if (!client.alive || client.member.empty() || client.owned.empty()) continue;
    if (const coordinator::ConsumerGroup* group = h_->shard().find_consumer_group(client.group)) {
      const coordinator::ConsumerMember* member = group->find_member(client.member);
      if (member == nullptr || (client.classic && member->epoch != client.epoch)) continue;
    } else if (const coordinator::ClassicGroup* classic = h_->shard().find_group(client.group)) {
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

// Current members may commit in their epoch; in an earlier one only for partitions that they have had since then.
bool GroupSimulator::may_commit(const Client& client, const std::string& topic, int32_t partition) const {
  if (const coordinator::ClassicGroup* classic = h_->shard().find_group(client.group)) {
    return classic->generation() == client.epoch && classic->members().count(client.member) > 0;
  }
  const coordinator::ConsumerGroup* group = h_->shard().find_consumer_group(client.group);
  const coordinator::ConsumerMember* member = group == nullptr ? nullptr : group->find_member(client.member);
  if (member == nullptr || client.epoch > member->epoch) return false;
  if (client.epoch == member->epoch) return true;
  const Uuid id = h_->image().find_topic(topic)->id;
  for (const coordinator::EpochAssignment* held : {&member->assigned, &member->pending_revocation}) {
    const auto at = held->find(id);
    if (at != held->end() && at->second.count(partition) > 0) return at->second.at(partition) <= client.epoch;
  }
  return false;
}

void GroupSimulator::check_settled() {
  check_offsets();
  expect(asked_.empty(), "a question about offsets waits for ever");
  std::map<std::string, std::vector<const Client*>> living;
  for (const Client& client : clients_) {
    if (client.alive) living[client.group].push_back(&client);
    expect(!client.alive || client.wait == Wait::kNothing,
           "client " + std::to_string(client.number) + " waits for ever");
  }
  for (const auto& [id, clients] : living) {
    if (const coordinator::ClassicGroup* classic = h_->shard().find_group(id)) {
      check_settled_classic(*classic, clients);
      continue;
    }
    const coordinator::ConsumerGroup* group = h_->shard().find_consumer_group(id);
    expect(group != nullptr, "group " + id + " is gone");
    if (group == nullptr) continue;
    expect(group->state() == coordinator::ConsumerGroupState::kStable, "consumer group " + id + " is stuck");
    expect(group->members().size() == clients.size(), "consumer group " + id + " has ghosts");
    check_shared(id, clients);
  }
  for (const coordinator::ConsumerGroup* group : h_->shard().groups().of_kind<coordinator::ConsumerGroup>()) {
    expect(living.count(group->id()) > 0 || group->is_empty(), "consumer group " + group->id() + " has ghosts");
  }
  for (const coordinator::ClassicGroup* group : h_->shard().groups().of_kind<coordinator::ClassicGroup>()) {
    expect(living.count(group->id()) > 0 || group->is(coordinator::GroupState::kEmpty),
           "classic group " + group->id() + " has ghosts");
  }
}

void GroupSimulator::check_settled_classic(const coordinator::ClassicGroup& group,
                                           const std::vector<const Client*>& clients) {
  expect(group.is(coordinator::GroupState::kStable), "classic group " + group.id() + " is stuck");
  expect(group.members().size() == clients.size(), "classic group " + group.id() + " has ghosts");
  for (const Client* client : clients) {
    expect(client->epoch == group.generation(), "client " + std::to_string(client->number) + " was left behind");
  }
  check_shared(group.id(), clients);
}

void GroupSimulator::check_shared(const std::string& group, const std::vector<const Client*>& clients) {
  std::map<std::pair<Uuid, int32_t>, int> owned;
  std::set<std::string> wanted;
  for (const Client* client : clients) {
    for (const auto& [topic, partitions] : client->owned) {
      for (int32_t partition : partitions) ++owned[{topic, partition}];
    }
    wanted.insert(client->topics.begin(), client->topics.end());
    for (const metadata::TopicImage& topic : h_->image().topics()) {
      if (matches(client->regex, topic.name)) wanted.insert(topic.name);
    }
  }
  size_t expected = 0;
  for (const std::string& name : wanted) {
    const metadata::TopicImage* topic = h_->image().find_topic(name);
    for (int32_t p = 0; topic != nullptr && p < topic->partition_count(); ++p, ++expected) {
      expect(owned[{topic->id, p}] == 1,
             fmt::format("{}-{} of {} has {} owners", name, p, group, owned[{topic->id, p}]));
    }
  }
  expect(owned.size() == expected, "somebody in " + group + " owns what nobody wants");
}

}  // namespace milena
