#include "broker/replica/replication_quota.h"

#include <charconv>

#include "broker/shard_context.h"

namespace milena::broker {
namespace {

// "partition:broker".
bool names_replica(ByteView entry, int32_t partition, int32_t broker_id) {
  while (!entry.empty() && entry.front() == ' ') entry.remove_prefix(1);
  while (!entry.empty() && entry.back() == ' ') entry.remove_suffix(1);
  int32_t first = -1, second = -1;
  const char* end = entry.data() + entry.size();
  const auto read = std::from_chars(entry.data(), end, first);
  if (read.ec != std::errc() || read.ptr == end || *read.ptr != ':') return false;
  const auto rest = std::from_chars(read.ptr + 1, end, second);
  return rest.ec == std::errc() && rest.ptr == end && first == partition && second == broker_id;
}

bool list_names(ByteView list, int32_t partition, int32_t broker_id) {
  if (list == "*") return true;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (names_replica(list.substr(0, comma), partition, broker_id)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

ThrottledReplicas::ThrottledReplicas(const ShardContext& shard, ReplicationSide side)
    : shard_(shard),
      leader_(side == ReplicationSide::kLeader),
      limit_(shard.settings().get_long(leader_ ? "leader.replication.throttled.rate"
                                               : "follower.replication.throttled.rate")) {}

bool ThrottledReplicas::any() const { return limit_ != INT64_MAX; }

bool ThrottledReplicas::contains(const TopicPartitionId& id, int32_t broker_id) const {
  const metadata::TopicImage* topic = shard_.image().find_topic(id.topic_id);
  if (topic == nullptr) return false;
  const config::ConfigMap& configs = shard_.image().configs(metadata::ResourceType::kTopic, topic->name);
  const auto list = configs.find(leader_ ? ByteView("leader.replication.throttled.replicas")
                                         : ByteView("follower.replication.throttled.replicas"));
  return list != configs.end() && list_names(list->second, id.partition, broker_id);
}

bool ThrottledReplicas::rate_exceeded() const {
  const ReplicationQuota& quota = leader_ ? *shard_.node().leader_quota : *shard_.node().follower_quota;
  return quota.rate(shard_.steady_ms()) > static_cast<double>(limit_);
}

void ThrottledReplicas::record(uint64_t bytes) const {
  ReplicationQuota& quota = leader_ ? *shard_.node().leader_quota : *shard_.node().follower_quota;
  quota.record(static_cast<double>(bytes), shard_.steady_ms());
}

}  // namespace milena::broker
