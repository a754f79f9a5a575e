#include "coordinator/group/foreign_group.h"

#include "base/check.h"
#include "coordinator/group/group_table.h"
#include "protocol/messages/offsets/record_type.h"

namespace milena::coordinator {

// Deleting it needs records that are not supported here.
ErrorCode ForeignGroup::validate_delete() const {
  return members_.empty() ? ErrorCode::kUnsupportedVersion : ErrorCode::kNonEmptyGroup;
}

void ForeignGroup::write_tombstones(std::vector<CoordinatorRecord>&) const {
  CHECK(false, "group {} is {} and cannot be removed here", id(), group_type_name(type_));
}

void apply_foreign(GroupTable& groups, const OtherRecord& record) {
  if (record.group_id.empty()) return;
  const auto type = static_cast<OffsetsRecordType>(record.type);
  const bool of_group =
      type == OffsetsRecordType::kShareGroupMetadata || type == OffsetsRecordType::kStreamsGroupMetadata;
  const bool of_member =
      type == OffsetsRecordType::kShareGroupMemberMetadata || type == OffsetsRecordType::kStreamsGroupMemberMetadata;
  ForeignGroup* group = groups.find<ForeignGroup>(record.group_id);
  if (record.is_tombstone) {
    if (group == nullptr) return;
    if (of_group) {
      groups.erase(record.group_id);
    } else if (of_member) {
      group->remove_member(record.member_id);
    }
    return;
  }
  const GroupType own = is_streams_record(record.type) ? GroupType::kStreams : GroupType::kShare;
  // Offsets before it in the log may have created a simple group of that name.
  if (group == nullptr) group = groups.put(std::make_unique<ForeignGroup>(record.group_id, own)).first;
  group->set_type(own);
  if (of_member) group->put_member(record.member_id);
}

}  // namespace milena::coordinator
