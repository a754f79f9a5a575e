// GroupOffsets: TxnOffsetCommit. The offsets are written as those of an ordinary commit, in a batch of the producer's
// transaction; they are pending in the OffsetStore until its marker. Version 3 has generation and member (KIP-447).
#include <utility>

#include "coordinator/group/group_offsets.h"
#include "coordinator/group/group_records.h"

namespace milena::coordinator {
namespace {

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

// Unlike an ordinary commit, this one does not show that the member is alive: the producer sends it.
void GroupOffsets::commit_in_transaction(Turn& turn, const Caller& caller, const TxnOffsetCommitRequest& request) {
  const CommitContext context = commit_context(caller);
  const Group* group = space_.groups.find(request.group_id);
  ErrorCode error = ErrorCode::kNone;
  if (group != nullptr) {
    error = group->validate_transactional_commit(context, request);
  } else if (request.generation_id >= 0) {
    error = ErrorCode::kIllegalGeneration;  // without one, the record will create a simple group
  }
  TxnOffsetCommitResponse response;
  response.topics.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    auto& answered = response.topics.emplace_back();
    answered.name = topic.name;
    answered.partitions.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions) {
      ErrorCode of_partition = error;
      if (error == ErrorCode::kNone && context.is_too_long(partition.committed_metadata)) {
        of_partition = ErrorCode::kOffsetMetadataTooLarge;
      }
      answered.partitions.push_back({partition.partition_index, of_partition});
      if (of_partition != ErrorCode::kNone) continue;
      turn.write(make_offset_record(request.group_id, topic.name, partition.partition_index,
                                    committed_offset(partition, turn.now.wall_ms)));
    }
  }
  turn.effects.transaction = Effects::Transaction{request.producer_id, request.producer_epoch, 0};
  turn.answer(caller.token, std::move(response));
  turn.undo_with_error(caller.token);
}

}  // namespace milena::coordinator
