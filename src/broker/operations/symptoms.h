// Symptoms: the input of `milena doctor` besides the figures that metrics show, as values: clients, open transactions,
// rebalances, settings. Gathered with NodeFigures from all shards (collect.h, Look::kDoctor); judged by doctor.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/topic_partition.h"
#include "broker/operations/client_book.h"

namespace milena::coordinator {
class Group;
struct TransactionMetadata;
}  // namespace milena::coordinator

namespace milena::broker {

class Partition;
class ShardContext;

struct OpenTransaction {
  Bytes id;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  int64_t start_ms = -1;
  int32_t timeout_ms = 0;
  Bytes state;
};

// A partition whose last stable offset is behind its high watermark.
struct HeldPartition {
  TopicPartition name;
  int64_t producer_id = -1;  // of the oldest open transaction there
  int64_t first_offset = -1;
  int64_t last_written_ms = -1;  // by that producer
  int64_t records_held = 0;
};

struct LateMember {
  Bytes id;
  Bytes client_id;
  Bytes host;
};

// A group with a rebalance in progress.
struct RebalancingGroup {
  Bytes id;
  Bytes state;
  int64_t since_ms = -1;  // -1: not known
  size_t members = 0;
  size_t late_count = 0;
  std::vector<LateMember> late;  // the first of them
  bool leader_is_late = false;   // the leader is late with SyncGroup
};

struct FutureRecords {
  TopicPartition name;
  int64_t timestamp_ms = -1;  // the greatest
};

// Of the active controller, where that is another node.
struct ControllerClockSymptoms {
  int32_t controller = -1;  // -1: there is none
  int64_t ahead_ms = 0;     // of this node; negative: behind
};

struct SettingSymptoms {
  struct Idle {
    Bytes name;
    Bytes origin;
  };
  std::vector<Idle> without_effect;
  std::vector<std::string> warnings;
  int32_t offsets_replicas = 1;
  int32_t transactions_replicas = 1;
  int32_t default_replicas = 1;
  int32_t transactions_min_in_sync = 1;
};

struct Symptoms {
  // The most entries that a shard lists.
  static constexpr size_t kMax = 10'000;
  static constexpr size_t kMaxLateMembers = 5;
  // Clocks of well maintained machines differ by less.
  static constexpr int64_t kFarFuture_ms = 3'600'000;

  std::map<ClientName, ClientTrace> clients;
  std::map<RefusedClient, RefusalTrace> refusals;
  std::vector<OpenTransaction> transactions;
  std::vector<HeldPartition> held;
  std::vector<RebalancingGroup> groups;
  std::vector<FutureRecords> future;
  ControllerClockSymptoms controller_clock;  // of shard 0
  SettingSymptoms settings;  // of the shard that tells what all know

  // Adds the symptoms of another shard, except its settings.
  void take(Symptoms part);

  // Collects a shard's symptoms. On its thread.
  void look_at_clients(ShardContext& shard);
  void look_at_controller(ShardContext& shard);
  void look_at_settings(ShardContext& shard);
  void look_at(Partition& partition, int64_t now_ms);
  void look_at(const coordinator::Group& group, int64_t now_ms, int64_t steady_ms);
  void look_at(const Bytes& transactional_id, const coordinator::TransactionMetadata& transaction);
};

}  // namespace milena::broker
