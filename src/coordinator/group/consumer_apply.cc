// ConsumerGroups: applies the records of consumer groups, both live and at load. At load compaction may have left any
// records in any order, so inconsistent ones are accepted.
#include <utility>

#include "base/log.h"
#include "coordinator/group/consumer_groups.h"
#include "coordinator/group/consumer_records.h"

namespace milena::coordinator {

ConsumerGroup& ConsumerGroups::make_group(const Bytes& group_id) {
  if (ConsumerGroup* known = find(group_id)) return *known;
  // Offsets before it in the log may have created a simple group of that name.
  return *space_.groups.put(std::make_unique<ConsumerGroup>(group_id)).first;
}

void ConsumerGroups::apply(const GroupEpochRecord& record) {
  if (record.value) {
    make_group(record.key.group_id).set_epoch(record.value->epoch, record.value->metadata_hash);
    return;
  }
  space_.groups.erase<ConsumerGroup>(record.key.group_id);
}

void ConsumerGroups::apply(const SubscriptionMetadataRecord& record) {
  if (record.value) {
    make_group(record.key.group_id).set_has_subscription_metadata_record(true);
  } else if (ConsumerGroup* group = find(record.key.group_id)) {
    group->set_has_subscription_metadata_record(false);
  }
}

void ConsumerGroups::apply(const MemberRecord& record) {
  if (!record.value) {
    if (ConsumerGroup* group = find(record.key.group_id)) group->remove_member(record.key.member_id);
    return;
  }
  ConsumerGroup& group = make_group(record.key.group_id);
  const ConsumerMember* known = group.find_member(record.key.member_id);
  ConsumerMember member = known != nullptr ? *known : ConsumerMember{.id = record.key.member_id};
  update_member(member, *record.value);
  group.put_member(std::move(member));
}

void ConsumerGroups::apply(const AssignmentEpochRecord& record) {
  if (record.value) {
    make_group(record.key.group_id)
        .set_assignment_epoch(record.value->assignment_epoch, record.value->assignment_timestamp);
  } else if (ConsumerGroup* group = find(record.key.group_id)) {
    group->set_assignment_epoch(-1, 0);
  }
}

void ConsumerGroups::apply(const TargetRecord& record) {
  if (record.value) {
    make_group(record.key.group_id).put_target(record.key.member_id, target_from_record(*record.value));
  } else if (ConsumerGroup* group = find(record.key.group_id)) {
    group->remove_target(record.key.member_id);
  }
}

void ConsumerGroups::apply(const CurrentAssignmentRecord& record) {
  if (record.value) {
    ConsumerGroup& group = make_group(record.key.group_id);
    const ConsumerMember* known = group.find_member(record.key.member_id);
    ConsumerMember member = known != nullptr ? *known : ConsumerMember{.id = record.key.member_id};
    update_member(member, *record.value);
    return group.put_member(std::move(member));
  }
  ConsumerGroup* group = find(record.key.group_id);
  const ConsumerMember* known = group == nullptr ? nullptr : group->find_member(record.key.member_id);
  if (known == nullptr) return;
  // The member loses its assignment; its own end is another record.
  ConsumerMember member = *known;
  member.epoch = kLeaveEpoch;
  member.previous_epoch = kLeaveEpoch;
  member.assigned.clear();
  member.pending_revocation.clear();
  group->put_member(std::move(member));
}

void ConsumerGroups::apply(const RegexRecord& record) {
  if (record.value) {
    make_group(record.key.group_id).put_regex(record.key.regular_expression, regex_from_record(*record.value));
  } else if (ConsumerGroup* group = find(record.key.group_id)) {
    group->remove_regex(record.key.regular_expression);
  }
}

}  // namespace milena::coordinator
