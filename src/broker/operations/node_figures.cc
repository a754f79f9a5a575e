#include "broker/operations/node_figures.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <unordered_map>

#include "http/metrics/writer.h"

namespace milena::broker {
namespace {

template <class Item>
void move_all(std::vector<Item>& from, std::vector<Item>& to) {
  if (to.empty()) return to.swap(from);
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// Removes duplicates: a partition that loses its leader while the shards are visited may be seen twice.
template <class Item, class Key>
void sort_by(std::vector<Item>& items, Key Item::*key) {
  std::stable_sort(items.begin(), items.end(), [key](const Item& a, const Item& b) { return a.*key < b.*key; });
  auto same = [key](const Item& a, const Item& b) { return a.*key == b.*key; };
  items.erase(std::unique(items.begin(), items.end(), same), items.end());
}

}  // namespace

void NodeFigures::take(NodeFigures part) {
  for (auto& [key, api] : part.apis) apis[key].merge(api);
  for (auto& [name, traffic] : part.topics) topics[name].merge(traffic);
  all_topics.merge(part.all_topics);
  flushes.merge(part.flushes);
  cleaner.merge(part.cleaner);
  for (const auto& [name, listener] : part.listeners) listeners[name].merge(listener);
  for (const auto& [name, listener] : part.http_listeners) http_listeners[name].merge(listener);
  refused_requests += part.refused_requests;
  throttled_requests += part.throttled_requests;
  throttled_ms += part.throttled_ms;
  fetch_sessions += part.fetch_sessions;
  open_logs += part.open_logs;
  for (const auto& [state, count] : part.transactions.by_state) transactions.by_state[state] += count;
  if (part.transactions.oldest_open_ms >= 0) {
    int64_t& oldest_ms = transactions.oldest_open_ms;
    oldest_ms =
        oldest_ms < 0 ? part.transactions.oldest_open_ms : std::min(oldest_ms, part.transactions.oldest_open_ms);
  }
  move_all(part.partitions, partitions);
  move_all(part.groups, groups);
  for (auto& [shard, loop] : part.loops) loops[shard] = loop;
  const bool tells_cluster = part.node_id >= 0;
  if (tells_cluster) symptoms.settings = std::move(part.symptoms.settings);
  symptoms.take(std::move(part.symptoms));
  if (!tells_cluster) return;
  // Cluster-wide figures come from one shard.
  node_id = part.node_id;
  cluster_id = std::move(part.cluster_id);
  now_ms = part.now_ms;
  topic_count = part.topic_count;
  partition_count = part.partition_count;
  partitions_without_leader = part.partitions_without_leader;
  metadata_offset = part.metadata_offset;
  topic_partitions = std::move(part.topic_partitions);
  brokers = std::move(part.brokers);
  directories = std::move(part.directories);
}

void NodeFigures::complete() {
  sort_by(partitions, &PartitionFigures::name);
  sort_by(groups, &GroupFigures::id);
  std::unordered_map<TopicPartition, const PartitionFigures*> by_name;
  if (!groups.empty()) by_name.reserve(partitions.size());
  for (PartitionFigures& partition : partitions) {
    partition.labels = http::metric_labels(
        {{"topic", partition.name.topic}, {"partition", fmt::format("{}", partition.name.partition)}});
    if (!groups.empty()) by_name.emplace(partition.name, &partition);
  }
  for (GroupFigures& group : groups) {
    for (GroupFigures::Offset& offset : group.offsets) {
      offset.labels = http::metric_labels({{"group", group.id},
                                           {"topic", offset.partition.topic},
                                           {"partition", fmt::format("{}", offset.partition.partition)}});
      auto found = by_name.find(offset.partition);
      if (found == by_name.end()) continue;
      offset.high_watermark = found->second->high_watermark;
      // A commit may be ahead of the end that was collected for the partition.
      offset.lag = std::max<int64_t>(0, found->second->high_watermark - offset.committed);
      offset.lag_read_committed = std::max<int64_t>(0, found->second->last_stable_offset - offset.committed);
    }
  }
}

}  // namespace milena::broker
