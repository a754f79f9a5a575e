// ElectLeaders, AlterPartitionReassignments, brokers that are fenced or unregistered.
#include "metadata/controller.h"
#include "metadata/metadata_fixture.h"
#include "metadata/partition_draft.h"

namespace milena::metadata {
namespace {

using namespace milena::metadata::testing;  // NOLINT

using Replicas = std::vector<int32_t>;

// Broker 1 is this node; 2 and 3 are former ones, and 2 is still unfenced.
Controller three_brokers() {
  Controller controller = one_node_controller();
  controller.apply({broker(2, 20), broker(3, 30, true)});
  return controller;
}

PartitionRecord replicated(int32_t number, Replicas replicas, Replicas isr, int32_t leader) {
  PartitionRecord record = partition(kA, number, std::move(replicas));
  record.isr = std::move(isr);
  record.leader = leader;
  return record;
}

const PartitionImage& partition_of(const Controller& controller, int32_t number = 0) {
  return *controller.image().find_topic("a")->partition(number);
}

AlterPartitionReassignmentsRequest reassignment(std::optional<Replicas> replicas, int32_t number = 0,
                                                ByteView topic = "a") {
  AlterPartitionReassignmentsRequest request;
  auto& one = request.topics.emplace_back();
  one.name = topic;
  one.partitions.push_back({number, std::move(replicas)});
  return request;
}

ErrorCode reassign(Controller& controller, const AlterPartitionReassignmentsRequest& request) {
  const auto effects = controller.alter_partition_reassignments(request);
  controller.apply(effects.records);
  EXPECT_EQ(effects.response.responses.size(), 1u);
  return effects.response.responses[0].partitions[0].error_code;
}

// As its leader asks.
void set_in_sync(Controller& controller, const Replicas& ids) {
  const PartitionImage& partition = partition_of(controller);
  AlterPartitionRequest request;
  request.broker_id = partition.leader;
  request.broker_epoch = controller.image().find_broker(partition.leader)->epoch;
  auto& topic = request.topics.emplace_back();
  topic.topic_id = kA;
  auto& wanted = topic.partitions.emplace_back();
  wanted.partition_epoch = partition.partition_epoch;
  wanted.leader_epoch = partition.leader_epoch;
  for (const int32_t id : ids)
    wanted.new_isr_with_epochs.push_back({id, controller.image().find_broker(id)->epoch});
  controller.apply(controller.alter_partition(request, 3).records);
}

ElectLeadersRequest election(int8_t type, std::vector<std::pair<ByteView, Replicas>> topics) {
  ElectLeadersRequest request;
  request.election_type = type;
  for (auto& [name, partitions] : topics) request.topic_partitions->push_back({name, std::move(partitions)});
  return request;
}

std::vector<ErrorCode> codes(const ElectLeadersResponse& response) {
  std::vector<ErrorCode> all;
  for (const auto& topic : response.replica_election_results) {
    for (const auto& result : topic.partition_result) all.push_back(result.error_code);
  }
  return all;
}

constexpr int8_t kPreferred = 0, kUnclean = 1;

TEST(ElectLeaders, NothingToDoOnOneNode) {
  Controller controller = one_node_controller();
  controller.apply({topic("a", kA), partition(kA, 0), partition(kA, 1)});
  for (const int8_t type : {kPreferred, kUnclean}) {
    const auto effects = controller.elect_leaders(election(type, {{"a", {0, 1, 2, -1}}, {"b", {0}}}), 2);
    EXPECT_TRUE(effects.records.empty());
    EXPECT_EQ(effects.response.error_code, ErrorCode::kNone);
    EXPECT_EQ(codes(effects.response),
              (std::vector{ErrorCode::kElectionNotNeeded, ErrorCode::kElectionNotNeeded,
                           ErrorCode::kUnknownTopicOrPartition, ErrorCode::kUnknownTopicOrPartition,
                           ErrorCode::kUnknownTopicOrPartition}));
  }
  // For all topics, partitions that need no election are left out.
  ElectLeadersRequest all;
  all.topic_partitions.reset();
  const auto effects = controller.elect_leaders(all, 2);
  ASSERT_EQ(effects.response.replica_election_results.size(), 1u);
  EXPECT_TRUE(effects.response.replica_election_results[0].partition_result.empty());
}

TEST(ElectLeaders, WhatIsNotAnElection) {
  Controller controller = one_node_controller();
  controller.apply({topic("a", kA), partition(kA, 0)});
  auto effects = controller.elect_leaders(election(2, {{"a", {0}}}), 2);
  EXPECT_EQ(effects.response.error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(codes(effects.response), std::vector{ErrorCode::kInvalidRequest});
  // Version 0 has no type.
  EXPECT_EQ(controller.elect_leaders(election(2, {{"a", {0}}}), 0).response.error_code, ErrorCode::kNone);
  // An empty request is no error.
  EXPECT_EQ(controller.elect_leaders(election(2, {}), 2).response.error_code, ErrorCode::kNone);
  ElectLeadersRequest late = election(kPreferred, {{"a", {0}}});
  late.timeout_ms = 0;
  effects = controller.elect_leaders(late, 2);
  EXPECT_EQ(effects.response.error_code, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(codes(effects.response), std::vector{ErrorCode::kRequestTimedOut});
}

TEST(ElectLeaders, PreferredLeaders) {
  Controller controller = three_brokers();
  controller.apply({topic("a", kA), replicated(0, {1, 2}, {1, 2}, 2), replicated(1, {1, 2}, {2}, 2),
                    replicated(2, {3, 1}, {1, 3}, 1)});
  const auto effects = controller.elect_leaders(election(kPreferred, {{"a", {0, 1, 2}}}), 1);
  controller.apply(effects.records);
  // Broker 1 is not in sync with partition 1, and broker 3 is away.
  EXPECT_EQ(codes(effects.response), (std::vector{ErrorCode::kNone, ErrorCode::kPreferredLeaderNotAvailable,
                                                  ErrorCode::kPreferredLeaderNotAvailable}));
  EXPECT_EQ(partition_of(controller).leader, 1);
  EXPECT_EQ(partition_of(controller).leader_epoch, 1);
  EXPECT_EQ(partition_of(controller, 1).leader, 2);
  EXPECT_EQ(partition_of(controller, 1).partition_epoch, 0);
}

TEST(ElectLeaders, UncleanLeaders) {
  Controller controller = three_brokers();
  controller.apply({topic("a", kA), replicated(0, {1, 3}, {3}, kNoLeader), replicated(1, {3}, {3}, kNoLeader)});
  EXPECT_EQ(codes(controller.elect_leaders(election(kPreferred, {{"a", {0}}}), 1).response),
            std::vector{ErrorCode::kPreferredLeaderNotAvailable});
  const auto effects = controller.elect_leaders(election(kUnclean, {{"a", {0, 1}}}), 1);
  controller.apply(effects.records);
  EXPECT_EQ(codes(effects.response), (std::vector{ErrorCode::kNone, ErrorCode::kEligibleLeadersNotAvailable}));
  EXPECT_EQ(partition_of(controller).leader, 1);
  EXPECT_EQ(partition_of(controller).isr.to_vector(), Replicas{1});
  EXPECT_EQ(partition_of(controller).leader_recovery_state, 1);
}

TEST(Elections, OfPartitionsWithoutALeaderWhereTheTopicAllowsIt) {
  Controller controller = three_brokers();
  controller.apply({topic("a", kA), replicated(0, {1, 3}, {3}, kNoLeader), replicated(1, {3}, {3}, kNoLeader),
                    replicated(2, {3, 1}, {3}, kNoLeader), replicated(3, {1, 3}, {1}, 1)});
  EXPECT_TRUE(controller.elect_unclean_leaders(10).records.empty());
  controller.apply({config(ResourceType::kTopic, "a", "unclean.leader.election.enable", "true")});
  // So many at once, and the rest with the next round; no live broker could lead partition 1.
  EXPECT_EQ(controller.elect_unclean_leaders(1).response, 1u);
  const auto effects = controller.elect_unclean_leaders(10);
  EXPECT_EQ(effects.response, 2u);
  controller.apply(effects.records);
  for (const int number : {0, 2}) {
    EXPECT_EQ(partition_of(controller, number).leader, 1);
    EXPECT_EQ(partition_of(controller, number).isr.to_vector(), Replicas{1});
    EXPECT_EQ(partition_of(controller, number).leader_recovery_state, 1);
  }
  EXPECT_EQ(partition_of(controller, 1).leader, kNoLeader);
  EXPECT_EQ(partition_of(controller, 3).partition_epoch, 0);
  EXPECT_TRUE(controller.elect_unclean_leaders(10).records.empty());
}

// A live broker may have lost the disk with its replica.
TEST(Elections, NobodyLeadsWhatLiesInALostDirectory) {
  Controller controller = three_brokers();
  const Uuid works{0, 201}, failed{0, 202};
  RegisterBrokerRecord two = broker(2, 20);
  two.log_dirs = {works};
  PartitionRecord lies_there = replicated(0, {2}, {2}, kNoLeader), was_lost = replicated(1, {2}, {2}, kNoLeader),
                  lies_well = replicated(2, {2}, {2}, kNoLeader);
  lies_there.directories = std::vector<Uuid>{failed};
  was_lost.directories = std::vector<Uuid>{kDirectoryLost};
  lies_well.directories = std::vector<Uuid>{works};
  controller.apply({two, topic("a", kA), lies_there, was_lost, lies_well});
  const auto effects = controller.elect_leaders(election(kUnclean, {{"a", {0, 1, 2}}}), 1);
  EXPECT_EQ(codes(effects.response), (std::vector{ErrorCode::kEligibleLeadersNotAvailable,
                                                  ErrorCode::kEligibleLeadersNotAvailable, ErrorCode::kNone}));
}

TEST(Elections, EligibleReplicasLeadOnlyWhenNoneIsInSync) {
  Controller controller = three_brokers();
  PartitionRecord with_one_in_sync = replicated(0, {1, 3}, {3}, kNoLeader);
  PartitionRecord without = replicated(1, {1, 3}, {}, kNoLeader);
  with_one_in_sync.eligible_leader_replicas = without.eligible_leader_replicas = Replicas{1};
  with_one_in_sync.last_known_elr = without.last_known_elr = Replicas{3};
  controller.apply({topic("a", kA), config(ResourceType::kTopic, "a", "min.insync.replicas", "2"), with_one_in_sync,
                    without});
  const auto effects = controller.elect_leaders(election(kPreferred, {{"a", {0, 1}}}), 1);
  controller.apply(effects.records);
  EXPECT_EQ(codes(effects.response), (std::vector{ErrorCode::kPreferredLeaderNotAvailable, ErrorCode::kNone}));
  EXPECT_EQ(partition_of(controller, 1).leader, 1);
  EXPECT_EQ(partition_of(controller, 1).leader_recovery_state, 0) << "it has all that was acknowledged";
  EXPECT_TRUE(partition_of(controller, 1).extras().empty()) << "the last leader is forgotten with the next";
}

TEST(Reassignments, OnOneNodeNothingMoves) {
  Controller controller = one_node_controller();
  controller.apply({topic("a", kA), partition(kA, 0)});
  EXPECT_TRUE(controller.alter_partition_reassignments(reassignment(Replicas{1})).records.empty());
  EXPECT_EQ(reassign(controller, reassignment(Replicas{1})), ErrorCode::kNone);
  EXPECT_EQ(reassign(controller, reassignment(std::nullopt)), ErrorCode::kNoReassignmentInProgress);
  for (const Replicas& wrong : {Replicas{}, Replicas{1, 1}, Replicas{2}, Replicas{1, 2}, Replicas{-1}}) {
    EXPECT_EQ(reassign(controller, reassignment(wrong)), ErrorCode::kInvalidReplicaAssignment);
  }
  EXPECT_EQ(reassign(controller, reassignment(Replicas{1}, 9)), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(reassign(controller, reassignment(Replicas{1}, -1)), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(reassign(controller, reassignment(std::nullopt, 0, "b")), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(partition_of(controller).partition_epoch, 0);
  AlterPartitionReassignmentsRequest late = reassignment(Replicas{1});
  late.timeout_ms = -1;
  EXPECT_EQ(controller.alter_partition_reassignments(late).response.error_code, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(reassign(controller, late), ErrorCode::kRequestTimedOut);
}

// The last node of a former cluster: replicated partitions shrink to this node at once.
TEST(Reassignments, ShrinkToTheReplicaInSync) {
  Controller controller = three_brokers();
  controller.apply({topic("a", kA), replicated(0, {3, 1}, {1}, 1)});
  EXPECT_EQ(reassign(controller, reassignment(Replicas{1})), ErrorCode::kNone);
  const PartitionImage& after = partition_of(controller);
  EXPECT_EQ(after.replicas.to_vector(), Replicas{1});
  EXPECT_EQ(after.directories.to_vector(), (std::vector<Uuid>{Uuid{7, 1}}));
  EXPECT_EQ(after.leader, 1);
  EXPECT_EQ(after.leader_epoch, 1);  // the removed replica must notice
  EXPECT_TRUE(after.extras().empty());
}

TEST(Reassignments, WaitForReplicasThatAreNotInSync) {
  Controller controller = three_brokers();
  controller.apply({topic("a", kA), replicated(0, {1, 2}, {1, 2}, 1)});
  EXPECT_EQ(reassign(controller, reassignment(Replicas{1, 3})), ErrorCode::kNone);
  EXPECT_EQ(partition_of(controller).replicas.to_vector(), (Replicas{1, 3, 2}));
  EXPECT_EQ(partition_of(controller).extras().adding_replicas, Replicas{3});
  EXPECT_EQ(partition_of(controller).extras().removing_replicas, Replicas{2});
  EXPECT_EQ(partition_of(controller).directories.to_vector(), (std::vector<Uuid>{Uuid{7, 1}, Uuid{7, 3}, Uuid{7, 2}}));
  // Back again.
  EXPECT_EQ(reassign(controller, reassignment(std::nullopt)), ErrorCode::kNone);
  EXPECT_EQ(partition_of(controller).replicas.to_vector(), (Replicas{1, 2}));
  EXPECT_TRUE(partition_of(controller).extras().empty());
  EXPECT_EQ(reassign(controller, reassignment(std::nullopt)), ErrorCode::kNoReassignmentInProgress);
}

// Replicas 1 and 2 have what was acknowledged; with 1 gone it would be on broker 2 alone.
TEST(Reassignments, ToFewerReplicasWaitForAllThatStay) {
  Controller controller = three_brokers();
  controller.apply({topic("a", kA), replicated(0, {1, 2, 3}, {1, 2}, 1)});
  EXPECT_EQ(reassign(controller, reassignment(Replicas{3, 2})), ErrorCode::kNone);
  EXPECT_EQ(partition_of(controller).replicas.to_vector(), (Replicas{3, 2, 1}));
  EXPECT_EQ(partition_of(controller).extras().removing_replicas, Replicas{1});
  EXPECT_EQ(partition_of(controller).isr.to_vector(), (Replicas{1, 2}));
  EXPECT_EQ(partition_of(controller).leader, 1);
  // Broker 3 serves again, and joins.
  controller.apply({broker(3, 40)});
  set_in_sync(controller, {1, 2, 3});
  EXPECT_EQ(partition_of(controller).replicas.to_vector(), (Replicas{3, 2}));
  EXPECT_EQ(partition_of(controller).isr.to_vector(), (Replicas{2, 3}));
  EXPECT_TRUE(partition_of(controller).extras().empty());
}

// As many come as go: no fewer are in sync afterwards.
TEST(Reassignments, ToAsManyReplicasDoNotWaitForThoseThatStay) {
  Controller controller = three_brokers();
  controller.apply({topic("a", kA), replicated(0, {1, 3}, {1}, 1)});
  EXPECT_EQ(reassign(controller, reassignment(Replicas{2, 3})), ErrorCode::kNone);
  EXPECT_EQ(partition_of(controller).extras().adding_replicas, Replicas{2});
  set_in_sync(controller, {1, 2});
  EXPECT_EQ(partition_of(controller).replicas.to_vector(), (Replicas{2, 3}));
  EXPECT_EQ(partition_of(controller).isr.to_vector(), Replicas{2});
  EXPECT_EQ(partition_of(controller).leader, 2);
}

TEST(Reassignments, TheNumberOfReplicasMayBeFixed) {
  Controller controller = three_brokers();
  controller.apply({topic("a", kA), replicated(0, {1, 2}, {1, 2}, 1)});
  AlterPartitionReassignmentsRequest request = reassignment(Replicas{1});
  request.allow_replication_factor_change = false;
  EXPECT_EQ(reassign(controller, request), ErrorCode::kInvalidReplicationFactor);
  // Only a new order.
  request = reassignment(Replicas{2, 1});
  request.allow_replication_factor_change = false;
  EXPECT_EQ(reassign(controller, request), ErrorCode::kNone);
  EXPECT_EQ(partition_of(controller).replicas.to_vector(), (Replicas{2, 1}));
  EXPECT_EQ(partition_of(controller).directories.to_vector(), (std::vector<Uuid>{Uuid{7, 2}, Uuid{7, 1}}));
  EXPECT_EQ(partition_of(controller).leader, 1);
  EXPECT_EQ(partition_of(controller).leader_epoch, 0);
}

TEST(Brokers, OthersAreFencedByALoneNode) {
  Controller controller = three_brokers();
  controller.apply({topic("a", kA), replicated(0, {2, 1}, {1, 2}, 2), replicated(1, {2}, {2}, 2),
                    replicated(2, {1}, {1}, 1)});
  const auto effects = controller.fence_other_brokers();
  controller.apply(effects.records);
  EXPECT_TRUE(controller.image().find_broker(2)->fenced);
  EXPECT_FALSE(controller.image().find_broker(1)->fenced);
  EXPECT_EQ(partition_of(controller, 0).leader, 1);
  EXPECT_EQ(partition_of(controller, 0).isr.to_vector(), Replicas{1});
  // This one has no replica left, but the last leader is kept.
  EXPECT_EQ(partition_of(controller, 1).leader, kNoLeader);
  EXPECT_TRUE(partition_of(controller, 1).isr.empty());
  EXPECT_EQ(partition_of(controller, 1).extras().eligible_leader_replicas, Replicas{2});
  EXPECT_EQ(partition_of(controller, 1).extras().last_known_elr, Replicas{2}) << "the last leader, eligible or not";
  EXPECT_EQ(partition_of(controller, 2).partition_epoch, 0);
  EXPECT_TRUE(controller.fence_other_brokers().records.empty());
}

TEST(Brokers, WithoutEligibleReplicasTheLastInSyncStaysNoted) {
  Controller controller = three_brokers();
  FeatureLevelRecord off;
  off.name = kElrFeature;
  controller.apply({off, topic("a", kA), replicated(0, {2}, {2}, 2)});
  controller.apply(controller.fence_other_brokers().records);
  EXPECT_EQ(partition_of(controller).leader, kNoLeader);
  EXPECT_EQ(partition_of(controller).isr.to_vector(), Replicas{2});
  EXPECT_TRUE(partition_of(controller).extras().empty());
}

TEST(Brokers, Unregister) {
  Controller controller = three_brokers();
  controller.apply({topic("a", kA), replicated(0, {2, 1}, {1, 2}, 2)});
  UnregisterBrokerRequest request;
  request.broker_id = 9;
  EXPECT_EQ(controller.unregister_broker(request).response.error_code, ErrorCode::kBrokerIdNotRegistered);
  request.broker_id = 2;
  const auto effects = controller.unregister_broker(request);
  EXPECT_EQ(effects.response.error_code, ErrorCode::kNone);
  controller.apply(effects.records);
  EXPECT_EQ(controller.image().find_broker(2), nullptr);
  EXPECT_EQ(partition_of(controller).leader, 1);
  EXPECT_EQ(controller.unregister_broker(request).response.error_code, ErrorCode::kBrokerIdNotRegistered);
  // The controller's own broker is alive.
  request.broker_id = 1;
  EXPECT_EQ(controller.unregister_broker(request).response.error_code, ErrorCode::kNone);
  EXPECT_TRUE(controller.unregister_broker(request).records.empty());
}

}  // namespace
}  // namespace milena::metadata
