// ConsumerGroup: one group of the consumer protocol (KIP-848): its members, their target and current assignments, and
// the epochs. It holds the state; ConsumerGroups handles responses, records and timers. Owned by the shard's table, on
// the shard's thread.
//
// All hard state, except for the timers and seen_topics_version: it changes only while a record is applied, through the
// methods of "what records change".
//
// Three epochs: the group epoch is bumped by each change that requires a new assignment; the assignment epoch is the
// group epoch of the current target; a member epoch is that of the target it has reconciled with. None is ahead of the
// one before it. Invariant, if the log is whole: a partition has at most one owner (assigned or not yet revoked).
// (Kafka: org.apache.kafka.coordinator.group.modern.consumer.ConsumerGroup.)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "coordinator/deadlines.h"
#include "coordinator/group/consumer_member.h"
#include "coordinator/group/group.h"

namespace milena::coordinator {

enum class ConsumerGroupState : uint8_t { kEmpty, kAssigning, kReconciling, kStable };

// "Reconciling", as in responses.
ByteView consumer_group_state_name(ConsumerGroupState state);

// The topics that matched a pattern when it was last resolved.
struct ResolvedRegex {
  TopicNames topics;
  int64_t version = 0;       // of the metadata: the offset of its last record
  int64_t timestamp_ms = 0;  // wall time
};
// Patterns that were resolved again, or are no longer needed, by an input whose records are not applied yet.
using RegexChanges = std::map<Bytes, std::optional<ResolvedRegex>, std::less<>>;

struct SubscriptionCount {
  int32_t by_name = 0;   // members
  int32_t by_regex = 0;  // patterns
};
using SubscriptionCounts = std::map<Bytes, SubscriptionCount, std::less<>>;

class ConsumerGroup : public Group {
 public:
  static bool is(GroupType type) { return type == GroupType::kConsumer; }

  using Members = std::map<Bytes, ConsumerMember, std::less<>>;

  struct Timers {
    Timer session;
    Timer rebalance;  // it has partitions to revoke
    int32_t rebalance_epoch = 0;
    // Of members with the classic protocol: it must rejoin; it has joined and must sync.
    Timer join;
    Timer sync;
    MemberConnection connection;
  };

  explicit ConsumerGroup(Bytes id) : Group(std::move(id)) {}

  GroupType type() const override { return GroupType::kConsumer; }
  ByteView listed_state() const override { return consumer_group_state_name(state()); }
  ByteView listed_protocol_type() const override { return group_type_name(type()); }
  size_t member_count() const override { return members_.size(); }

  // Iterates over all members.
  ConsumerGroupState state() const;
  bool is_empty() const { return members_.empty(); }
  int32_t epoch() const { return epoch_; }
  int32_t assignment_epoch() const { return assignment_epoch_; }
  int64_t assignment_timestamp_ms() const { return assignment_timestamp_ms_; }
  // Hash of the subscribed topics when the epoch was bumped (topic_hash.h).
  int64_t metadata_hash() const { return metadata_hash_; }
  // A record of Kafka 4.0 that must be removed.
  bool has_subscription_metadata_record() const { return has_subscription_metadata_record_; }

  // --- members

  const Members& members() const { return members_; }
  const ConsumerMember* find_member(ByteView member_id) const;
  const ConsumerMember* find_static(ByteView instance_id) const;
  // The member must exist.
  Timers& timers(ByteView member_id);
  Timers* find_timers(ByteView member_id);
  const std::map<Bytes, Timers, std::less<>>& all_timers() const { return timers_; }
  int32_t classic_member_count() const { return classic_members_; }
  bool supports_classic_protocols(ByteView protocol_type, const MemberProtocols& protocols) const;

  // --- subscriptions

  const SubscriptionCounts& subscriptions() const { return subscriptions_; }
  bool is_subscribed_to(ByteView topic) const override { return subscriptions_.find(topic) != subscriptions_.end(); }
  // The counts after `before`, a member or null, has been replaced by `after`, or null.
  SubscriptionCounts subscriptions_after(const ConsumerMember* before, const ConsumerMember* after,
                                         const RegexChanges& regexes) const;
  const std::map<Bytes, ResolvedRegex, std::less<>>& resolved_regexes() const { return resolved_; }
  // Pattern -> number of its subscribers.
  const std::map<Bytes, int32_t, std::less<>>& regex_subscribers() const { return regex_subscribers_; }
  int32_t regex_subscribers(ByteView regex) const;
  // The assignor that most members prefer; empty if none has a preference.
  Bytes preferred_assignor_after(const ConsumerMember* before, const ConsumerMember* after) const;
  Bytes preferred_assignor() const { return preferred_assignor_after(nullptr, nullptr); }

  // --- assignments

  // The target; empty for unknown members.
  const Assignment& target(ByteView member_id) const;
  const std::map<Bytes, Assignment, std::less<>>& targets() const { return targets_; }
  // The epoch of the partition's owner; nothing if it is free.
  std::optional<int32_t> partition_epoch(const Uuid& topic, int32_t partition) const;
  // Whether other members still own partitions of the member's target.
  bool waits_for_partitions(const ConsumerMember& member) const;

  // --- offsets and the end (commit_rules.cc)

  ErrorCode validate_commit(const CommitContext& context, const OffsetCommitRequest& request) const override;
  ErrorCode validate_transactional_commit(const CommitContext& context,
                                          const TxnOffsetCommitRequest& request) const override;
  ErrorCode validate_fetch(const OffsetFetchGroup& request) const override;
  ErrorCode validate_offset_delete() const override { return ErrorCode::kNone; }
  std::optional<OffsetRetention> offset_retention() const override { return OffsetRetention(); }
  bool may_become_classic() const override { return is_empty(); }
  ErrorCode validate_delete() const override { return is_empty() ? ErrorCode::kNone : ErrorCode::kNonEmptyGroup; }
  bool may_be_removed() const override { return is_empty(); }
  void write_tombstones(std::vector<CoordinatorRecord>& records) const override;

  // --- what records change

  void set_epoch(int32_t epoch, int64_t metadata_hash);
  void set_assignment_epoch(int32_t epoch, int64_t timestamp_ms);
  void put_member(ConsumerMember member);
  void remove_member(ByteView member_id);
  void put_target(ByteView member_id, Assignment target);
  void remove_target(ByteView member_id);
  void put_regex(const Bytes& regex, ResolvedRegex resolved);
  void remove_regex(ByteView regex);
  void set_has_subscription_metadata_record(bool has) { has_subscription_metadata_record_ = has; }

  // The version of the metadata (ConsumerGroups::topics_version_) that the hash was last compared with. Soft state.
  int64_t seen_topics_version = -1;

 private:
  void count_member(const ConsumerMember& member, int32_t step);
  void hold_partitions(const ConsumerMember& member);
  void release_partitions(const ConsumerMember& member);

  // Whether the member has had the partition since this epoch at the latest.
  static bool held_since(const ConsumerMember& member, const Uuid& topic, int32_t partition, int32_t epoch);

  int32_t epoch_ = 1;
  int32_t assignment_epoch_ = 1;
  int64_t assignment_timestamp_ms_ = 0;
  int64_t metadata_hash_ = 0;
  bool has_subscription_metadata_record_ = false;
  Members members_;
  std::map<Bytes, Timers, std::less<>> timers_;
  std::map<Bytes, Bytes, std::less<>> static_members_;  // instance id -> member id
  int32_t classic_members_ = 0;
  SubscriptionCounts subscriptions_;
  std::map<Bytes, int32_t, std::less<>> regex_subscribers_;
  std::map<Bytes, ResolvedRegex, std::less<>> resolved_;
  std::map<Bytes, Assignment, std::less<>> targets_;
  EpochAssignment partition_epochs_;
};

// Whether all members subscribe to the same topics: all by name, or all by one pattern.
bool is_homogeneous(const SubscriptionCounts& subscriptions, const std::map<Bytes, int32_t, std::less<>>& regexes,
                    size_t member_count);

}  // namespace milena::coordinator
