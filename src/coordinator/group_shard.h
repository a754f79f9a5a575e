// GroupShard: the group coordinator of one partition of __consumer_offsets, as a pure state machine: no clock, no I/O, no
// thread, no lock. The broker hosts one per partition it leads (broker/group_runtime); tests and the simulator drive it
// directly. Its rules are those of Kafka's GroupMetadataManager and OffsetMetadataManager (classic protocol).
//
// Every input gives Effects: records to append, answers to send. The contract with the runtime:
//   1. append the records as one batch; 2. apply each; 3. send the answers when the high watermark covers what was appended
//   until now (reads included); or, if the append failed, 2. give the Effects to append_failed and send what it returns.
// Between an input that asked for records and 2. there is no other input (CHECKed).
//
// Hard state (the offsets; which groups exist, with what last generation) changes in apply alone, live and at load alike.
// Soft state (who waits in a join, when a session ends) changes with the inputs and dies with the shard; a group counts as
// Stable only once the record of its assignment is applied. A shard whose partition is lost is closed and dropped.
//
// Not here: authorization, topic ids (a request names its topics; ids are carried along), the KIP-848 groups.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "coordinator/classic_group.h"
#include "coordinator/deadlines.h"
#include "coordinator/group_types.h"
#include "coordinator/offset_store.h"

namespace milena {

class GroupShard {
 public:
  GroupShard(GroupConfig config, IdSource new_id) : config_(config), new_id_(std::move(new_id)) {}

  // --- the log

  // One record, in the order of the log. `producer_id` is -1 outside of transactions. A record that cannot be read or that
  // belongs to a kind of group we do not serve changes nothing, and is logged.
  void apply(ByteView key, std::optional<ByteView> value, int64_t record_offset, int64_t producer_id = -1);
  // The end of a producer's transaction: a control batch of the log.
  void apply_marker(int64_t producer_id, bool committed) { offsets_.end_transaction(producer_id, committed); }
  // All records up to the log end are applied; inputs come from now on, and sessions run.
  Effects loaded(Now now);
  // The batch could not be appended, for this reason (the partition's own). Takes what the input had returned; gives back
  // the answers to send and takes back what must not be believed.
  Effects append_failed(Effects failed, ErrorCode error, Now now);
  // The partition is led by somebody else now: what is parked is answered, nothing is accepted any more.
  Effects close(ErrorCode error);

  // --- time

  // When tick wants to be called; may be early. nullopt: no timer runs.
  std::optional<int64_t> next_deadline_ms() const;
  Effects tick(Now now);

  // --- requests; each is answered once, at once or later

  Effects join_group(const Caller& caller, const JoinGroupRequest& request, Now now);
  Effects sync_group(const Caller& caller, const SyncGroupRequest& request, Now now);
  Effects heartbeat(const Caller& caller, const HeartbeatRequest& request, Now now);
  Effects leave_group(const Caller& caller, const LeaveGroupRequest& request, Now now);
  // These three answer for this partition's groups alone; the handler puts the parts together.
  Effects describe_groups(const Caller& caller, std::span<const ByteView> groups);
  Effects list_groups(const Caller& caller, const ListGroupsRequest& request);
  Effects delete_groups(const Caller& caller, std::span<const ByteView> groups, Now now);
  Effects commit_offsets(const Caller& caller, const OffsetCommitRequest& request, Now now);
  // The offsets count when the producer's transaction commits (txn_offset_commit.cc).
  Effects commit_offsets_in_transaction(const Caller& caller, const TxnOffsetCommitRequest& request, Now now);
  // One group of an OffsetFetch, topics null for all. Answers carry names and ids.
  Effects fetch_offsets(const Caller& caller, const OffsetFetchGroup& request, bool require_stable);
  Effects delete_offsets(const Caller& caller, const OffsetDeleteRequest& request, Now now);

  // The client (not we) closed a connection over which members of this group may have spoken. Those whose last request came
  // over it are given up after the grace of the settings, unless they ask for something before; static members, who come
  // back in their own time, keep their session.
  Effects connection_closed(ByteView group_id, uint64_t connection_id, Now now);

  // Topics are gone from the cluster: their offsets go, too.
  Effects topics_deleted(std::span<const DeletedTopic> topics);

  // --- for tests and metrics

  const ClassicGroup* find_group(ByteView group_id) const;
  const std::map<Bytes, std::unique_ptr<ClassicGroup>, std::less<>>& groups() const { return groups_; }
  const OffsetStore& offsets() const { return offsets_; }

 private:
  // One input being handled.
  struct Turn {
    Now now;
    Effects effects;
    // What to do if the records cannot be appended; without it the answers stand as they are.
    std::function<void(ErrorCode, Turn&)> undo;

    template <class Response>
    void answer(AnswerToken token, Response response) {
      effects.answers.push_back({token, std::move(response)});
    }
    void write(CoordinatorRecord record) { effects.records.push_back(std::move(record)); }
  };

  Turn begin(Now now);
  Effects finish(Turn turn);
  // On failure the caller's answer becomes the error.
  static void undo_with_error(Turn& turn, AnswerToken token);

  ClassicGroup* group(ByteView group_id);
  ClassicGroup& create_group(ByteView group_id, int64_t wall_ms);
  void apply_group(const Bytes& group_id, const std::optional<GroupMetadataValue>& value);
  Timer* find_timer(const TimerName& name);
  void fire(Turn& turn, const TimerName& name);

  // join_group.cc
  void join_known_group(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group);
  bool accepts_joining(ClassicGroup& group, ByteView member_id) const;
  void join_new_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group);
  void join_existing_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group);
  void rejoin_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group,
                     ClassicMember& member);
  void add_member_then_rebalance(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group,
                                 const Bytes& member_id);
  void update_member_then_rebalance(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                                    ClassicGroup& group, ClassicMember& member, ByteView why);
  // static_member.cc
  void replace_static_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group,
                             const Bytes& old_id, const Bytes& new_id);
  void keep_generation_of_static_member(Turn& turn, const Caller& caller, ClassicGroup& group, ClassicMember& member,
                                        const ClassicMember& before, const Bytes& old_leader);

  // rebalance.cc
  void rebalance_or_complete_join(Turn& turn, ClassicGroup& group, ByteView why);
  void prepare_rebalance(Turn& turn, ClassicGroup& group, ByteView why);
  void maybe_complete_join(Turn& turn, ClassicGroup& group);
  void continue_initial_rebalance(Turn& turn, ClassicGroup& group);
  void complete_join(Turn& turn, ClassicGroup& group);
  void remove_member_then_rebalance(Turn& turn, ClassicGroup& group, ClassicMember& member, ByteView why);
  void expire_session(Turn& turn, ClassicGroup& group, const Bytes& member_id);
  void expire_pending_sync(Turn& turn, ClassicGroup& group);
  // Answers what the member waits for, and removes it.
  void drop_member(Turn& turn, ClassicGroup& group, ClassicMember& member);
  // The answer to a join that succeeded. The leader's gets the list of members, where it is to assign.
  static JoinGroupResponse joined(const ClassicGroup& group, ByteView member_id, ByteView leader, bool with_members);
  void answer_join(Turn& turn, ClassicGroup& group, ClassicMember& member, JoinGroupResponse response);
  void answer_syncs(Turn& turn, ClassicGroup& group, ErrorCode error);
  void touch_session(Turn& turn, ClassicGroup& group, ClassicMember& member, int64_t timeout_ms);
  void touch_session(Turn& turn, ClassicGroup& group, ClassicMember& member);
  // A request of this member: it is alive, wherever its connections are.
  static void heard_from(ClassicMember& member, const Caller& caller);

  // sync_group.cc
  void sync_completing(Turn& turn, const Caller& caller, const SyncGroupRequest& request, ClassicGroup& group,
                       ClassicMember& member);
  void store_assignments(Turn& turn, const SyncGroupRequest& request, ClassicGroup& group);
  void received_sync(ClassicGroup& group, ByteView member_id);

  // heartbeat_leave.cc
  ErrorCode leave_one(Turn& turn, ClassicGroup& group, const LeaveGroupRequest::MemberIdentity& leaving);

  // group_offsets.cc
  ErrorCode validate_commit(Turn& turn, const Caller& caller, const OffsetCommitRequest& request);
  // txn_offset_commit.cc
  ErrorCode validate_transactional_commit(Turn& turn, const TxnOffsetCommitRequest& request);
  OffsetFetchResponse::OffsetFetchResponsePartitions fetched(ByteView group_id, ByteView topic, const Uuid& topic_id,
                                                             int32_t partition, const CommittedOffset* offset,
                                                             bool require_stable) const;
  void write_offset_tombstones(Turn& turn, ByteView group_id) const;
  // True if nothing is left of the group's offsets after this.
  bool expire_offsets(Turn& turn, ByteView group_id, const ClassicGroup& group) const;
  void expire_groups(Turn& turn);

  const GroupConfig config_;
  const IdSource new_id_;
  std::map<Bytes, std::unique_ptr<ClassicGroup>, std::less<>> groups_;
  OffsetStore offsets_;
  Deadlines deadlines_;
  int64_t next_expiry_ms_ = kNever;
  bool loading_ = true;
  bool closed_ = false;
  // Records of the last input that are not applied yet, and how to take it back.
  size_t unapplied_ = 0;
  std::function<void(ErrorCode, Turn&)> undo_;
};

// A partition's append error in the words a group's client understands (Kafka: appendGroupMetadataErrorToResponseError).
ErrorCode group_error_of_append(ErrorCode error);

// The protocols of a join, kept beyond its frame.
MemberProtocols protocols_of(const JoinGroupRequest& request);
// Its rebalance timeout; in version 0 that is the session's.
int32_t rebalance_timeout_of(const Caller& caller, const JoinGroupRequest& request);

// Puts an error in place of what an answer says, as Kafka's error answer of that request looks.
void turn_into_error(GroupResponse& response, ErrorCode error);

}  // namespace milena
