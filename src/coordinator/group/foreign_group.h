// ForeignGroup: a share or streams group. It is not served here, but it is there: a group of another kind must not take
// its name, or Kafka could not load the partition any more. Hard state, changed by records alone.
#pragma once

#include <set>

#include "coordinator/group/group.h"
#include "coordinator/group/group_records.h"

namespace milena::coordinator {

class ForeignGroup : public Group {
 public:
  static bool is(GroupType type) { return type == GroupType::kShare || type == GroupType::kStreams; }

  ForeignGroup(Bytes id, GroupType type) : Group(std::move(id)), type_(type) {}

  GroupType type() const override { return type_; }
  ByteView listed_state() const override { return members_.empty() ? "Empty" : "Stable"; }
  ByteView listed_protocol_type() const override { return group_type_name(type_); }
  size_t member_count() const override { return members_.size(); }
  // A commit of no member to an empty streams group, as an administrator's, is accepted.
  ErrorCode validate_commit(const CommitContext& context, const OffsetCommitRequest& request) const override;
  ErrorCode validate_transactional_commit(const CommitContext& context,
                                          const TxnOffsetCommitRequest& request) const override;
  ErrorCode validate_fetch(const OffsetFetchGroup& request) const override;
  ErrorCode validate_offset_delete() const override { return ErrorCode::kGroupIdNotFound; }
  bool is_subscribed_to(ByteView) const override { return false; }
  std::optional<OffsetRetention> offset_retention() const override { return std::nullopt; }
  ErrorCode validate_delete() const override;
  bool may_be_removed() const override { return false; }
  void write_tombstones(std::vector<CoordinatorRecord>& records) const override;

  void set_type(GroupType type) { type_ = type; }
  void put_member(const Bytes& member_id) { members_.insert(member_id); }
  void remove_member(const Bytes& member_id) { members_.erase(member_id); }

 private:
  ErrorCode validate_committer(bool is_member) const;

  GroupType type_;
  std::set<Bytes> members_;
};

class GroupTable;
// A record of a kind that is not served.
void apply_foreign(GroupTable& groups, const OtherRecord& record);

}  // namespace milena::coordinator
