// The perf tests with transactions: real ones, that readers of committed records see whole.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdio>

#include "e2e/e2e_fixture.h"
#include "net/test_client.h"

namespace milena::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PerfTransactions : public testing::Test {
 protected:
  // Both outputs.
  std::string run(const std::string& words, int code = 0) {
    const std::string server = " --bootstrap-server " + broker_.address();
    const Outcome outcome = run_milena(words + server);
    EXPECT_EQ(outcome.code, code) << outcome.output;
    return outcome.output;
  }
  static std::string kafka_words(const std::string& topic) {
    return "kafka-producer-perf-test --topic " + topic + " --num-records 400 --record-size 10 --throughput 1000 ";
  }
  // The end of a transaction is answered before it is complete.
  bool completes(const std::string& id) {
    return wait_until([&] {
      const std::string output = run("transactions --all");
      const size_t at = output.find(id);
      return at != std::string::npos && output.substr(at, output.find('\n', at) - at).find("CompleteCommit") !=
                                            std::string::npos;
    });
  }
  // The number of its offsets that are no records: the markers of its transactions.
  int64_t markers(const std::string& topic) {
    Consumer consumer(broker_.address(), {{"isolation.level", "read_committed"}});
    consumer.assign(topic, {0}, RD_KAFKA_OFFSET_BEGINNING);
    EXPECT_EQ(consumer.read(400).size(), 400u);
    return consumer.watermarks(topic, 0).second - 400;
  }

  BrokerProcess broker_{2};
};

TEST_F(PerfTransactions, AreCommittedAfterTheirTime) {
  EXPECT_THAT(run(kafka_words("t") + "--transactional-id perf --transaction-duration-ms 50"),
              AllOf(HasSubstr("400 records sent, "), HasSubstr(" 99.9th.\n")));
  EXPECT_GE(markers("t"), 3);
  EXPECT_TRUE(completes("perf"));
  // The id of an earlier run, in one transaction; and a random one.
  run(kafka_words("u") + "--command-property transactional.id=perf");
  EXPECT_EQ(markers("u"), 1);
  run(kafka_words("v") + "--transaction-duration-ms 60000");
  EXPECT_EQ(markers("v"), 1);
  EXPECT_THAT(run("transactions --all"), HasSubstr("performance-producer-"));
  run("perf produce w -n 400 -s 10 --rate 1000 --transactional-id own --transaction-duration-ms 50");
  EXPECT_GE(markers("w"), 3);
  EXPECT_TRUE(completes("own"));
  run(kafka_words("x"));
  EXPECT_EQ(markers("x"), 0);
}

// The level of transaction.version before partitions are added by batches: each is added by a request.
TEST_F(PerfTransactions, WithAnOlderLevelOfTheFeature) {
  // UpdateFeatures, version 1, from client "x": transaction.version to level 1, a safe downgrade.
  const Bytes request = Bytes("\x00\x39\x00\x01\x00\x00\x00\x01\x00\x01x\x00", 12) +
                        Bytes("\x00\x00\x27\x10\x02\x14transaction.version\x00\x01\x02\x00\x00\x00", 31);
  net::TestClient client(static_cast<uint16_t>(broker_.port()));
  ASSERT_TRUE(client.send_frame(request));
  ASSERT_TRUE(client.receive());
  ASSERT_TRUE(wait_until([this] { return run("features --json").find("\"level\": 2") == std::string::npos; }));
  run(kafka_words("t") + "--transactional-id perf --transaction-duration-ms 50");
  EXPECT_GE(markers("t"), 3);
  run(kafka_words("t") + "--transactional-id perf --transaction-duration-ms 50");
  EXPECT_TRUE(completes("perf"));
}

TEST_F(PerfTransactions, MistakesAreNamed) {
  EXPECT_THAT(run(kafka_words("t") + "--transaction-duration-ms 0", 1),
              HasSubstr("--transaction-duration-ms should be greater than zero."));
  EXPECT_THAT(run(kafka_words("t") + "--transactional-id x --command-property acks=1", 1),
              HasSubstr("Must set acks to all"));
  EXPECT_THAT(run(kafka_words("t") + "--transactional-id x --command-property transaction.timeout.ms=900001", 1),
              HasSubstr("INVALID_TRANSACTION_TIMEOUT"));
  EXPECT_THAT(run("perf produce t --transaction-duration-ms 5", 2), HasSubstr("expected --transactional-id"));
}

}  // namespace
}  // namespace milena::e2e
