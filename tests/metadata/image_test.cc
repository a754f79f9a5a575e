#include "metadata/image.h"

#include "metadata/metadata_fixture.h"

namespace milena::metadata {
namespace {

using namespace milena::metadata::testing;  // NOLINT

MetadataImage two_topics() {
  MetadataImage image;
  apply(image, {topic("b", kB), partition(kB, 0), topic("a", kA), partition(kA, 0), partition(kA, 1)});
  return image;
}

TEST(Image, FindsTopicsByNameAndId) {
  const MetadataImage image = two_topics();
  ASSERT_NE(image.find_topic("a"), nullptr);
  EXPECT_EQ(image.find_topic("a"), image.find_topic(kA));
  EXPECT_EQ(image.find_topic("c"), nullptr);
  EXPECT_EQ(image.find_topic(Uuid{5, 5}), nullptr);
  EXPECT_EQ(image.find_topic("a")->partition_count(), 2);
  EXPECT_EQ(image.topic_count(), 2u);
  EXPECT_EQ(image.partition_count(), 3u);
  ASSERT_NE(image.find_partition("a", 1), nullptr);
  EXPECT_EQ(image.find_partition("a", 1)->leader, 1);
  EXPECT_EQ(image.find_partition("a", 1)->directory(1), (Uuid{7, 1}));
  EXPECT_EQ(image.find_partition("a", 1)->directory(2), kDirectoryUnassigned);
  EXPECT_EQ(image.find_partition("a", 2), nullptr);
  EXPECT_EQ(image.find_partition("a", -1), nullptr);
}

TEST(Image, WalksTopicsInTheOrderOfNames) {
  MetadataImage image = two_topics();
  apply(image, {topic("aa", Uuid{1, 3})});
  std::vector<Bytes> names;
  for (const TopicImage& each : image.topics()) names.push_back(each.name);
  EXPECT_EQ(names, (std::vector<Bytes>{"a", "aa", "b"}));
  names.clear();
  for (const TopicImage& each : image.topics_from("a0")) names.push_back(each.name);
  EXPECT_EQ(names, (std::vector<Bytes>{"aa", "b"}));
}

TEST(Image, MarksInternalTopics) {
  MetadataImage image;
  apply(image, {topic("__consumer_offsets", kA), topic("__other", kB)});
  EXPECT_TRUE(image.find_topic(kA)->internal);
  EXPECT_FALSE(image.find_topic(kB)->internal);
}

TEST(Image, LeaderEpochGrowsWheneverTheLeaderIsSaid) {
  MetadataImage image = two_topics();
  PartitionChangeRecord same = change(kA, 0);
  same.leader = 1;
  const ImageDelta delta = apply(image, {same});
  EXPECT_EQ(image.find_partition("a", 0)->leader, 1);
  EXPECT_EQ(image.find_partition("a", 0)->leader_epoch, 1);
  EXPECT_EQ(image.find_partition("a", 0)->partition_epoch, 1);
  ASSERT_EQ(delta.partitions.size(), 1u);
  EXPECT_EQ(delta.partitions[0].key, (PartitionKey{kA, 0}));
  EXPECT_FALSE(delta.partitions[0].created);
  EXPECT_EQ(delta.partitions[0].old_leader, 1);
  EXPECT_EQ(delta.partitions[0].old_leader_epoch, 0);

  PartitionChangeRecord isr_only = change(kA, 0);
  isr_only.isr.emplace();
  apply(image, {isr_only});
  EXPECT_EQ(image.find_partition("a", 0)->leader_epoch, 1);
  EXPECT_EQ(image.find_partition("a", 0)->partition_epoch, 2);
  EXPECT_TRUE(image.find_partition("a", 0)->isr.empty());
  EXPECT_EQ(image.find_partition("a", 1)->partition_epoch, 0);
}

TEST(Image, ChangesOnlyWhatIsSaid) {
  MetadataImage image;
  apply(image, {topic("a", kA), partition(kA, 0, {1, 2, 3, 4})});
  PartitionChangeRecord moved = change(kA, 0);
  moved.adding_replicas = {5};
  moved.replicas = {5, 1, 2, 3, 4};
  moved.directories = {Uuid{7, 5}, Uuid{7, 1}, Uuid{7, 2}, Uuid{7, 3}, Uuid{7, 4}};
  apply(image, {moved});
  PartitionChangeRecord shrunk = change(kA, 0);
  shrunk.isr = {1, 2};
  shrunk.eligible_leader_replicas = {3};
  shrunk.leader_recovery_state = 1;
  apply(image, {shrunk});
  const PartitionImage& partition = *image.find_partition("a", 0);
  EXPECT_EQ(partition.replicas.to_vector(), (std::vector<int32_t>{5, 1, 2, 3, 4}));
  EXPECT_EQ(partition.directory(5), (Uuid{7, 5}));
  EXPECT_EQ(partition.isr.to_vector(), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(partition.extras().adding_replicas, (std::vector<int32_t>{5}));
  EXPECT_EQ(partition.extras().eligible_leader_replicas, (std::vector<int32_t>{3}));
  EXPECT_EQ(partition.leader_recovery_state, 1);
  EXPECT_EQ(copy(image), image);

  ClearElrRecord clear;
  apply(image, {clear});
  EXPECT_TRUE(image.find_partition("a", 0)->extras().eligible_leader_replicas.empty());
  EXPECT_EQ(image.find_partition("a", 0)->extras().adding_replicas, (std::vector<int32_t>{5}));
  EXPECT_EQ(image.find_partition("a", 0)->partition_epoch, 2);
}

TEST(Image, ATopicTakesItsConfigsAlong) {
  MetadataImage image = two_topics();
  apply(image, {config(ResourceType::kTopic, "a", "retention.ms", "5"),
                config(ResourceType::kTopic, "b", "retention.ms", "6")});
  const ImageDelta delta = apply(image, {remove_topic(kA)});
  EXPECT_EQ(image.find_topic("a"), nullptr);
  EXPECT_EQ(image.find_topic(kA), nullptr);
  EXPECT_TRUE(image.configs(ResourceType::kTopic, "a").empty());
  EXPECT_EQ(image.configs(ResourceType::kTopic, "b").at("retention.ms"), "6");
  EXPECT_EQ(image.partition_count(), 1u);
  ASSERT_EQ(delta.topics_deleted.size(), 1u);
  EXPECT_EQ(delta.topics_deleted[0].name, "a");
  EXPECT_EQ(delta.topics_deleted[0].id, kA);
  EXPECT_EQ(delta.topics_deleted[0].partition_count, 2);
  // The name is free again.
  apply(image, {topic("a", Uuid{1, 9})});
  EXPECT_EQ(image.find_topic("a")->id, (Uuid{1, 9}));
}

TEST(Image, TakesPartitionsInAnyOrder) {
  MetadataImage image;
  apply(image, {topic("a", kA), partition(kA, 2)});
  EXPECT_EQ(image.find_partition("a", 0), nullptr);
  ASSERT_NE(image.find_partition("a", 2), nullptr);
  EXPECT_EQ(image.partition_count(), 1u);
  apply(image, {partition(kA, 0), partition(kA, 1)});
  EXPECT_NE(image.find_partition("a", 0), nullptr);
  EXPECT_EQ(image.partition_count(), 3u);
}

TEST(Image, RefusesWhatNoControllerWrites) {
  const auto refuses = [](const MetadataRecord& record) {
    MetadataImage image = two_topics();
    ImageDelta delta;
    apply(image, {broker(1, 5)});
    return !image.apply(record, delta).ok();
  };
  EXPECT_TRUE(refuses(topic("a", Uuid{4, 4})));
  EXPECT_TRUE(refuses(topic("new", kA)));
  EXPECT_TRUE(refuses(partition(Uuid{4, 4}, 0)));
  EXPECT_TRUE(refuses(partition(kA, -1)));
  EXPECT_TRUE(refuses(partition(kA, kMaxPartitionId + 1)));
  EXPECT_TRUE(refuses(change(kA, 7)));
  EXPECT_TRUE(refuses(change(Uuid{4, 4}, 0)));
  EXPECT_TRUE(refuses(remove_topic(Uuid{4, 4})));
  EXPECT_TRUE(refuses(EndTransactionRecord()));
  FenceBrokerRecord fence;
  fence.id = 1;
  fence.epoch = 4;
  EXPECT_TRUE(refuses(fence));
  fence.epoch = 5;
  EXPECT_FALSE(refuses(fence));
}

TEST(Image, KeepsBrokers) {
  MetadataImage image;
  RegisterBrokerRecord record = broker(1, 5, true);
  RegisterBrokerRecord::BrokerEndpoint endpoint;
  endpoint.name = "PLAINTEXT";
  endpoint.host = "localhost";
  endpoint.port = 9092;
  record.end_points = {endpoint};
  record.rack = "r1";
  EXPECT_EQ(apply(image, {record}).brokers, (std::vector<int32_t>{1}));
  ASSERT_NE(image.find_broker(1), nullptr);
  EXPECT_TRUE(image.find_broker(1)->fenced);
  ASSERT_NE(image.find_broker(1)->endpoint("PLAINTEXT"), nullptr);
  EXPECT_EQ(image.find_broker(1)->endpoint("PLAINTEXT")->port, 9092);
  EXPECT_EQ(image.find_broker(1)->endpoint("SSL"), nullptr);

  BrokerRegistrationChangeRecord change;
  change.broker_id = 1;
  change.broker_epoch = 5;
  change.fenced = -1;
  apply(image, {change});
  EXPECT_FALSE(image.find_broker(1)->fenced);
  change.fenced = 0;
  change.in_controlled_shutdown = 1;
  change.log_dirs = {Uuid{7, 8}};
  change.cordoned_log_dirs = {Uuid{7, 8}};
  apply(image, {change});
  EXPECT_FALSE(image.find_broker(1)->fenced);
  EXPECT_TRUE(image.find_broker(1)->in_controlled_shutdown);
  EXPECT_EQ(image.find_broker(1)->log_dirs, (std::vector<Uuid>{Uuid{7, 8}}));
  EXPECT_EQ(copy(image), image);

  UnregisterBrokerRecord gone;
  gone.broker_id = 1;
  gone.broker_epoch = 5;
  apply(image, {gone});
  EXPECT_EQ(image.find_broker(1), nullptr);
}

TEST(Image, KeepsConfigsFeaturesQuotasAndIds) {
  MetadataImage image;
  FeatureLevelRecord level;
  level.name = "metadata.version";
  level.feature_level = 30;
  ClientQuotaRecord quota;
  quota.entity.emplace_back().entity_type = "user";
  quota.entity[0].entity_name = std::nullopt;
  quota.key = "producer_byte_rate";
  quota.value = 1.5;
  ProducerIdsRecord ids;
  ids.next_producer_id = 2000;
  const ImageDelta delta = apply(
      image, {level, config(ResourceType::kBroker, "", "a", "1"), config(ResourceType::kBroker, "", "b", "2"),
              config(ResourceType::kBroker, "1", "a", "3"), quota, ids, NoOpRecord()});
  EXPECT_TRUE(delta.features && delta.client_quotas && delta.producer_ids && delta.acls.empty());
  EXPECT_EQ(delta.configs,
            (std::vector<ConfigResource>{{ResourceType::kBroker, ""}, {ResourceType::kBroker, "1"}}));
  EXPECT_EQ(image.metadata_version(), 30);
  EXPECT_EQ(image.configs(ResourceType::kBroker, "").size(), 2u);
  EXPECT_EQ(image.client_quotas().at({{"user", std::nullopt}}).at("producer_byte_rate"), 1.5);
  EXPECT_EQ(image.next_producer_id(), 2000);
  EXPECT_EQ(copy(image), image);

  level.feature_level = 0;
  quota.remove = true;
  apply(image, {level, config(ResourceType::kBroker, "", "a", std::nullopt),
                config(ResourceType::kBroker, "1", "a", std::nullopt), quota});
  EXPECT_EQ(image.metadata_version(), 0);
  EXPECT_EQ(image.all_configs().size(), 1u);
  EXPECT_TRUE(image.client_quotas().empty());
  ImageDelta ignored;
  ids.next_producer_id = 1000;
  EXPECT_FALSE(image.apply(ids, ignored).ok());
}

TEST(Image, KeepsSecurityForLater) {
  MetadataImage image;
  AccessControlEntryRecord acl;
  acl.id = Uuid{3, 3};
  acl.principal = "User:ann";
  UserScramCredentialRecord scram;
  scram.name = "ann";
  scram.mechanism = 1;
  DelegationTokenRecord token;
  token.token_id = "t";
  apply(image, {acl, scram, token});
  EXPECT_EQ(image.acls().size() + image.scram_credentials().size() + image.delegation_tokens().size(), 3u);
  EXPECT_EQ(copy(image), image);
  RemoveAccessControlEntryRecord no_acl;
  no_acl.id = Uuid{3, 3};
  RemoveUserScramCredentialRecord no_scram;
  no_scram.name = "ann";
  no_scram.mechanism = 1;
  RemoveDelegationTokenRecord no_token;
  no_token.token_id = "t";
  apply(image, {no_acl, no_scram, no_token});
  EXPECT_EQ(image, MetadataImage());
}

TEST(Image, APartitionIsSmall) {
  EXPECT_LE(sizeof(PartitionImage), 96u);
}

TEST(SmallVector, HoldsFewInsideAndManyOutside) {
  SmallVector<int32_t, 4> list;
  EXPECT_TRUE(list.empty());
  for (int32_t size : {1, 4, 5, 100, 5, 4, 0, 6}) {
    std::vector<int32_t> values;
    for (int32_t i = 0; i < size; ++i) values.push_back(i * 7);
    list.assign(values);
    SmallVector<int32_t, 4> other = list;
    SmallVector<int32_t, 4> moved = std::move(list);
    EXPECT_EQ(other, moved);
    EXPECT_EQ(moved.to_vector(), values);
    EXPECT_TRUE(list.empty());  // NOLINT: moved from
    list = std::move(moved);
    EXPECT_EQ(list.to_vector(), values);
    list.assign(list.span());
    EXPECT_EQ(list.to_vector(), values);
  }
}

}  // namespace
}  // namespace milena::metadata
