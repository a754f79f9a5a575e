// NodeFixture: shared by the broker's tests. Each runs with one shard and with four; `client()` is a connection on the
// last shard, so that with four most partitions are on another shard. The shorthands below send the requests of most
// tests; other tests build their requests themselves.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "broker/node_harness.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/produce.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/records/record_iterator.h"

namespace milena::broker {

// How GoogleTest shows an error code.
inline void PrintTo(ErrorCode code, std::ostream* out) { *out << error_name(code); }

}  // namespace milena::broker

namespace milena::broker::broker_test {

// One batch with these values.
inline Bytes batch_of(const std::vector<std::string>& values, int64_t timestamp_ms, BatchOptions options = {}) {
  RecordBatchBuilder builder(options);
  for (const std::string& value : values) builder.append(std::nullopt, value, timestamp_ms);
  return builder.build();
}

// An idempotent producer's batch.
inline Bytes sequenced_batch(const std::vector<std::string>& values, int64_t timestamp_ms, int64_t producer_id,
                             int16_t epoch, int32_t sequence) {
  BatchOptions options;
  options.producer_id = producer_id;
  options.producer_epoch = epoch;
  options.base_sequence = sequence;
  return batch_of(values, timestamp_ms, options);
}

struct ReadBack {
  std::vector<std::string> values;
  std::vector<int64_t> offsets;
};

// The records of whole batches; an incomplete batch at the end is left out, as by clients.
inline ReadBack records_of(const std::optional<Payload>& payload) {
  ReadBack back;
  if (!payload) return back;
  Bytes bytes = payload->flatten().value();
  BatchIterator batches(bytes);
  while (batches.next()) {
    EXPECT_TRUE(batches.batch().crc_ok());
    RecordIterator records(batches.batch());
    while (records.next()) {
      back.values.emplace_back(records.record().value.value_or("(null)"));
      back.offsets.push_back(records.record().offset);
    }
    EXPECT_TRUE(records.status().ok());
  }
  return back;
}

class NodeFixture : public testing::TestWithParam<int> {
 protected:
  using ProduceOut = ProduceResponse::PartitionProduceResponse;
  using FetchOut = FetchResponse::PartitionData;

  NodeFixture() : harness_(GetParam()) {}
  void SetUp() override { start(); }
  void start() { ASSERT_NO_FATAL_FAILURE(harness_.start()); }

  NodeHarness& node() { return harness_; }
  // The usual connection; a new one after a restart.
  TestClient& client() {
    if (client_ == nullptr) client_ = &harness_.connect(harness_.shard_count() - 1);
    return *client_;
  }
  // Before a test stops the node itself.
  void client_gone() { client_ = nullptr; }
  void restart() {
    client_ = nullptr;
    ASSERT_NO_FATAL_FAILURE(harness_.restart());
  }
  void kill_and_start() {
    client_ = nullptr;
    ASSERT_NO_FATAL_FAILURE(harness_.kill_and_start());
  }

  Uuid topic_id(ByteView name) {
    const metadata::TopicImage* image = harness_.topic(name);
    EXPECT_NE(image, nullptr) << name;
    return image == nullptr ? Uuid{} : image->id;
  }

  CreateTopicsResponse::CreatableTopicResult try_create_topic(ByteView name, int32_t partitions,
                                                              const std::map<std::string, std::string>& configs = {}) {
    CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = partitions;
    topic.replication_factor = 1;
    for (const auto& [key, value] : configs) topic.configs.push_back({key, value});
    auto response = client().ask<CreateTopicsResponse>(request, 7);
    EXPECT_EQ(response.topics.size(), 1u);
    return response.topics.empty() ? CreateTopicsResponse::CreatableTopicResult{} : response.topics[0];
  }
  void create_topic(ByteView name, int32_t partitions = 1, const std::map<std::string, std::string>& configs = {}) {
    ASSERT_EQ(try_create_topic(name, partitions, configs).error_code, ErrorCode::kNone) << name;
  }

  ProduceRequest produce_request(ByteView name, int32_t partition, ByteView batch, int16_t version, int16_t acks) {
    ProduceRequest request;
    request.acks = acks;
    request.timeout_ms = 1000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = name;
    if (version >= 13) topic.topic_id = topic_id(name);
    topic.partition_data.push_back({partition, batch});
    return request;
  }
  static ProduceOut only_partition(const ProduceResponse& response) {
    EXPECT_EQ(response.responses.size(), 1u);
    if (response.responses.size() != 1 || response.responses[0].partition_responses.size() != 1) {
      ADD_FAILURE() << "not the answer for one partition";
      return {};
    }
    return response.responses[0].partition_responses[0];
  }
  ProduceOut produce_batch(ByteView name, int32_t partition, ByteView batch, int16_t version = 9, int16_t acks = -1) {
    return only_partition(
        client().ask<ProduceResponse>(produce_request(name, partition, batch, version, acks), version));
  }
  ProduceOut produce(ByteView name, int32_t partition, const std::vector<std::string>& values) {
    return produce_batch(name, partition, batch_of(values, harness_.clock().wall_ms()));
  }

  static constexpr int16_t kFetchVersion = 12;
  // A fetch without a session, by name.
  static FetchRequest fetch_request(ByteView name, int32_t partition, int64_t offset, int32_t max_wait_ms = 0) {
    FetchRequest request;
    request.max_wait_ms = max_wait_ms;
    request.min_bytes = 1;
    request.max_bytes = 50 << 20;
    auto& topic = request.topics.emplace_back();
    topic.topic = name;
    FetchRequest::FetchPartition asked;
    asked.partition = partition;
    asked.fetch_offset = offset;
    asked.partition_max_bytes = 1 << 20;
    topic.partitions.push_back(asked);
    return request;
  }
  static FetchOut only_partition(const FetchResponse& response) {
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    if (response.responses.size() != 1 || response.responses[0].partitions.size() != 1) {
      ADD_FAILURE() << "not the answer for one partition";
      return {};
    }
    return response.responses[0].partitions[0];
  }
  FetchOut fetch(ByteView name, int32_t partition, int64_t offset) {
    return only_partition(
        client().ask<FetchResponse>(fetch_request(name, partition, offset), kFetchVersion));
  }
  std::vector<std::string> values_from(ByteView name, int32_t partition, int64_t offset) {
    FetchOut out = fetch(name, partition, offset);
    EXPECT_EQ(out.error_code, ErrorCode::kNone);
    return records_of(out.records).values;
  }

  ListOffsetsResponse::ListOffsetsPartitionResponse list_offset(ByteView name, int32_t partition, int64_t timestamp,
                                                                int16_t version = 11) {
    ListOffsetsRequest request;
    request.replica_id = -1;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    ListOffsetsRequest::ListOffsetsPartition asked;
    asked.partition_index = partition;
    asked.timestamp = timestamp;
    topic.partitions.push_back(asked);
    auto response = client().ask<ListOffsetsResponse>(request, version);
    if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
      ADD_FAILURE() << "not the answer for one partition";
      return {};
    }
    return response.topics[0].partitions[0];
  }

 private:
  NodeHarness harness_;
  TestClient* client_ = nullptr;
};

}  // namespace milena::broker::broker_test

// Declares the fixture and runs its tests with one shard and with four.
#define BROKER_TESTS(Fixture)                                         \
  class Fixture : public milena::broker::broker_test::NodeFixture {}; \
  INSTANTIATE_TEST_SUITE_P(Shards, Fixture, testing::Values(1, 4), testing::PrintToStringParamName())
