// Open transactions and members of groups that keep others waiting.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "broker/operations/doctor.h"

namespace milena::broker {
namespace {

struct Holder {
  const HeldPartition* first = nullptr;
  size_t partitions = 0;
  int64_t records = 0;
  int64_t last_written_ms = -1;
};

Bytes where_text(const Holder& holder) {
  const Bytes first = escape_for_log(holder.first->name.to_string());
  if (holder.partitions == 1) return fmt::format("{} ({} records)", first, holder.records);
  return fmt::format("{} partitions, {} among them ({} records)", holder.partitions, first, holder.records);
}

Diagnosis held_by_transaction(const NodeFigures& figures, const OpenTransaction& transaction, const Holder& holder) {
  const Bytes id = escape_for_log(transaction.id);
  return {Severity::kWarning, "transaction-open", "transaction", id,
          fmt::format("The transaction of \"{}\" (producer {}, epoch {}, {}) has been open for {} and keeps consumers "
                      "with read_committed from {}.",
                      id, transaction.producer_id, transaction.producer_epoch, transaction.state,
                      span_text(figures.now_ms - transaction.start_ms), where_text(holder)),
          fmt::format("Commit or abort it in its producer, or stop the producer; otherwise the broker aborts it after "
                      "{} (transaction.timeout.ms).",
                      span_text(transaction.timeout_ms))};
}

Diagnosis held_by_stranger(const NodeFigures& figures, int64_t producer, const Holder& holder) {
  const bool alone = figures.brokers.size() <= 1;
  return {alone ? Severity::kError : Severity::kWarning, alone ? "transaction-hanging" : "transaction-open",
          "transaction", fmt::format("producer {}", producer),
          fmt::format("A transaction of producer {} keeps consumers with read_committed from {}; its last write was {} "
                      "ago, and no coordinator on this broker knows it.",
                      producer, where_text(holder), span_text(figures.now_ms - holder.last_written_ms)),
          fmt::format("Find it with `kafka-transactions.sh --find-hanging`, or describe it at its coordinator, and "
                      "abort it (`kafka-transactions.sh abort --topic {} --partition {} --start-offset {}`).",
                      escape_for_log(holder.first->name.topic), holder.first->name.partition,
                      holder.first->first_offset)};
}

void examine_transactions(const NodeFigures& figures, Diagnoses& findings) {
  std::map<int64_t, Holder> holders;
  for (const HeldPartition& held : figures.symptoms.held) {
    Holder& holder = holders[held.producer_id];
    if (holder.first == nullptr || held.name < holder.first->name) holder.first = &held;
    holder.partitions++;
    holder.records += held.records_held;
    holder.last_written_ms = std::max(holder.last_written_ms, held.last_written_ms);
  }
  std::map<int64_t, const OpenTransaction*> by_producer;
  for (const OpenTransaction& one : figures.symptoms.transactions) by_producer[one.producer_id] = &one;
  size_t count = 0;
  for (const auto& [producer, holder] : holders) {
    auto found = by_producer.find(producer);
    const bool known = found != by_producer.end() && found->second->start_ms >= 0;
    const int64_t since_ms = known ? found->second->start_ms : holder.last_written_ms;
    if (figures.now_ms - since_ms < kLong_ms || count++ >= kMaxOfAKind) continue;
    findings.push_back(known ? held_by_transaction(figures, *found->second, holder)
                             : held_by_stranger(figures, producer, holder));
  }
}

Bytes members_text(const RebalancingGroup& group) {
  Bytes text;
  for (const LateMember& member : group.late) {
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", escape_for_log(member.id),
                        client_text(member.client_id, member.host));
  }
  if (group.late_count > group.late.size()) text += fmt::format(" and {} more", group.late_count - group.late.size());
  return text;
}

struct GroupRule {
  const char* missing;
  const char* remedy;
};

GroupRule rule_of(const RebalancingGroup& group) {
  if (group.leader_is_late) {
    return {"the leader has not sent the assignment (SyncGroup)",
            "Check the leader; without SyncGroup it is removed after its max.poll.interval.ms."};
  }
  if (group.state == "CompletingRebalance") {
    return {"these members have not sent SyncGroup",
            "Check these members; a member that does not send it is removed after its max.poll.interval.ms."};
  }
  if (group.state == "PreparingRebalance") {
    return {"these members have not rejoined (JoinGroup)",
            "Check these members: a consumer joins within poll(), and is removed after its max.poll.interval.ms."};
  }
  return {"these members have not revoked partitions that other members will get",
          "Check these members: a consumer revokes partitions within poll(), and is removed after its "
          "max.poll.interval.ms."};
}

void examine_groups(const NodeFigures& figures, Diagnoses& findings) {
  size_t count = 0;
  for (const RebalancingGroup& group : figures.symptoms.groups) {
    if (group.since_ms < 0 || figures.now_ms - group.since_ms < kLong_ms || count++ >= kMaxOfAKind) continue;
    const GroupRule rule = rule_of(group);
    const Bytes id = escape_for_log(group.id);
    findings.push_back({Severity::kWarning, "rebalance-waits", "group", id,
                        fmt::format("The group \"{}\" has been in {} for {}: of {} members, {}: {}.", id, group.state,
                                    span_text(figures.now_ms - group.since_ms), group.members, rule.missing,
                                    members_text(group)),
                        rule.remedy});
  }
}

}  // namespace

void examine_waits(const NodeFigures& figures, Diagnoses& findings) {
  examine_transactions(figures, findings);
  examine_groups(figures, findings);
}

}  // namespace milena::broker
