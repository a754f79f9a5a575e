#include "broker/api/group_fan_out.h"

#include <algorithm>

#include "broker/shard_context.h"

namespace milena::broker {

std::vector<GroupPart> split_by_coordinator(const ShardContext& from, const std::vector<ByteView>& groups) {
  std::vector<GroupPart> parts;
  for (ByteView group : groups) {
    int32_t partition = GroupRuntime::partition_of(from, group);
    auto part = std::find_if(parts.begin(), parts.end(), [&](const GroupPart& p) { return p.partition == partition; });
    if (part == parts.end()) part = parts.insert(parts.end(), GroupPart{partition, {}});
    part->groups.push_back(group);
  }
  return parts;
}

void ask_parts(Shard& from, std::vector<GroupPart> parts,
               std::function<coordinator::Effects(coordinator::GroupShard&, const GroupPart&, coordinator::AnswerToken,
                                                  coordinator::Now)>
                   input,
               std::function<void(const GroupPart&, ErrorCode, coordinator::GroupResponse*)> each,
               std::function<void()> done) {
  if (parts.empty()) return done();
  auto open = std::make_shared<size_t>(parts.size());
  for (GroupPart& part : parts) {
    auto shared = std::make_shared<const GroupPart>(std::move(part));
    GroupRuntime::submit(
        from, shared->partition,
        [input, shared](coordinator::GroupShard& state, coordinator::AnswerToken token, coordinator::Now now) {
          return input(state, *shared, token, now);
        },
        [each, done, open, shared](ErrorCode error, coordinator::GroupResponse* response) {
          each(*shared, error, response);
          if (--*open == 0) done();
        });
  }
}

}  // namespace milena::broker
