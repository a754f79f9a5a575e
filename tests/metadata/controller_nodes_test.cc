// Activation, registration of brokers, producer ids.
#include <set>

#include "metadata/controller.h"
#include "metadata/metadata_fixture.h"

namespace milena::metadata {
namespace {

using namespace milena::metadata::testing;  // NOLINT

BrokerStart start_of(int32_t id, int64_t previous_epoch = -1) {
  BrokerStart start;
  start.broker_id = id;
  start.incarnation_id = Uuid{9, 9};
  start.endpoints = {{"PLAINTEXT", "localhost", 9092, 0}};
  start.features = supported_features();
  start.rack = "r";
  start.log_dirs = {Uuid{7, 1}};
  start.previous_broker_epoch = previous_epoch;
  return start;
}

TEST(Activation, BeginsAClusterOnce) {
  ControllerSettings settings;
  config::Settings start;
  ASSERT_TRUE(start.set("min.insync.replicas", "2").ok());
  settings.start = &start;
  Controller controller(MetadataImage(), settings, counting_uuids());
  const auto effects = controller.activate(default_bootstrap_records(), false);
  ASSERT_EQ(effects.records.size(), 9u);
  EXPECT_EQ(effects.records[7],
            MetadataRecord(config(ResourceType::kBroker, "", "min.insync.replicas", "2")));
  controller.apply(effects.records);
  EXPECT_EQ(controller.image().metadata_version(), 30);
  EXPECT_TRUE(controller.activate(default_bootstrap_records(), false).records.empty());
}

TEST(Activation, AbortsWhatWasLeftOpen) {
  Controller fresh(MetadataImage(), {}, counting_uuids());
  const auto effects = fresh.activate(default_bootstrap_records(), true);
  ASSERT_EQ(effects.records.size(), 10u);
  EXPECT_TRUE(std::holds_alternative<AbortTransactionRecord>(effects.records.front()));
  fresh.apply(effects.records);
  const auto later = fresh.activate(default_bootstrap_records(), true);
  ASSERT_EQ(later.records.size(), 1u);
  fresh.apply(later.records);
  EXPECT_EQ(fresh.image().metadata_version(), 30);
}

TEST(Activation, OldLevelsKnowNoTransactions) {
  FeatureLevelRecord level;
  level.name = "metadata.version";
  level.feature_level = 7;
  const Controller controller(MetadataImage(), {}, counting_uuids());
  EXPECT_EQ(controller.activate({level}, false).records, (MetadataRecords{level}));
}

TEST(Registration, WritesWhatKafkaWrites) {
  Controller controller(MetadataImage(), {}, counting_uuids());
  controller.apply(controller.activate(default_bootstrap_records(), false).records);
  const auto effects = controller.register_broker(start_of(1), 11);
  EXPECT_EQ(effects.response, 11);
  ASSERT_EQ(effects.records.size(), 1u);
  const auto& record = std::get<RegisterBrokerRecord>(effects.records[0]);
  EXPECT_EQ(record.broker_epoch, 11);
  EXPECT_TRUE(record.fenced);
  EXPECT_EQ(record.features.size(), 7u);
  EXPECT_EQ(record.log_dirs, (std::vector<Uuid>{Uuid{7, 1}}));
  controller.apply(effects.records);
  EXPECT_TRUE(controller.image().find_broker(1)->fenced);
  const auto unfenced = controller.unfence_broker(1);
  BrokerRegistrationChangeRecord change;
  change.broker_id = 1;
  change.broker_epoch = 11;
  change.fenced = -1;
  EXPECT_EQ(unfenced.records, (MetadataRecords{change}));
  controller.apply(unfenced.records);
  EXPECT_FALSE(controller.image().find_broker(1)->fenced);
  EXPECT_TRUE(controller.unfence_broker(1).records.empty());
  EXPECT_TRUE(controller.unfence_broker(2).records.empty());
}

TEST(Registration, ControllersRegisterFromTheirLevelOn) {
  Controller controller(MetadataImage(), {}, counting_uuids());
  EXPECT_TRUE(controller.register_controller(1, Uuid{1, 1}, {}).records.empty());
  controller.apply(controller.activate(default_bootstrap_records(), false).records);
  controller.apply(controller.register_controller(1, Uuid{1, 1}, {{"CONTROLLER", "h", 9093, 0}}).records);
  EXPECT_EQ(controller.image().controllers().at(1).endpoints.size(), 1u);
}

struct RestartFixture : ::testing::Test {
  Controller controller = one_node_controller();  // broker 1 has epoch 9
  void SetUp() override {
    PartitionRecord elsewhere = partition(kB, 0, {2, 1});
    controller.apply({topic("a", kA), partition(kA, 0), partition(kA, 1), topic("b", kB), elsewhere});
  }
  int32_t leader_epoch(ByteView name, int32_t number) {
    return controller.image().find_partition(name, number)->leader_epoch;
  }
};

TEST_F(RestartFixture, LeaderEpochsStayAfterACleanStop) {
  controller.apply(controller.register_broker(start_of(1, 9), 100).records);
  controller.apply(controller.unfence_broker(1).records);
  EXPECT_EQ(leader_epoch("a", 0), 0);
  EXPECT_EQ(controller.image().find_broker(1)->epoch, 100);
}

TEST_F(RestartFixture, LeaderEpochsGrowByOneAfterAKill) {
  const auto effects = controller.register_broker(start_of(1), 100);
  EXPECT_FALSE(effects.atomic);
  EXPECT_EQ(effects.records.size(), 3u);
  controller.apply(effects.records);
  controller.apply(controller.unfence_broker(1).records);
  EXPECT_EQ(leader_epoch("a", 0), 1);
  EXPECT_EQ(leader_epoch("a", 1), 1);
  EXPECT_EQ(leader_epoch("b", 0), 0);
  EXPECT_EQ(controller.image().find_partition("a", 0)->leader, 1);
  EXPECT_EQ(controller.image().find_partition("a", 0)->isr.to_vector(), (std::vector<int32_t>{1}));
}

TEST_F(RestartFixture, AFileOfAnotherLifeIsAnUncleanStop) {
  controller.apply(controller.register_broker(start_of(1, 8), 100).records);
  EXPECT_EQ(leader_epoch("a", 0), 1);
}

// The controller's own broker has restarted, and may lack records that others have.
TEST_F(RestartFixture, OthersInSyncTakeOver) {
  controller.apply({broker(2, 50), broker(3, 51, true)});
  PartitionRecord with_fenced = partition(kA, 2, {1, 3});
  controller.apply({partition(kB, 1, {1, 2}), with_fenced});
  for (const bool others_live : {false, true}) {
    BrokerStart start = start_of(1);
    start.others_live = others_live;
    Controller one(copy(controller.image()), {}, counting_uuids());
    one.apply(one.register_broker(start, 100).records);
    const PartitionImage* led = one.image().find_partition("b", 1);
    EXPECT_EQ(led->leader, others_live ? 2 : 1);
    EXPECT_EQ(led->leader_epoch, 1);
    EXPECT_EQ(led->isr.to_vector(), others_live ? std::vector<int32_t>{2} : (std::vector<int32_t>{1, 2}));
    const PartitionImage* followed = one.image().find_partition("b", 0);
    EXPECT_EQ(followed->leader, 2);
    EXPECT_EQ(followed->isr.to_vector(), others_live ? std::vector<int32_t>{2} : (std::vector<int32_t>{2, 1}));
    EXPECT_EQ(one.image().find_partition("a", 2)->leader, 1) << "the other one is fenced";
    EXPECT_EQ(one.image().find_partition("a", 0)->leader, 1) << "there is no other";
  }
}

// The controller's own broker lost power. A replica that has all records is away, in order: the partition waits for it.
TEST_F(RestartFixture, AnEligibleReplicaIsWaitedFor) {
  FeatureLevelRecord level;
  level.name = kElrFeature;
  level.feature_level = 1;
  PartitionRecord with_eligible = partition(kA, 2, {1, 3});
  with_eligible.isr = {1};
  with_eligible.eligible_leader_replicas = {3};
  controller.apply({level, broker(3, 51, true), with_eligible});
  BrokerStart start = start_of(1);
  start.others_live = true;
  controller.apply(controller.register_broker(start, 100).records);
  controller.apply(controller.unfence_broker(1).records);
  const auto waiting = [this] { return controller.image().find_partition("a", 2); };
  EXPECT_EQ(waiting()->leader, kNoLeader);
  EXPECT_EQ(waiting()->extras().eligible_leader_replicas, std::vector<int32_t>{3});
  controller.apply(controller.unfence_broker(3).records);
  EXPECT_EQ(waiting()->leader, 3);
  EXPECT_EQ(waiting()->isr.to_vector(), std::vector<int32_t>{3});
  EXPECT_EQ(waiting()->leader_recovery_state, 0);
}

TEST_F(RestartFixture, LeaderlessPartitionsGetALeader) {
  const auto leaderless = [](int32_t number) {
    PartitionChangeRecord record = change(kA, number);
    record.leader = kNoLeader;
    return record;
  };
  PartitionChangeRecord eligible = leaderless(1);
  eligible.isr.emplace();
  eligible.eligible_leader_replicas = {1};
  eligible.last_known_elr = {1};
  PartitionChangeRecord last = change(kB, 0);
  last.leader = kNoLeader;
  last.isr.emplace();
  last.last_known_elr = {1};
  controller.apply({leaderless(0), eligible, last});
  controller.apply(controller.unfence_broker(1).records);
  for (const auto& [name, number, recovery] :
       {std::tuple("a", 0, 0), std::tuple("a", 1, 0), std::tuple("b", 0, 1)}) {
    const PartitionImage& partition = *controller.image().find_partition(name, number);
    EXPECT_EQ(partition.leader, 1) << name << number;
    EXPECT_EQ(partition.isr.to_vector(), (std::vector<int32_t>{1})) << name << number;
    EXPECT_EQ(partition.leader_recovery_state, recovery) << name << number;
    EXPECT_EQ(partition.leader_epoch, 2) << name << number;
    EXPECT_TRUE(partition.extras().empty()) << name << number;
  }
}

TEST_F(RestartFixture, LeavesPartitionsOfOthersAlone) {
  PartitionChangeRecord record = change(kB, 0);
  record.leader = kNoLeader;
  record.isr = {2};
  controller.apply({record});
  EXPECT_TRUE(controller.unfence_broker(1).records.empty());
}

TEST(ProducerIds, AreNeverGivenTwice) {
  Controller controller = one_node_controller();
  AllocateProducerIdsRequest request;
  request.broker_id = 1;
  request.broker_epoch = 9;
  std::set<int64_t> starts;
  for (int i = 0; i < 10; ++i) {
    const auto effects = controller.allocate_producer_ids(request);
    EXPECT_EQ(effects.response.error_code, ErrorCode::kNone);
    EXPECT_EQ(effects.response.producer_id_len, 1000);
    EXPECT_EQ(effects.response.producer_id_start, i * 1000);
    EXPECT_TRUE(starts.insert(effects.response.producer_id_start).second);
    ASSERT_EQ(effects.records.size(), 1u);
    EXPECT_EQ(std::get<ProducerIdsRecord>(effects.records[0]).next_producer_id, (i + 1) * 1000);
    // A restart in between: from the records alone.
    controller.apply(effects.records);
    controller = Controller(copy(controller.image()), {}, counting_uuids());
  }
}

TEST(ProducerIds, OnlyForBrokersThatAreRegistered) {
  const Controller controller = one_node_controller();
  AllocateProducerIdsRequest request;
  request.broker_id = 2;
  request.broker_epoch = 9;
  EXPECT_EQ(controller.allocate_producer_ids(request).response.error_code, ErrorCode::kStaleBrokerEpoch);
  request.broker_id = 1;
  request.broker_epoch = 8;
  EXPECT_EQ(controller.allocate_producer_ids(request).response.error_code, ErrorCode::kStaleBrokerEpoch);
  EXPECT_TRUE(controller.allocate_producer_ids(request).records.empty());
}

}  // namespace
}  // namespace milena::metadata
