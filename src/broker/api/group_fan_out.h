// Requests about several groups, or about all of them: asks each coordinator for its part, and puts the answers
// together on the asking shard.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/coordinators/group_runtime.h"

namespace milena::broker {

// One coordinator's part of a request.
struct GroupPart {
  int32_t partition = -1;
  std::vector<ByteView> groups;
};

// Groups by the partition that keeps them, in order of first mention. A part is small enough for one turn: a partition
// with many groups has several.
std::vector<GroupPart> split_by_coordinator(const ShardContext& from, const std::vector<ByteView>& groups);

// Asks for every part. `each` gets the outcome of one part; `done` runs after the last. Many parts take several turns,
// so that others are served in between.
void ask_parts(Shard& from, std::vector<GroupPart> parts,
               std::function<coordinator::Effects(coordinator::GroupShard&, const GroupPart&, coordinator::AnswerToken,
                                                  coordinator::Now)>
                   input,
               std::function<void(const GroupPart&, ErrorCode, coordinator::GroupResponse*)> each,
               std::function<void()> done);

}  // namespace milena::broker
