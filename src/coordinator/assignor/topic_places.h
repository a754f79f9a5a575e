// TopicPlaces: numbers for the topics of a group. A group may have tens of thousands of topics and each member may
// subscribe to most of them: map lookups would take seconds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "coordinator/assignor/assignor.h"

namespace milena::coordinator {

class TopicPlaces {
 public:
  explicit TopicPlaces(const AssignableGroup& group) {
    ids_.reserve(group.partition_counts.size());
    for (const auto& [id, count] : group.partition_counts) ids_.push_back(id);
  }

  // In the order of the ids.
  const std::vector<Uuid>& ids() const { return ids_; }

  // The number of a topic, which must be there.
  size_t of(const Uuid& id) const {
    return static_cast<size_t>(std::lower_bound(ids_.begin(), ids_.end(), id) - ids_.begin());
  }

  // The numbers of the member's topics, in their order. Most members share their topics with the previous member.
  const std::vector<uint32_t>& of(const AssignableMember& member) {
    if (member.topics == last_) return places_;
    last_ = member.topics;
    places_.clear();
    places_.reserve(member.topics->size());
    size_t at = 0;
    for (const Uuid& id : *member.topics) {
      // The next one is usually near: the steps grow until it is behind.
      size_t step = 1;
      while (at + step < ids_.size() && ids_[at + step] < id) step *= 2;
      const auto first = ids_.begin() + static_cast<ptrdiff_t>(at);
      const auto last = ids_.begin() + static_cast<ptrdiff_t>(std::min(at + step + 1, ids_.size()));
      at = static_cast<size_t>(std::lower_bound(first, last, id) - ids_.begin());
      places_.push_back(static_cast<uint32_t>(at));
    }
    return places_;
  }

 private:
  std::vector<Uuid> ids_;
  std::shared_ptr<const std::vector<Uuid>> last_;
  std::vector<uint32_t> places_;
};

}  // namespace milena::coordinator
