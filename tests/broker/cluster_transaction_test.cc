// Transactions in a cluster: their coordinator is one broker, their partitions are led by others.
#include "broker/cluster_fixture.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/list_transactions.h"
#include "protocol/messages/offset_commit.h"

namespace milena::broker::broker_test {
namespace {

class ClusterTransactionTest : public ClusterFixture {
 protected:
  struct Producer {
    int coordinator = 0;
    int64_t id = -1;
    int16_t epoch = -1;
    std::map<std::string, int32_t> sequences;
  };

  // One partition each, whose coordinator is the first replica.
  void create_state_topic(const std::vector<int32_t>& replicas, const char* min_in_sync = "1") {
    create_topic(1, "__transaction_state", replicas, min_in_sync);
  }
  InitProducerIdResponse init(int coordinator) {
    InitProducerIdRequest request;
    request.transactional_id = "tx";
    request.transaction_timeout_ms = 60'000;
    return ask<InitProducerIdResponse>(coordinator, request, 5);
  }
  Producer new_producer(int coordinator) {
    auto response = init(coordinator);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    return {coordinator, response.producer_id, response.producer_epoch, {}};
  }
  // Writing adds the partition to the transaction (version 12).
  ErrorCode write(Producer& producer, int leader, const std::string& topic, const std::string& value) {
    BatchOptions options;
    options.producer_id = producer.id;
    options.producer_epoch = producer.epoch;
    options.base_sequence = producer.sequences[topic]++;
    options.transactional = true;
    const Bytes batch = batch_of({value}, cluster().clock().wall_ms(), options);
    ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 5000;
    request.transactional_id = "tx";
    auto& out = request.topic_data.emplace_back();
    out.name = topic;
    out.partition_data.push_back({0, ByteView(batch)});
    return ask<ProduceResponse>(leader, request, 12).responses.at(0).partition_responses.at(0).error_code;
  }
  static EndTxnRequest end_request(const Producer& producer, bool commit) {
    EndTxnRequest request;
    request.transactional_id = "tx";
    request.producer_id = producer.id;
    request.producer_epoch = producer.epoch;
    request.committed = commit;
    return request;
  }
  ErrorCode end(Producer& producer, bool commit) {
    auto response = ask<EndTxnResponse>(producer.coordinator, end_request(producer, commit), 5);
    if (response.error_code == ErrorCode::kNone) {
      producer.id = response.producer_id;
      producer.epoch = response.producer_epoch;
      producer.sequences.clear();
    }
    return response.error_code;
  }
  int64_t stable_end(int leader, ByteView topic) {
    Partition* partition = replica(leader, topic);
    return partition == nullptr || partition->log() == nullptr ? -1 : partition->log()->last_stable_offset().value();
  }
  ListOffsetsResponse::ListOffsetsPartitionResponse latest(int leader, ByteView name, int16_t version) {
    ListOffsetsRequest request;
    request.replica_id = -1;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.partitions.emplace_back().timestamp = -1;
    return ask<ListOffsetsResponse>(leader, request, version).topics.at(0).partitions.at(0);
  }
};

TEST_F(ClusterTransactionTest, PartitionsOfAllBrokersEndTogether) {
  create_state_topic({2, 3, 1});
  for (int leader = 1; leader <= 3; leader++) create_topic(1, "t" + std::to_string(leader), {leader, leader % 3 + 1});
  Producer producer = new_producer(2);
  for (const bool commit : {true, false, true}) {
    for (int leader = 1; leader <= 3; leader++) {
      const std::string topic = "t" + std::to_string(leader);
      const int64_t before = end_at(leader, topic);
      ASSERT_EQ(write(producer, leader, topic, "x"), ErrorCode::kNone) << topic;
      EXPECT_EQ(stable_end(leader, topic), before) << topic;
    }
    ASSERT_EQ(end(producer, commit), ErrorCode::kNone);
    for (int leader = 1; leader <= 3; leader++) {
      const std::string topic = "t" + std::to_string(leader);
      EXPECT_TRUE(cluster().until([&] { return stable_end(leader, topic) == end_at(leader, topic); }, 1000)) << topic;
      const int follower = leader % 3 + 1;
      EXPECT_TRUE(cluster().until([&] { return end_at(follower, topic) == end_at(leader, topic); }, 1000)) << topic;
    }
  }
}

// Each broker lists its own transactions, and tools ask all brokers.
TEST_F(ClusterTransactionTest, AreListedByTheirCoordinatorAlone) {
  create_state_topic({2, 3, 1});
  new_producer(2);
  for (int node = 1; node <= 3; node++) {
    const auto response = ask<ListTransactionsResponse>(node, ListTransactionsRequest(), 1);
    EXPECT_EQ(response.error_code, ErrorCode::kNone) << node;
    EXPECT_EQ(response.transaction_states.size(), node == 2 ? 1u : 0u) << node;
  }
}

// No client asks for the transaction any more: the next coordinator ends it nevertheless.
TEST_F(ClusterTransactionTest, ADecisionOutlivesItsCoordinator) {
  create_state_topic({2, 1});
  create_topic(1, "t", {3});
  Producer producer = new_producer(2);
  ASSERT_EQ(write(producer, 3, "t", "x"), ErrorCode::kNone);
  cluster().pause(3);  // no marker is written
  ASSERT_EQ(end(producer, true), ErrorCode::kNone);
  cluster().kill(2);
  ASSERT_TRUE(cluster().until([&] { return image(1, "__transaction_state")->leader == 1; }, 1000));
  cluster().resume(3);
  EXPECT_TRUE(cluster().until([&] { return stable_end(3, "t") == 2; }, 5000)) << stable_end(3, "t");
}

TEST_F(ClusterTransactionTest, CoordinatorsWithTooFewReplicasInSync) {
  create_state_topic({1, 2}, "2");
  create_topic(1, "__consumer_offsets", {1, 2}, "2");
  create_topic(1, "t", {1});
  Producer producer = new_producer(1);
  ASSERT_EQ(write(producer, 1, "t", "x"), ErrorCode::kNone);
  cluster().kill(2);
  ASSERT_TRUE(cluster().until([&] { return in_sync(1, "__transaction_state") == std::vector<int32_t>{1}; }, 1000));
  // A decision is refused, without any effect.
  const int64_t before_ms = cluster().clock().steady_ms();
  EXPECT_EQ(end(producer, true), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_LT(cluster().clock().steady_ms() - before_ms, 100);
  EXPECT_EQ(end_at(1, "t"), 1);
  // A commit of offsets is written, and waits for replicas until the timeout.
  OffsetCommitRequest commit;
  commit.group_id = "g";
  auto& topic = commit.topics.emplace_back();
  topic.name = "t";
  topic.partitions.emplace_back().committed_offset = 1;
  auto response = ask<OffsetCommitResponse>(1, commit, 9);
  EXPECT_EQ(response.topics.at(0).partitions.at(0).error_code, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_GE(cluster().clock().steady_ms() - before_ms, 5000);

  ASSERT_NO_FATAL_FAILURE(cluster().start(2));
  ASSERT_TRUE(cluster().until([&] { return in_sync(1, "__transaction_state").size() == 2; }));
  EXPECT_EQ(end(producer, true), ErrorCode::kNone);
  EXPECT_TRUE(cluster().until([&] { return stable_end(1, "t") == 2; }, 1000));
}

// A marker waits until enough replicas have it, like a record.
TEST_F(ClusterTransactionTest, AMarkerIsNotWrittenForTooFewReplicas) {
  create_state_topic({1});
  create_topic(1, "t", {1, 2}, "2");
  Producer producer = new_producer(1);
  ASSERT_EQ(write(producer, 1, "t", "x"), ErrorCode::kNone);
  cluster().kill(2);
  ASSERT_TRUE(cluster().until([&] { return in_sync(1, "t") == std::vector<int32_t>{1}; }, 1000));
  EXPECT_EQ(end(producer, true), ErrorCode::kNone);
  cluster().advance(1000);
  EXPECT_EQ(end_at(1, "t"), 1);
  ASSERT_NO_FATAL_FAILURE(cluster().start(2));
  EXPECT_TRUE(cluster().until([&] { return stable_end(1, "t") == 2; }));
}

// It keeps its connections, and answers nothing: who leads in its place is asked.
TEST_F(ClusterTransactionTest, AMarkerDoesNotWaitForABrokerThatIsFenced) {
  create_state_topic({2, 1});
  create_topic(1, "t", {3, 1});
  Producer producer = new_producer(2);
  ASSERT_EQ(write(producer, 3, "t", "x"), ErrorCode::kNone);
  cluster().pause(3);
  ASSERT_EQ(end(producer, true), ErrorCode::kNone);
  ASSERT_TRUE(cluster().until([&] { return image(1, "t")->leader == 1; }, 15'000));
  EXPECT_TRUE(cluster().until([&] { return stable_end(1, "t") == 2; }, 1000)) << stable_end(1, "t");
  cluster().resume(3);
}

class FourNodesTest : public ClusterTransactionTest {
 protected:
  void SetUp() override {
    set_nodes(4);
    ClusterTransactionTest::SetUp();
  }
};

// Consumers have seen an end offset of the previous leader; the new one does not know yet that it was replicated so
// far.
TEST_F(FourNodesTest, ANewLeaderDoesNotTellAnEndThatLiesBehind) {
  create_topic(1, "t", {4, 3, 2});
  EXPECT_EQ(produce(4, "t", "a"), ErrorCode::kNone);
  cluster().pause(2);
  replica(4, "t")->append_as_leader(Payload(batch_of({"b"}, cluster().clock().wall_ms())), log::AppendOrigin::kClient);
  ASSERT_TRUE(cluster().until([&] { return end_at(3, "t") == 2; }));
  cluster().kill(4);
  ASSERT_TRUE(cluster().until([&] { return image(3, "t")->leader == 3; }, 1000));
  EXPECT_EQ(latest(3, "t", 5).error_code, ErrorCode::kOffsetNotAvailable);
  EXPECT_EQ(latest(3, "t", 4).error_code, ErrorCode::kLeaderNotAvailable);
  cluster().resume(2);
  ASSERT_TRUE(cluster().until([&] { return latest(3, "t", 5).error_code == ErrorCode::kNone; }));
  EXPECT_EQ(latest(3, "t", 5).offset, 2);
}

}  // namespace
}  // namespace milena::broker::broker_test
