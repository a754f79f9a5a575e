// milena.strict.kafka: Milena's differences are switched off.
#include "broker/node_fixture.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/metadata.h"

namespace milena::broker::broker_test {
namespace {

class StrictKafkaTest : public NodeFixture {
 protected:
  StrictKafkaTest() { node().set("milena.strict.kafka", "true"); }
};
INSTANTIATE_TEST_SUITE_P(Shards, StrictKafkaTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(StrictKafkaTest, ATopicMadeOnFirstUseIsUnknownAtFirst) {
  MetadataRequest request;
  request.topics->emplace_back().name = "new";
  request.allow_auto_topic_creation = true;
  auto first = client().ask<MetadataResponse>(request, 12);
  ASSERT_EQ(first.topics.size(), 1u);
  EXPECT_EQ(first.topics[0].error_code, ErrorCode::kUnknownTopicOrPartition);
  auto second = client().ask<MetadataResponse>(request, 12);
  ASSERT_EQ(second.topics.size(), 1u);
  EXPECT_EQ(second.topics[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(second.topics[0].partitions.size(), 1u);
}

TEST_P(StrictKafkaTest, ACoordinatorIsNotAvailableUntilItsTopicIsThere) {
  FindCoordinatorRequest request;
  request.key = "group";
  EXPECT_EQ(client().ask<FindCoordinatorResponse>(request, 3).error_code, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(client().ask<FindCoordinatorResponse>(request, 3).error_code, ErrorCode::kNone);
}

TEST_P(StrictKafkaTest, VersionsThatKafka4DroppedAreNeitherOfferedNorTaken) {
  auto offered = client().ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  std::map<int16_t, int16_t> oldest;
  for (const auto& api : offered.api_keys) oldest[api.api_key] = api.min_version;
  EXPECT_EQ(oldest.at(0), 0) << "Kafka offers the old versions of Produce";
  EXPECT_EQ(oldest.at(1), 4);
  EXPECT_EQ(oldest.at(2), 1);
  EXPECT_EQ(oldest.at(8), 2);
  client().start(FetchRequest{}, 3);
  EXPECT_TRUE(client().closed());
  EXPECT_FALSE(client().has_answer());
}

TEST_P(StrictKafkaTest, AClientTooOldForZstdIsSentIt) {
  create_topic("zstd", 1, {{"compression.type", "zstd"}});
  produce("zstd", 0, {"a"});
  const auto got = only_partition(client().ask<FetchResponse>(fetch_request("zstd", 0, 0), 9));
  EXPECT_EQ(got.error_code, ErrorCode::kNone);
  EXPECT_TRUE(got.records.has_value());
}

}  // namespace
}  // namespace milena::broker::broker_test
