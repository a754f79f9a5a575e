// TransactionFixture: shorthands for the requests of transactional producers, of the first protocol (the producer adds
// partitions) and of the second (writing adds them, and each transaction has an epoch of its own).
#pragma once

#include <string>
#include <vector>

#include "broker/group_fixture.h"
#include "protocol/messages/add_offsets_to_txn.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/list_transactions.h"
#include "protocol/messages/txn_offset_commit.h"

namespace milena::broker::broker_test {

class TransactionFixture : public GroupFixture {
 protected:
  static constexpr int16_t kOldProduce = 9;
  static constexpr int16_t kAddingProduce = 12;  // the first that adds the partition itself

  // The client's state of one transactional producer.
  struct Producer {
    std::string id;
    int64_t producer_id = -1;
    int16_t epoch = -1;
    std::map<std::pair<std::string, int32_t>, int32_t> sequences;
  };

  void SetUp() override {
    node().set("transaction.state.log.num.partitions", "5");
    GroupFixture::SetUp();
    find_transaction_coordinator("any");
  }

  FindCoordinatorResponse::Coordinator find_transaction_coordinator(ByteView id) {
    FindCoordinatorRequest request;
    request.key_type = 1;
    request.coordinator_keys = {id};
    auto response = client().ask<FindCoordinatorResponse>(request, 4);
    EXPECT_EQ(response.coordinators.size(), 1u);
    return response.coordinators.empty() ? FindCoordinatorResponse::Coordinator{} : response.coordinators[0];
  }

  static InitProducerIdRequest init_request(ByteView id, int32_t timeout_ms = 60'000) {
    InitProducerIdRequest request;
    request.transactional_id = id;
    request.transaction_timeout_ms = timeout_ms;
    return request;
  }
  InitProducerIdResponse init(ByteView id, int32_t timeout_ms = 60'000) {
    return client().ask<InitProducerIdResponse>(init_request(id, timeout_ms), 5);
  }
  Producer new_producer(const std::string& id) {
    auto response = init(id);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    return Producer{id, response.producer_id, response.producer_epoch, {}};
  }

  ErrorCode add_partition(const Producer& producer, ByteView topic, int32_t partition) {
    AddPartitionsToTxnRequest request;
    request.v3_and_below_transactional_id = producer.id;
    request.v3_and_below_producer_id = producer.producer_id;
    request.v3_and_below_producer_epoch = producer.epoch;
    request.v3_and_below_topics.push_back({topic, {partition}});
    auto response = client().ask<AddPartitionsToTxnResponse>(request, 3);
    if (response.results_by_topic_v3_and_below.size() != 1) {
      ADD_FAILURE() << "not the answer for one topic";
      return ErrorCode::kUnknownServerError;
    }
    return response.results_by_topic_v3_and_below[0].results_by_partition.at(0).partition_error_code;
  }

  Bytes transactional_batch(Producer& producer, ByteView topic, int32_t partition,
                            const std::vector<std::string>& values) {
    int32_t& sequence = producer.sequences[{std::string(topic), partition}];
    BatchOptions options;
    options.producer_id = producer.producer_id;
    options.producer_epoch = producer.epoch;
    options.base_sequence = sequence;
    options.transactional = true;
    sequence += static_cast<int32_t>(values.size());
    return batch_of(values, node().clock().wall_ms(), options);
  }
  ProduceOut write(Producer& producer, ByteView topic, int32_t partition, const std::vector<std::string>& values,
                   int16_t version = kAddingProduce) {
    Bytes batch = transactional_batch(producer, topic, partition, values);
    ProduceRequest request = produce_request(topic, partition, batch, version, -1);
    request.transactional_id = producer.id;
    return only_partition(client().ask<ProduceResponse>(request, version));
  }

  // Version 5 is of the second protocol: the producer goes on with the returned epoch.
  EndTxnResponse end(Producer& producer, bool commit, int16_t version = 5) {
    EndTxnRequest request;
    request.transactional_id = producer.id;
    request.producer_id = producer.producer_id;
    request.producer_epoch = producer.epoch;
    request.committed = commit;
    auto response = client().ask<EndTxnResponse>(request, version);
    if (version >= 5 && response.error_code == ErrorCode::kNone) {
      producer.producer_id = response.producer_id;
      producer.epoch = response.producer_epoch;
      producer.sequences.clear();
    }
    return response;
  }

  std::vector<std::string> committed_values(ByteView topic, int32_t partition) {
    FetchRequest request = fetch_request(topic, partition, 0);
    request.isolation_level = 1;
    auto out = only_partition(client().ask<FetchResponse>(request, kFetchVersion));
    EXPECT_EQ(out.error_code, ErrorCode::kNone);
    return visible(out);
  }
  // The records of a response that a read_committed consumer returns.
  static std::vector<std::string> visible(const FetchOut& out) {
    std::vector<std::string> values;
    if (!out.records || !out.aborted_transactions) return values;
    Bytes bytes = out.records->flatten().value();
    std::set<int64_t> aborting;
    auto next = *out.aborted_transactions;
    std::sort(next.begin(), next.end(), [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
    size_t begun = 0;
    BatchIterator batches(bytes);
    while (batches.next()) {
      const BatchHeader& header = batches.batch().header();
      while (begun < next.size() && next[begun].first_offset <= header.last_offset()) {
        aborting.insert(next[begun++].producer_id);
      }
      RecordIterator records(batches.batch());
      if (header.is_control()) {
        aborting.erase(header.producer_id);
        continue;
      }
      if (header.is_transactional() && aborting.contains(header.producer_id)) continue;
      while (records.next()) values.emplace_back(records.record().value.value_or("(null)"));
    }
    return values;
  }

  TxnOffsetCommitRequest txn_commit_request(const Producer& producer, ByteView group, int32_t partition, int64_t offset,
                                            ByteView member = "", int32_t generation = -1) {
    TxnOffsetCommitRequest request;
    request.transactional_id = producer.id;
    request.group_id = group;
    request.producer_id = producer.producer_id;
    request.producer_epoch = producer.epoch;
    request.member_id = member;
    request.generation_id = generation;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    TxnOffsetCommitRequest::TxnOffsetCommitRequestPartition one;
    one.partition_index = partition;
    one.committed_offset = offset;
    topic.partitions.push_back(one);
    return request;
  }
  ErrorCode txn_commit(const Producer& producer, ByteView group, int32_t partition, int64_t offset,
                       ByteView member = "", int32_t generation = -1, int16_t version = 5) {
    auto response = client().ask<TxnOffsetCommitResponse>(
        txn_commit_request(producer, group, partition, offset, member, generation), version);
    if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
      ADD_FAILURE() << "not the answer for one partition";
      return ErrorCode::kUnknownServerError;
    }
    return response.topics[0].partitions[0].error_code;
  }

  DescribeTransactionsResponse::TransactionState describe(ByteView id) {
    DescribeTransactionsRequest request;
    request.transactional_ids = {id};
    auto response = client().ask<DescribeTransactionsResponse>(request, 0);
    EXPECT_EQ(response.transaction_states.size(), 1u);
    return response.transaction_states.empty() ? DescribeTransactionsResponse::TransactionState{}
                                               : response.transaction_states[0];
  }
};

}  // namespace milena::broker::broker_test
