// TransactionShard: AddPartitionsToTxn and AddOffsetsToTxn. Versions: AddPartitions 2 PRODUCER_FENCED where earlier
// ones get INVALID_PRODUCER_EPOCH, 4 by brokers, in batches, for clients of transaction.version 2, or only to ask
// whether a partition was added; AddOffsets 2 like AddPartitions.
#include <utility>

#include "coordinator/transaction/planted_bugs.h"
#include "coordinator/transaction/transaction_shard.h"

namespace milena::coordinator {
namespace {

constexpr int16_t kFirstAddVersionWithProducerFenced = 2;
constexpr int16_t kFirstAddVersionOfBrokers = 4;
constexpr ByteView kOffsetsTopicName = "__consumer_offsets";

ErrorCode add_error_for(int16_t api_version, ErrorCode error) {
  return error == ErrorCode::kProducerFenced && api_version < kFirstAddVersionWithProducerFenced
             ? ErrorCode::kInvalidProducerEpoch
             : error;
}

// `error_of(topic, partition)` for each partition of the request.
template <class ErrorOf>
AddedPartitions answer_to(const PartitionsToAdd& request, ErrorOf error_of) {
  AddedPartitions response;
  response.transactional_id = request.transactional_id;
  response.topic_results.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    auto& answered = response.topic_results.emplace_back();
    answered.name = topic.name;
    answered.results_by_partition.reserve(topic.partitions.size());
    for (int32_t partition : topic.partitions) {
      answered.results_by_partition.push_back({partition, error_of(topic.name, partition)});
    }
  }
  return response;
}

// The error of this producer, for all its partitions.
ErrorCode verify_error(const TransactionMetadata* found, const PartitionsToAdd& request) {
  if (request.transactional_id.empty()) return ErrorCode::kInvalidRequest;
  if (found == nullptr || found->producer_id != request.producer_id) return ErrorCode::kInvalidProducerIdMapping;
  if (found->producer_epoch != request.producer_epoch) return ErrorCode::kProducerFenced;
  return found->is_ending() ? ErrorCode::kConcurrentTransactions : ErrorCode::kNone;
}

}  // namespace

ErrorCode TransactionShard::add(Turn& turn, const Bytes& transactional_id, int64_t producer_id, int16_t producer_epoch,
                                std::span<const AddPartitionsToTxnRequest::AddPartitionsToTxnTopic> topics,
                                int16_t transaction_version) {
  if (transactional_id.empty()) return ErrorCode::kInvalidRequest;
  const TransactionMetadata* found = find(transactional_id);
  if (found == nullptr) return ErrorCode::kInvalidProducerIdMapping;
  if (found->is_ending() && MILENA_PLANTED(kAddWhileEnding)) return ErrorCode::kNone;
  if (found->is_ending()) return ErrorCode::kConcurrentTransactions;
  if (found->producer_id != producer_id) return ErrorCode::kInvalidProducerIdMapping;
  if (found->producer_epoch != producer_epoch && !MILENA_PLANTED(kAddIgnoresEpoch)) return ErrorCode::kProducerFenced;
  TransactionPartitions partitions = found->partitions;
  bool changed = found->state != TransactionState::kOngoing;
  for (const auto& topic : topics) {
    for (int32_t partition : topic.partitions) changed |= partitions.add(topic.name, partition);
  }
  if (changed) {
    step(turn, transactional_id, with_partitions(*found, std::move(partitions), transaction_version, turn.now.wall_ms));
  }
  return ErrorCode::kNone;
}

TransactionEffects TransactionShard::add_partitions(const Caller& caller, const PartitionsToAdd& request, Now now) {
  Turn turn = begin(now);
  if (request.verify_only) {
    const TransactionMetadata* found = find(request.transactional_id);
    const ErrorCode error = verify_error(found, request);
    turn.answer(caller.token, answer_to(request, [&](ByteView topic, int32_t partition) {
      if (MILENA_PLANTED(kVerifySaysYes)) return ErrorCode::kNone;
      if (error != ErrorCode::kNone) return error;
      return found->partitions.contains(topic, partition) ? ErrorCode::kNone : ErrorCode::kTransactionAbortable;
    }));
    return finish(std::move(turn));
  }
  const int16_t transaction_version = caller.api_version >= kFirstAddVersionOfBrokers ? kTransactionVersion2 : 0;
  const ErrorCode error = add_error_for(
      caller.api_version, add(turn, Bytes(request.transactional_id), request.producer_id, request.producer_epoch,
                              request.topics, transaction_version));
  turn.answer(caller.token, answer_to(request, [&](ByteView, int32_t) { return error; }));
  return finish(std::move(turn));
}

TransactionEffects TransactionShard::add_offsets(const Caller& caller, const AddOffsetsToTxnRequest& request,
                                                 int32_t offsets_partition, Now now) {
  Turn turn = begin(now);
  const AddPartitionsToTxnRequest::AddPartitionsToTxnTopic topic{.name = kOffsetsTopicName,
                                                                 .partitions = {offsets_partition}};
  AddOffsetsToTxnResponse response;
  response.error_code =
      add_error_for(caller.api_version, add(turn, Bytes(request.transactional_id), request.producer_id,
                                            request.producer_epoch, std::span(&topic, 1), 0));
  turn.answer(caller.token, std::move(response));
  return finish(std::move(turn));
}

}  // namespace milena::coordinator
