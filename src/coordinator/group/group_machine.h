// GroupMachine: the behaviour of the groups of one kind: joins, responses to members, timeouts. A shard has one machine
// for each kind and passes it the inputs of its groups. The machines of a shard share a GroupSpace.
#pragma once

#include "coordinator/deadlines.h"
#include "coordinator/group/group_table.h"
#include "coordinator/group/group_turn.h"
#include "metadata/image.h"

namespace milena::coordinator {

// Owned by the shard, which outlives its machines.
struct GroupSpace {
  GroupConfig config;
  const IdSource new_id;
  GroupTable groups;
  Deadlines deadlines;
  // The cluster's metadata; an empty image until it is set.
  const metadata::MetadataImage* image;
  bool closed = false;
};

// The connection of a member, and its session timeout. Null for unknown members.
struct SpeakingMember {
  MemberConnection* connection = nullptr;
  int64_t session_timeout_ms = 0;
};

class GroupMachine {
 public:
  using Turn = GroupTurn;

  explicit GroupMachine(GroupSpace& space) : space_(space) {}
  virtual ~GroupMachine() = default;
  GroupMachine(const GroupMachine&) = delete;
  GroupMachine& operator=(const GroupMachine&) = delete;

  // --- requests of members that use the classic protocol

  virtual void join(Turn& turn, const Caller& caller, const JoinGroupRequest& request) = 0;
  virtual void sync(Turn& turn, const Caller& caller, const SyncGroupRequest& request) = 0;
  virtual void heartbeat(Turn& turn, const Caller& caller, const HeartbeatRequest& request) = 0;
  virtual void leave(Turn& turn, const Caller& caller, const LeaveGroupRequest& request) = 0;

  // --- signs of life; the group is of this machine's kind

  virtual SpeakingMember find_speaking(Group& group, ByteView member_id) = 0;
  // The member sent a request: stops the deadline that began when its connection was closed.
  virtual void heard_of(Turn& turn, Group& group, ByteView member_id) = 0;
  // The member has committed offsets.
  virtual void committed(Turn& turn, Group& group, ByteView member_id) = 0;
  // A client has closed this connection: starts the deadlines of its dynamic members.
  virtual void give_up_members_of(Group& group, uint64_t connection_id, Now now) = 0;

  // --- time

  // All records are applied: starts the sessions of this group's members.
  virtual void loaded(Turn& turn, Group& group) = 0;
  // Null if its owner is gone.
  virtual Timer* find_timer(const TimerName& name) = 0;
  virtual void fire(Turn& turn, const TimerName& name) = 0;

 protected:
  const GroupConfig& config() const { return space_.config; }
  const metadata::MetadataImage& image() const { return *space_.image; }
  Deadlines& deadlines() { return space_.deadlines; }

  GroupSpace& space_;
};

// The deadline of a member whose client closed its connection now.
int64_t gone_deadline_ms(const GroupConfig& config, const MemberConnection& connection, int64_t session_timeout_ms,
                         Now now);

}  // namespace milena::coordinator
