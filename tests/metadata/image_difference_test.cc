// The records between two images: every kind of thing that comes, changes or goes.
#include "metadata/image_difference.h"

#include <gtest/gtest.h>

namespace milena::metadata {
namespace {

class ImageDifferenceTest : public ::testing::Test {
 protected:
  MetadataImage before, after;

  static void apply(MetadataImage& image, const MetadataRecords& records) {
    ImageDelta delta;
    for (const MetadataRecord& record : records) {
      Status applied = image.apply(record, delta);
      ASSERT_TRUE(applied.ok()) << applied.error().message;
    }
  }
  void expect_it_leads_from_one_to_the_other() {
    MetadataRecords records = image_difference(before, after);
    apply(before, records);
    EXPECT_TRUE(before == after);
    EXPECT_TRUE(image_difference(before, after).empty());
  }

  static MetadataRecord topic(const char* name, uint64_t id) {
    TopicRecord record;
    record.name = name;
    record.topic_id = Uuid{0, id};
    return record;
  }
  static MetadataRecord partition(uint64_t id, int32_t number, int32_t leader, int32_t epoch) {
    PartitionRecord record;
    record.topic_id = Uuid{0, id};
    record.partition_id = number;
    record.replicas = record.isr = {1, 2};
    record.leader = leader;
    record.leader_epoch = record.partition_epoch = epoch;
    return record;
  }
  static MetadataRecord config(ResourceType type, const char* resource, const char* name, const char* value) {
    ConfigRecord record;
    record.resource_type = static_cast<int8_t>(type);
    record.resource_name = resource;
    record.name = name;
    record.value = value;
    return record;
  }
  static MetadataRecord feature(const char* name, int16_t level) {
    FeatureLevelRecord record;
    record.name = name;
    record.feature_level = level;
    return record;
  }
  static MetadataRecord broker(int32_t id, int64_t epoch, bool fenced) {
    RegisterBrokerRecord record;
    record.broker_id = id;
    record.broker_epoch = epoch;
    record.fenced = fenced;
    return record;
  }
  static MetadataRecord quota(const char* user, const char* key, double value) {
    ClientQuotaRecord record;
    record.entity.push_back({"user", user});
    record.key = key;
    record.value = value;
    return record;
  }
  static MetadataRecord acl(uint64_t id, const char* principal) {
    AccessControlEntryRecord record;
    record.id = Uuid{0, id};
    record.principal = principal;
    return record;
  }
  static MetadataRecord credential(const char* name, int32_t iterations) {
    UserScramCredentialRecord record;
    record.mechanism = 1;
    record.name = name;
    record.iterations = iterations;
    return record;
  }
  static MetadataRecord token(const char* id, int64_t expires_ms) {
    DelegationTokenRecord record;
    record.token_id = id;
    record.expiration_timestamp = expires_ms;
    return record;
  }
  static MetadataRecord producer_ids(int64_t next) {
    ProducerIdsRecord record;
    record.next_producer_id = next;
    return record;
  }
};

TEST_F(ImageDifferenceTest, OfEqualImagesIsEmpty) {
  for (MetadataImage* image : {&before, &after}) {
    apply(*image, {feature("metadata.version", 25), broker(1, 5, false), topic("a", 1), partition(1, 0, 1, 0),
                   config(ResourceType::kTopic, "a", "retention.ms", "1"), quota("u", "producer_byte_rate", 1),
                   acl(1, "User:a"), credential("u", 4096), token("t", 5), producer_ids(1000)});
  }
  EXPECT_TRUE(image_difference(before, after).empty());
}

TEST_F(ImageDifferenceTest, WhatComesChangesAndGoes) {
  apply(before, {feature("metadata.version", 25), feature("group.version", 1), broker(1, 5, false), broker(2, 6, false),
                 topic("stays", 1), partition(1, 0, 1, 0), partition(1, 1, 2, 0), topic("goes", 2),
                 partition(2, 0, 1, 0), topic("anew", 3), partition(3, 0, 1, 7),
                 config(ResourceType::kTopic, "stays", "retention.ms", "1"),
                 config(ResourceType::kTopic, "stays", "segment.ms", "1"),
                 config(ResourceType::kTopic, "anew", "retention.ms", "1"),
                 config(ResourceType::kTopic, "anew", "segment.ms", "1"),
                 config(ResourceType::kBroker, "", "log.retention.ms", "9"), quota("u", "producer_byte_rate", 1),
                 quota("v", "producer_byte_rate", 1), acl(1, "User:a"), acl(2, "User:b"), credential("u", 4096),
                 credential("v", 4096), token("t", 5), token("s", 5), producer_ids(1000)});
  apply(after, {feature("metadata.version", 26), feature("transaction.version", 2), broker(1, 8, true),
                broker(3, 7, false), topic("stays", 1), partition(1, 0, 2, 4), partition(1, 1, 2, 0),
                partition(1, 2, 1, 0), topic("anew", 4), partition(4, 0, 2, 0), topic("new", 5), partition(5, 0, 1, 0),
                config(ResourceType::kTopic, "stays", "retention.ms", "2"),
                config(ResourceType::kTopic, "anew", "retention.ms", "1"),
                config(ResourceType::kBroker, "1", "log.retention.ms", "9"), quota("u", "producer_byte_rate", 2),
                quota("u", "consumer_byte_rate", 2), acl(2, "User:c"), acl(3, "User:d"), credential("v", 8192),
                credential("w", 4096), token("s", 6), token("r", 5), producer_ids(3000)});
  expect_it_leads_from_one_to_the_other();
}

TEST_F(ImageDifferenceTest, FromAndToNothing) {
  apply(after, {feature("metadata.version", 25), broker(1, 5, false), topic("a", 1), partition(1, 0, 1, 0)});
  expect_it_leads_from_one_to_the_other();
  after = MetadataImage();
  expect_it_leads_from_one_to_the_other();
}

}  // namespace
}  // namespace milena::metadata
