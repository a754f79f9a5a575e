// ControllerAddresses: where controllers may be asked: the addresses of the settings, and that of the leader of the
// quorum, which need not be among them.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "broker/cluster/network.h"

namespace milena::broker {

class ControllerAddresses {
 public:
  // `known` must not be empty.
  explicit ControllerAddresses(std::vector<NodeAddress> known) : known_(std::move(known)) {
    CHECK(!known_.empty(), "no controller is known");
  }

  const NodeAddress& first() const { return known_.front(); }
  const std::optional<NodeAddress>& leader() const { return leader_; }
  void set_leader(const NodeAddress& leader) { leader_ = leader; }

  // The next one in turn that is not `asked`; `asked` if there is no other.
  NodeAddress other_than(const NodeAddress& asked) {
    const size_t count = known_.size() + (leader_ ? 1 : 0);
    for (size_t tries = 0; tries < count; tries++) {
      next_ = (next_ + 1) % count;
      const NodeAddress& one = next_ < known_.size() ? known_[next_] : *leader_;
      if (one != asked) return one;
    }
    return asked;
  }

 private:
  const std::vector<NodeAddress> known_;
  std::optional<NodeAddress> leader_;
  size_t next_ = 0;
};

}  // namespace milena::broker
