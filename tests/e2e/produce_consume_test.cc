// Producing and consuming with librdkafka.
#include <fstream>

#include "e2e/e2e_fixture.h"

namespace milena::e2e {
namespace {

END_TO_END_TESTS(ProduceConsume);

TEST_P(ProduceConsume, EveryCodecBringsBackKeysValuesHeadersAndTimestamps) {
  for (const char* codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    std::string topic = std::string("codec-") + codec;
    std::vector<Record> sent;
    for (int i = 0; i < 100; i++) {
      Record record;
      record.topic = topic;
      record.partition = 0;
      record.key = i % 3 == 0 ? std::nullopt : std::optional<std::string>("key-" + std::to_string(i));
      record.value = i % 7 == 0 ? std::nullopt : std::optional<std::string>(std::string(200, 'v') + std::to_string(i));
      record.timestamp_ms = 1'700'000'000'000 + i;
      record.headers = {{"n", std::to_string(i)}, {"null", std::nullopt}, {"empty", ""}};
      sent.push_back(record);
    }
    Producer producer(address(), {{"compression.codec", codec}, {"linger.ms", "20"}});
    for (const Record& record : sent) producer.send(record);
    producer.flush();
    ASSERT_EQ(producer.errors(), std::vector<std::string>{}) << codec;

    Consumer consumer(address());
    consumer.assign(topic, {0}, RD_KAFKA_OFFSET_BEGINNING);
    std::vector<Record> read = consumer.read(sent.size());
    ASSERT_EQ(read.size(), sent.size()) << codec;
    for (size_t i = 0; i < read.size(); i++) {
      EXPECT_EQ(read[i].offset, static_cast<int64_t>(i));
      EXPECT_EQ(read[i].key, sent[i].key);
      EXPECT_EQ(read[i].value, sent[i].value);
      EXPECT_EQ(read[i].timestamp_ms, sent[i].timestamp_ms);
      EXPECT_EQ(read[i].headers, sent[i].headers);
    }
  }
}

TEST_P(ProduceConsume, EveryAcks) {
  for (const char* acks : {"0", "1", "all"}) {
    std::string topic = std::string("acks-") + acks;
    Producer producer(address(), {{"acks", acks}});
    for (int i = 0; i < 50; i++) {
      Record record;
      record.topic = topic;
      record.partition = 0;
      record.value = std::to_string(i);
      producer.send(record);
    }
    producer.flush();
    EXPECT_EQ(producer.delivered().size(), 50u) << acks;
    Consumer consumer(address());
    consumer.assign(topic, {0}, RD_KAFKA_OFFSET_BEGINNING);
    EXPECT_EQ(values_of(consumer.read(50)), numbered(0, 50)) << acks;
  }
}

TEST_P(ProduceConsume, AnIdempotentProducerKeepsItsOrder) {
  Producer producer(address(), {{"enable.idempotence", "true"}, {"batch.num.messages", "100"}, {"linger.ms", "0"}});
  for (int i = 0; i < 5000; i++) {
    Record record;
    record.topic = "ordered";
    record.partition = 0;
    record.value = std::to_string(i);
    producer.send(record);
    producer.poll();
  }
  producer.flush();
  ASSERT_EQ(producer.errors(), std::vector<std::string>{});
  Consumer consumer(address(), {{"isolation.level", "read_committed"}});
  consumer.assign("ordered", {0}, RD_KAFKA_OFFSET_BEGINNING);
  EXPECT_EQ(values_of(consumer.read(5000)), numbered(0, 5000));
  EXPECT_EQ(consumer.watermarks("ordered", 0), (std::pair<int64_t, int64_t>(0, 5000)));
}

TEST_P(ProduceConsume, LargeRecordsAndSmallLimits) {
  Producer producer(address(), {{"message.max.bytes", "1000000"}});
  for (int i = 0; i < 5; i++) {
    Record record;
    record.topic = "large";
    record.partition = 0;
    record.value = std::string(900'000, static_cast<char>('a' + i));
    producer.send(record);
  }
  producer.flush();
  ASSERT_EQ(producer.errors(), std::vector<std::string>{});
  Consumer consumer(address(), {{"max.partition.fetch.bytes", "1000"}, {"fetch.max.bytes", "1000000"}});
  consumer.assign("large", {0}, RD_KAFKA_OFFSET_BEGINNING);
  std::vector<Record> read = consumer.read(5);
  ASSERT_EQ(read.size(), 5u);
  for (size_t i = 0; i < 5; i++) EXPECT_EQ(read[i].value, std::string(900'000, static_cast<char>('a' + i)));
}

TEST_P(ProduceConsume, SeekAndTimes) {
  Producer producer(address());
  for (int i = 0; i < 100; i++) {
    Record record;
    record.topic = "times";
    record.partition = 0;
    record.value = std::to_string(i);
    record.timestamp_ms = 1'700'000'000'000 + i * 1000;
    producer.send(record);
  }
  producer.flush();
  Consumer consumer(address());
  consumer.assign("times", {0}, RD_KAFKA_OFFSET_BEGINNING);
  EXPECT_EQ(values_of(consumer.read(1)), numbered(0, 1));
  consumer.seek("times", 0, 90);
  EXPECT_EQ(values_of(consumer.read(10)), numbered(90, 100));
  EXPECT_EQ(consumer.offset_for_time("times", 0, 1'700'000'000'000), 0);
  EXPECT_EQ(consumer.offset_for_time("times", 0, 1'700'000'042'001), 43);
  EXPECT_EQ(consumer.offset_for_time("times", 0, 1'700'000'100'000), RD_KAFKA_OFFSET_END);
  EXPECT_EQ(consumer.watermarks("times", 0), (std::pair<int64_t, int64_t>(0, 100)));
}

TEST_P(ProduceConsume, AReaderThatWasThereBeforeItsTopic) {
  Consumer consumer(address(), {{"group.id", "early"}, {"topic.metadata.refresh.interval.ms", "100"}});
  consumer.subscribe({"later"});
  EXPECT_EQ(consumer.read_one(300), std::nullopt);
  EXPECT_TRUE(consumer.assigned().empty());
  fill("later", 0, 10);
  EXPECT_EQ(values_of(consumer.read(10)), numbered(0, 10));
}

TEST_P(ProduceConsume, OverIpv6) {
  // A machine without IPv6 has nothing to test here.
  std::string loopback;
  std::ifstream("/proc/net/if_inet6") >> loopback;
  if (loopback.empty()) GTEST_SKIP() << "no IPv6";
  std::string six = "[::1]:" + std::to_string(broker().port());
  Admin probe(six);
  // The response has the address that the client connected to.
  EXPECT_EQ(probe.brokers(), std::vector<std::string>{"::1:" + std::to_string(broker().port())});
  Producer producer(six, {{"broker.address.family", "v6"}});
  Record record;
  record.topic = "six";
  record.partition = 0;
  record.value = "6";
  producer.send(record);
  producer.flush();
  EXPECT_EQ(producer.delivered().size(), 1u);
}

}  // namespace
}  // namespace milena::e2e
