#include "coordinator/group/group_records.h"

#include "coordinator/record_bytes.h"
#include "protocol/messages/offsets/record_type.h"

namespace milena::coordinator {
namespace {

constexpr int16_t kOffsetValueVersion = 4;
constexpr int16_t kOffsetValueVersionWithExpiry = 1;
constexpr int16_t kGroupValueVersion = 3;

ByteView group_of(const OffsetCommitKey& key) { return key.group; }
ByteView group_of(const GroupMetadataKey& key) { return key.group; }
template <class Key>
ByteView group_of(const Key& key) {
  return key.group_id;
}

template <class Record>
Result<ParsedRecord> parse_known_record(Reader& key_reader, std::optional<ByteView> value, int16_t type) {
  Record record;
  if (!parse_record_key(key_reader, record.key)) {
    return make_error(ErrorKind::kCorrupt, "a coordinator record's key of type {} cannot be read", type);
  }
  if (value && !parse_record_value(*value, record.value.emplace())) {
    return make_error(ErrorKind::kCorrupt, "the value of group '{}' of type {} cannot be read", group_of(record.key),
                      type);
  }
  return ParsedRecord(std::move(record));
}

// All keys begin with the group; those of members continue with the member.
Result<ParsedRecord> parse_other_record(Reader& key, bool is_tombstone, int16_t type) {
  OtherRecord record{.type = type, .group_id = {}, .member_id = {}, .is_tombstone = is_tombstone};
  if (!is_share_record(type) && !is_streams_record(type)) return ParsedRecord(std::move(record));
  key.read_string(record.group_id);
  const auto kind = static_cast<OffsetsRecordType>(type);
  if (kind == OffsetsRecordType::kShareGroupMemberMetadata || kind == OffsetsRecordType::kStreamsGroupMemberMetadata) {
    key.read_string(record.member_id);
  }
  if (!key.ok()) return make_error(ErrorKind::kCorrupt, "a coordinator record's key of type {} cannot be read", type);
  return ParsedRecord(std::move(record));
}

}  // namespace

bool is_share_record(int16_t type) {
  return type >= static_cast<int16_t>(OffsetsRecordType::kShareGroupMemberMetadata) &&
         type <= static_cast<int16_t>(OffsetsRecordType::kShareGroupStatePartitionMetadata);
}

bool is_streams_record(int16_t type) {
  return type >= static_cast<int16_t>(OffsetsRecordType::kStreamsGroupMetadata) &&
         type <= static_cast<int16_t>(OffsetsRecordType::kStreamsGroupTopology);
}

Result<ParsedRecord> parse_coordinator_record(ByteView key, std::optional<ByteView> value) {
  Reader reader(key);
  const int16_t type = reader.read_int16();
  if (!reader.ok()) return make_error(ErrorKind::kCorrupt, "a coordinator record's key of {} bytes", key.size());
  switch (static_cast<OffsetsRecordType>(type)) {
    case OffsetsRecordType::kLegacyOffsetCommit:
    case OffsetsRecordType::kOffsetCommit:
      return parse_known_record<OffsetRecord>(reader, value, type);
    case OffsetsRecordType::kGroupMetadata:
      return parse_known_record<GroupRecord>(reader, value, type);
    case OffsetsRecordType::kConsumerGroupMetadata:
      return parse_known_record<GroupEpochRecord>(reader, value, type);
    case OffsetsRecordType::kConsumerGroupPartitionMetadata:
      return parse_known_record<SubscriptionMetadataRecord>(reader, value, type);
    case OffsetsRecordType::kConsumerGroupMemberMetadata:
      return parse_known_record<MemberRecord>(reader, value, type);
    case OffsetsRecordType::kConsumerGroupTargetAssignmentMetadata:
      return parse_known_record<AssignmentEpochRecord>(reader, value, type);
    case OffsetsRecordType::kConsumerGroupTargetAssignmentMember:
      return parse_known_record<TargetRecord>(reader, value, type);
    case OffsetsRecordType::kConsumerGroupCurrentMemberAssignment:
      return parse_known_record<CurrentAssignmentRecord>(reader, value, type);
    case OffsetsRecordType::kConsumerGroupRegularExpression:
      return parse_known_record<RegexRecord>(reader, value, type);
    default:
      return parse_other_record(reader, !value, type);
  }
}

CoordinatorRecord make_offset_record(ByteView group, ByteView topic, int32_t partition, const CommittedOffset& offset) {
  OffsetCommitValue value;
  value.offset = offset.offset;
  value.leader_epoch = offset.leader_epoch;
  value.metadata = offset.metadata;
  value.commit_timestamp = offset.commit_timestamp_ms;
  value.expire_timestamp = offset.expire_timestamp_ms;
  value.topic_id = offset.topic_id;
  const int16_t version = offset.expire_timestamp_ms == -1 ? kOffsetValueVersion : kOffsetValueVersionWithExpiry;
  CoordinatorRecord record = make_offset_tombstone(group, topic, partition);
  record.value = prefixed(version, value, version);
  return record;
}

CoordinatorRecord make_offset_tombstone(ByteView group, ByteView topic, int32_t partition) {
  OffsetCommitKey key;
  key.group = group;
  key.topic = topic;
  key.partition = partition;
  return {prefixed(OffsetCommitKey::kType, key, 0), std::nullopt};
}

CoordinatorRecord make_group_record(ByteView group, const GroupMetadataValue& value) {
  CoordinatorRecord record = make_group_tombstone(group);
  record.value = prefixed(kGroupValueVersion, value, kGroupValueVersion);
  return record;
}

CoordinatorRecord make_group_tombstone(ByteView group) {
  GroupMetadataKey key;
  key.group = group;
  return {prefixed(GroupMetadataKey::kType, key, 0), std::nullopt};
}

CommittedOffset offset_from_record(const OffsetCommitValue& value, int64_t record_offset) {
  return {.offset = value.offset,
          .leader_epoch = value.leader_epoch,
          .metadata = value.metadata,
          .commit_timestamp_ms = value.commit_timestamp,
          .expire_timestamp_ms = value.expire_timestamp,
          .topic_id = value.topic_id,
          .record_offset = record_offset};
}

}  // namespace milena::coordinator
