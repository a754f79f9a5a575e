// The metadata log and bootstrap.checkpoint of Apache Kafka 4.3.1 (tests/golden/metadata/make).
#include <fstream>
#include <iterator>

#include "metadata/metadata_fixture.h"
#include "metadata/record_codec.h"
#include "metadata/replayer.h"
#include "protocol/records/record_batch.h"
#include "protocol/records/record_iterator.h"

namespace milena::metadata {
namespace {

using namespace milena::metadata::testing;  // NOLINT

Bytes golden(const char* name) {
  std::ifstream file(Bytes(MILENA_GOLDEN_DIR) + "/metadata/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

MetadataReplayer replayed(const Bytes& log) {
  MetadataReplayer replayer;
  ImageDelta delta;
  BatchIterator it(log);
  while (it.next()) {
    const BatchHeader& header = it.batch().header();
    if (header.is_control()) {
      replayer.skip_to(header.last_offset(), header.partition_leader_epoch);
      continue;
    }
    Result<MetadataRecords> records = decode_metadata_batch(it.batch());
    EXPECT_TRUE(records.ok()) << records.error().message;
    const Status status =
        replayer.replay(records.take(), header.last_offset(), header.partition_leader_epoch, delta);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
  EXPECT_TRUE(it.status().ok());
  return replayer;
}

TEST(GoldenLog, EveryRecordIsEncodedAsKafkaWroteIt) {
  const Bytes log = golden("metadata.log");
  int count = 0;
  BatchIterator it(log);
  while (it.next()) {
    if (it.batch().header().is_control()) continue;
    RecordIterator records(it.batch());
    while (records.next()) {
      const ByteView value = *records.record().value;
      Result<MetadataRecord> record = decode_metadata_record(value);
      ASSERT_TRUE(record.ok()) << record.error().message;
      EXPECT_EQ(encode_metadata_record(*record), value)
          << metadata_record_name(*record) << " at " << records.record().offset;
      ++count;
    }
  }
  EXPECT_EQ(count, 68);
}

// Changed bytes end in an error, or in some record that the image accepts or refuses.
TEST(GoldenLog, SurvivesAnyByteChanged) {
  const Bytes log = golden("metadata.log");
  MetadataReplayer whole = replayed(log);
  MetadataImage image = whole.take_image();
  ImageDelta delta;
  int refused = 0;
  BatchIterator it(log);
  while (it.next()) {
    if (it.batch().header().is_control()) continue;
    RecordIterator records(it.batch());
    while (records.next()) {
      Bytes value(*records.record().value);
      for (size_t at = 0; at < value.size(); ++at) {
        for (const char mask : {'\x01', '\x7f', '\x80'}) {
          value[at] = static_cast<char>(value[at] ^ mask);
          Result<MetadataRecord> record = decode_metadata_record(value);
          if (!record.ok() || !image.apply(*record, delta).ok()) ++refused;
          value[at] = static_cast<char>(value[at] ^ mask);
        }
      }
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_EQ(copy(image), image);
}

TEST(GoldenLog, GivesTheImageThatKafkaHad) {
  const MetadataReplayer replayer = replayed(golden("metadata.log"));
  const MetadataImage& image = replayer.image();
  EXPECT_FALSE(replayer.in_transaction());
  EXPECT_EQ(replayer.last_epoch(), 2);

  EXPECT_EQ(image.metadata_version(), 30);
  EXPECT_EQ(image.feature_level("transaction.version"), 2);
  EXPECT_EQ(image.features().size(), 6u);

  std::vector<Bytes> names;
  for (const TopicImage& each : image.topics()) names.push_back(each.name);
  EXPECT_EQ(names, (std::vector<Bytes>{"alpha", "beta.one", "last"}));
  EXPECT_EQ(image.find_topic("alpha")->partition_count(), 4);
  EXPECT_EQ(image.find_topic("alpha")->id.to_string(), "NMSiTYQJSWqMdQioynII-w");
  EXPECT_EQ(image.partition_count(), 6u);

  // Killed, elected uncleanly, and stopped cleanly: three leaders after the first.
  const PartitionImage& partition = *image.find_partition("alpha", 3);
  EXPECT_EQ(partition.leader, kNoLeader);
  EXPECT_EQ(partition.leader_epoch, 3);
  EXPECT_EQ(partition.partition_epoch, 4);
  EXPECT_EQ(partition.leader_recovery_state, 1);
  EXPECT_TRUE(partition.isr.empty());
  EXPECT_EQ(partition.replicas.to_vector(), (std::vector<int32_t>{1}));
  EXPECT_EQ(partition.extras().eligible_leader_replicas, (std::vector<int32_t>{1}));
  EXPECT_EQ(partition.extras().last_known_elr, (std::vector<int32_t>{1}));
  EXPECT_EQ(partition.directory(1).to_string(), "8AZWPXqRgbZWrAC6FiyLcw");
  EXPECT_EQ(image.find_partition("last", 0)->leader_epoch, 1);

  EXPECT_EQ(image.configs(ResourceType::kTopic, "alpha"), (config::ConfigMap{{"max.message.bytes", "2000000"}}));
  EXPECT_EQ(image.configs(ResourceType::kTopic, "beta.one"),
            (config::ConfigMap{{"cleanup.policy", "compact,delete"}, {"retention.ms", "1000"}}));
  EXPECT_TRUE(image.configs(ResourceType::kTopic, "gone").empty());
  EXPECT_EQ(image.configs(ResourceType::kBroker, "1"), (config::ConfigMap{{"log.retention.ms", "7200000"}}));
  EXPECT_EQ(image.configs(ResourceType::kBroker, ""),
            (config::ConfigMap{{"log.cleaner.threads", "2"}, {"min.insync.replicas", "1"}}));

  ASSERT_NE(image.find_broker(1), nullptr);
  EXPECT_EQ(image.find_broker(1)->epoch, 47);
  EXPECT_TRUE(image.find_broker(1)->fenced);
  EXPECT_TRUE(image.find_broker(1)->in_controlled_shutdown);
  EXPECT_EQ(image.find_broker(1)->endpoint("PLAINTEXT")->port, 19402);
  EXPECT_EQ(image.controllers().size(), 1u);

  EXPECT_EQ(image.client_quotas().size(), 2u);
  const QuotaEntity both{{"client-id", "app"}, {"user", std::nullopt}};
  EXPECT_EQ(image.client_quotas().at(both), (QuotaMap{{"request_percentage", 12.5}}));
  EXPECT_EQ(image.scram_credentials().at({1, "bob"}).iterations, 4096);

  EXPECT_EQ(copy(image), image);
}

TEST(GoldenLog, BootstrapCheckpointIsWhatWeBeginWith) {
  const Bytes file = golden("bootstrap.checkpoint");
  MetadataRecords records;
  BatchIterator it(file);
  while (it.next()) {
    if (it.batch().header().is_control()) continue;
    Result<MetadataRecords> batch = decode_metadata_batch(it.batch());
    ASSERT_TRUE(batch.ok());
    for (MetadataRecord& record : *batch) records.push_back(std::move(record));
  }
  EXPECT_EQ(records, default_bootstrap_records());
}

TEST(GoldenLog, ActivationWritesWhatKafkaWrote) {
  const Controller controller(MetadataImage(), {}, counting_uuids());
  const MetadataRecords ours = controller.activate(default_bootstrap_records(), false).records;
  const Bytes log = golden("metadata.log");
  BatchIterator it(log);
  ASSERT_TRUE(it.next() && it.next());
  Result<MetadataRecords> theirs = decode_metadata_batch(it.batch());
  ASSERT_TRUE(theirs.ok());
  EXPECT_EQ(ours, *theirs);
}

// A single node goes on where Kafka stopped.
TEST(GoldenLog, OurControllerGoesOnFromThere) {
  MetadataReplayer replayer = replayed(golden("metadata.log"));
  const int64_t next_offset = replayer.last_offset() + 1;
  Controller controller(replayer.take_image(), {}, counting_uuids());
  EXPECT_TRUE(controller.activate(default_bootstrap_records(), false).records.empty());
  BrokerStart start;
  start.incarnation_id = Uuid{9, 2};
  start.log_dirs = {*Uuid::parse("8AZWPXqRgbZWrAC6FiyLcw")};
  start.previous_broker_epoch = 47;
  const auto registered = controller.register_broker(start, next_offset);
  EXPECT_EQ(registered.records.size(), 1u);
  EXPECT_EQ(registered.response, next_offset);
  controller.apply(registered.records);
  controller.apply(controller.unfence_broker(1).records);
  for (const TopicImage& topic : controller.image().topics()) {
    for (const PartitionImage& partition : topic.partitions) {
      EXPECT_EQ(partition.leader, 1);
      EXPECT_EQ(partition.isr.to_vector(), (std::vector<int32_t>{1}));
      EXPECT_TRUE(partition.extras().empty());
    }
  }
  EXPECT_EQ(controller.image().find_partition("alpha", 3)->leader_epoch, 4);
  EXPECT_FALSE(controller.image().find_broker(1)->fenced);
}

}  // namespace
}  // namespace milena::metadata
