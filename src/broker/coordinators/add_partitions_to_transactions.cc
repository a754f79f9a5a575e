// Adds partitions to transactions, or verifies that they are in them, at the coordinators of this node.
#include <utility>

#include "broker/coordinators/transaction_requests.h"
#include "broker/coordinators/transaction_runtime.h"
#include "broker/shard_context.h"
#include "metadata/internal_topics.h"

namespace milena::broker {
namespace {

using AddedTransaction = AddPartitionsToTxnResponse::AddPartitionsToTxnResult;
using TransactionToAdd = AddPartitionsToTxnRequest::AddPartitionsToTxnTransaction;

// The answer with this code for every partition of the transaction.
AddedTransaction answer_all(const TransactionToAdd& transaction, ErrorCode error) {
  AddedTransaction result;
  result.transactional_id = Bytes(transaction.transactional_id);
  for (const auto& topic : transaction.topics) {
    auto& out = result.topic_results.emplace_back();
    out.name = Bytes(topic.name);
    for (int32_t partition : topic.partitions) out.results_by_partition.push_back({partition, error});
  }
  return result;
}

constexpr int16_t kFirstAddVersionForBrokers = 4;

// If some partitions are missing, or not for clients, nothing is attempted; then this is the answer.
std::optional<AddedTransaction> check_partitions(const metadata::MetadataImage& image,
                                                 const TransactionToAdd& transaction, int16_t version,
                                                 const std::function<bool(ByteView topic)>& may_write) {
  AddedTransaction result = answer_all(transaction, ErrorCode::kOperationNotAttempted);
  bool all_known = true;
  for (auto& topic : result.topic_results) {
    const metadata::TopicImage* known = image.find_topic(topic.name);
    const bool forbidden = (version < kFirstAddVersionForBrokers && metadata::is_internal_topic(topic.name)) ||
                           (may_write && !may_write(topic.name));
    for (auto& partition : topic.results_by_partition) {
      const bool there = known != nullptr && known->partition(partition.partition_index) != nullptr;
      if (!forbidden && there) continue;
      partition.partition_error_code =
          forbidden ? ErrorCode::kTopicAuthorizationFailed : ErrorCode::kUnknownTopicOrPartition;
      all_known = false;
    }
  }
  return all_known ? std::nullopt : std::optional<AddedTransaction>(std::move(result));
}

}  // namespace

void add_partitions_to_transactions(ShardContext& from, std::shared_ptr<const AddPartitionsToTxnRequest> request,
                                    int16_t version, const std::function<bool(ByteView topic)>& may_write,
                                    std::function<void(AddPartitionsToTxnResponse)> done) {
  struct Gather {
    AddPartitionsToTxnResponse response;
    size_t open = 1;
    std::function<void(AddPartitionsToTxnResponse)> done;
    void finish_one() {
      if (--open == 0) done(std::move(response));
    }
  };
  auto gather = std::make_shared<Gather>();
  gather->done = std::move(done);
  gather->response.results_by_transaction.resize(request->transactions.size());
  gather->open += request->transactions.size();
  for (size_t i = 0; i < request->transactions.size(); i++) {
    const TransactionToAdd& transaction = request->transactions[i];
    auto take = [gather, i](AddedTransaction result) {
      gather->response.results_by_transaction[i] = std::move(result);
      gather->finish_one();
    };
    if (auto refused = check_partitions(from.image(), transaction, version, may_write)) {
      take(std::move(*refused));
      continue;
    }
    TransactionRuntime::submit(
        from.shard(), TransactionRuntime::partition_of(from, transaction.transactional_id),
        [request, i, version](coordinator::TransactionShard& state, coordinator::AnswerToken token,
                              coordinator::Now now) {
          return state.add_partitions(coordinator::Caller{.token = token, .api_version = version},
                                      request->transactions[i], now);
        },
        [take, request, i](ErrorCode error, coordinator::TransactionResponse* response) {
          take(error == ErrorCode::kNone ? std::move(std::get<coordinator::AddedPartitions>(*response))
                                         : answer_all(request->transactions[i], error));
        });
  }
  gather->finish_one();
}

}  // namespace milena::broker
