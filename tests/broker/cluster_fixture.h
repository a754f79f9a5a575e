// ClusterFixture: the nodes of a ClusterHarness, and requests of tests.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "broker/cluster_harness.h"
#include "broker/replica/partition.h"
#include "broker/replica/replica_manager.h"
#include "protocol/messages/delete_records.h"

namespace milena::broker::broker_test {

class ClusterFixture : public testing::Test {
 protected:
  // Settings of nodes, before they start.
  virtual void configure() {}
  // Before SetUp().
  void set_nodes(int count) { nodes_ = count; }
  void SetUp() override {
    cluster_ = std::make_unique<ClusterHarness>(nodes_);
    configure();
    ASSERT_NO_FATAL_FAILURE(cluster_->start_all());
  }
  ClusterHarness& cluster() { return *cluster_; }

  // Sends, and advances the clock until there is a response.
  template <class Response, class Request>
  Response ask(int node, const Request& request, int16_t version) {
    TestClient& client = cluster().node(node).connect();
    client.start(request, version);
    EXPECT_TRUE(cluster().until([&] { return client.has_answer(); })) << "no answer from node " << node;
    return client.take<Response>(version);
  }

  void create_topic(int by, ByteView name, const std::vector<int32_t>& replicas, const char* min_in_sync = "1") {
    CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.assignments.push_back({0, replicas});
    topic.configs.push_back({"min.insync.replicas", min_in_sync});
    auto response = ask<CreateTopicsResponse>(by, request, 7);
    ASSERT_EQ(response.topics.at(0).error_code, ErrorCode::kNone) << response.topics[0].error_message.value_or("");
  }
  const metadata::PartitionImage* image(int node, ByteView name) {
    return cluster().node(node).node().shard(0).image().find_partition(name, 0);
  }
  Partition* replica(int node, ByteView name) {
    const metadata::TopicImage* topic = cluster().node(node).topic(name);
    return topic == nullptr ? nullptr : cluster().node(node).node().shard(0).replicas().find_replica({topic->id, 0});
  }
  int64_t end_at(int node, ByteView name) {
    Partition* partition = replica(node, name);
    return partition == nullptr ? -1 : partition->log_end_offset();
  }
  std::vector<int32_t> in_sync(int node, ByteView name) {
    std::vector<int32_t> ids = image(node, name)->isr.to_vector();
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  ErrorCode produce(int node, ByteView name, const std::string& value) { return produce_all(node, name, {value}); }
  // In one batch.
  ErrorCode produce_all(int node, ByteView name, const std::vector<std::string>& values) {
    ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 5000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = name;
    const Bytes batch = batch_of(values, cluster().clock().wall_ms());
    topic.partition_data.push_back({0, ByteView(batch)});
    return ask<ProduceResponse>(node, request, 9).responses.at(0).partition_responses.at(0).error_code;
  }
  DeleteRecordsResponse::DeleteRecordsPartitionResult delete_records(int node, ByteView name, int64_t before) {
    DeleteRecordsRequest request;
    request.timeout_ms = 30'000;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.partitions.push_back({0, before});
    return ask<DeleteRecordsResponse>(node, request, 2).topics.at(0).partitions.at(0);
  }
  std::vector<std::string> values(int node, ByteView name, int64_t from = 0) {
    FetchRequest request = fetch_request(name);
    request.topics.at(0).partitions.at(0).fetch_offset = from;
    auto response = ask<FetchResponse>(node, request, 12);
    return records_of(response.responses.at(0).partitions.at(0).records).values;
  }
  static FetchRequest fetch_request(ByteView name) {
    FetchRequest request;
    request.max_bytes = 50 << 20;
    auto& topic = request.topics.emplace_back();
    topic.topic = name;
    FetchRequest::FetchPartition asked;
    asked.partition_max_bytes = 1 << 20;
    topic.partitions.push_back(asked);
    return request;
  }

 private:
  int nodes_ = 3;
  std::unique_ptr<ClusterHarness> cluster_;
};

}  // namespace milena::broker::broker_test
