// Encodes and decodes the records of consumer groups (KIP-848) in __consumer_offsets. Pure functions. All have version
// 0, as in Kafka 4.3 (GroupCoordinatorRecordHelpers; docs/formats/consumer-offsets.md).
#pragma once

#include "coordinator/group/consumer_group.h"
#include "coordinator/group/group_types.h"
#include "protocol/messages/offsets/consumer_group_current_member_assignment.h"
#include "protocol/messages/offsets/consumer_group_member_metadata.h"
#include "protocol/messages/offsets/consumer_group_metadata.h"
#include "protocol/messages/offsets/consumer_group_partition_metadata.h"
#include "protocol/messages/offsets/consumer_group_regular_expression.h"
#include "protocol/messages/offsets/consumer_group_target_assignment_member.h"
#include "protocol/messages/offsets/consumer_group_target_assignment_metadata.h"

namespace milena::coordinator {

CoordinatorRecord make_group_epoch_record(ByteView group, int32_t epoch, int64_t metadata_hash);
CoordinatorRecord make_group_epoch_tombstone(ByteView group);
// Only the tombstone is written; Kafka 4.0 wrote the record itself.
CoordinatorRecord make_subscription_metadata_tombstone(ByteView group);
CoordinatorRecord make_member_record(ByteView group, const ConsumerMember& member);
CoordinatorRecord make_member_tombstone(ByteView group, ByteView member_id);
CoordinatorRecord make_assignment_epoch_record(ByteView group, int32_t epoch, int64_t timestamp_ms);
CoordinatorRecord make_assignment_epoch_tombstone(ByteView group);
CoordinatorRecord make_target_record(ByteView group, ByteView member_id, const Assignment& target);
CoordinatorRecord make_target_tombstone(ByteView group, ByteView member_id);
CoordinatorRecord make_current_assignment_record(ByteView group, const ConsumerMember& member);
CoordinatorRecord make_current_assignment_tombstone(ByteView group, ByteView member_id);
CoordinatorRecord make_regex_record(ByteView group, ByteView regex, const ResolvedRegex& resolved);
CoordinatorRecord make_regex_tombstone(ByteView group, ByteView regex);

// Copies a record's fields into the member; its other fields stay.
void update_member(ConsumerMember& member, const ConsumerGroupMemberMetadataValue& value);
void update_member(ConsumerMember& member, const ConsumerGroupCurrentMemberAssignmentValue& value);
Assignment target_from_record(const ConsumerGroupTargetAssignmentMemberValue& value);
ResolvedRegex regex_from_record(const ConsumerGroupRegularExpressionValue& value);

}  // namespace milena::coordinator
