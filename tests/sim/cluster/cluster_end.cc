// Checks at the end: the cluster is whole again, and no transaction is open that should not be.
#include <fmt/format.h>

#include <algorithm>

#include "broker/replica/partition.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "sim/cluster/cluster_simulator.h"
#include "sim/cluster/disk_log.h"

namespace milena::sim {

bool ClusterSimulator::all_in_sync() {
  for (const auto& [id, node] : nodes_) {
    if (!node->listens() || node->machine().main_runs()) return false;
  }
  for (const auto& [id, state] : partitions_) {
    const metadata::PartitionImage* image = image_of(id);
    if (image->leader < 0 || image->isr.size() != image->replicas.size()) return false;
    if (!image->extras().adding_replicas.empty() || !image->extras().removing_replicas.empty()) return false;
    int64_t end = -1;
    for (const int32_t replica : image->replicas) {
      const View& view = views_[{replica, id}];
      if (view.epoch != image->leader_epoch || view.leads != (replica == image->leader)) return false;
      if (view.high_watermark != view.end && view.end > 0) return false;
      const int64_t own = std::max<int64_t>(view.end, 0);
      if (end >= 0 && own != end) return false;
      end = own;
    }
  }
  return true;
}

void ClusterSimulator::check_end() {
  for (auto& [id, state] : partitions_) {
    const metadata::PartitionImage* image = image_of(id);
    for (const int32_t replica : image->replicas) {
      const DiskLog log = read_disk_log(node(replica).disk(), state.name, id.first);
      const int64_t start = std::max(views_[{replica, id}].start, state.deletable);
      for (const auto& [offset, entry] : state.settled) {
        if (offset >= start && lacks(state, log.entries, offset, entry)) {
          return fail(
              fmt::format("{}: at the end node {} does not have {} at {}", state.name, replica, entry.number, offset));
        }
      }
      // An empty log ends where it starts, also where records that retention removed count as lost.
      if (log.end > std::max(state.settled_end(), start)) {
        return fail(fmt::format("{}: at the end the log of node {} goes on behind {}", state.name, replica,
                                state.settled_end()));
      }
    }
  }
  for (const auto& [number, record] : sent_) {
    const auto state = partitions_.find(record.partition);
    if (!record.acked || state == partitions_.end() || state->second.lost.contains(number)) continue;
    if (!state->second.offset_of.contains(number)) return fail(fmt::format("{} was acknowledged, and is gone", number));
  }
  check_transactions();
  if (!failed()) note("all is well");
}

void ClusterSimulator::check_transactions() {
  for (const auto& [id, state] : partitions_) {
    for (const auto& [producer, numbers] : state.open) {
      // A transaction whose records are deleted before it ends holds back no reader: the last stable offset is not
      // before the log's start.
      const bool excused = std::any_of(numbers.begin(), numbers.end(), [&](int64_t number) {
        const auto found = transactions_.find(sent_[number].transaction);
        const auto offset = state.offset_of.find(number);
        return found == transactions_.end() || found->second.excused || offset == state.offset_of.end() ||
               offset->second < state.deletable;
      });
      if (!numbers.empty() && !excused && !state.was_reset) {
        return fail(fmt::format("{}: {} of producer {} is in a transaction that does not end", state.name,
                                numbers.front(), producer));
      }
    }
  }
  for (const auto& [key, transaction] : transactions_) {
    if (transaction.excused || transaction.told != TransactionEnd::kCommit) continue;
    ended_++;
    for (const int64_t number : transaction.numbers) {
      const auto state = partitions_.find(sent_[number].partition);
      if (state == partitions_.end() || state->second.was_reset || state->second.lost.contains(number)) continue;
      if (!state->second.offset_of.contains(number) || transaction.is != TransactionEnd::kCommit) {
        return fail(fmt::format("{} was committed, and is not", number));
      }
    }
  }
}

// Whether nobody ends the transactions any more that are open from an offset on: their coordinator has lost its records
// with the power, or the partition their markers, and the partition has kept records of them (Kafka's stay open, too,
// until somebody looks for hanging ones).
bool ClusterSimulator::only_lost_ones_are_open(const PartitionState& state, int64_t from) const {
  std::map<int64_t, bool> open;  // by producer: whether that is one to excuse
  for (auto at = state.settled.lower_bound(from); at != state.settled.end(); ++at) {
    const Entry& entry = at->second;
    if (entry.kind == EntryKind::kCommit || entry.kind == EntryKind::kAbort) open.erase(entry.producer);
    if (entry.kind != EntryKind::kTransactional || entry.number < 0) continue;
    const auto of = transactions_.find(sent_.at(entry.number).transaction);
    const bool lost = of != transactions_.end() && of->second.end_lost;
    const auto [known, first] = open.emplace(entry.producer, lost);
    known->second = known->second && lost;
  }
  return !open.empty() && std::all_of(open.begin(), open.end(), [](const auto& one) { return one.second; });
}

// As its leader says; nullopt without one. A log that nobody has opened has no open transaction.
std::optional<int64_t> ClusterSimulator::last_stable_offset(const PartitionId& id) {
  const metadata::PartitionImage* image = image_of(id);
  std::optional<int64_t> stable;
  if (image == nullptr || image->leader < 0 || !node(image->leader).listens()) return stable;
  ClusterNode& leader = node(image->leader);
  for (size_t i = 0; i < leader.shard_count(); i++) {
    leader.node().shard(i).replicas().for_each_partition([&](broker::Partition& partition) {
      if (partition.id().topic_id != id.first || partition.id().partition != id.second) return;
      log::PartitionLog* log = partition.log_if_open();
      if (log == nullptr) return void(stable = INT64_MAX);
      const auto offset = log->last_stable_offset();
      if (offset.ok()) stable = *offset;
    });
  }
  return stable;
}

// No transaction is open any more, as leaders see it.
bool ClusterSimulator::all_stable() {
  return std::all_of(partitions_.begin(), partitions_.end(), [&](const auto& one) {
    const auto& [id, state] = one;
    const metadata::PartitionImage* image = image_of(id);
    const auto stable = last_stable_offset(id);
    if (image == nullptr || !stable) return false;
    const View& view = views_[{image->leader, id}];
    const int64_t end = std::max<int64_t>(view.end, 0);
    // The records of such a transaction may be deleted.
    const int64_t from = *stable <= view.start ? 0 : *stable;
    return *stable >= end || (state.settled_end() == end && only_lost_ones_are_open(state, from));
  });
}

}  // namespace milena::sim
