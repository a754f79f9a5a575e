// Stops and kills of the real process, during acknowledged streams.
#include "e2e/e2e_fixture.h"

namespace milena::e2e {
namespace {

END_TO_END_TESTS(Restarts);

TEST_P(Restarts, SigtermEndsInOrderAndEverythingIsThereAgain) {
  fill("t", 0, 100);
  // A client waits in a long fetch: that must not delay the stop.
  Consumer reader(address(), {{"fetch.wait.max.ms", "60000"}, {"session.timeout.ms", "90000"},
                              {"socket.timeout.ms", "90000"}});
  reader.assign("t", {0}, RD_KAFKA_OFFSET_BEGINNING);
  EXPECT_EQ(values_of(reader.read(100)), numbered(0, 100));
  EXPECT_EQ(broker().stop(), 0);
  broker().start();
  Consumer fresh(address());
  fresh.assign("t", {0}, RD_KAFKA_OFFSET_BEGINNING);
  EXPECT_EQ(values_of(fresh.read(100)), numbered(0, 100));
}

// `timeout` and npm send the process one signal and its group another.
TEST_P(Restarts, TwoSignalsCloseTogetherEndInOrder) {
  fill("t", 0, 10);
  EXPECT_EQ(broker().stop_with({SIGINT, SIGTERM}), 0);
  EXPECT_NE(broker().output().find("Stopped"), std::string::npos) << broker().output();
  broker().start();
}

TEST_P(Restarts, AnIdempotentStreamThroughKillsLosesAndRepeatsNothing) {
  constexpr int kKills = 4;
  constexpr size_t kBetween = 300;
  Admin admin(address());
  ASSERT_EQ(admin.create_topic("stream", 2, {{"segment.bytes", "1048576"}}), "");
  Producer producer(address(), {{"enable.idempotence", "true"}, {"linger.ms", "0"}, {"batch.num.messages", "20"},
                                {"message.timeout.ms", "60000"}});
  int sent = 0;
  auto send_some = [&] {
    for (int i = 0; i < 20; i++, sent++) {
      Record record;
      record.topic = "stream";
      record.partition = sent % 2;
      record.value = std::to_string(sent);
      producer.send(record);
    }
    rd_kafka_poll(producer.handle(), 1);
  };
  for (int kill = 0; kill < kKills; kill++) {
    size_t wanted = producer.delivered().size() + kBetween;
    ASSERT_TRUE(wait_until([&] { send_some(); return producer.delivered().size() >= wanted; }));
    broker().kill();  // with requests under way
    broker().start();
  }
  producer.flush();
  EXPECT_EQ(producer.errors(), std::vector<std::string>{});
  ASSERT_EQ(producer.delivered().size(), static_cast<size_t>(sent));

  for (int32_t partition : {0, 1}) {
    Consumer consumer(address());
    int64_t end = consumer.watermarks("stream", partition).second;
    EXPECT_EQ(end, sent / 2) << "doubled or lost";
    consumer.assign("stream", {partition}, RD_KAFKA_OFFSET_BEGINNING);
    std::vector<Record> read = consumer.read(static_cast<size_t>(end));
    std::map<int64_t, std::string> at;
    for (size_t i = 0; i < read.size(); i++) {
      ASSERT_EQ(read[i].value, std::to_string(2 * i + static_cast<size_t>(partition)));
      at[read[i].offset] = *read[i].value;
    }
    for (const Record& acknowledged : producer.delivered()) {
      if (acknowledged.partition != partition || acknowledged.offset < 0) continue;
      EXPECT_EQ(at[acknowledged.offset], *acknowledged.value);
    }
  }
}

TEST_P(Restarts, CreatedTopicsOutliveAKill) {
  Admin admin(address());
  for (int i = 0; i < 5; i++) ASSERT_EQ(admin.create_topic("t" + std::to_string(i), i + 1), "");
  broker().kill();
  broker().start();
  std::map<std::string, int> expected = {{"t0", 1}, {"t1", 2}, {"t2", 3}, {"t3", 4}, {"t4", 5}};
  Admin again(address());
  EXPECT_EQ(again.topics(), expected);
  fill("t4", 4, 1);
}

TEST_P(Restarts, ASecondBrokerOnTheSameDirectoryIsRefused) {
  const Outcome refused = run_milena("--override listeners=PLAINTEXT://:0 --override log.dirs=" +
                                     broker().directory() + "/data");
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.output, testing::HasSubstr(broker().directory() + "/data"));
}

}  // namespace
}  // namespace milena::e2e
