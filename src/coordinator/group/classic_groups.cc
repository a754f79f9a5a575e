// ClassicGroups: the records of classic groups, their timers, and their creation and removal in a shard. The requests
// are in join_group.cc, sync_group.cc and heartbeat_leave.cc.
#include "coordinator/group/classic_groups.h"

#include "coordinator/group/planted_group_bugs.h"

namespace milena::coordinator {

void ClassicGroups::apply(const Bytes& group_id, const std::optional<GroupMetadataValue>& value, bool loading) {
  if (!value) return space_.groups.erase<ClassicGroup>(group_id);
  ClassicGroup* known = find(group_id);
  if (known != nullptr && !loading) return known->on_record(*value);
  space_.groups.put(std::make_unique<ClassicGroup>(group_id, *value));
}

void ClassicGroups::loaded(Turn& turn, Group& group) {
  ClassicGroup& own = static_cast<ClassicGroup&>(group);
  if (MILENA_GROUP_BUG(kLoadedMembersLiveForever)) return;
  for (auto& [member_id, member] : own.members()) touch_session(turn, own, member);
  if (static_cast<int64_t>(own.members().size()) > config().max_size) {
    prepare_rebalance(turn, own, "it has more members than group.max.size");
  }
}

void ClassicGroups::close(Turn& turn, ErrorCode error) {
  for (ClassicGroup* group : space_.groups.of_kind<ClassicGroup>()) {
    for (auto& [member_id, member] : group->members()) {
      answer_join(turn, *group, member, join_error(error, member_id));
    }
    answer_syncs(turn, *group, error);
  }
}

// A commit is a sign of life.
void ClassicGroups::committed(Turn& turn, Group& group, ByteView member_id) {
  ClassicGroup& own = static_cast<ClassicGroup&>(group);
  if (ClassicMember* member = own.find_member(member_id)) touch_session(turn, own, *member);
}

Timer* ClassicGroups::find_timer(const TimerName& name) {
  ClassicGroup* owner = find(name.group_id);
  if (owner == nullptr) return nullptr;
  if (name.kind == TimerKind::kJoin) return &owner->join_timer;
  if (name.kind == TimerKind::kSync) return &owner->sync_timer;
  if (ClassicMember* member = owner->find_member(name.member_id)) return &member->session;
  const auto pending = owner->pending_members().find(name.member_id);
  return pending == owner->pending_members().end() ? nullptr : &pending->second;
}

void ClassicGroups::fire(Turn& turn, const TimerName& name) {
  ClassicGroup& owner = *find(name.group_id);
  switch (name.kind) {
    case TimerKind::kSession: return expire_session(turn, owner, name.member_id);
    case TimerKind::kSync: return expire_pending_sync(turn, owner);
    case TimerKind::kJoin:
      return owner.initial_delay ? continue_initial_rebalance(turn, owner) : complete_join(turn, owner);
    default: return;
  }
}

}  // namespace milena::coordinator
