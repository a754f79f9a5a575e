#include "coordinator/group/foreign_groups.h"

#include "protocol/messages/offsets/record_type.h"

namespace milena {

bool ForeignGroups::apply(const OtherRecord& record) {
  if (record.group_id.empty()) return false;
  const auto type = static_cast<OffsetsRecordType>(record.type);
  const bool of_group =
      type == OffsetsRecordType::kShareGroupMetadata || type == OffsetsRecordType::kStreamsGroupMetadata;
  const bool of_member =
      type == OffsetsRecordType::kShareGroupMemberMetadata || type == OffsetsRecordType::kStreamsGroupMemberMetadata;
  auto at = groups_.find(record.group_id);
  if (record.is_tombstone) {
    if (at == groups_.end()) return false;
    if (of_group) groups_.erase(at);
    else if (of_member) at->second.members.erase(record.member_id);
    return false;
  }
  const bool made = at == groups_.end();
  if (made) at = groups_.emplace(record.group_id, Group{}).first;
  at->second.kind = is_streams_record(record.type) ? Kind::kStreams : Kind::kShare;
  if (of_member) at->second.members.insert(record.member_id);
  return made;
}

void ForeignGroups::forget(ByteView group_id) {
  const auto at = groups_.find(group_id);
  if (at != groups_.end()) groups_.erase(at);
}

const ForeignGroups::Group* ForeignGroups::find(ByteView group_id) const {
  const auto at = groups_.find(group_id);
  return at == groups_.end() ? nullptr : &at->second;
}

ByteView foreign_kind_name(ForeignGroups::Kind kind) {
  return kind == ForeignGroups::Kind::kShare ? "share" : "streams";
}

}  // namespace milena
