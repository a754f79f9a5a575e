// ForeignGroup: a share or streams group. It is not served here, but keeps its name: if a group of another kind took
// it, Kafka could no longer load the partition. Hard state, changed only by records.
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
  // A commit without a member (an administrator's) to an empty streams group is accepted.
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
