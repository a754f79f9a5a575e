#include "broker/operations/symptoms.h"

#include <algorithm>
#include <iterator>

#include "broker/cluster/metadata_observer.h"
#include "broker/replica/partition.h"
#include "broker/shard_context.h"
#include "coordinator/group/classic_group.h"
#include "coordinator/group/consumer_group.h"
#include "coordinator/transaction/transaction_metadata.h"

namespace milena::broker {
namespace {

template <class Item>
void move_behind(std::vector<Item>& from, std::vector<Item>& to) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void add_late(RebalancingGroup& group, const Bytes& id, const Bytes& client_id, const Bytes& host) {
  group.late_count++;
  if (group.late.size() < Symptoms::kMaxLateMembers) group.late.push_back({id, client_id, host});
}

void look_at_classic(const coordinator::ClassicGroup& group, RebalancingGroup& out) {
  const bool joins = group.is(coordinator::GroupState::kPreparingRebalance);
  if (!joins && !group.is(coordinator::GroupState::kCompletingRebalance)) return;
  out.since_ms = group.state_timestamp_ms();
  for (const auto& [id, member] : group.members()) {
    const bool late = joins ? !member.awaiting_join : !member.awaiting_sync;
    if (!late) continue;
    // While the leader is late, the group waits for it alone.
    if (!joins && group.is_leader(id)) {
      out.leader_is_late = true;
      out.late.clear();
      out.late_count = 0;
      return add_late(out, id, member.client_id, member.client_host);
    }
    add_late(out, id, member.client_id, member.client_host);
  }
}

void look_at_consumer(const coordinator::ConsumerGroup& group, RebalancingGroup& out, int64_t now_ms,
                      int64_t steady_ms) {
  for (const auto& [id, member] : group.members()) {
    if (member.state != coordinator::MemberState::kUnrevokedPartitions) continue;
    add_late(out, id, member.client_id, member.client_host);
    const auto timers = group.all_timers().find(id);
    if (timers == group.all_timers().end() || timers->second.rebalance.deadline_ms == coordinator::kNever) continue;
    const int64_t left_ms = timers->second.rebalance.deadline_ms - steady_ms;
    const int64_t since_ms = now_ms - (std::max(member.rebalance_timeout_ms, 0) - left_ms);
    out.since_ms = out.since_ms < 0 ? since_ms : std::min(out.since_ms, since_ms);
  }
}

}  // namespace

void Symptoms::take(Symptoms part) {
  for (const auto& [name, trace] : part.clients) clients[name].merge(trace);
  for (const auto& [name, trace] : part.refusals) refusals[name].merge(trace);
  move_behind(part.transactions, transactions);
  move_behind(part.held, held);
  move_behind(part.groups, groups);
  move_behind(part.future, future);
  if (part.controller_clock.controller >= 0) controller_clock = part.controller_clock;
}

void Symptoms::look_at_controller(ShardContext& shard) {
  const MetadataObserver* observer = shard.node().observer;
  if (observer == nullptr) return;
  controller_clock = {observer->leader_id(), observer->controller_clock().ahead_ms(shard.now_ms(), shard.steady_ms())};
}

void Symptoms::look_at_clients(ShardContext& shard) {
  const ClientBook& book = shard.figures().clients;
  for (const auto& [name, trace] : book.clients().newest_first()) clients[name].merge(trace);
  for (const auto& [name, trace] : book.refusals().newest_first()) refusals[name].merge(trace);
}

void Symptoms::look_at_settings(ShardContext& shard) {
  const config::Settings& now = shard.settings();
  settings.warnings = shard.node().settings->warnings();
  // A node that no other can join makes as many as there are.
  const bool alone = shard.node().metadata != nullptr && shard.node().controller_endpoints.empty() &&
                     !now.get_bool("milena.strict.kafka");
  settings.offsets_replicas = alone ? 1 : now.get_int("offsets.topic.replication.factor");
  settings.transactions_replicas = alone ? 1 : now.get_int("transaction.state.log.replication.factor");
  settings.transactions_min_in_sync = now.get_int("transaction.state.log.min.isr");
  settings.default_replicas = now.get_int("default.replication.factor");
  for (const config::ConfigDef& def : config::broker_configs()) {
    if ((def.marks & config::kConfigNoEffect) == 0 || !now.is_set(def.name)) continue;
    // A setting that is set to its default is not reported.
    const std::optional<Bytes>& text = now.text(def.name);
    auto is = [&text](const char* value) { return value != nullptr && text == value; };
    if (!text || text->empty() || is(def.default_value) || is(def.kafka_default)) continue;
    settings.without_effect.push_back({def.name, now.origin(def.name)});
  }
}

void Symptoms::look_at(Partition& partition, int64_t now_ms) {
  log::PartitionLog* log = partition.log_if_open();
  if (log == nullptr || partition.offline()) return;
  const TopicPartition& name = partition.topic_partition();
  if (auto newest = log->newest_timestamp(); newest.ok() && *newest > now_ms && *newest - now_ms > kFarFuture_ms) {
    if (future.size() < kMax) future.push_back({name, *newest});
  }
  if (!log->has_producers() || held.size() >= kMax) return;
  const log::ProducerEntry* oldest = log->oldest_open_transaction();
  if (oldest == nullptr) return;
  const int64_t behind = log->high_watermark() - oldest->current_txn_first_offset;
  if (behind <= 0) return;
  held.push_back({name, oldest->producer_id, oldest->current_txn_first_offset, oldest->last_timestamp, behind});
}

void Symptoms::look_at(const coordinator::Group& group, int64_t now_ms, int64_t steady_ms) {
  if (groups.size() >= kMax) return;
  RebalancingGroup out{.id = group.id(), .state = Bytes(group.listed_state()), .members = group.member_count()};
  if (group.type() == coordinator::GroupType::kClassic)
    look_at_classic(static_cast<const coordinator::ClassicGroup&>(group), out);
  if (group.type() == coordinator::GroupType::kConsumer) {
    look_at_consumer(static_cast<const coordinator::ConsumerGroup&>(group), out, now_ms, steady_ms);
  }
  if (out.late_count > 0) groups.push_back(std::move(out));
}

void Symptoms::look_at(const Bytes& transactional_id, const coordinator::TransactionMetadata& transaction) {
  const bool open = transaction.state == coordinator::TransactionState::kOngoing || transaction.is_ending();
  if (!open || transactions.size() >= kMax) return;
  transactions.push_back({transactional_id, transaction.producer_id, transaction.producer_epoch, transaction.start_ms,
                          transaction.timeout_ms, Bytes(coordinator::transaction_state_name(transaction.state))});
}

}  // namespace milena::broker
