// The group simulator's members of the classic protocol.
#include <algorithm>
#include <utility>

#include "coordinator/group/consumer_protocol.h"
#include "sim/group_simulator.h"

namespace milena {

void GroupSimulator::act_classic(Client& client) {
  if (!client.joined || (client.leads && client.dealt_out != topics_now())) return join_classic(client);
  if (now_ms() < client.next_beat_ms) return;
  client.next_beat_ms = now_ms() + 3'000;
  client.token = h_->send_heartbeat(client.member, client.epoch, client.group, instance_of(client.instance));
  client.wait = Wait::kHeartbeat;
}

void GroupSimulator::join_classic(Client& client) {
  client.owned.clear();
  client.told.clear();
  client.joined = false;
  coordinator::ask::Join join{.group = client.group,
                              .member = client.member,
                              .protocols = {{"range", coordinator::ask::subscription_of(client.topics)}},
                              .session_ms = kClassicSession_ms,
                              .rebalance_ms = client.rebalance_ms};
  join.instance = instance_of(client.instance);
  note("client " + std::to_string(client.number) + " joins as " + client.member);
  client.token = h_->join(join);
  client.wait = Wait::kJoin;
}

void GroupSimulator::on_refused(Client& client, ErrorCode error) {
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

void GroupSimulator::on_join(Client& client, const JoinGroupResponse& response) {
  if (response.error_code == ErrorCode::kMemberIdRequired) {
    client.member = response.member_id;
    return join_classic(client);
  }
  note("client " + std::to_string(client.number) + " has joined: error " +
       std::to_string(static_cast<int>(response.error_code)) + ", generation " +
       std::to_string(response.generation_id));
  if (response.error_code != ErrorCode::kNone) return on_refused(client, response.error_code);
  client.member = response.member_id;
  client.epoch = response.generation_id;
  if (pick(10) == 0) return;  // its response was lost: it will join again
  sync_classic(client, response);
}

// The leader assigns the partitions, one by one; all members ask for their part. Sometimes a member asks for that of
// the previous generation.
void GroupSimulator::sync_classic(Client& client, const JoinGroupResponse& joined) {
  coordinator::ask::Sync sync{.group = client.group, .member = client.member, .generation = client.epoch};
  sync.instance = instance_of(client.instance);
  client.leads = joined.leader == joined.member_id;
  client.dealt_out = joined.skip_assignment ? "" : topics_now();
  if (client.leads && !joined.skip_assignment) {
    std::map<std::string, ConsumerProtocolAssignment> shares;
    std::map<Bytes, std::vector<std::string>> subscribers;
    for (const auto& member : joined.members) {
      shares[member.member_id];
      if (const auto subscription = coordinator::read_subscription(member.metadata)) {
        for (const Bytes& topic : subscription->topics) subscribers[topic].push_back(member.member_id);
      }
    }
    size_t next = pick(4);
    for (const auto& [name, members] : subscribers) {
      const metadata::TopicImage* topic = h_->image().find_topic(name);
      for (int32_t p = 0; topic != nullptr && p < topic->partition_count(); ++p) {
        auto& one = shares[members[next++ % members.size()]].assigned_partitions.emplace_back();
        one.topic = name;
        one.partitions = {p};
      }
    }
    Life& life = lives_[client.group];
    life.dealt_epoch = client.epoch;
    life.dealt_topics = topic_ids();
    for (const auto& [member, share] : shares) {
      sync.assignments[member] = coordinator::write_assignment_for(coordinator::ask::subscription_of({}), share);
    }
  }
  client.life = lives_[client.group].number;
  client.topics_when_asked = topic_ids();
  client.token = h_->sync(sync);
  client.wait = Wait::kSync;
}

void GroupSimulator::on_sync(Client& client, const SyncGroupResponse& response) {
  note("client " + std::to_string(client.number) + " has synced: error " +
       std::to_string(static_cast<int>(response.error_code)));
  if (response.error_code != ErrorCode::kNone) return on_refused(client, response.error_code);
  client.joined = true;
  // Only now: a generation is stored with its assignment, and one that was not begins again after a load, as in Kafka.
  told_epoch(client);
  client.next_beat_ms = now_ms() + 3'000;
  client.owned.clear();
  if (const auto assignment = coordinator::read_assignment(response.assignment)) {
    const Life& life = lives_[client.group];
    const bool was_dealt = life.number == client.life && life.dealt_epoch == client.epoch;
    for (const auto& topic : assignment->assigned_partitions) {
      const metadata::TopicImage* found = h_->image().find_topic(topic.topic);
      if (found == nullptr) continue;
      const bool is_meant =
          client.topics_when_asked.count(found->id) > 0 || (was_dealt && life.dealt_topics.count(found->id) > 0);
      if (!is_meant) continue;
      client.owned[found->id].merge(coordinator::PartitionNumbers(topic.partitions.begin(), topic.partitions.end()));
    }
  }
  client.told = client.owned;
}

// --- answers arrive

}  // namespace milena
