// Decodes all records of __consumer_offsets, and encodes those of classic groups and offsets (consumer_records.h
// encodes the others). Pure functions.
//
// A key is its type (int16) and fields, a value its version (int16) and fields. We write Kafka 4.3's versions:
// OffsetCommitValue 4 (1 if an old client set an expiry), GroupMetadataValue 3; we read all versions (Kafka's
// GroupCoordinatorRecordHelpers and GroupCoordinatorRecordSerde; docs/formats/consumer-offsets.md).
#pragma once

#include <variant>

#include "base/result.h"
#include "coordinator/group/consumer_records.h"
#include "coordinator/group/group_types.h"
#include "coordinator/group/offset_store.h"
#include "protocol/messages/offsets/group_metadata.h"
#include "protocol/messages/offsets/offset_commit.h"

namespace milena::coordinator {

// A record that is not used here: of share and streams groups, with their names. For types of a newer Kafka only the
// type is known.
struct OtherRecord {
  int16_t type = 0;
  Bytes group_id;
  Bytes member_id;  // empty if the record is not a member's
  bool is_tombstone = false;
};
bool is_share_record(int16_t type);
bool is_streams_record(int16_t type);
// A key with its value; null is a tombstone.
template <class KeyType, class ValueType>
struct KeyedRecord {
  KeyType key;
  std::optional<ValueType> value;
};
using OffsetRecord = KeyedRecord<OffsetCommitKey, OffsetCommitValue>;
using GroupRecord = KeyedRecord<GroupMetadataKey, GroupMetadataValue>;
using GroupEpochRecord = KeyedRecord<ConsumerGroupMetadataKey, ConsumerGroupMetadataValue>;
using SubscriptionMetadataRecord = KeyedRecord<ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue>;
using MemberRecord = KeyedRecord<ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue>;
using AssignmentEpochRecord =
    KeyedRecord<ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue>;
using TargetRecord = KeyedRecord<ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue>;
using CurrentAssignmentRecord =
    KeyedRecord<ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue>;
using RegexRecord = KeyedRecord<ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue>;

using ParsedRecord =
    std::variant<OffsetRecord, GroupRecord, GroupEpochRecord, SubscriptionMetadataRecord, MemberRecord,
                 AssignmentEpochRecord, TargetRecord, CurrentAssignmentRecord, RegexRecord, OtherRecord>;

Result<ParsedRecord> parse_coordinator_record(ByteView key, std::optional<ByteView> value);

CoordinatorRecord make_offset_record(ByteView group, ByteView topic, int32_t partition, const CommittedOffset& offset);
CoordinatorRecord make_offset_tombstone(ByteView group, ByteView topic, int32_t partition);
CoordinatorRecord make_group_record(ByteView group, const GroupMetadataValue& value);
CoordinatorRecord make_group_tombstone(ByteView group);

CommittedOffset offset_from_record(const OffsetCommitValue& value, int64_t record_offset);

}  // namespace milena::coordinator
