#include "broker/coordinators/transaction_verification.h"

#include <map>
#include <memory>

#include "broker/coordinators/peer.h"
#include "broker/coordinators/transaction_runtime.h"
#include "broker/shard_context.h"
#include "protocol/messages/add_partitions_to_txn.h"

namespace milena::broker {
namespace {

// A request with the memory of its views.
struct Question {
  TransactionalProducer producer;
  std::vector<TopicPartition> partitions;
  AddPartitionsToTxnRequest message;
};

void write_message(Question& question, bool verify_only) {
  auto& transaction = question.message.transactions.emplace_back();
  transaction.transactional_id = question.producer.transactional_id;
  transaction.producer_id = question.producer.producer_id;
  transaction.producer_epoch = question.producer.epoch;
  transaction.verify_only = verify_only;
  std::map<ByteView, size_t> places;
  for (const TopicPartition& partition : question.partitions) {
    auto [place, is_new] = places.try_emplace(partition.topic, transaction.topics.size());
    if (is_new) transaction.topics.push_back({partition.topic, {}});
    transaction.topics[place->second].partitions.push_back(partition.partition);
  }
}

// Producers do not expect PRODUCER_FENCED from a partition, nor old ones TRANSACTION_ABORTABLE.
ErrorCode said_to_producer(ErrorCode error, TransactionSupport support) {
  if (error == ErrorCode::kProducerFenced) return ErrorCode::kInvalidProducerEpoch;
  bool abortable_unknown = support == TransactionSupport::kDefaultError;
  return error == ErrorCode::kTransactionAbortable && abortable_unknown ? ErrorCode::kInvalidTxnState : error;
}

std::vector<ErrorCode> read_answer(const Question& question, TransactionSupport support, ErrorCode failure,
                                   const AddPartitionsToTxnResponse& response) {
  if (failure == ErrorCode::kNone) failure = response.error_code;
  if (failure == ErrorCode::kClusterAuthorizationFailed) failure = ErrorCode::kInvalidTxnState;
  if (failure != ErrorCode::kNone) return std::vector<ErrorCode>(question.partitions.size(), failure);
  std::map<std::pair<ByteView, int32_t>, ErrorCode> told;
  for (const auto& transaction : response.results_by_transaction) {
    for (const auto& topic : transaction.topic_results) {
      for (const auto& partition : topic.results_by_partition) {
        told[{topic.name, partition.partition_index}] = partition.partition_error_code;
      }
    }
  }
  std::vector<ErrorCode> errors;
  errors.reserve(question.partitions.size());
  for (const TopicPartition& partition : question.partitions) {
    auto found = told.find({partition.topic, partition.partition});
    errors.push_back(found == told.end() ? ErrorCode::kUnknownServerError : said_to_producer(found->second, support));
  }
  return errors;
}

}  // namespace

TransactionSupport produce_transaction_support(int16_t produce_version) {
  if (produce_version > 11) return TransactionSupport::kAddPartition;
  return produce_version > 10 ? TransactionSupport::kGenericError : TransactionSupport::kDefaultError;
}

TransactionSupport offset_commit_transaction_support(int16_t txn_offset_commit_version) {
  if (txn_offset_commit_version > 4) return TransactionSupport::kAddPartition;
  return txn_offset_commit_version > 3 ? TransactionSupport::kGenericError : TransactionSupport::kDefaultError;
}

void verify_in_transaction(ShardContext& from, const TransactionalProducer& producer, TransactionSupport support,
                           std::vector<TopicPartition> partitions,
                           std::function<void(std::vector<ErrorCode>)> done) {
  const metadata::TopicImage* topic = from.image().find_topic(metadata::kTransactionStateTopic);
  int32_t index = TransactionRuntime::partition_of(from, producer.transactional_id);
  const metadata::PartitionImage* coordinator = topic == nullptr ? nullptr : topic->partition(index);
  if (coordinator == nullptr || coordinator->leader < 0) {
    return done(std::vector<ErrorCode>(partitions.size(), ErrorCode::kCoordinatorNotAvailable));
  }
  auto question = std::make_shared<Question>(Question{producer, std::move(partitions), {}});
  write_message(*question, support != TransactionSupport::kAddPartition);
  std::shared_ptr<const AddPartitionsToTxnRequest> message(question, &question->message);
  from.node().peers->send<AddPartitionsToTxnResponse>(
      from.shard(), coordinator->leader, std::move(message),
      [question, support, done = std::move(done)](ErrorCode failure, AddPartitionsToTxnResponse response) {
        done(read_answer(*question, support, failure, response));
      });
}

}  // namespace milena::broker
