// The assignor "range". Static members come first, in the order of their instance ids, so that they keep their ranges
// when their member ids change.
#include <algorithm>

#include "coordinator/assignor/assignor.h"
#include "coordinator/assignor/topic_places.h"

namespace milena::coordinator {
namespace {

// Assigns one topic from the front.
struct Range {
  int32_t partitions = 0;
  int32_t members = 0;
  int32_t next = 0;
  int32_t given = 0;  // number of members so far

  // The first `partitions % members` members get one more than the others.
  std::pair<int32_t, int32_t> take() {
    const int32_t size = partitions / members + (given < partitions % members ? 1 : 0);
    ++given;
    const int32_t first = next;
    next += size;
    return {first, next};
  }
};

bool comes_before(const AssignableMember& a, const AssignableMember& b) {
  if (a.instance_id && b.instance_id) return *a.instance_id < *b.instance_id;
  if (a.instance_id || b.instance_id) return a.instance_id.has_value();
  return a.id < b.id;
}

}  // namespace

std::vector<Assignment> assign_by_range(const AssignableGroup& group) {
  TopicPlaces places(group);
  std::vector<Range> ranges;
  ranges.reserve(places.ids().size());
  for (const auto& [topic, count] : group.partition_counts) ranges.push_back({.partitions = count});
  for (const AssignableMember& member : group.members) {
    for (const uint32_t place : places.of(member)) ++ranges[place].members;
  }
  std::vector<size_t> order(group.members.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return comes_before(group.members[a], group.members[b]); });

  std::vector<Assignment> assignments(group.members.size());
  for (size_t member : order) {
    Assignment& assignment = assignments[member];
    for (const uint32_t place : places.of(group.members[member])) {
      const auto [first, last] = ranges[place].take();
      if (first == last) continue;
      auto& partitions = assignment.emplace_hint(assignment.end(), places.ids()[place], PartitionNumbers())->second;
      for (int32_t partition = first; partition < last; ++partition) partitions.append(partition);
    }
  }
  return assignments;
}

}  // namespace milena::coordinator
