#include "broker/api/group_call.h"
#include "broker/shard.h"

#include <algorithm>

namespace milena::broker {
namespace {

// A client usually has one connection per group. Beyond these bounds a group is not noted, and its member is removed
// only when its session expires.
constexpr size_t kMaxGroups = 64;
constexpr size_t kLongestNotedId_bytes = 1'024;

}  // namespace

void note_group(ConnectionState& connection, ByteView group_id) {
  if (group_id.size() > kLongestNotedId_bytes || connection.groups.size() >= kMaxGroups) return;
  // The last one first: it is nearly always the same.
  if (std::find(connection.groups.rbegin(), connection.groups.rend(), group_id) != connection.groups.rend()) return;
  connection.groups.emplace_back(group_id);
}

void tell_groups_of_closed_connection(Shard& shard, const ConnectionState& connection) {
  for (const Bytes& group_id : connection.groups) {
    GroupRuntime::submit(
        shard, GroupRuntime::partition_of(shard, group_id),
        [group_id, id = connection.info.id](coordinator::GroupShard& state, coordinator::AnswerToken,
                                            coordinator::Now now) {
          return state.connection_closed(group_id, id, now);
        },
        nullptr);
  }
}

}  // namespace milena::broker
