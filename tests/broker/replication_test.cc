// Three nodes as one cluster: its start, replication of records, and lost nodes.
#include "broker/cluster_fixture.h"
#include "broker/controller/controller_channel.h"
#include "broker/storage/replica_mover.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/metadata.h"

namespace milena::broker::broker_test {
namespace {

// Holds back a broker's requests of one kind to the controller.
class HeldController final : public ControllerChannel {
 public:
  explicit HeldController(ControllerChannel& inner) : inner_(inner) {}
  void send_any(Shard& from, OutgoingRequest request, ControllerRequestContext context, OutgoingReply reply) override {
    Task send = [this, &from, request, context, reply] { inner_.send_any(from, request, context, reply); };
    if (request.key != held_kind_) return send();
    held_.push_back({std::move(send), std::move(reply)});
  }
  void create_topics_for_use(Shard& from, std::vector<Bytes> names, std::optional<ControllerRequestContext> client,
                             Task done) override {
    inner_.create_topics_for_use(from, std::move(names), std::move(client), std::move(done));
  }
  void next_producer_id(Shard& from, std::function<void(Result<int64_t>)> done) override {
    inner_.next_producer_id(from, std::move(done));
  }
  void hold(ApiKey kind) { held_kind_ = kind; }
  size_t held() const { return held_.size(); }
  void release() {
    held_kind_.reset();
    for (Held& one : std::exchange(held_, {})) one.send();
  }
  // The controller was not reached; later requests are held back, too.
  void lose() {
    for (Held& one : std::exchange(held_, {})) one.reply(ErrorCode::kNetworkException, nullptr);
  }

 private:
  ControllerChannel& inner_;
  struct Held {
    Task send;
    OutgoingReply reply;
  };
  std::optional<ApiKey> held_kind_;
  std::vector<Held> held_;
};

class ReplicationTest : public ClusterFixture {
 protected:
  void TearDown() override {
    if (held_ == nullptr || !cluster().node(2).running()) return;
    cluster().kill(2);
    cluster().settle();
  }
  HeldController& hold_controller_of_2(ApiKey kind) {
    held_ = std::make_unique<HeldController>(cluster().node(2).node().controller());
    cluster().node(2).node().set_controller(*held_);
    held_->hold(kind);
    return *held_;
  }

 private:
  std::unique_ptr<HeldController> held_;
};

TEST_F(ReplicationTest, EachNodeTellsOfAll) {
  for (int node = 1; node <= 3; node++) {
    MetadataRequest request;
    auto response = ask<MetadataResponse>(node, request, 12);
    ASSERT_EQ(response.brokers.size(), 3u) << node;
    EXPECT_EQ(response.brokers[2].node_id, 3);
    EXPECT_EQ(response.brokers[2].port, 9203);
  }
}

TEST_F(ReplicationTest, ATopicIsMadeThroughABrokerAndReplicated) {
  create_topic(3, "t", {2, 3, 1});
  ASSERT_NE(image(3, "t"), nullptr) << "whoever made a topic may use it at once";
  EXPECT_EQ(image(3, "t")->leader, 2);
  EXPECT_EQ(produce(2, "t", "a"), ErrorCode::kNone);
  EXPECT_EQ(produce(2, "t", "b"), ErrorCode::kNone);
  for (int node = 1; node <= 3; node++) EXPECT_EQ(end_at(node, "t"), 2) << node;
  EXPECT_EQ(produce(1, "t", "c"), ErrorCode::kNotLeaderOrFollower);
  // The followers learn the high watermark, too.
  EXPECT_TRUE(cluster().until([&] { return replica(1, "t")->high_watermark() == 2; }));
  EXPECT_TRUE(cluster().until([&] { return replica(3, "t")->high_watermark() == 2; }));
}

TEST_F(ReplicationTest, AnAcknowledgementWaitsForTheReplicasInSync) {
  create_topic(1, "t", {1, 2, 3});
  ASSERT_TRUE(cluster().until([&] { return replica(3, "t") != nullptr; }));
  EXPECT_EQ(produce(1, "t", "a"), ErrorCode::kNone);
  cluster().kill(3);
  // The controller noticed that the connection with heartbeats was closed.
  const int64_t before_ms = cluster().clock().steady_ms();
  EXPECT_EQ(produce(1, "t", "b"), ErrorCode::kNone);
  EXPECT_LT(cluster().clock().steady_ms() - before_ms, 1000);
  EXPECT_EQ(in_sync(1, "t"), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(end_at(2, "t"), 2);
}

TEST_F(ReplicationTest, AnotherReplicaLeadsWhenTheLeaderIsLost) {
  create_topic(1, "t", {3, 2, 1}, "2");
  EXPECT_EQ(produce(3, "t", "a"), ErrorCode::kNone);
  cluster().kill(3);
  ASSERT_TRUE(cluster().until([&] { return image(2, "t")->leader == 2; }, 1000));
  EXPECT_EQ(produce(2, "t", "b"), ErrorCode::kNone);
  EXPECT_EQ(values(2, "t"), (std::vector<std::string>{"a", "b"}));

  ASSERT_NO_FATAL_FAILURE(cluster().start(3));
  ASSERT_TRUE(cluster().until([&] { return in_sync(1, "t") == std::vector<int32_t>{1, 2, 3}; }));
  EXPECT_EQ(end_at(3, "t"), 2);
  EXPECT_EQ(produce(2, "t", "c"), ErrorCode::kNone);
  EXPECT_EQ(end_at(3, "t"), 3);
}

TEST_F(ReplicationTest, TooFewReplicasInSyncRefuseRecords) {
  create_topic(1, "t", {1, 2}, "2");
  EXPECT_EQ(produce(1, "t", "a"), ErrorCode::kNone);
  cluster().kill(2);
  ASSERT_TRUE(cluster().until([&] { return in_sync(1, "t") == std::vector<int32_t>{1}; }, 1000));
  EXPECT_EQ(produce(1, "t", "b"), ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(values(1, "t"), (std::vector<std::string>{"a"}));
}

// A waiting fetch reads again when it is woken, which counts as a fetch: two of them must not wake each other.
TEST_F(ReplicationTest, AFetchThatMovesNothingWakesNobody) {
  create_topic(1, "t", {1, 2}, "2");
  EXPECT_EQ(produce(1, "t", "a"), ErrorCode::kNone);
  cluster().kill(2);
  ASSERT_TRUE(cluster().until([&] { return in_sync(1, "t") == std::vector<int32_t>{1}; }, 1000));
  Partition& partition = *replica(1, "t");
  const Payload batch(batch_of({"b"}, cluster().clock().wall_ms()));
  ASSERT_EQ(partition.append_as_leader(batch, log::AppendOrigin::kClient).error, ErrorCode::kNone);
  ASSERT_EQ(partition.high_watermark(), 1) << "too few are in sync for the second";
  int woken = 0;
  auto waiter = std::make_shared<Waiter>(cluster().node(1).node().shard(0), [&woken] { woken++; });
  partition.waiters().add(waiter);
  partition.note_follower_fetch(2, -1, 2, 0);
  cluster().settle();
  EXPECT_EQ(woken, 0);
  partition.waiters().remove(*waiter);
  waiter->finish();
}

TEST_F(ReplicationTest, ARecordThatOnlyTheLostLeaderHadGoes) {
  create_topic(1, "t", {3, 2, 1});
  EXPECT_EQ(produce(3, "t", "a"), ErrorCode::kNone);
  // Appended, and lost before any fetch.
  Partition* leader = replica(3, "t");
  leader->append_as_leader(Payload(batch_of({"lost"}, cluster().clock().wall_ms())), log::AppendOrigin::kClient);
  ASSERT_EQ(leader->log_end_offset(), 2);
  cluster().kill(3);
  ASSERT_TRUE(cluster().until([&] { return image(2, "t")->leader == 2; }, 1000));
  EXPECT_EQ(produce(2, "t", "b"), ErrorCode::kNone);
  ASSERT_NO_FATAL_FAILURE(cluster().start(3));
  ASSERT_TRUE(cluster().until([&] { return in_sync(1, "t") == std::vector<int32_t>{1, 2, 3}; }));
  EXPECT_EQ(end_at(3, "t"), 2);
  cluster().kill(2);
  ASSERT_TRUE(cluster().until([&] { return image(1, "t")->leader != 2; }, 1000));
  const int now = image(1, "t")->leader;
  EXPECT_EQ(values(now, "t"), (std::vector<std::string>{"a", "b"}));
}

TEST_F(ReplicationTest, ASilentBrokerIsFencedAfterItsSession) {
  create_topic(1, "t", {1, 2, 3});
  EXPECT_EQ(produce(1, "t", "a"), ErrorCode::kNone);
  const metadata::MetadataImage& metadata = cluster().node(1).node().shard(0).image();
  cluster().advance(20'000);
  for (int id = 1; id <= 3; id++) EXPECT_FALSE(metadata.find_broker(id)->fenced) << id;
  cluster().pause(3);
  cluster().advance(8'000);
  EXPECT_FALSE(metadata.find_broker(3)->fenced);
  cluster().advance(3'000);
  EXPECT_TRUE(metadata.find_broker(3)->fenced);
  EXPECT_EQ(in_sync(1, "t"), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(produce(1, "t", "b"), ErrorCode::kNone);
  cluster().resume(3);
  EXPECT_TRUE(cluster().until([&] { return in_sync(1, "t") == std::vector<int32_t>{1, 2, 3}; }));
  EXPECT_EQ(end_at(3, "t"), 2);
}

// The controller's own change is known before the response that the requested one came too late.
TEST_F(ReplicationTest, AChangeThatCameTooLateDoesNotHideTheNext) {
  create_topic(1, "t", {2, 3, 1});
  ASSERT_TRUE(cluster().until([&] { return replica(1, "t") != nullptr; }));
  EXPECT_EQ(produce(2, "t", "a"), ErrorCode::kNone);
  cluster().kill(3);
  ASSERT_TRUE(cluster().until([&] { return in_sync(2, "t") == std::vector<int32_t>{1, 2}; }, 1000));
  HeldController& held = hold_controller_of_2(ApiKey::kAlterPartition);
  ASSERT_NO_FATAL_FAILURE(cluster().start(3));
  ASSERT_TRUE(cluster().until([&] { return held.held() == 1; })) << "3 has caught up, and nobody is told";
  const int32_t before = image(2, "t")->partition_epoch;
  AlterPartitionReassignmentsRequest more;
  more.topics.push_back({"t", {{0, std::vector<int32_t>{2, 1, 3}}}});
  EXPECT_EQ(ask<AlterPartitionReassignmentsResponse>(1, more, 1).error_code, ErrorCode::kNone);
  ASSERT_TRUE(cluster().until([&] { return image(2, "t")->partition_epoch > before; }));
  held.release();
  EXPECT_TRUE(cluster().until([&] { return in_sync(2, "t") == std::vector<int32_t>{1, 2, 3}; }, 1000));
}

TEST_F(ReplicationTest, ThePlaceOfAReplicaIsToldAgainUntilItIsRemoved) {
  create_topic(1, "t", {2, 3});
  ASSERT_TRUE(cluster().until([&] { return replica(2, "t") != nullptr; }));
  HeldController& held = hold_controller_of_2(ApiKey::kAssignReplicasToDirs);
  Partition& there = *replica(2, "t");
  cluster().node(2).node().shard(0).replicas().mover().tell_place(there.id(), *there.directory());
  ASSERT_EQ(held.held(), 1u);
  held.lose();
  EXPECT_TRUE(cluster().until([&] { return held.held() == 1; }, 5000)) << "it is told again";
  DeleteTopicsRequest request;
  request.timeout_ms = 5000;
  request.topic_names.push_back("t");
  ASSERT_EQ(ask<DeleteTopicsResponse>(1, request, 5).responses.at(0).error_code, ErrorCode::kNone);
  ASSERT_TRUE(cluster().until([&] { return replica(2, "t") == nullptr; }));
  held.lose();
  cluster().advance(5000);
  EXPECT_EQ(held.held(), 0u);
}

TEST_F(ReplicationTest, ProducerIdsAreOfOneCluster) {
  std::set<int64_t> ids;
  for (int node = 1; node <= 3; node++) {
    InitProducerIdRequest request;
    request.transactional_id.reset();
    auto response = ask<InitProducerIdResponse>(node, request, 4);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    ids.insert(response.producer_id);
  }
  EXPECT_EQ(ids.size(), 3u);
}

}  // namespace
}  // namespace milena::broker::broker_test
