// GroupShard: DescribeGroups, ListGroups, DeleteGroups. Versions: Describe 6 GROUP_ID_NOT_FOUND with its message; List
// 4 filters by state, 5 by type.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/group_shard.h"

namespace milena {
namespace {

constexpr int16_t kFirstVersionWithGroupNotFound = 6;
constexpr ByteView kClassicType = "classic";
constexpr ByteView kConsumerType = "consumer";

bool equal_ignoring_case(ByteView a, ByteView b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool passes(const std::vector<ByteView>& filter, ByteView value) {
  return filter.empty() ||
         std::any_of(filter.begin(), filter.end(), [&](ByteView wanted) { return equal_ignoring_case(wanted, value); });
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

// Or one of another kind.
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
    response.groups.push_back(known != nullptr ? describe_group(*known)
                                               : describe_missing_group(id, caller.api_version,
                                                                        find_consumer_group(id) != nullptr ||
                                                                            foreign_.find(id) != nullptr));
    fill_answer(caller, id, size_of(response.groups.back()));
  }
  turn.answer(caller.token, std::move(response));
  return finish(std::move(turn));
}

Effects GroupShard::list_groups(const Caller& caller, const ListGroupsRequest& request) {
  Turn turn = begin({});
  ListGroupsResponse response;
  if (passes(request.types_filter, kClassicType)) {
    for (const auto& [id, group] : groups_) {
      const ByteView state = group_state_name(group->state());
      if (!passes(request.states_filter, state)) continue;
      response.groups.push_back({.group_id = id,
                                 .protocol_type = group->protocol_type().value_or(""),
                                 .group_state = Bytes(state),
                                 .group_type = Bytes(kClassicType)});
    }
  }
  if (passes(request.types_filter, kConsumerType)) {
    for (const auto& [id, group] : consumer_groups_) {
      const ByteView state = consumer_group_state_name(group->state());
      if (!passes(request.states_filter, state)) continue;
      response.groups.push_back({.group_id = id,
                                 .protocol_type = Bytes(kConsumerType),
                                 .group_state = Bytes(state),
                                 .group_type = Bytes(kConsumerType)});
    }
  }
  for (const auto& [id, group] : foreign_.all()) {
    const ByteView kind = foreign_kind_name(group.kind);
    const ByteView state = group.members.empty() ? "Empty" : "Stable";
    if (!passes(request.types_filter, kind) || !passes(request.states_filter, state)) continue;
    response.groups.push_back(
        {.group_id = id, .protocol_type = Bytes(kind), .group_state = Bytes(state), .group_type = Bytes(kind)});
  }
  turn.answer(caller.token, std::move(response));
  return finish(std::move(turn));
}

Effects GroupShard::delete_groups(const Caller& caller, std::span<const ByteView> groups, Now now) {
  Turn turn = begin(now);
  DeleteGroupsResponse response;
  for (ByteView id : groups) {
    const ClassicGroup* known = find_group(id);
    const ConsumerGroup* modern = find_consumer_group(id);
    ErrorCode error = ErrorCode::kNone;
    if (const ForeignGroups::Group* other = foreign_.find(id)) {
      // Its end takes records that are not understood here.
      error = other->members.empty() ? ErrorCode::kUnsupportedVersion : ErrorCode::kNonEmptyGroup;
    } else if (known == nullptr && modern == nullptr) {
      error = ErrorCode::kGroupIdNotFound;
    } else if (known != nullptr ? !known->is(GroupState::kEmpty) : !modern->is_empty()) {
      error = ErrorCode::kNonEmptyGroup;
    } else {
      log_info("Group {}: deleted on request", id);
      write_offset_tombstones(turn, id);
      write_group_tombstones(turn, id);
    }
    DeleteGroupsResponse::DeletableGroupResult& result = response.results.emplace_back();
    result.group_id = id;
    result.error_code = error;
  }
  turn.answer(caller.token, std::move(response));
  undo_with_error(turn, caller.token);
  return finish(std::move(turn));
}

void GroupShard::write_group_tombstones(Turn& turn, ByteView group_id) const {
  if (const ConsumerGroup* modern = find_consumer_group(group_id))
    return write_consumer_group_tombstones(turn, *modern);
  turn.write(make_group_tombstone(group_id));
}

}  // namespace milena
