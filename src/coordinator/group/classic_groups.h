// ClassicGroups: the behaviour of classic groups: joins, assignments by the leader, rebalances, static members
// (KIP-345). These requests treat an unknown group as a classic one.
// (Kafka: the classicGroup methods of org.apache.kafka.coordinator.group.GroupMetadataManager.)
#pragma once

#include "coordinator/group/classic_group.h"
#include "coordinator/group/group_machine.h"

namespace milena::coordinator {

// For a group that changes its kind: the members' connections, and their running deadlines.
using MemberConnections = std::vector<std::pair<Bytes, MemberConnection>>;

class ClassicGroups : public GroupMachine {
 public:
  using GroupMachine::GroupMachine;

  void join(Turn& turn, const Caller& caller, const JoinGroupRequest& request) override;
  void sync(Turn& turn, const Caller& caller, const SyncGroupRequest& request) override;
  void heartbeat(Turn& turn, const Caller& caller, const HeartbeatRequest& request) override;
  void leave(Turn& turn, const Caller& caller, const LeaveGroupRequest& request) override;
  SpeakingMember find_speaking(Group& group, ByteView member_id) override;
  void heard_of(Turn& turn, Group& group, ByteView member_id) override;
  void committed(Turn& turn, Group& group, ByteView member_id) override;
  void give_up_members_of(Group& group, uint64_t connection_id, Now now) override;
  void loaded(Turn& turn, Group& group) override;
  Timer* find_timer(const TimerName& name) override;
  void fire(Turn& turn, const TimerName& name) override;

  ClassicGroup* find(ByteView group_id) const { return space_.groups.find<ClassicGroup>(group_id); }
  void apply(const Bytes& group_id, const std::optional<GroupMetadataValue>& value, bool loading);
  // All waiting requests get this error.
  void close(Turn& turn, ErrorCode error);

  // --- for groups that become classic ones, or were

  void take_over(ClassicGroup& group, const MemberConnections& connections);

  void prepare_rebalance(Turn& turn, ClassicGroup& group, ByteView why);
  void touch_session(Turn& turn, ClassicGroup& group, ClassicMember& member);
  void touch_session(Turn& turn, ClassicGroup& group, ClassicMember& member, int64_t timeout_ms);

 private:
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
  void maybe_complete_join(Turn& turn, ClassicGroup& group);
  void continue_initial_rebalance(Turn& turn, ClassicGroup& group);
  // Clients that start together join some milliseconds apart.
  bool waits_for_silence() const { return config().initial_rebalance_delay_ms == 0 && config().join_silence_ms > 0; }
  void complete_join(Turn& turn, ClassicGroup& group);
  void remove_member_then_rebalance(Turn& turn, ClassicGroup& group, ClassicMember& member, ByteView why);
  void expire_session(Turn& turn, ClassicGroup& group, const Bytes& member_id);
  void expire_pending_sync(Turn& turn, ClassicGroup& group);
  // Answers the member's waiting request, and removes it.
  void drop_member(Turn& turn, ClassicGroup& group, ClassicMember& member);
  // The response to a successful join. The leader's has the list of members, if it must assign.
  static JoinGroupResponse joined(const ClassicGroup& group, ByteView member_id, ByteView leader, bool with_members);
  void answer_join(Turn& turn, ClassicGroup& group, ClassicMember& member, JoinGroupResponse response);
  void answer_syncs(Turn& turn, ClassicGroup& group, ErrorCode error);

  // sync_group.cc
  void sync_completing(Turn& turn, const Caller& caller, const SyncGroupRequest& request, ClassicGroup& group,
                       ClassicMember& member);
  void store_assignments(Turn& turn, const SyncGroupRequest& request, ClassicGroup& group);
  void received_sync(ClassicGroup& group, ByteView member_id);

  // heartbeat_leave.cc
  ErrorCode leave_one(Turn& turn, ClassicGroup& group, const LeaveGroupRequest::MemberIdentity& leaving);
};

JoinGroupResponse join_error(ErrorCode error, ByteView member_id = {});

// The protocols of a join, copied from its frame.
MemberProtocols protocols_of(const JoinGroupRequest& request);
// Its rebalance timeout; in version 0 the session timeout.
int32_t rebalance_timeout_of(const Caller& caller, const JoinGroupRequest& request);

// The members that leave: in old versions the sender itself.
std::vector<LeaveGroupRequest::MemberIdentity> leaving_members(const Caller& caller, const LeaveGroupRequest& request);
// Up to version 2 the error of the single member is the response's.
LeaveGroupResponse leave_answer_in_version(LeaveGroupResponse response, int16_t version);

}  // namespace milena::coordinator
