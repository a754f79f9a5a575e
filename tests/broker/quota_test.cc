// Client quotas: clients that send, fetch or create too much get a throttle time, and are muted for it.
#include "broker/node_fixture.h"
#include "protocol/messages/alter_client_quotas.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_client_quotas.h"

namespace milena::broker::broker_test {
namespace {

class QuotaTest : public NodeFixture {
 protected:
  void set_quota(std::vector<std::pair<ByteView, std::optional<ByteView>>> entity, ByteView key, double value,
                 bool remove = false) {
    AlterClientQuotasRequest request;
    auto& entry = request.entries.emplace_back();
    for (const auto& [type, name] : entity) {
      auto& part = entry.entity.emplace_back();
      part.entity_type = type;
      part.entity_name = name;
    }
    auto& op = entry.ops.emplace_back();
    op.key = key;
    op.value = value;
    op.remove = remove;
    auto response = node().connect(0).ask<AlterClientQuotasResponse>(request, 1);
    ASSERT_EQ(response.entries.at(0).error_code, ErrorCode::kNone) << response.entries[0].error_message.value_or("");
  }

  int32_t throttle_of_produce(TestClient& from, const Bytes& batch, int16_t acks = -1) {
    return from.ask<ProduceResponse>(produce_request("q", 0, batch, 9, acks), 9).throttle_time_ms;
  }

  Bytes big_batch() { return batch_of({std::string(100'000, 'x')}, node().clock().wall_ms()); }
};
INSTANTIATE_TEST_SUITE_P(Shards, QuotaTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(QuotaTest, AProducerOverItsRateIsToldAndPaused) {
  create_topic("q");
  set_quota({{"user", std::nullopt}}, "producer_byte_rate", 10'000);
  // Ten seconds' worth are free; later requests wait until the rate is down again.
  EXPECT_LT(throttle_of_produce(client(), big_batch()), 100);
  int32_t throttle_ms = throttle_of_produce(client(), big_batch());
  EXPECT_NEAR(throttle_ms, 10'000, 200);
  EXPECT_GE(client().paused_ms(), throttle_ms);
  EXPECT_EQ(values_from("q", 0, 0).size(), 2u) << "what was sent is kept";
}

TEST_P(QuotaTest, ConnectionsOfOneClientIdShareItsQuota) {
  create_topic("q");
  set_quota({{"client-id", "limited"}}, "producer_byte_rate", 10'000);
  TestClient& first = node().connect(0);
  TestClient& second = node().connect(node().shard_count() - 1);
  first.set_client_id("limited");
  second.set_client_id("limited");
  throttle_of_produce(first, big_batch());
  EXPECT_GT(throttle_of_produce(second, big_batch()), 5'000);
  EXPECT_EQ(throttle_of_produce(client(), big_batch()), 0) << "another client id is free";
}

// Kafka's precedence: the user with the client id, the user, the client id. All clients are ANONYMOUS here.
TEST_P(QuotaTest, AUsersQuotaIsStrongerThanAClientIdsAndWeakerThanThatOfBoth) {
  create_topic("q");
  set_quota({{"client-id", "slow"}}, "producer_byte_rate", 10);
  set_quota({{"user", "ANONYMOUS"}}, "producer_byte_rate", 1'000'000'000);
  set_quota({{"user", "another"}}, "producer_byte_rate", 10);
  TestClient& slow = node().connect(0);
  slow.set_client_id("slow");
  EXPECT_EQ(throttle_of_produce(slow, big_batch()), 0);
  set_quota({{"user", "ANONYMOUS"}, {"client-id", "slow"}}, "producer_byte_rate", 10'000);
  throttle_of_produce(slow, big_batch());
  EXPECT_GT(throttle_of_produce(slow, big_batch()), 5'000);
  EXPECT_EQ(throttle_of_produce(client(), big_batch()), 0);
  set_quota({{"user", "ANONYMOUS"}, {"client-id", "slow"}}, "producer_byte_rate", 10'000, true);
  EXPECT_EQ(throttle_of_produce(slow, big_batch()), 0);
}

TEST_P(QuotaTest, WithoutAcksTheConnectionIsPausedAllTheSame) {
  create_topic("q");
  set_quota({{"user", std::nullopt}}, "producer_byte_rate", 10'000);
  for (int i = 0; i < 2; i++) client().start(produce_request("q", 0, big_batch(), 9, 0), 9);
  EXPECT_EQ(client().silent_count(), 2);
  EXPECT_GT(client().paused_ms(), 5'000);
}

TEST_P(QuotaTest, AConsumerOverItsRateGetsNothingAndMayAskAgain) {
  create_topic("q");
  for (int i = 0; i < 3; i++) throttle_of_produce(client(), big_batch());
  set_quota({{"user", std::nullopt}}, "consumer_byte_rate", 11'000);
  auto fetch_one = [&](int64_t offset) {
    FetchRequest request = fetch_request("q", 0, offset);
    request.topics[0].partitions[0].partition_max_bytes = 100;
    return client().ask<FetchResponse>(request, kFetchVersion);
  };
  EXPECT_LT(fetch_one(0).throttle_time_ms, 100);
  FetchResponse throttled = fetch_one(1);
  EXPECT_GT(throttled.throttle_time_ms, 5'000);
  EXPECT_TRUE(throttled.responses.empty());
  EXPECT_GE(client().paused_ms(), throttled.throttle_time_ms);
  node().advance(12'000);
  FetchResponse later = fetch_one(1);
  EXPECT_EQ(records_of(later.responses.at(0).partitions.at(0).records).values.size(), 1u);
}

TEST_P(QuotaTest, AnAnswerCarriesAtMostWhatThePeriodAllows) {
  create_topic("q");
  for (int i = 0; i < 3; i++) throttle_of_produce(client(), big_batch());
  set_quota({{"user", std::nullopt}}, "consumer_byte_rate", 20'000);
  // 200,000 bytes in ten seconds: one batch, not three.
  FetchOut out = fetch("q", 0, 0);
  EXPECT_EQ(records_of(out.records).values.size(), 1u);
}

TEST_P(QuotaTest, MutationsBeyondTheBurstAreRefusedByNewVersionsAndThrottledByOldOnes) {
  set_quota({{"user", std::nullopt}}, "controller_mutation_rate", 1);  // a burst of 11
  auto make = [&](ByteView name, int32_t partitions, int16_t version) {
    CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = partitions;
    topic.replication_factor = 1;
    return client().ask<CreateTopicsResponse>(request, version);
  };
  EXPECT_EQ(make("m1", 20, 7).topics[0].error_code, ErrorCode::kNone) << "the one that empties the bucket is served";
  auto refused = make("m2", 1, 7);
  EXPECT_EQ(refused.topics[0].error_code, ErrorCode::kThrottlingQuotaExceeded);
  EXPECT_NEAR(refused.throttle_time_ms, 9'000, 100);
  auto served = make("m2", 1, 5);
  EXPECT_EQ(served.topics[0].error_code, ErrorCode::kNone);
  EXPECT_NEAR(served.throttle_time_ms, 10'000, 100);

  DeleteTopicsRequest drop;
  drop.timeout_ms = 1000;
  drop.topics.emplace_back().name = "m1";
  auto dropped = client().ask<DeleteTopicsResponse>(drop, 6);
  EXPECT_EQ(dropped.responses.at(0).error_code, ErrorCode::kThrottlingQuotaExceeded);
  CreatePartitionsRequest grow;
  grow.timeout_ms = 1000;
  auto& growing = grow.topics.emplace_back();
  growing.name = "m2";
  growing.count = 2;
  growing.assignments.reset();
  EXPECT_EQ(client().ask<CreatePartitionsResponse>(grow, 3).results.at(0).error_code,
            ErrorCode::kThrottlingQuotaExceeded);
  node().advance(11'000);
  EXPECT_EQ(client().ask<CreatePartitionsResponse>(grow, 3).results.at(0).error_code, ErrorCode::kNone);
}

TEST_P(QuotaTest, QuotasSurviveARestartAndEndWhenRemoved) {
  create_topic("q");
  set_quota({{"user", std::nullopt}}, "producer_byte_rate", 10'000);
  restart();
  throttle_of_produce(client(), big_batch());
  EXPECT_GT(throttle_of_produce(client(), big_batch()), 5'000);
  set_quota({{"user", std::nullopt}}, "producer_byte_rate", 0, true);
  EXPECT_EQ(throttle_of_produce(client(), big_batch()), 0);
}

}  // namespace
}  // namespace milena::broker::broker_test
