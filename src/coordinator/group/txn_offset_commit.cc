// GroupShard: TxnOffsetCommit. The offsets are written as those of an ordinary commit, in a batch of the producer's
// transaction; they wait for its marker in the OffsetStore. Version 3 tells generation and member (KIP-447).
#include <utility>

#include "coordinator/group/group_records.h"
#include "coordinator/group/group_shard.h"

namespace milena {
namespace {

// Before version 3 producers claim nothing, and nothing is asked of them; what is claimed must be true.
ErrorCode validate_transactional_committer(const ClassicGroup& group, const TxnOffsetCommitRequest& request) {
  if (request.generation_id < 0 && group.is(GroupState::kEmpty)) return ErrorCode::kNone;
  bool claims = request.generation_id >= 0 || !request.member_id.empty() || request.group_instance_id;
  if (!claims) return ErrorCode::kNone;
  const ErrorCode error = group.validate_member(request.member_id, request.group_instance_id);
  if (error != ErrorCode::kNone) return error;
  return request.generation_id == group.generation() ? ErrorCode::kNone : ErrorCode::kIllegalGeneration;
}

CommittedOffset committed_offset(const TxnOffsetCommitRequest::TxnOffsetCommitRequestPartition& partition,
                                 int64_t wall_ms) {
  CommittedOffset offset;
  offset.offset = partition.committed_offset;
  offset.leader_epoch = partition.committed_leader_epoch;
  offset.metadata = partition.committed_metadata.value_or("");
  offset.commit_timestamp_ms = wall_ms;
  return offset;
}

}  // namespace

// Of a consumer group's member. Where its own words say STALE_MEMBER_EPOCH, producers know ILLEGAL_GENERATION.
ErrorCode GroupShard::validate_transactional_commit_of_consumer(const TxnOffsetCommitRequest& request,
                                                                const ConsumerGroup& group) const {
  const int32_t epoch = request.generation_id;
  if (epoch < 0 && group.is_empty()) return ErrorCode::kNone;
  if (epoch == -1 && request.member_id.empty() && !request.group_instance_id) return ErrorCode::kNone;
  const ConsumerMember* member = group.find_member(request.member_id);
  if (member == nullptr) return ErrorCode::kUnknownMemberId;
  if (epoch == member->epoch) return ErrorCode::kNone;
  if (epoch > member->epoch) return ErrorCode::kIllegalGeneration;
  // An older epoch will do for partitions that the member has had since then.
  for (const auto& topic : request.topics) {
    const TopicImage* image = image_->find_topic(topic.name);
    if (image == nullptr) return ErrorCode::kIllegalGeneration;
    for (const auto& partition : topic.partitions) {
      if (is_metadata_too_long(partition.committed_metadata)) continue;  // refused for that, and by itself
      const int32_t index = partition.partition_index;
      const EpochAssignment& held =
          contains(member->assigned, image->id, index) ? member->assigned : member->pending_revocation;
      if (!contains(held, image->id, index) || epoch < held.at(image->id).at(index))
        return ErrorCode::kIllegalGeneration;
    }
  }
  return ErrorCode::kNone;
}

ErrorCode GroupShard::validate_transactional_commit(const TxnOffsetCommitRequest& request) {
  if (const ConsumerGroup* modern = find_consumer_group(request.group_id)) {
    return validate_transactional_commit_of_consumer(request, *modern);
  }
  if (const ForeignGroups::Group* other = foreign_.find(request.group_id)) {
    return validate_commit_to_foreign(*other, request.generation_id >= 0);
  }
  const ClassicGroup* known = group(request.group_id);
  if (known == nullptr) {
    // The record will make a simple group.
    return request.generation_id < 0 ? ErrorCode::kNone : ErrorCode::kIllegalGeneration;
  }
  // Other than an ordinary commit, this one is no sign of life: it is the producer's.
  return validate_transactional_committer(*known, request);
}

Effects GroupShard::commit_offsets_in_transaction(const Caller& caller, const TxnOffsetCommitRequest& request,
                                                  Now now) {
  Turn turn = begin(now);
  heard_of(turn, request.group_id, request.member_id);
  const ErrorCode error = validate_transactional_commit(request);
  TxnOffsetCommitResponse response;
  response.topics.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    auto& answered = response.topics.emplace_back();
    answered.name = topic.name;
    answered.partitions.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions) {
      ErrorCode of_partition = error;
      if (error == ErrorCode::kNone && is_metadata_too_long(partition.committed_metadata)) {
        of_partition = ErrorCode::kOffsetMetadataTooLarge;
      }
      answered.partitions.push_back({partition.partition_index, of_partition});
      if (of_partition != ErrorCode::kNone) continue;
      turn.write(make_offset_record(request.group_id, topic.name, partition.partition_index,
                                    committed_offset(partition, now.wall_ms)));
    }
  }
  turn.effects.transaction = Effects::Transaction{request.producer_id, request.producer_epoch, 0};
  turn.answer(caller.token, std::move(response));
  undo_with_error(turn, caller.token);
  return finish(std::move(turn));
}

}  // namespace milena
