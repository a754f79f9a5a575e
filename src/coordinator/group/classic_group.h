// ClassicGroup: the coordinator's state of one group of the classic protocol: members, protocols, generation, state. It
// has the rules of membership and of choosing leader and protocol; ClassicGroups handles responses, records and timers.
// Owned by the shard's table, on the shard's thread.
//
// Soft state, except for its last GroupMetadata record: generation, protocol, leader, members with subscription and
// assignment are restored by a reload, and the group is Stable only once that record is applied.
//
// Invariants: awaiting_join_count() is the number of members that wait in a join; the leader, if any, is a member;
// every instance id names a member. (Kafka: org.apache.kafka.coordinator.group.classic.ClassicGroup.)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "coordinator/deadlines.h"
#include "coordinator/group/group.h"
#include "protocol/messages/offsets/group_metadata.h"

namespace milena::coordinator {

enum class GroupState : uint8_t { kEmpty, kPreparingRebalance, kCompletingRebalance, kStable };

// "PreparingRebalance", as in responses.
ByteView group_state_name(GroupState state);

struct MemberProtocol {
  Bytes name;
  Bytes metadata;
  bool operator==(const MemberProtocol&) const = default;
};
using MemberProtocols = std::vector<MemberProtocol>;

struct ClassicMember {
  Bytes id;
  std::optional<Bytes> instance_id;
  Bytes client_id;
  Bytes client_host;
  int32_t rebalance_timeout_ms = 0;
  int32_t session_timeout_ms = 0;
  MemberProtocols protocols;  // in order of preference
  Bytes assignment;
  // The last assignment of a cancelled rebalance: no longer reported, but the member may still have it.
  Bytes former_assignment;
  // Joined, but its first generation has not begun yet.
  bool is_new = false;
  std::optional<AnswerToken> awaiting_join;
  std::optional<AnswerToken> awaiting_sync;
  Timer session;
  MemberConnection connection;

  bool is_static() const { return instance_id.has_value(); }
  // The member's metadata for a protocol; empty if it does not support it.
  ByteView metadata(ByteView protocol) const;
};

// An id that was returned with MEMBER_ID_REQUIRED and is not used yet, with the timer of its session.
struct PendingMember : Timer {
  uint64_t connection_id = 0;
};

class ClassicGroup : public Group {
 public:
  static bool is(GroupType type) { return type == GroupType::kClassic; }

  using PendingMembers = std::map<Bytes, PendingMember, std::less<>>;
  using Members = std::map<Bytes, ClassicMember, std::less<>>;

  // A group without members yet, or a simple one, which only has offsets.
  ClassicGroup(Bytes id, int64_t wall_ms) : Group(std::move(id)), state_timestamp_ms_(wall_ms) {}
  // From its last record.
  ClassicGroup(Bytes id, const GroupMetadataValue& value);

  GroupType type() const override { return GroupType::kClassic; }
  ByteView listed_state() const override { return group_state_name(state_); }
  ByteView listed_protocol_type() const override { return protocol_type_ ? ByteView(*protocol_type_) : ByteView(); }
  size_t member_count() const override { return members_.size(); }

  GroupState state() const { return state_; }
  bool is(GroupState state) const { return state_ == state; }
  GroupState previous_state() const { return previous_state_; }
  int32_t generation() const { return generation_; }
  const std::optional<Bytes>& protocol_type() const { return protocol_type_; }
  const std::optional<Bytes>& protocol_name() const { return protocol_name_; }
  const std::optional<Bytes>& leader() const { return leader_; }
  bool is_leader(ByteView member_id) const { return leader_ && *leader_ == member_id; }
  // When it entered its state; -1 if it was loaded from a record too old to have this.
  int64_t state_timestamp_ms() const { return state_timestamp_ms_; }
  bool can_rebalance() const { return state_ != GroupState::kPreparingRebalance; }

  // --- members

  Members& members() { return members_; }
  const Members& members() const { return members_; }
  ClassicMember* find_member(ByteView member_id);
  const Bytes* find_static(ByteView instance_id) const;
  // Kafka's validateMember: the member must exist, and the instance id, if any, must be its own.
  ErrorCode validate_member(ByteView member_id, std::optional<ByteView> instance_id) const;
  // The first member decides the group's protocol type.
  ClassicMember& add_member(ClassicMember member, ByteView protocol_type);
  // Removes a member or a pending one; no effect on unknown ids.
  void remove_member(ByteView member_id);
  // A static member came back with a new id. The old one must not be waiting for a response.
  ClassicMember& replace_static_member(const Bytes& instance_id, const Bytes& old_id, const Bytes& new_id);
  void update_member(ClassicMember& member, MemberProtocols protocols, int32_t rebalance_timeout_ms,
                     int32_t session_timeout_ms);
  void set_awaiting_join(ClassicMember& member, std::optional<AnswerToken> token);
  int32_t awaiting_join_count() const { return awaiting_join_count_; }
  PendingMembers& pending_members() { return pending_members_; }
  bool is_pending(ByteView member_id) const { return pending_members_.find(member_id) != pending_members_.end(); }
  bool all_members_joined() const;
  // The longest timeout of its members.
  int32_t rebalance_timeout_ms() const;
  // Members that have not sent their SyncGroup in this generation.
  std::set<Bytes, std::less<>>& pending_sync() { return pending_sync_; }

  // --- protocols

  bool supports_protocols(ByteView protocol_type, const MemberProtocols& protocols) const;
  // The protocol with most votes among those that all members support. The group must have members.
  Bytes select_protocol() const;
  bool uses_consumer_protocol() const { return protocol_type_ && *protocol_type_ == "consumer"; }
  // False for a topic without subscribers; true for all topics if the members' metadata cannot be read.
  bool is_subscribed_to(ByteView topic) const override;
  bool knows_subscriptions() const { return subscribed_topics_.has_value(); }

  // --- offsets and the end (commit_rules.cc)

  ErrorCode validate_commit(const CommitContext& context, const OffsetCommitRequest& request) const override;
  ErrorCode validate_transactional_commit(const CommitContext& context,
                                          const TxnOffsetCommitRequest& request) const override;
  ErrorCode validate_fetch(const OffsetFetchGroup&) const override { return ErrorCode::kNone; }
  ErrorCode validate_offset_delete() const override;
  std::optional<OffsetRetention> offset_retention() const override;
  ErrorCode validate_delete() const override {
    return is(GroupState::kEmpty) ? ErrorCode::kNone : ErrorCode::kNonEmptyGroup;
  }
  // Pending members prevent it.
  bool may_be_removed() const override { return is(GroupState::kEmpty) && pending_members_.empty(); }
  void write_tombstones(std::vector<CoordinatorRecord>& records) const override;

  // --- transitions

  void begin_rebalance(int64_t wall_ms);
  // Clears the assignments of a generation that was not completed.
  void reset_assignments();
  // Keeps the leader if it has rejoined, or elects a member that has; false if none has.
  bool elect_joined_leader();
  // The next generation: CompletingRebalance, or Empty if no member is left.
  void begin_generation(int64_t wall_ms);
  // Its current record, with these assignments.
  GroupMetadataValue to_record(const std::map<ByteView, ByteView>& assignments, int64_t state_timestamp_ms) const;
  GroupMetadataValue to_record() const;
  // A record of this group was written. A group that waits for exactly this assignment becomes stable.
  void on_record(const GroupMetadataValue& value);

  // --- timers; ClassicGroups handles the deadlines of the initial rebalance

  Timer join_timer;
  Timer sync_timer;
  int32_t sync_timer_generation = 0;
  struct InitialDelay {
    int32_t delay_ms = 0;
    int32_t remaining_ms = 0;
  };
  std::optional<InitialDelay> initial_delay;
  // A member joined since the initial delay began, so it may be extended.
  bool new_member_added = false;

 private:
  void transition_to(GroupState state, int64_t wall_ms);
  void count_protocols(const ClassicMember& member, int32_t step);
  void compute_subscriptions();

  GroupState state_ = GroupState::kEmpty;
  GroupState previous_state_ = GroupState::kEmpty;
  int32_t generation_ = 0;
  std::optional<Bytes> protocol_type_;
  std::optional<Bytes> protocol_name_;
  std::optional<Bytes> leader_;
  int64_t state_timestamp_ms_ = -1;
  Members members_;
  std::map<Bytes, Bytes, std::less<>> static_members_;  // instance id -> member id
  PendingMembers pending_members_;
  std::set<Bytes, std::less<>> pending_sync_;
  int32_t awaiting_join_count_ = 0;
  // The number of members that support a protocol.
  std::map<Bytes, int32_t, std::less<>> protocol_counts_;
  std::optional<std::set<Bytes, std::less<>>> subscribed_topics_;
};

}  // namespace milena::coordinator
