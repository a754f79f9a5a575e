// How nodes of a cluster come and go: the controller that is killed, all at once, orderly stops that hand over.
#include <filesystem>
#include <set>

#include "broker/cluster_fixture.h"
#include "broker/controller/metadata_log.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/storage/log_directories.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_quorum.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/incremental_alter_configs.h"

namespace milena::broker::broker_test {
namespace {

class ClusterLifeTest : public ClusterFixture {
 protected:
  // Two topics, led by the controller's node and by another.
  void create_topics() {
    create_topic(1, "one", {1, 2, 3}, "2");
    create_topic(1, "two", {2, 3, 1}, "2");
    ASSERT_TRUE(cluster().until([&] { return replica(3, "two") != nullptr && replica(2, "one") != nullptr; }));
    ASSERT_EQ(produce(1, "one", "a"), ErrorCode::kNone);
    ASSERT_EQ(produce(2, "two", "a"), ErrorCode::kNone);
  }
  // The leader, once it knows that it leads.
  int leader(ByteView topic) {
    EXPECT_TRUE(cluster().until(
        [&] {
          const int id = image(1, topic)->leader;
          if (id <= 0 || !cluster().node(id).running()) return false;
          return image(id, topic)->leader == id && image(id, topic)->leader_epoch == image(1, topic)->leader_epoch;
        },
        1000));
    return image(1, topic)->leader;
  }
  bool all_in_sync(ByteView topic) { return in_sync(1, topic) == std::vector<int32_t>{1, 2, 3}; }
  void expect_whole(ByteView topic, const std::vector<std::string>& wanted) {
    EXPECT_TRUE(cluster().until([&] { return all_in_sync(topic); }, 5000)) << topic;
    EXPECT_EQ(values(leader(topic), topic), wanted) << topic;
    for (int node = 1; node <= 3; node++) EXPECT_EQ(end_at(node, topic), static_cast<int64_t>(wanted.size())) << node;
  }
};

TEST_F(ClusterLifeTest, TheControllerIsKilledAndStartsAgain) {
  create_topics();
  const int64_t epoch_of_2 = cluster().node(1).node().shard(0).image().find_broker(2)->epoch;
  cluster().kill(1);
  cluster().advance(3000);
  ASSERT_NO_FATAL_FAILURE(cluster().start(1));
  // The others took over its leaderships: it may lack records that they have.
  EXPECT_NE(leader("one"), 1);
  EXPECT_EQ(leader("two"), 2);
  EXPECT_EQ(cluster().node(1).node().shard(0).image().find_broker(2)->epoch, epoch_of_2) << "it did not register anew";
  EXPECT_EQ(produce(leader("one"), "one", "b"), ErrorCode::kNone);
  EXPECT_EQ(produce(2, "two", "b"), ErrorCode::kNone);
  expect_whole("one", {"a", "b"});
  expect_whole("two", {"a", "b"});
  // A broker lost afterwards is noticed.
  cluster().kill(3);
  EXPECT_TRUE(cluster().until([&] { return in_sync(1, "two") == std::vector<int32_t>{1, 2}; }, 1000));
}

// The settings of brokers 2 and 3 name a controller that does not lead, first or alone.
class FollowingControllerTest : public ClusterLifeTest {
 protected:
  void configure() override {
    ClusterLifeTest::configure();
    const auto at = [](uint16_t port) { return "localhost:" + std::to_string(port); };
    const std::string following = at(ClusterHarness::kFollowingPort);
    cluster().node(2).set("controller.quorum.voters", "");
    cluster().node(2).set("controller.quorum.bootstrap.servers",
                          following + "," + at(ClusterHarness::kControllerPort));
    cluster().node(3).set("controller.quorum.voters", "");
    cluster().node(3).set("controller.quorum.bootstrap.servers", following);
  }
  // The in-sync set of "two", whose leader is broker 2 or 3, shrinks and grows.
  void expect_alive(int other) {
    cluster().kill(other);
    EXPECT_TRUE(cluster().until([&] { return leader("two") == 5 - other && in_sync(1, "two").size() == 2; }));
    EXPECT_EQ(produce(leader("two"), "two", "x"), ErrorCode::kNone);
    // The next attempt goes to the controller that does not lead.
    cluster().lose_connection_at(ApiKey::kAlterPartition);
    ASSERT_NO_FATAL_FAILURE(cluster().start(other));
    EXPECT_TRUE(cluster().until([&] { return all_in_sync("two"); })) << "with leader " << leader("two");
  }
};

TEST_F(FollowingControllerTest, SaysWhoLeads) {
  create_topics();
  for (int other : {3, 2, 3}) expect_alive(other);
}

// It says nothing new: the leader and its epoch are the same as before.
TEST_F(FollowingControllerTest, SaysAgainWhoLeads) {
  create_topics();
  cluster().lose_connections_to(1);
  create_topic(1, "later", {3, 2});
  EXPECT_TRUE(cluster().until([&] { return replica(3, "later") != nullptr && replica(2, "later") != nullptr; }));
  // It was fenced when its connections were lost.
  ASSERT_TRUE(cluster().until([&] { return image(1, "later")->leader > 0; }));
  EXPECT_EQ(produce(leader("later"), "later", "x"), ErrorCode::kNone);
}

TEST_F(ClusterLifeTest, AllAreKilledAtOnce) {
  create_topics();
  for (int id = 1; id <= 3; id++) cluster().kill(id);
  const int64_t before_ms = cluster().clock().steady_ms();
  for (int id = 1; id <= 3; id++) ASSERT_NO_FATAL_FAILURE(cluster().start(id));
  expect_whole("one", {"a"});
  expect_whole("two", {"a"});
  // Nothing waited for the end of the earlier processes' sessions.
  EXPECT_LT(cluster().clock().steady_ms() - before_ms, 5000);
  EXPECT_EQ(produce(leader("one"), "one", "b"), ErrorCode::kNone);
  expect_whole("one", {"a", "b"});
}

TEST_F(ClusterLifeTest, AnOrderlyStopHandsOver) {
  create_topics();
  cluster().stop(2);
  EXPECT_NE(leader("two"), 2);
  const int64_t before_ms = cluster().clock().steady_ms();
  EXPECT_EQ(produce(leader("two"), "two", "b"), ErrorCode::kNone);
  EXPECT_LT(cluster().clock().steady_ms() - before_ms, 100);
  ASSERT_NO_FATAL_FAILURE(cluster().start(2));
  expect_whole("two", {"a", "b"});
}

// Its first fetch comes before it is unfenced, and the next one may wait for records, half a second long.
TEST_F(ClusterLifeTest, ABrokerIsInSyncAsSoonAsItIsUnfenced) {
  create_topics();
  for (const int node : {2, 3}) {
    cluster().pause(node);
    ASSERT_TRUE(cluster().until([&] { return !all_in_sync("one") && !all_in_sync("two"); }));
    cluster().resume(node);
    const auto serves = [&] { return !cluster().node(1).node().shard(0).image().find_broker(node)->fenced; };
    ASSERT_TRUE(cluster().until(serves));
    const int64_t before_ms = cluster().clock().steady_ms();
    ASSERT_TRUE(cluster().until([&] { return all_in_sync("one") && all_in_sync("two"); }));
    EXPECT_LT(cluster().clock().steady_ms() - before_ms, 100) << node;
  }
}

TEST_F(ClusterLifeTest, TheNodeWithTheControllerHandsOverToo) {
  create_topics();
  cluster().stop(1);
  const int now = image(3, "one")->leader;
  ASSERT_NE(now, 1);
  EXPECT_EQ(image(2, "one")->leader, now);
  const int64_t before_ms = cluster().clock().steady_ms();
  EXPECT_EQ(produce(now, "one", "b"), ErrorCode::kNone);
  EXPECT_EQ(produce(2, "two", "b"), ErrorCode::kNone);
  EXPECT_LT(cluster().clock().steady_ms() - before_ms, 100);
  ASSERT_NO_FATAL_FAILURE(cluster().start(1));
  expect_whole("one", {"a", "b"});
  expect_whole("two", {"a", "b"});
}

// A failure of the machine took the name of a log that was never synced, and while it was away its topic was deleted
// and made again.
TEST_F(ClusterLifeTest, RecordsOfADeletedTopicAreNotTakenForItsSuccessors) {
  create_topic(1, "t", {1, 3});
  ASSERT_EQ(produce_all(1, "t", {"old", "old"}), ErrorCode::kNone);
  ASSERT_TRUE(cluster().until([&] { return end_at(3, "t") == 2; }));
  cluster().kill(3);
  ASSERT_TRUE(std::filesystem::remove(cluster().node(3).directory() + "/data/t-0/partition.metadata"));
  DeleteTopicsRequest request;
  request.timeout_ms = 5000;
  request.topics.emplace_back().name = "t";
  ASSERT_EQ(ask<DeleteTopicsResponse>(1, request, 6).responses.at(0).error_code, ErrorCode::kNone);
  create_topic(1, "t", {1, 2});
  const std::vector<std::string> wanted{"a", "b", "c"};
  for (const std::string& value : wanted) ASSERT_EQ(produce(1, "t", value), ErrorCode::kNone);
  AlterPartitionReassignmentsRequest move;
  move.timeout_ms = 5000;
  move.topics.push_back({"t", {{0, std::vector<int32_t>{1, 2, 3}}}});
  ask<AlterPartitionReassignmentsResponse>(1, move, 1);
  ASSERT_NO_FATAL_FAILURE(cluster().start(3));
  ASSERT_TRUE(cluster().until([&] { return all_in_sync("t") && end_at(3, "t") == 3; }));
  cluster().advance(1000);
  EXPECT_EQ(values(3, "t"), wanted);
}

// The topic was deleted and made again while this node was stopped in order.
TEST_F(ClusterLifeTest, WhatCheckpointsSayOfADeletedTopicIsNotSaidOfItsSuccessor) {
  create_topic(1, "t", {1, 3});
  ASSERT_EQ(produce_all(1, "t", {"old", "old"}), ErrorCode::kNone);
  ASSERT_TRUE(cluster().until([&] { return end_at(3, "t") == 2; }));
  cluster().stop(3);
  const std::string checkpoint = cluster().node(3).directory() + "/data/recovery-point-offset-checkpoint";
  ASSERT_NE(posix_file_system().read_file(checkpoint).value().find("t 0 2\n"), Bytes::npos);
  DeleteTopicsRequest request;
  request.timeout_ms = 5000;
  request.topics.emplace_back().name = "t";
  ASSERT_EQ(ask<DeleteTopicsResponse>(1, request, 6).responses.at(0).error_code, ErrorCode::kNone);
  create_topic(1, "t", {1, 2});
  AlterPartitionReassignmentsRequest move;
  move.timeout_ms = 5000;
  move.topics.push_back({"t", {{0, std::vector<int32_t>{1, 2, 3}}}});
  ask<AlterPartitionReassignmentsResponse>(1, move, 1);
  ASSERT_NO_FATAL_FAILURE(cluster().start(3));
  EXPECT_EQ(posix_file_system().read_file(checkpoint).value().find("t 0 2\n"), Bytes::npos);
  ASSERT_EQ(produce(1, "t", "new"), ErrorCode::kNone);
  ASSERT_TRUE(cluster().until([&] { return all_in_sync("t") && end_at(3, "t") == 1; }));
}

class NoControlledShutdownTest : public ClusterLifeTest {
 protected:
  void configure() override {
    for (int id = 1; id <= 3; id++) cluster().node(id).set("controlled.shutdown.enable", "false");
  }
};

// The controller notices that they are gone.
TEST_F(NoControlledShutdownTest, NobodyHandsOver) {
  create_topics();
  for (const int id : {1, 2}) cluster().node(id).node().leave();
  EXPECT_EQ(image(1, "one")->leader, 1);
  EXPECT_EQ(image(1, "two")->leader, 2);
  EXPECT_FALSE(cluster().node(1).node().shard(0).image().find_broker(2)->in_controlled_shutdown);
  cluster().stop(2);
  EXPECT_TRUE(cluster().until([&] { return leader("two") == 3; }, 10'000));
  ASSERT_NO_FATAL_FAILURE(cluster().start(2));
  expect_whole("two", {"a"});
}

class SeveralDirectoriesTest : public ClusterLifeTest {
 protected:
  std::string dir(int i) { return cluster().node(2).directory() + "/disk" + std::to_string(i); }
  void configure() override { cluster().node(2).set("log.dirs", dir(0) + "," + dir(1) + "," + dir(2)); }
  // How many partitions each of the directories has by the metadata.
  std::vector<int> placed() {
    std::vector<int> counts;
    const LogDirectories& all = *cluster().node(2).node().shard(0).node().directories;
    const metadata::MetadataImage& metadata = cluster().node(1).node().shard(0).image();
    for (int i = 0; i < 3; i++) {
      counts.push_back(0);
      for (const metadata::TopicImage& topic : metadata.topics()) {
        for (const metadata::PartitionImage& one : topic.partitions)
          counts[i] += one.directory(2) == all.find_path(dir(i))->id();
      }
    }
    return counts;
  }
};

// Of a replica that it is given later the broker chooses the place.
TEST_F(SeveralDirectoriesTest, AReplicaGoesWhereTheFewestAre) {
  const auto expect_with = [this](ByteView topic, const std::vector<int>& counts) {
    create_topic(1, topic, {3, 1});
    AlterPartitionReassignmentsRequest request;
    request.timeout_ms = 5000;
    request.topics.push_back({topic, {{0, std::vector<int32_t>{3, 2}}}});
    ask<AlterPartitionReassignmentsResponse>(1, request, 1);
    EXPECT_TRUE(cluster().until([&] { return placed() == counts; })) << testing::PrintToString(placed());
  };
  expect_with("a", {1, 0, 0});
  expect_with("b", {1, 1, 0});
  expect_with("c", {1, 1, 1});
  expect_with("d", {2, 1, 1});
  // Replicas that were there before count as well.
  cluster().stop(2);
  ASSERT_NO_FATAL_FAILURE(cluster().start(2));
  expect_with("e", {2, 2, 1});
  expect_with("f", {2, 2, 2});
}

// Somebody has moved a replica while the broker was away. The request that tells the controller may be lost.
TEST_F(SeveralDirectoriesTest, TheControllerIsToldWhereReplicasAreFound) {
  create_topic(1, "a", {2, 1});
  ASSERT_TRUE(cluster().until([&] { return placed() == std::vector<int>{1, 0, 0}; }));
  cluster().stop(2);
  std::filesystem::rename(dir(0) + "/a-0", dir(2) + "/a-0");
  cluster().lose_connection_at(ApiKey::kAssignReplicasToDirs);
  ASSERT_NO_FATAL_FAILURE(cluster().start(2));
  EXPECT_TRUE(cluster().until([&] { return placed() == std::vector<int>{0, 0, 1}; }, 2000));
}

// The controller of another node does not know the directories of a broker: that one looks at what it is asked itself.
TEST_F(SeveralDirectoriesTest, AreCordonedThroughAControllerElsewhere) {
  const auto cordon = [this](TestClient& client, const std::string& path) {
    IncrementalAlterConfigsRequest request;
    auto& broker = request.resources.emplace_back();
    broker.resource_type = static_cast<int8_t>(metadata::ResourceType::kBroker);
    broker.resource_name = "2";
    broker.configs.push_back({"cordoned.log.dirs", 0, path});
    client.start(request, 1);
    EXPECT_TRUE(cluster().until([&] { return client.has_answer(); }));
    return client.take<IncrementalAlterConfigsResponse>(1).responses.at(0);
  };
  auto refused = cordon(cluster().node(2).connect(), "/nowhere");
  EXPECT_EQ(refused.error_code, ErrorCode::kInvalidRequest);
  EXPECT_THAT(refused.error_message.value_or(""), testing::HasSubstr("Missing entries : /nowhere"));
  refused = cordon(cluster().node(1).connect(), dir(0));
  EXPECT_EQ(refused.error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(refused.error_message, "Unexpected broker id, expected 1, but received 2");

  const auto cordoned = [this] { return cluster().node(1).node().shard(0).image().find_broker(2)->cordoned_log_dirs; };
  const LogDirectories& all = *cluster().node(2).node().shard(0).node().directories;
  // The controller only takes entries out: it does not know the directories of the broker.
  const std::string two = dir(0) + "," + dir(1), three = two + "," + dir(2);
  for (const int node : {2, 1}) {
    TestClient& client = node == 1 ? cluster().node(1).connect(0, "CONTROLLER") : cluster().node(2).connect();
    auto answer = cordon(client, node == 1 ? two : three);
    ASSERT_EQ(answer.error_code, ErrorCode::kNone) << answer.error_message.value_or("");
    const size_t count = node == 1 ? 2 : 3;
    ASSERT_TRUE(cluster().until([&] { return cordoned().size() == count; })) << count;
  }
  refused = cordon(cluster().node(1).connect(0, "CONTROLLER"), three);
  EXPECT_EQ(refused.error_code, ErrorCode::kInvalidConfig);
  EXPECT_THAT(refused.error_message.value_or(""), testing::HasSubstr("add entries through that broker"));
  EXPECT_THAT(cordoned(), testing::UnorderedElementsAre(all.find_path(dir(0))->id(), all.find_path(dir(1))->id()));
  for (const char* topic : {"a", "b"}) create_topic(1, topic, {2, 3});
  EXPECT_TRUE(cluster().until([&] { return placed() == std::vector<int>{0, 0, 2}; }))
      << testing::PrintToString(placed());
}

class LittleMetadataTest : public ClusterLifeTest {
 protected:
  void configure() override {
    cluster().node(1).set("metadata.log.max.record.bytes.between.snapshots", "1500");
    cluster().node(1).set("metadata.max.retention.bytes", "2000");
  }
};

// A snapshot gives it the records that it missed, without a restart.
TEST_F(LittleMetadataTest, ABrokerThatWasAwayGoesOnFromASnapshot) {
  create_topics();
  create_topic(1, "gone", {3, 1});
  create_topic(1, "again", {3, 1});
  ASSERT_EQ(produce(3, "again", "old"), ErrorCode::kNone);
  log::PartitionLog& log = cluster().node(1).node().metadata().log();
  const int64_t missed_from = log.log_end_offset();
  cluster().pause(3);
  for (const char* topic : {"gone", "again"}) {
    DeleteTopicsRequest request;
    request.timeout_ms = 5000;
    request.topics.emplace_back().name = topic;
    ASSERT_EQ(ask<DeleteTopicsResponse>(1, request, 6).responses.at(0).error_code, ErrorCode::kNone);
  }
  create_topic(1, "again", {1, 3});
  for (int i = 0; i < 20; i++) create_topic(1, "new" + std::to_string(i), {2, 3});
  ASSERT_GT(log.log_start_offset(), missed_from);
  cluster().resume(3);
  const metadata::MetadataImage& of_1 = cluster().node(1).node().shard(0).image();
  const metadata::MetadataImage& of_3 = cluster().node(3).node().shard(0).image();
  EXPECT_TRUE(cluster().until([&] { return of_3.find_topic("new19") != nullptr && of_1 == of_3; }));
  EXPECT_EQ(replica(3, "gone"), nullptr);
  ASSERT_EQ(produce(leader("again"), "again", "new"), ErrorCode::kNone);
  ASSERT_EQ(produce(leader("new0"), "new0", "x"), ErrorCode::kNone);
  EXPECT_TRUE(cluster().until([&] { return end_at(3, "new0") == 1 && end_at(3, "again") == 1; }));
  // It follows record by record again, and starts from what it keeps.
  create_topic(1, "later", {3, 2});
  EXPECT_EQ(produce(leader("later"), "later", "x"), ErrorCode::kNone);
  cluster().kill(3);
  ASSERT_NO_FATAL_FAILURE(cluster().start(3));
  EXPECT_TRUE(cluster().until([&] { return of_1 == cluster().node(3).node().shard(0).image(); }));
}

// Each fetch is lost in turn. Behind a snapshot that has all there is no record comes that would tell the start.
TEST_F(LittleMetadataTest, AStartEndsThoughNothingComesBehindTheSnapshot) {
  cluster().node(1).set("metadata.log.max.record.bytes.between.snapshots", "1");
  cluster().node(1).set("metadata.max.retention.bytes", "0");
  cluster().kill(1);
  ASSERT_NO_FATAL_FAILURE(cluster().start(1));
  for (int lost = 2; lost < 8; lost++) {
    cluster().kill(2);
    cluster().advance(1000);
    cluster().lose_connection_at(ApiKey::kFetch, {1, lost});
    ASSERT_NO_FATAL_FAILURE(cluster().start(2)) << lost;
  }
}

TEST_F(ClusterLifeTest, PreferredLeadersLeadAgain) {
  create_topics();
  cluster().kill(2);
  ASSERT_TRUE(cluster().until([&] { return leader("two") == 3; }, 1000));
  ASSERT_NO_FATAL_FAILURE(cluster().start(2));
  ASSERT_TRUE(cluster().until([&] { return all_in_sync("two"); }));
  EXPECT_EQ(leader("two"), 3);
  cluster().advance(301'000);
  EXPECT_EQ(leader("two"), 2);
  expect_whole("two", {"a"});
}

// Kafka only does it after unclean.leader.election.interval.ms, 5 minutes.
TEST_F(ClusterLifeTest, WhoAllowsAnUncleanLeaderGetsItAtOnce) {
  create_topic(1, "one", {2, 3}, "1");
  ASSERT_TRUE(cluster().until([&] { return replica(3, "one") != nullptr && leader("one") == 2; }));
  ASSERT_EQ(produce(2, "one", "a"), ErrorCode::kNone);
  cluster().kill(3);
  ASSERT_TRUE(cluster().until([&] { return in_sync(1, "one") == std::vector<int32_t>{2}; }));
  ASSERT_EQ(produce(2, "one", "b"), ErrorCode::kNone);
  cluster().kill(2);
  ASSERT_TRUE(cluster().until([&] { return image(1, "one")->leader == metadata::kNoLeader; }));
  ASSERT_NO_FATAL_FAILURE(cluster().start(3));
  cluster().advance(1000);
  ASSERT_EQ(image(1, "one")->leader, metadata::kNoLeader) << "broker 3 lacks a record";
  IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = static_cast<int8_t>(metadata::ResourceType::kTopic);
  resource.resource_name = "one";
  resource.configs.push_back({"unclean.leader.election.enable", 0, "true"});
  ASSERT_EQ(ask<IncrementalAlterConfigsResponse>(1, request, 1).responses.at(0).error_code, ErrorCode::kNone);
  EXPECT_TRUE(cluster().until([&] { return image(1, "one")->leader == 3; }, 1000));
  EXPECT_EQ(values(leader("one"), "one"), std::vector<std::string>{"a"});
}

// Each process has its own levels, with or without the controller. Configs of the same request go to the controller.
TEST_F(ClusterLifeTest, LogLevelsAreAlteredWhereTheyAreAsked) {
  create_topic(1, "one", {2, 3, 1});
  const auto alter = [this](int node, ByteView id) {
    IncrementalAlterConfigsRequest request;
    auto& level = request.resources.emplace_back();
    level.resource_type = static_cast<int8_t>(metadata::ResourceType::kBrokerLogger);
    level.resource_name = id;
    level.configs.push_back({"milena.net", 1, std::nullopt});  // all nodes of the test share them
    auto& topic = request.resources.emplace_back();
    topic.resource_type = static_cast<int8_t>(metadata::ResourceType::kTopic);
    topic.resource_name = "one";
    topic.configs.push_back({"retention.ms", 0, "1000000"});
    return ask<IncrementalAlterConfigsResponse>(node, request, 1).responses;
  };
  for (const char* id : {"2", "3"}) {
    const auto answers = alter(2, id);
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].resource_name, id);
    EXPECT_EQ(answers[1].resource_name, "one");
    EXPECT_EQ(answers[1].error_code, ErrorCode::kNone);
    if (id == std::string("2")) {
      EXPECT_EQ(answers[0].error_code, ErrorCode::kNone) << answers[0].error_message.value_or("");
    } else {
      EXPECT_EQ(answers[0].error_message, "Unexpected node id. Expected 2, but received 3");
    }
  }
}

// Via the controller's node, and via another.
TEST_F(ClusterLifeTest, InternalTopicsAreOnThreeBrokers) {
  for (const int node : {1, 3}) {
    FindCoordinatorRequest request;
    request.key_type = node == 1 ? 0 : 1;
    request.coordinator_keys = {"k"};
    auto response = ask<FindCoordinatorResponse>(node, request, 4);
    ASSERT_EQ(response.coordinators.at(0).error_code, ErrorCode::kNone);
  }
  for (const ByteView topic : {"__consumer_offsets", "__transaction_state"}) {
    ASSERT_NE(image(1, topic), nullptr) << topic;
    EXPECT_EQ(image(1, topic)->replicas.size(), 3u) << topic;
  }
  const metadata::MetadataImage& metadata = cluster().node(1).node().shard(0).image();
  EXPECT_EQ(metadata.configs(metadata::ResourceType::kTopic, "__transaction_state").at("min.insync.replicas"), "2");
}

TEST_F(ClusterLifeTest, TheQuorumHasObservers) {
  create_topics();
  DescribeQuorumRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic_name = "__cluster_metadata";
  topic.partitions.push_back({0});
  cluster().advance(1000);
  for (int node = 1; node <= 3; node++) {
    auto response = ask<DescribeQuorumResponse>(node, request, 2);
    const auto& partition = response.topics.at(0).partitions.at(0);
    ASSERT_EQ(partition.observers.size(), 2u) << node;
    for (size_t i = 0; i < 2; i++) {
      const auto& observer = partition.observers[i];
      EXPECT_EQ(observer.replica_id, static_cast<int32_t>(i + 2));
      EXPECT_EQ(observer.log_end_offset, partition.high_watermark);
      EXPECT_GT(observer.last_caught_up_timestamp, cluster().clock().wall_ms() - 1500);
      EXPECT_FALSE(observer.replica_directory_id.is_zero());
    }
  }
}

// Each fetch wakes both sides, in a cluster where nothing happens.
TEST_F(ClusterLifeTest, ObserversThatHaveEverythingFetchOnceASecond) {
  create_topics();
  cluster().advance(2000);
  DescribeQuorumRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic_name = "__cluster_metadata";
  topic.partitions.push_back({0});
  std::set<int64_t> fetches;
  const int64_t end_ms = cluster().clock().wall_ms() + 10'000;
  while (cluster().clock().wall_ms() < end_ms) {
    cluster().advance(100);
    auto response = ask<DescribeQuorumResponse>(1, request, 2);
    fetches.insert(response.topics.at(0).partitions.at(0).observers.at(0).last_fetch_timestamp);
  }
  EXPECT_GE(fetches.size(), 9u);
  EXPECT_LE(fetches.size(), 12u);
}

}  // namespace
}  // namespace milena::broker::broker_test
