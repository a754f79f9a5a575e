// The assignor "uniform" where all members subscribe to the same topics. All members get the same number of partitions,
// plus or minus one; only members with too many lose partitions. Members of different subscriptions:
// uniform_heterogeneous.cc.
#include <algorithm>

#include "base/check.h"
#include "coordinator/assignor/assignor.h"
#include "coordinator/assignor/uniform_heterogeneous.h"

namespace milena::coordinator {
namespace {

struct Partition {
  Uuid topic;
  int32_t number;
};

class HomogeneousAssignment {
 public:
  explicit HomogeneousAssignment(const AssignableGroup& group) : group_(group), targets_(group.members.size()) {}

  std::vector<Assignment> build() {
    int64_t total = 0;
    for (const auto& [topic, count] : group_.partition_counts) {
      taken_.emplace(topic, std::vector<bool>(static_cast<size_t>(count)));
      total += count;
    }
    const auto members = static_cast<int64_t>(group_.members.size());
    quota_ = total / members;
    extras_ = total % members;
    for (size_t i = 0; i < targets_.size(); ++i) keep_within_quota(i);
    hand_out();
    return std::move(targets_);
  }

 private:
  // Keeps the partitions that the member has and may keep, and counts how many it lacks.
  void keep_within_quota(size_t index) {
    Assignment& target = targets_[index];
    int64_t room = quota_ + (extras_ > 0 ? 1 : 0);
    bool has_extra = extras_ > 0;
    for (const auto& [topic, partitions] : *group_.members[index].present) {
      const auto taken = taken_.find(topic);
      if (taken == taken_.end() || room == 0) continue;  // no longer subscribed, or gone
      std::vector<int32_t> kept;
      for (int32_t partition : partitions) {
        const bool exists = partition >= 0 && partition < static_cast<int32_t>(taken->second.size());
        if (room == 0 || !exists || taken->second[static_cast<size_t>(partition)]) continue;
        --room;
        taken->second[static_cast<size_t>(partition)] = true;
        kept.push_back(partition);
      }
      if (!kept.empty()) target.emplace_hint(target.end(), topic, PartitionNumbers(kept.begin(), kept.end()));
    }
    // Members that already have one partition more keep it, as long as enough members are left to take the rest.
    const auto others = static_cast<int64_t>(group_.members.size() - index);
    if (room > 0 && has_extra && others > extras_) {
      --room;
      has_extra = false;
    }
    if (has_extra) --extras_;
    if (room > 0) short_of_.emplace_back(index, room);
  }

  void hand_out() {
    auto next = short_of_.begin();
    std::vector<int32_t> given;
    const auto give = [&](const Uuid& topic) {
      if (!given.empty()) targets_[next->first][topic].merge(given);
      given.clear();
    };
    for (const auto& [topic, taken] : taken_) {
      for (size_t partition = 0; partition < taken.size(); ++partition) {
        if (taken[partition]) continue;
        CHECK(next != short_of_.end(), "partitions are left over");
        given.push_back(static_cast<int32_t>(partition));
        if (--next->second > 0) continue;
        give(topic);
        ++next;
      }
      give(topic);
    }
  }

  const AssignableGroup& group_;
  std::vector<Assignment> targets_;
  std::map<Uuid, std::vector<bool>> taken_;
  std::vector<std::pair<size_t, int64_t>> short_of_;
  int64_t quota_ = 0;
  int64_t extras_ = 0;  // members that still get one partition more
};

}  // namespace

std::vector<Assignment> assign_uniformly(const AssignableGroup& group) {
  if (group.members.empty()) return {};
  if (group.partition_counts.empty()) return std::vector<Assignment>(group.members.size());
  return group.homogeneous ? HomogeneousAssignment(group).build() : assign_uniformly_heterogeneous(group);
}

Assignor find_assignor(ByteView name) {
  if (name == "uniform") return assign_uniformly;
  if (name == "range") return assign_by_range;
  return nullptr;
}

}  // namespace milena::coordinator
