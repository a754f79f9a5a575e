// ForeignGroups: the share and streams groups of one partition of __consumer_offsets. They are not served here, but
// they are there: a group of another kind must not take a name of theirs, or Kafka could not load the partition any
// more. Hard state, changed by records alone, as in GroupShard.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "base/bytes.h"
#include "coordinator/group/group_records.h"

namespace milena {

class ForeignGroups {
 public:
  enum class Kind { kShare, kStreams };
  struct Group {
    Kind kind = Kind::kShare;
    std::set<Bytes> members;
  };
  using Groups = std::map<Bytes, Group, std::less<>>;

  // A record of a group. True if it made the group.
  bool apply(const OtherRecord& record);
  // Records of another kind have the name now.
  void forget(ByteView group_id);

  const Group* find(ByteView group_id) const;
  const Groups& all() const { return groups_; }

 private:
  Groups groups_;
};

ByteView foreign_kind_name(ForeignGroups::Kind kind);

}  // namespace milena
