// GroupShard: DescribeGroups, ListGroups, DeleteGroups. Versions: Describe 6 GROUP_ID_NOT_FOUND with its message; List
// 4 filters by state, 5 by type.
#include <algorithm>
#include <span>
#include <utility>

#include "base/ascii.h"
#include "base/log.h"
#include "coordinator/group/group_shard.h"

namespace milena::coordinator {
namespace {

constexpr int16_t kFirstVersionWithGroupNotFound = 6;

bool is_any_of(std::span<const ByteView> names, ByteView value) {
  return std::any_of(names.begin(), names.end(), [&](ByteView name) { return equals_ignoring_case(name, value); });
}

bool passes(std::span<const ByteView> filter, ByteView value) { return filter.empty() || is_any_of(filter, value); }

void shorten_filter(std::vector<ByteView>& filter, std::span<const ByteView> known) {
  std::vector<ByteView> kept;
  for (ByteView wanted : filter) {
    if (!is_any_of(known, wanted) || is_any_of(kept, wanted)) continue;
    kept.push_back(wanted);
  }
  // With only unknown names nothing is listed.
  if (kept.empty() && !filter.empty()) kept.push_back(filter.front());
  filter = std::move(kept);
}

DescribeGroupsResponse::DescribedGroup describe_group(const ClassicGroup& group) {
  DescribeGroupsResponse::DescribedGroup described;
  described.group_id = group.id();
  described.group_state = group_state_name(group.state());
  described.protocol_type = group.protocol_type().value_or("");
  const bool stable = group.is(GroupState::kStable);
  if (stable) described.protocol_data = group.protocol_name().value_or("");
  for (const auto& [id, member] : group.members()) {
    DescribeGroupsResponse::DescribedGroupMember& shown = described.members.emplace_back();
    shown.member_id = id;
    shown.group_instance_id = member.instance_id;
    shown.client_id = member.client_id;
    shown.client_host = member.client_host;
    if (stable) shown.member_metadata = member.metadata(described.protocol_data);
    shown.member_assignment = member.assignment;
  }
  return described;
}

size_t size_of(const DescribeGroupsResponse::DescribedGroup& group) {
  size_t bytes = sizeof(group);
  for (const auto& member : group.members) {
    bytes += sizeof(member) + member.member_id.size() + member.client_id.size() + member.client_host.size() +
             member.member_metadata.size() + member.member_assignment.size();
  }
  return bytes;
}

// Also for a group of another kind.
DescribeGroupsResponse::DescribedGroup describe_missing_group(ByteView group_id, int16_t version, bool is_there) {
  DescribeGroupsResponse::DescribedGroup described;
  described.group_id = group_id;
  described.group_state = "Dead";
  if (version >= kFirstVersionWithGroupNotFound) {
    described.error_code = ErrorCode::kGroupIdNotFound;
    described.error_message = "Group " + Bytes(group_id) + (is_there ? " is not a classic group." : " not found.");
  }
  return described;
}

}  // namespace

void shorten_group_filters(ListGroupsRequest& request) {
  shorten_filter(request.states_filter, group_state_names());
  shorten_filter(request.types_filter, group_type_names());
}

Effects GroupShard::describe_groups(const Caller& caller, std::span<const ByteView> groups) {
  Turn turn = begin({});
  DescribeGroupsResponse response;
  for (ByteView id : groups) {
    if (is_answer_full(caller)) {
      auto& refused = response.groups.emplace_back();
      refused.group_id = id;
      refused.error_code = ErrorCode::kUnknownServerError;
      continue;
    }
    const ClassicGroup* known = find_group(id);
    const bool is_there = space_.groups.find(id) != nullptr;
    response.groups.push_back(known != nullptr ? describe_group(*known)
                                               : describe_missing_group(id, caller.api_version, is_there));
    fill_answer(caller, id, size_of(response.groups.back()));
  }
  turn.answer(caller.token, std::move(response));
  return finish(std::move(turn));
}

Effects GroupShard::list_groups(const Caller& caller, const ListGroupsRequest& request) {
  Turn turn = begin({});
  ListGroupsResponse response;
  for (const auto& [id, group] : space_.groups.all()) {
    const ByteView type = group_type_name(group->type());
    const ByteView state = group->listed_state();
    if (!passes(request.types_filter, type) || !passes(request.states_filter, state)) continue;
    response.groups.push_back({.group_id = id,
                               .protocol_type = Bytes(group->listed_protocol_type()),
                               .group_state = Bytes(state),
                               .group_type = Bytes(type)});
  }
  turn.answer(caller.token, std::move(response));
  return finish(std::move(turn));
}

Effects GroupShard::delete_groups(const Caller& caller, std::span<const ByteView> groups, Now now) {
  Turn turn = begin(now);
  DeleteGroupsResponse response;
  for (ByteView id : groups) {
    const Group* group = space_.groups.find(id);
    const ErrorCode error = group == nullptr ? ErrorCode::kGroupIdNotFound : group->validate_delete();
    if (error == ErrorCode::kNone) {
      log_info("Group {}: deleted on request", id);
      offsets_.write_tombstones(turn, id);
      group->write_tombstones(turn.effects.records);
    }
    DeleteGroupsResponse::DeletableGroupResult& result = response.results.emplace_back();
    result.group_id = id;
    result.error_code = error;
  }
  turn.answer(caller.token, std::move(response));
  turn.undo_with_error(caller.token);
  return finish(std::move(turn));
}

}  // namespace milena::coordinator
