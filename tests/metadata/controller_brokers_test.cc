// Brokers of other processes at the controller: registration, heartbeats, fencing, and ISRs.
#include <gtest/gtest.h>

#include "metadata/controller.h"
#include "metadata/features.h"
#include "metadata/partition_draft.h"

namespace milena::metadata {
namespace {

constexpr ByteView kCluster = "the-cluster";

// Node 1 is the controller and a broker; others register later.
class ControllerBrokersTest : public ::testing::Test {
 protected:
  ControllerBrokersTest() : controller_(MetadataImage(), settings(), [this] { return Uuid{77, ++last_uuid_}; }) {
    apply(controller_.activate(default_bootstrap_records(), false).records);
    BrokerStart self;
    self.broker_id = 1;
    self.incarnation_id = Uuid{1, 1};
    self.endpoints = {{"PLAINTEXT", "localhost", 9092, 0}};
    self.features = supported_features();
    self.log_dirs = {Uuid{1000, 1}};
    apply(controller_.register_broker(self, next_offset_).records);
    apply(controller_.unfence_broker(1).records);
  }

  static ControllerSettings settings() {
    ControllerSettings result;
    result.node_id = 1;
    return result;
  }
  void apply(MetadataRecords records) {
    next_offset_ += static_cast<int64_t>(records.size());
    controller_.apply(records);
  }

  static BrokerRegistrationRequest registration(int32_t id, uint64_t incarnation = 1, int64_t previous_epoch = -1) {
    BrokerRegistrationRequest request;
    request.broker_id = id;
    request.cluster_id = kCluster;
    request.incarnation_id = Uuid{static_cast<uint64_t>(id), incarnation};
    request.listeners.push_back({"PLAINTEXT", "localhost", 9092, 0});
    for (const FeatureRange& one : supported_features()) {
      request.features.push_back({one.name, one.min_version, one.max_version});
    }
    request.rack.reset();
    request.log_dirs = {Uuid{1000, static_cast<uint64_t>(id)}};
    request.previous_broker_epoch = previous_epoch;
    return request;
  }
  ErrorCode try_register(const BrokerRegistrationRequest& request, bool in_session = false) {
    Controller::BrokerContact contact;
    contact.in_session = in_session;
    auto effects = controller_.register_remote_broker(request, kCluster, contact, next_offset_);
    const ErrorCode error = effects.response.error_code;
    apply(std::move(effects.records));
    return error;
  }
  BrokerHeartbeatResponse heartbeat(int32_t id, bool want_fence = false, bool want_shut_down = false,
                                    Controller::BrokerContact contact = {}) {
    BrokerHeartbeatRequest request;
    request.broker_id = id;
    request.broker_epoch = broker(id).epoch;
    request.current_metadata_offset = next_offset_ - 1;
    request.want_fence = want_fence;
    request.want_shut_down = want_shut_down;
    auto effects = controller_.broker_heartbeat(request, contact);
    apply(std::move(effects.records));
    return effects.response;
  }
  void join(int32_t id) {
    ASSERT_EQ(try_register(registration(id)), ErrorCode::kNone);
    ASSERT_FALSE(heartbeat(id).is_fenced);
  }
  void create(ByteView name, std::vector<int32_t> replicas, const char* min_in_sync = "1",
              const char* unclean = "false") {
    CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.assignments.push_back({0, std::move(replicas)});
    topic.configs.push_back({"min.insync.replicas", min_in_sync});
    topic.configs.push_back({"unclean.leader.election.enable", unclean});
    request.timeout_ms = 1000;
    auto effects = controller_.create_topics(request);
    ASSERT_EQ(effects.response.topics.at(0).error_code, ErrorCode::kNone);
    apply(std::move(effects.records));
  }
  const BrokerImage& broker(int32_t id) { return *controller_.image().find_broker(id); }
  const PartitionImage& partition(ByteView name) { return *controller_.image().find_partition(name, 0); }

  AlterPartitionResponse::PartitionData alter(ByteView name, int32_t leader, std::vector<int32_t> in_sync,
                                              int32_t epoch_ahead = 0) {
    AlterPartitionRequest request;
    request.broker_id = leader;
    request.broker_epoch = broker(leader).epoch;
    auto& topic = request.topics.emplace_back();
    topic.topic_id = controller_.image().find_topic(name)->id;
    auto& wanted = topic.partitions.emplace_back();
    wanted.leader_epoch = partition(name).leader_epoch;
    wanted.partition_epoch = partition(name).partition_epoch + epoch_ahead;
    for (const int32_t id : in_sync) {
      const BrokerImage* known = controller_.image().find_broker(id);
      wanted.new_isr_with_epochs.push_back({id, known == nullptr ? -1 : known->epoch});
    }
    auto effects = controller_.alter_partition(request, 3);
    apply(std::move(effects.records));
    return effects.response.topics.at(0).partitions.at(0);
  }

  Controller controller_;
  int64_t next_offset_ = 0;
  uint64_t last_uuid_ = 0;
};

TEST_F(ControllerBrokersTest, ABrokerWithoutARackHasNone) {
  ASSERT_EQ(try_register(registration(2)), ErrorCode::kNone);
  EXPECT_EQ(broker(2).rack, std::nullopt);
  BrokerRegistrationRequest request = registration(3);
  request.rack = "east";
  ASSERT_EQ(try_register(request), ErrorCode::kNone);
  EXPECT_EQ(broker(3).rack, "east");
}

TEST_F(ControllerBrokersTest, ARegistrationIsFencedUntilTheBrokerHasCaughtUp) {
  const int64_t at = next_offset_;
  ASSERT_EQ(try_register(registration(2)), ErrorCode::kNone);
  EXPECT_EQ(broker(2).epoch, at);
  EXPECT_TRUE(broker(2).fenced);
  BrokerHeartbeatRequest behind;
  behind.broker_id = 2;
  behind.broker_epoch = at;
  behind.current_metadata_offset = at - 1;
  auto effects = controller_.broker_heartbeat(behind, {});
  EXPECT_FALSE(effects.response.is_caught_up);
  EXPECT_TRUE(effects.records.empty());
  // Caught up, but not ready yet.
  auto waits = heartbeat(2, true);
  EXPECT_TRUE(waits.is_caught_up);
  EXPECT_TRUE(waits.is_fenced);
  EXPECT_FALSE(heartbeat(2).is_fenced);
  EXPECT_FALSE(broker(2).fenced);
}

TEST_F(ControllerBrokersTest, WhatARegistrationMustNotBe) {
  BrokerRegistrationRequest request = registration(2);
  request.cluster_id = "another";
  EXPECT_EQ(try_register(request), ErrorCode::kInconsistentClusterId);
  request = registration(2);
  request.log_dirs = {Uuid{1000, 1}};  // broker 1's
  EXPECT_EQ(try_register(request), ErrorCode::kInvalidRegistration);
  request.log_dirs = {Uuid{5, 5}, Uuid{5, 5}};
  EXPECT_EQ(try_register(request), ErrorCode::kInvalidRegistration);
  request.log_dirs = {Uuid{0, 7}};
  EXPECT_EQ(try_register(request), ErrorCode::kInvalidRegistration);
  request = registration(2);
  for (auto& feature : request.features) {
    if (feature.name == kMetadataVersionFeature) feature.max_supported_version = 8;
  }
  EXPECT_EQ(try_register(request), ErrorCode::kUnsupportedVersion);
  ASSERT_EQ(try_register(registration(2, 1)), ErrorCode::kNone);
  EXPECT_EQ(try_register(registration(2, 2), true), ErrorCode::kDuplicateBrokerRegistration);
  EXPECT_EQ(try_register(registration(1, 2)), ErrorCode::kDuplicateBrokerRegistration);
  const int64_t epoch = broker(2).epoch;
  EXPECT_EQ(try_register(registration(2, 1), true), ErrorCode::kNone);
  EXPECT_EQ(broker(2).epoch, epoch) << "the same process stays what it is";
  EXPECT_EQ(try_register(registration(2, 2)), ErrorCode::kNone);
  EXPECT_GT(broker(2).epoch, epoch);
}

TEST_F(ControllerBrokersTest, HeartbeatsOfAnotherEpochAreRefused) {
  join(2);
  BrokerHeartbeatRequest request;
  request.broker_id = 2;
  request.broker_epoch = broker(2).epoch - 1;
  EXPECT_EQ(controller_.broker_heartbeat(request, {}).response.error_code, ErrorCode::kStaleBrokerEpoch);
  request.broker_id = 9;
  EXPECT_EQ(controller_.broker_heartbeat(request, {}).response.error_code, ErrorCode::kStaleBrokerEpoch);
}

TEST_F(ControllerBrokersTest, OthersLeadWhatALostBrokerLed) {
  join(2);
  join(3);
  create("t", {2, 3, 1});
  EXPECT_EQ(partition("t").leader, 2);
  const int32_t epoch = partition("t").leader_epoch;
  apply(controller_.fence_lost_broker(2).records);
  EXPECT_TRUE(broker(2).fenced);
  EXPECT_EQ(partition("t").leader, 3);
  EXPECT_GT(partition("t").leader_epoch, epoch);
  EXPECT_EQ(partition("t").isr.to_vector(), (std::vector<int32_t>{3, 1}));
}

TEST_F(ControllerBrokersTest, AShutdownHandsOverFirst) {
  join(2);
  join(3);
  create("t", {2, 3});
  auto first = heartbeat(2, false, true);
  EXPECT_FALSE(first.should_shut_down);
  EXPECT_TRUE(broker(2).in_controlled_shutdown);
  EXPECT_EQ(partition("t").leader, 3);
  Controller::BrokerContact contact;
  contact.shutdown_offset = 100;
  contact.least_active_offset = 99;
  EXPECT_FALSE(heartbeat(2, false, true, contact).should_shut_down) << "not all know yet who leads now";
  contact.least_active_offset = 100;
  EXPECT_TRUE(heartbeat(2, false, true, contact).should_shut_down);
  EXPECT_TRUE(broker(2).fenced);
}

TEST_F(ControllerBrokersTest, WhoMayHaveLostRecordsIsNotEligible) {
  join(2);
  create("t", {2, 1}, "2");
  apply(controller_.fence_lost_broker(2).records);
  EXPECT_EQ(partition("t").extras().eligible_leader_replicas, (std::vector<int32_t>{2}));
  const int64_t epoch = broker(2).epoch;
  ASSERT_EQ(try_register(registration(2, 2, epoch)), ErrorCode::kNone);
  EXPECT_EQ(partition("t").extras().eligible_leader_replicas, (std::vector<int32_t>{2})) << "it stopped in order";
  ASSERT_EQ(try_register(registration(2, 3, -1)), ErrorCode::kNone);
  EXPECT_TRUE(partition("t").extras().eligible_leader_replicas.empty());
}

// With a topic that does not allow it, it stays without a leader until the one in sync is back.
TEST_F(ControllerBrokersTest, AReplicaThatComesBackLeadsOutOfSyncWhereTheTopicAllowsIt) {
  for (const char* allowed : {"false", "true"}) {
    join(2);
    join(3);
    create(allowed, {2, 3}, "1", allowed);
    apply(controller_.fence_lost_broker(2).records);
    apply(controller_.fence_lost_broker(3).records);
    ASSERT_EQ(partition(allowed).leader, kNoLeader);
    join(2);
    const bool may = ByteView(allowed) == "true";
    EXPECT_EQ(partition(allowed).leader, may ? 2 : kNoLeader);
    EXPECT_EQ(partition(allowed).leader_recovery_state, may ? 1 : 0);
    if (may) {
      EXPECT_EQ(partition(allowed).isr.to_vector(), std::vector<int32_t>{2});
      EXPECT_TRUE(partition(allowed).extras().eligible_leader_replicas.empty());
    }
    join(3);
    EXPECT_EQ(partition(allowed).leader, may ? 2 : 3);
  }
}

TEST_F(ControllerBrokersTest, TheLeaderSaysWhoIsInSync) {
  join(2);
  join(3);
  create("t", {1, 2, 3});
  const int32_t epoch = partition("t").partition_epoch;
  auto shrunk = alter("t", 1, {1, 3});
  EXPECT_EQ(shrunk.error_code, ErrorCode::kNone);
  EXPECT_EQ(shrunk.partition_epoch, epoch + 1);
  EXPECT_EQ(partition("t").isr.to_vector(), (std::vector<int32_t>{1, 3}));
  EXPECT_EQ(alter("t", 1, {1, 2, 3}).error_code, ErrorCode::kNone);

  EXPECT_EQ(alter("t", 1, {1}, -1).error_code, ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(alter("t", 1, {1}, 1).error_code, ErrorCode::kNotController);
  EXPECT_EQ(alter("t", 2, {1, 2}).error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter("t", 1, {2, 3}).error_code, ErrorCode::kInvalidRequest) << "without the leader";
  EXPECT_EQ(alter("t", 1, {1, 9}).error_code, ErrorCode::kInvalidRequest);
  apply(controller_.fence_lost_broker(3).records);
  EXPECT_EQ(alter("t", 1, {1, 2, 3}).error_code, ErrorCode::kIneligibleReplica);
}

TEST_F(ControllerBrokersTest, ReplicasOfALostDirectoryAreOutOfSync) {
  BrokerRegistrationRequest two = registration(2);
  two.log_dirs = {Uuid{2000, 1}, Uuid{2000, 2}};
  ASSERT_EQ(try_register(two), ErrorCode::kNone);
  heartbeat(2);
  create("t", {2, 1});
  AssignReplicasToDirsRequest places;
  places.broker_id = 2;
  places.broker_epoch = broker(2).epoch;
  auto& directory = places.directories.emplace_back();
  directory.id = Uuid{2000, 2};
  auto& topic = directory.topics.emplace_back();
  topic.topic_id = controller_.image().find_topic("t")->id;
  topic.partitions.push_back({0});
  topic.partitions.push_back({5});
  auto effects = controller_.assign_replicas_to_dirs(places);
  EXPECT_EQ(effects.response.directories.at(0).topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(effects.response.directories[0].topics[0].partitions.at(1).error_code,
            ErrorCode::kUnknownTopicOrPartition);
  apply(std::move(effects.records));
  BrokerHeartbeatRequest request;
  request.broker_id = 2;
  request.broker_epoch = broker(2).epoch;
  request.current_metadata_offset = next_offset_;
  request.offline_log_dirs = {Uuid{2000, 2}};
  apply(controller_.broker_heartbeat(request, {}).records);
  EXPECT_EQ(broker(2).log_dirs, (std::vector<Uuid>{Uuid{2000, 1}}));
  EXPECT_EQ(partition("t").leader, 1);
  EXPECT_EQ(partition("t").isr.to_vector(), (std::vector<int32_t>{1}));
}

}  // namespace
}  // namespace milena::metadata
