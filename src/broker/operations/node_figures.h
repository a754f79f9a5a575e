// NodeFigures: the state of a node at one moment, as values; the source of /metrics and /readyz. Gathered by collect.h;
// nothing here looks anything up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/process_figures.h"
#include "base/topic_partition.h"
#include "broker/operations/symptoms.h"
#include "broker/operations/traffic_figures.h"

namespace milena::broker {

struct PartitionFigures {
  TopicPartition name;
  Bytes labels;  // topic and partition, as in a sample
  bool offline = false;
  int64_t log_start_offset = 0;
  int64_t log_end_offset = 0;
  int64_t high_watermark = 0;
  int64_t last_stable_offset = 0;
  // -1: the log was not opened since the start, and was not examined.
  int64_t size_bytes = -1;
  int64_t segments = -1;
  int32_t leader = -1;
  int32_t leader_epoch = -1;
  int32_t preferred_leader = -1;
  int32_t replicas = 0;
  int32_t in_sync = 0;
  int32_t min_in_sync = 1;

  bool under_replicated() const { return in_sync < replicas; }
  // A topic cannot require more replicas than it has (Kafka: Partition.effectiveMinIsr).
  bool under_min_in_sync() const { return in_sync < std::min(min_in_sync, std::max(replicas, 1)); }
};

struct GroupFigures {
  struct Offset {
    TopicPartition partition;
    int64_t committed = -1;
    int64_t high_watermark = -1;
    Bytes labels;  // group, topic and partition
    // Of committed records that are unread, and of all visible ones; -1: the partition is unknown here.
    int64_t lag = -1;
    int64_t lag_read_committed = -1;
    double lag_seconds = -1;  // -1: not known yet
  };
  Bytes id;
  Bytes type;   // "classic" or "consumer"
  Bytes state;  // as Kafka's tools name it
  size_t members = 0;
  std::vector<Offset> offsets;
};

struct BrokerFigures {
  int32_t id = -1;
  Bytes address;
  bool fenced = false;
};

struct DirectoryFigures {
  std::string path;
  bool online = true;
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;
};

struct TransactionFigures {
  std::map<Bytes, uint64_t> by_state;
  int64_t oldest_open_ms = -1;  // when it began; -1: none is open
};

struct NodeFigures {
  int32_t node_id = -1;
  Bytes version;
  Bytes cluster_id;
  int64_t now_ms = 0;
  double uptime_seconds = 0;

  std::map<ApiKey, ApiFigures> apis;
  std::map<Bytes, TopicTraffic> topics;  // by name
  TopicTraffic all_topics;
  http::LatencyHistogram flushes;
  CleanerFigures cleaner;
  std::map<std::string, ListenerFigures> listeners;
  std::map<std::string, HttpAuthenticationFigures> http_listeners;
  uint64_t refused_requests = 0;
  uint64_t throttled_requests = 0;
  uint64_t throttled_ms = 0;

  std::vector<PartitionFigures> partitions;  // led by this node, or without a leader; by name
  std::map<Bytes, int32_t> topic_partitions;
  std::vector<GroupFigures> groups;  // those with their coordinator here; by id
  TransactionFigures transactions;
  size_t topic_count = 0;
  size_t partition_count = 0;
  size_t partitions_without_leader = 0;
  std::vector<BrokerFigures> brokers;
  int64_t metadata_offset = -1;
  bool active_controller = true;
  size_t fetch_sessions = 0;
  size_t open_logs = 0;

  std::map<size_t, LoopFigures> loops;  // by shard
  std::vector<DirectoryFigures> directories;
  ProcessFigures process;
  Symptoms symptoms;  // only for Look::kDoctor

  // How many of them metrics show (milena.metrics.partitions.max, milena.metrics.groups.max).
  size_t most_partitions = SIZE_MAX;
  size_t most_groups = SIZE_MAX;
  std::span<const PartitionFigures> shown_partitions() const {
    return std::span(partitions).first(std::min(partitions.size(), most_partitions));
  }
  std::span<const GroupFigures> shown_groups() const {
    return std::span(groups).first(std::min(groups.size(), most_groups));
  }

  // Adds the figures of another shard.
  void take(NodeFigures part);
  // Sorts the figures of the shards and computes derived values: labels, lags. On any thread.
  void complete();
};

}  // namespace milena::broker
