// Inactive idempotent producers expire, by their own timer.
#include "broker/node_fixture.h"
#include "protocol/messages/describe_producers.h"

namespace milena::broker::broker_test {
namespace {

class ProducerExpiryTest : public NodeFixture {
 protected:
  void SetUp() override {
    node().set("producer.id.expiration.ms", "5000");
    node().set("producer.id.expiration.check.interval.ms", "1000");
    node().set("log.retention.check.interval.ms", "100000000");
    start();
  }
  size_t producers() {
    DescribeProducersRequest request;
    request.topics.push_back({"t", {0}});
    auto response = client().ask<DescribeProducersResponse>(request, 0);
    return response.topics.at(0).partitions.at(0).active_producers.size();
  }
  void append(int64_t producer_id, int32_t sequence) {
    const Bytes batch = sequenced_batch({"a"}, node().clock().wall_ms(), producer_id, 0, sequence);
    auto response = client().ask<ProduceResponse>(produce_request("t", 0, batch, 9, -1), 9);
    ASSERT_EQ(response.responses.at(0).partition_responses.at(0).error_code, ErrorCode::kNone);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, ProducerExpiryTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(ProducerExpiryTest, GoesByItsInterval) {
  create_topic("t");
  append(1000, 0);
  append(2000, 0);
  for (int i = 0; i < 4; i++) node().advance(1000);
  EXPECT_EQ(producers(), 2u);
  append(2000, 1);
  for (int i = 0; i < 3; i++) node().advance(1000);
  EXPECT_EQ(producers(), 1u);
  for (int i = 0; i < 4; i++) node().advance(1000);
  EXPECT_EQ(producers(), 0u);
  append(2000, 0);
  EXPECT_EQ(producers(), 1u);
  for (int i = 0; i < 7; i++) node().advance(1000);
  EXPECT_EQ(producers(), 0u);
}

}  // namespace
}  // namespace milena::broker::broker_test
