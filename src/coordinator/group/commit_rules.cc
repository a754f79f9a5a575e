// Rules for committing, fetching, deleting and expiring the offsets of a group, by its kind: those of Kafka's
// Group.validateOffsetCommit, validateOffsetFetch, validateOffsetDelete and offsetExpirationCondition. Versions:
// OffsetCommit 9 knows member epochs; OffsetFetch 9 names the member.
#include "coordinator/group/classic_group.h"
#include "coordinator/group/consumer_group.h"
#include "coordinator/group/foreign_group.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena::coordinator {
namespace {

constexpr int16_t kFirstCommitVersionWithMemberEpoch = 9;

}  // namespace

// --- classic groups

// A member may commit in its generation while the group is stable or about to rebalance; an empty group accepts offsets
// from clients without a generation (simple consumers, administrators).
ErrorCode ClassicGroup::validate_commit(const CommitContext&, const OffsetCommitRequest& request) const {
  const int32_t generation = request.generation_id_or_member_epoch;
  if (generation < 0 && is(GroupState::kEmpty)) return ErrorCode::kNone;
  if (generation < 0 && request.member_id.empty() && !request.group_instance_id) return ErrorCode::kUnknownMemberId;
  const ErrorCode error = validate_member(request.member_id, request.group_instance_id);
  if (error != ErrorCode::kNone) return error;
  const bool current = generation == generation_ || MILENA_GROUP_BUG(kOldGenerationCommits);
  if (!current) return ErrorCode::kIllegalGeneration;
  return is(GroupState::kCompletingRebalance) ? ErrorCode::kRebalanceInProgress : ErrorCode::kNone;
}

// Before version 3 producers send no generation and no member, and need none; if sent, they must be right.
ErrorCode ClassicGroup::validate_transactional_commit(const CommitContext&,
                                                      const TxnOffsetCommitRequest& request) const {
  if (request.generation_id < 0 && is(GroupState::kEmpty)) return ErrorCode::kNone;
  const bool claims = request.generation_id >= 0 || !request.member_id.empty() || request.group_instance_id;
  if (!claims) return ErrorCode::kNone;
  const ErrorCode error = validate_member(request.member_id, request.group_instance_id);
  if (error != ErrorCode::kNone) return error;
  return request.generation_id == generation_ ? ErrorCode::kNone : ErrorCode::kIllegalGeneration;
}

ErrorCode ClassicGroup::validate_offset_delete() const {
  return is(GroupState::kEmpty) || uses_consumer_protocol() ? ErrorCode::kNone : ErrorCode::kNonEmptyGroup;
}

// Retention starts when the group became empty; for a simple group, and for topics that a stable group of consumers no
// longer subscribes to, at the commit. (Kafka: ClassicGroup.offsetExpirationCondition.)
std::optional<OffsetRetention> ClassicGroup::offset_retention() const {
  if (!protocol_type_) return OffsetRetention();
  if (is(GroupState::kEmpty)) {
    return state_timestamp_ms_ == -1 ? OffsetRetention() : OffsetRetention{state_timestamp_ms_};
  }
  const bool consumers = uses_consumer_protocol() && knows_subscriptions() && is(GroupState::kStable);
  return consumers ? std::optional(OffsetRetention()) : std::nullopt;
}

// --- consumer groups

// Members commit in their epoch. One that does not know its newest epoch yet may still commit for partitions that it
// already had before (KIP-1251).
ErrorCode ConsumerGroup::validate_commit(const CommitContext& context, const OffsetCommitRequest& request) const {
  const int32_t epoch = request.generation_id_or_member_epoch;
  if (epoch < 0 && is_empty()) return ErrorCode::kNone;
  const ConsumerMember* member = find_member(request.member_id);
  if (member == nullptr) return ErrorCode::kUnknownMemberId;
  const bool classic = member->uses_classic_protocol();
  if (!classic && context.api_version < kFirstCommitVersionWithMemberEpoch) return ErrorCode::kUnsupportedVersion;
  if (epoch == member->epoch) return ErrorCode::kNone;
  const ErrorCode stale = classic ? ErrorCode::kIllegalGeneration : ErrorCode::kStaleMemberEpoch;
  if (MILENA_GROUP_BUG(kOldGenerationCommits)) return ErrorCode::kNone;
  if (epoch > member->epoch) return stale;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      if (context.is_too_long(partition.committed_metadata)) continue;  // refused for that, on its own
      if (!held_since(*member, topic.topic_id, partition.partition_index, epoch)) return stale;
    }
  }
  return ErrorCode::kNone;
}

// Consumers get STALE_MEMBER_EPOCH, but producers ILLEGAL_GENERATION.
ErrorCode ConsumerGroup::validate_transactional_commit(const CommitContext& context,
                                                       const TxnOffsetCommitRequest& request) const {
  const int32_t epoch = request.generation_id;
  if (epoch < 0 && is_empty()) return ErrorCode::kNone;
  if (epoch == -1 && request.member_id.empty() && !request.group_instance_id) return ErrorCode::kNone;
  const ConsumerMember* member = find_member(request.member_id);
  if (member == nullptr) return ErrorCode::kUnknownMemberId;
  if (epoch == member->epoch) return ErrorCode::kNone;
  if (epoch > member->epoch) return ErrorCode::kIllegalGeneration;
  // An older epoch is accepted for partitions that the member has had since then.
  for (const auto& topic : request.topics) {
    const metadata::TopicImage* found = context.image->find_topic(topic.name);
    if (found == nullptr) return ErrorCode::kIllegalGeneration;
    for (const auto& partition : topic.partitions) {
      if (context.is_too_long(partition.committed_metadata)) continue;
      if (!held_since(*member, found->id, partition.partition_index, epoch)) return ErrorCode::kIllegalGeneration;
    }
  }
  return ErrorCode::kNone;
}

// A client that sends a member id must be a member, with its current epoch (since version 9).
ErrorCode ConsumerGroup::validate_fetch(const OffsetFetchGroup& request) const {
  if (!request.member_id && request.member_epoch < 0) return ErrorCode::kNone;
  const ConsumerMember* member = find_member(request.member_id.value_or(""));
  if (member == nullptr) return ErrorCode::kUnknownMemberId;
  if (member->epoch == request.member_epoch) return ErrorCode::kNone;
  return member->uses_classic_protocol() ? ErrorCode::kIllegalGeneration : ErrorCode::kStaleMemberEpoch;
}

bool ConsumerGroup::held_since(const ConsumerMember& member, const Uuid& topic, int32_t partition, int32_t epoch) {
  const EpochAssignment& held =
      contains(member.assigned, topic, partition) ? member.assigned : member.pending_revocation;
  return contains(held, topic, partition) && epoch >= held.at(topic).at(partition);
}

// --- share and streams groups

ErrorCode ForeignGroup::validate_committer(bool is_member) const {
  if (type_ == GroupType::kShare) return ErrorCode::kGroupIdNotFound;
  return is_member || !members_.empty() ? ErrorCode::kUnknownMemberId : ErrorCode::kNone;
}

ErrorCode ForeignGroup::validate_commit(const CommitContext&, const OffsetCommitRequest& request) const {
  return validate_committer(request.generation_id_or_member_epoch >= 0);
}

ErrorCode ForeignGroup::validate_transactional_commit(const CommitContext&,
                                                      const TxnOffsetCommitRequest& request) const {
  return validate_committer(request.generation_id >= 0);
}

ErrorCode ForeignGroup::validate_fetch(const OffsetFetchGroup& request) const {
  if (type_ == GroupType::kShare) return ErrorCode::kGroupIdNotFound;
  return request.member_id && request.member_epoch >= 0 ? ErrorCode::kUnknownMemberId : ErrorCode::kNone;
}

}  // namespace milena::coordinator
