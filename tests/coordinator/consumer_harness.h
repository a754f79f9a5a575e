// ConsumerHarness: a ShardHarness with topics, and the requests of the consumer protocol (KIP-848) in shorthand.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/shard_harness.h"

namespace milena::coordinator {

namespace ask {
// A Java consumer's first heartbeat; say() sends the later ones.
struct Beat {
  std::string group = "g";
  std::string member = "m";
  int32_t epoch = 0;
  std::optional<std::string> instance;
  std::optional<std::vector<std::string>> topics;
  std::optional<std::string> regex;
  std::optional<std::string> assignor;
  std::optional<std::string> rack;
  int32_t rebalance_ms = -1;
  // By topic name.
  std::optional<std::map<std::string, std::set<int32_t>>> owned;
  // The same, by id.
  std::optional<Assignment> owned_ids;
  int16_t version = 1;
};
}  // namespace ask

using Owned = std::map<std::string, std::set<int32_t>>;

class ConsumerHarness : public ShardHarness {
 public:
  using Beat = ask::Beat;

  explicit ConsumerHarness(GroupConfig config = instant_config()) : ShardHarness(std::move(config)) {}

  // No assignment waits for an interval.
  static GroupConfig instant_config() {
    GroupConfig config;
    config.consumer.assignment_interval_ms = {0, 0, 15'000};
    return config;
  }

  Uuid add_topic(const std::string& name, int32_t partitions) {
    const Uuid id{7, ++last_topic_};
    TopicRecord topic;
    topic.name = name;
    topic.topic_id = id;
    metadata::MetadataRecords records{topic};
    for (int32_t i = 0; i < partitions; ++i) records.push_back(partition_record(id, i));
    change_metadata(records);
    return id;
  }
  void grow_topic(const std::string& name, int32_t partitions) {
    const metadata::TopicImage* topic = image().find_topic(name);
    metadata::MetadataRecords records;
    for (int32_t i = topic->partition_count(); i < partitions; ++i) records.push_back(partition_record(topic->id, i));
    change_metadata(records);
  }
  void remove_topic(const std::string& name) {
    RemoveTopicRecord record;
    record.topic_id = image().find_topic(name)->id;
    change_metadata({record});
  }
  void set_group_config(const std::string& group, const std::string& key, const std::string& value) {
    ConfigRecord record;
    record.resource_type = static_cast<int8_t>(metadata::ResourceType::kGroup);
    record.resource_name = group;
    record.name = key;
    record.value = value;
    change_metadata({record});
  }

  AnswerToken send(const Beat& what) {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = what.group;
    request.member_id = what.member;
    request.member_epoch = what.epoch;
    request.instance_id = what.instance;
    request.rack_id = what.rack;
    request.rebalance_timeout_ms = what.rebalance_ms;
    if (what.topics) request.subscribed_topic_names.emplace(what.topics->begin(), what.topics->end());
    request.subscribed_topic_regex = what.regex;
    request.server_assignor = what.assignor;
    if (what.owned) request.topic_partitions = by_id(*what.owned);
    if (what.owned_ids) {
      request.topic_partitions.emplace();
      for (const auto& [id, partitions] : *what.owned_ids) {
        auto& one = request.topic_partitions->emplace_back();
        one.topic_id = id;
        one.partitions.assign(partitions.begin(), partitions.end());
      }
    }
    run(shard().consumer_group_heartbeat(caller(what.version), request, now()));
    return last_token();
  }
  ConsumerGroupHeartbeatResponse beat(const Beat& what) { return answer<ConsumerGroupHeartbeatResponse>(send(what)); }

  // The first heartbeat of a member.
  static Beat joining(const std::string& member, std::vector<std::string> topics = {"t"}) {
    Beat what;
    what.member = member;
    what.topics = std::move(topics);
    what.rebalance_ms = 60'000;
    what.owned = Owned{};
    return what;
  }
  ConsumerGroupHeartbeatResponse join_consumer(const std::string& member, std::vector<std::string> topics = {"t"}) {
    return beat(joining(member, std::move(topics)));
  }
  // A usual heartbeat, in the member's current epoch; with its partitions only if given.
  ConsumerGroupHeartbeatResponse beat(const std::string& member, std::optional<Owned> owned = std::nullopt) {
    Beat what;
    what.member = member;
    what.epoch = shard().find_consumer_group("g")->find_member(member)->epoch;
    what.owned = std::move(owned);
    return beat(what);
  }
  ConsumerGroupHeartbeatResponse leave_consumer(const std::string& member, int32_t epoch = kLeaveEpoch,
                                                std::optional<std::string> instance = std::nullopt) {
    Beat what;
    what.member = member;
    what.epoch = epoch;
    what.instance = instance;
    return beat(what);
  }
  // All members follow their assignments until nothing changes.
  void settle_group(const std::string& group = "g") {
    for (int round = 0; round < 20; ++round) {
      std::vector<std::string> members;
      const ConsumerGroup* found = shard().find_consumer_group(group);
      for (const auto& [id, member] : found->members()) members.push_back(id);
      for (const std::string& id : members) {
        const ConsumerMember& member = *shard().find_consumer_group(group)->find_member(id);
        if (member.uses_classic_protocol() || member.epoch < 0) continue;
        Beat what;
        what.group = group;
        what.member = id;
        what.epoch = member.epoch;
        what.owned = by_name(without_epochs(member.assigned));
        beat(what);
      }
    }
  }

  const ConsumerGroup& group_of(const std::string& group = "g") { return *shard().find_consumer_group(group); }
  const ConsumerMember& member_of(const std::string& member, const std::string& group = "g") {
    return *group_of(group).find_member(member);
  }
  Owned has(const std::string& member, const std::string& group = "g") {
    return by_name(without_epochs(member_of(member, group).assigned));
  }
  std::string consumer_state(const std::string& group = "g") {
    const ConsumerGroup* found = shard().find_consumer_group(group);
    return found == nullptr ? "none" : std::string(consumer_group_state_name(found->state()));
  }
  Owned by_name(const Assignment& assignment) const {
    Owned owned;
    for (const auto& [id, partitions] : assignment) {
      const metadata::TopicImage* topic = image().find_topic(id);
      owned[topic == nullptr ? "gone" : topic->name] = {partitions.begin(), partitions.end()};
    }
    return owned;
  }
  Owned in_answer(const ConsumerGroupHeartbeatResponse& response) const {
    Owned owned;
    if (!response.assignment) return {{"nothing said", {}}};
    for (const auto& topic : response.assignment->topic_partitions) {
      const metadata::TopicImage* found = image().find_topic(topic.topic_id);
      owned[found == nullptr ? "gone" : found->name].insert(topic.partitions.begin(), topic.partitions.end());
    }
    return owned;
  }

 private:
  static PartitionRecord partition_record(const Uuid& topic, int32_t number) {
    PartitionRecord record;
    record.topic_id = topic;
    record.partition_id = number;
    record.replicas = {1};
    record.isr = {1};
    record.leader = 1;
    record.leader_epoch = 0;
    record.partition_epoch = 0;
    return record;
  }
  std::vector<ConsumerGroupHeartbeatRequest::TopicPartitions> by_id(const Owned& owned) const {
    std::vector<ConsumerGroupHeartbeatRequest::TopicPartitions> topics;
    for (const auto& [name, partitions] : owned) {
      const metadata::TopicImage* topic = image().find_topic(name);
      if (topic == nullptr) continue;
      auto& one = topics.emplace_back();
      one.topic_id = topic->id;
      one.partitions.assign(partitions.begin(), partitions.end());
    }
    return topics;
  }

  uint64_t last_topic_ = 0;
};

}  // namespace milena::coordinator
