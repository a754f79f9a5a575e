// AddPartitionsToTxn (key 24), versions 0-5. Up to version 3 a producer names the partitions of its own transaction;
// from 4 on brokers ask about several transactions at once, and may only verify. PRODUCER_FENCED exists from 2 on.
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/coordinators/transaction_requests.h"

namespace milena::broker {
namespace {

using AddPartitionsToTxnCall = Call<AddPartitionsToTxnRequest, AddPartitionsToTxnResponse>;

constexpr int16_t kFirstVersionOfBrokers = 4;

// A producer's request in the form between brokers. Its views point into the call's frame.
struct AsBrokersAsk {
  std::shared_ptr<AddPartitionsToTxnCall> call;
  AddPartitionsToTxnRequest message;
};

std::shared_ptr<const AddPartitionsToTxnRequest> as_brokers_ask(const std::shared_ptr<AddPartitionsToTxnCall>& call) {
  if (call->version() >= kFirstVersionOfBrokers) return {call, &call->request};
  auto asked = std::make_shared<AsBrokersAsk>(AsBrokersAsk{call, {}});
  auto& transaction = asked->message.transactions.emplace_back();
  transaction.transactional_id = call->request.v3_and_below_transactional_id;
  transaction.producer_id = call->request.v3_and_below_producer_id;
  transaction.producer_epoch = call->request.v3_and_below_producer_epoch;
  transaction.topics = call->request.v3_and_below_topics;
  return {asked, &asked->message};
}

// The answer to a producer that may not use the transactional id.
void refuse_producer_of(AddPartitionsToTxnCall& call) {
  AddPartitionsToTxnResponse response;
  for (const auto& topic : call.request.v3_and_below_topics) {
    auto& out = response.results_by_topic_v3_and_below.emplace_back();
    out.name = Bytes(topic.name);
    for (int32_t partition : topic.partitions) {
      out.results_by_partition.push_back({partition, ErrorCode::kTransactionalIdAuthorizationFailed});
    }
  }
  call.reply(response);
}

void handle_add_partitions_to_txn(std::shared_ptr<AddPartitionsToTxnCall> call) {
  const bool of_broker = call->version() >= kFirstVersionOfBrokers;
  std::function<bool(ByteView)> may_write;
  if (of_broker) {
    if (!require_cluster(*call, security::kClusterAction)) return;
  } else {
    if (!call->allows(security::kWriteTransactionalId, call->request.v3_and_below_transactional_id))
      return refuse_producer_of(*call);
    may_write = [call](ByteView topic) { return call->allows(security::kWriteTopic, topic); };
  }
  add_partitions_to_transactions(
      call->context(), as_brokers_ask(call), call->version(), may_write, [call](AddPartitionsToTxnResponse response) {
        if (call->version() < kFirstVersionOfBrokers) {
          response.results_by_topic_v3_and_below = std::move(response.results_by_transaction.at(0).topic_results);
          response.results_by_transaction.clear();
        }
        call->reply(response);
      });
}

}  // namespace

ApiEntry add_partitions_to_txn_api() {
  return api_entry<AddPartitionsToTxnCall, handle_add_partitions_to_txn>(
      {security::kClusterAction, security::kWriteTransactionalId, security::kWriteTopic});
}

}  // namespace milena::broker
