// The assignor "uniform" where members subscribe to different topics. Members keep their partitions at first; each
// unassigned one goes to the least loaded of its topic's subscribers; then, topic by topic, partitions move from the
// most to the least loaded member as long as that makes the two more equal. It ends after a pass without moves, or
// after the sixteenth: loads that depend on each other over many topics would converge slowly.
#include "coordinator/assignor/uniform_heterogeneous.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <set>

#include "coordinator/assignor/topic_places.h"

namespace milena::coordinator {
namespace {

constexpr int kMaxPasses = 16;
constexpr int32_t kNobody = -1;

struct SharedTopic {
  Uuid id;
  std::vector<int32_t> subscribers;
  std::vector<int32_t> owners;  // by partition
};

class HeterogeneousAssignment {
 public:
  explicit HeterogeneousAssignment(const AssignableGroup& group) : group_(group), loads_(group.members.size()) {
    TopicPlaces places(group);
    topics_.reserve(places.ids().size());
    for (const auto& [id, count] : group.partition_counts) {
      topics_.push_back({id, {}, std::vector<int32_t>(static_cast<size_t>(count), kNobody)});
    }
    for (size_t i = 0; i < group.members.size(); ++i) {
      for (const uint32_t place : places.of(group.members[i])) {
        topics_[place].subscribers.push_back(static_cast<int32_t>(i));
      }
    }
    keep_present(places);
    std::erase_if(topics_, [](const SharedTopic& topic) { return topic.subscribers.empty(); });
    std::sort(topics_.begin(), topics_.end(), is_harder);
  }

  std::vector<Assignment> build() {
    for (SharedTopic& topic : topics_) assign_rest(topic);
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      bool moved = false;
      for (SharedTopic& topic : topics_) moved = balance(topic) || moved;
      if (!moved) break;
    }
    std::vector<Assignment> assignments(group_.members.size());
    for (const SharedTopic& topic : topics_) {
      for (size_t partition = 0; partition < topic.owners.size(); ++partition) {
        assignments[static_cast<size_t>(topic.owners[partition])][topic.id].append(static_cast<int32_t>(partition));
      }
    }
    return assignments;
  }

 private:
  using ByLoad = std::set<std::pair<int32_t, int32_t>>;  // load, member

  // Topics with more partitions for each subscriber come first: those with few subscribers leave less choice.
  static bool is_harder(const SharedTopic& a, const SharedTopic& b) {
    const size_t left = a.owners.size() * b.subscribers.size();
    const size_t right = b.owners.size() * a.subscribers.size();
    if (left != right) return left > right;
    if (a.subscribers.size() != b.subscribers.size()) return a.subscribers.size() < b.subscribers.size();
    return a.id < b.id;
  }

  void keep_present(const TopicPlaces& places) {
    for (size_t i = 0; i < group_.members.size(); ++i) {
      const std::vector<Uuid>& subscribed = *group_.members[i].topics;
      for (const auto& [id, partitions] : *group_.members[i].present) {
        if (!std::binary_search(subscribed.begin(), subscribed.end(), id)) continue;
        SharedTopic& topic = topics_[places.of(id)];
        for (int32_t partition : partitions) {
          const bool exists = partition >= 0 && partition < static_cast<int32_t>(topic.owners.size());
          if (exists && topic.owners[static_cast<size_t>(partition)] == kNobody) {
            give(topic, static_cast<size_t>(partition), static_cast<int32_t>(i));
          }
        }
      }
    }
  }

  void give(SharedTopic& topic, size_t partition, int32_t member) {
    topic.owners[partition] = member;
    ++loads_[static_cast<size_t>(member)];
  }

  ByLoad by_load(const SharedTopic& topic) const {
    ByLoad members;
    for (int32_t member : topic.subscribers) members.emplace(loads_[static_cast<size_t>(member)], member);
    return members;
  }

  void assign_rest(SharedTopic& topic) {
    if (std::find(topic.owners.begin(), topic.owners.end(), kNobody) == topic.owners.end()) return;
    // A heap, whose front is the least loaded.
    std::vector<std::pair<int32_t, int32_t>> members;
    members.reserve(topic.subscribers.size());
    for (int32_t member : topic.subscribers) members.emplace_back(loads_[static_cast<size_t>(member)], member);
    std::make_heap(members.begin(), members.end(), std::greater<>());
    for (size_t partition = 0; partition < topic.owners.size(); ++partition) {
      if (topic.owners[partition] != kNobody) continue;
      std::pop_heap(members.begin(), members.end(), std::greater<>());
      give(topic, partition, members.back().second);
      ++members.back().first;
      std::push_heap(members.begin(), members.end(), std::greater<>());
    }
  }

  // Whether a partition of the topic may move. Most topics end here, without building a set.
  bool is_uneven(const SharedTopic& topic) const {
    int32_t least = std::numeric_limits<int32_t>::max();
    for (int32_t member : topic.subscribers) least = std::min(least, loads_[static_cast<size_t>(member)]);
    return std::any_of(topic.owners.begin(), topic.owners.end(),
                       [&](int32_t owner) { return loads_[static_cast<size_t>(owner)] - least > 1; });
  }

  // True if anything moved.
  bool balance(SharedTopic& topic) {
    if (!is_uneven(topic)) return false;
    ByLoad members = by_load(topic);
    std::map<int32_t, std::vector<size_t>> owned;
    for (size_t partition = 0; partition < topic.owners.size(); ++partition) {
      owned[topic.owners[partition]].push_back(partition);
    }
    // Members without partitions of this topic have nothing to give, but may take.
    ByLoad givers;
    for (const auto& [load, member] : members) {
      if (owned.count(member) > 0) givers.emplace(load, member);
    }
    bool moved = false;
    while (!givers.empty()) {
      const auto most = *givers.rbegin();
      const auto least = *members.begin();
      if (most.first - least.first <= 1) break;
      std::vector<size_t>& from = owned[most.second];
      const size_t partition = from.back();
      from.pop_back();
      owned[least.second].push_back(partition);
      --loads_[static_cast<size_t>(most.second)];
      give(topic, partition, least.second);
      members.erase(most);
      members.emplace(most.first - 1, most.second);
      members.erase(least);
      members.emplace(least.first + 1, least.second);
      givers.erase(most);
      if (!from.empty()) givers.emplace(most.first - 1, most.second);
      givers.erase(least);
      givers.emplace(least.first + 1, least.second);
      moved = true;
    }
    return moved;
  }

  const AssignableGroup& group_;
  std::vector<SharedTopic> topics_;
  std::vector<int32_t> loads_;
};

}  // namespace

std::vector<Assignment> assign_uniformly_heterogeneous(const AssignableGroup& group) {
  return HeterogeneousAssignment(group).build();
}

}  // namespace milena::coordinator
