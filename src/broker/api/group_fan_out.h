// Questions about several groups, or all of them: the part of each coordinator is asked, and the answers are put
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

// Groups by the partition that keeps them, in order of first mention.
std::vector<GroupPart> split_by_coordinator(const ShardContext& from, const std::vector<ByteView>& groups);

// Asks every part; `each` is told the outcome of one, `done` when all are told.
void ask_parts(Shard& from, std::vector<GroupPart> parts,
               std::function<coordinator::Effects(coordinator::GroupShard&, const GroupPart&, coordinator::AnswerToken,
                                                  coordinator::Now)>
                   input,
               std::function<void(const GroupPart&, ErrorCode, coordinator::GroupResponse*)> each,
               std::function<void()> done);

}  // namespace milena::broker
