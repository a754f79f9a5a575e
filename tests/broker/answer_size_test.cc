// A small request cannot get an unbounded response. One that needs more memory than is available fails alone.
#include "broker/transaction_fixture.h"
#include "protocol/message_allocation.h"
#include "protocol/messages/consumer_group_describe.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/offset_fetch.h"

namespace milena::broker::broker_test {
namespace {

constexpr int8_t kTopicResource = 2;
constexpr int8_t kGroupResource = 32;
constexpr size_t kLargestAnswer_bytes = 110u << 20;

class AnswerSizeTest : public TransactionFixture {
 protected:
  static DescribeConfigsRequest configs_of(int8_t type, const std::vector<std::string>& names) {
    DescribeConfigsRequest request;
    request.include_synonyms = true;
    request.include_documentation = true;
    for (const std::string& name : names) request.resources.push_back({type, name, std::nullopt});
    return request;
  }
  static MetadataRequest metadata_of(size_t times, ByteView topic) {
    MetadataRequest request;
    request.topics.emplace(times);
    for (auto& asked : *request.topics) asked.name = topic;
    return request;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, AnswerSizeTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(AnswerSizeTest, ATopicThatIsNamedOftenIsAnsweredOnce) {
  create_topic("wide", 1'000);
  MetadataRequest request = metadata_of(10'000, "wide");
  request.topics->push_back({{}, "nobody"});
  request.topics->push_back({{}, "nobody"});
  request.allow_auto_topic_creation = false;
  auto answer = client().ask<MetadataResponse>(request, 9);
  ASSERT_EQ(answer.topics.size(), 2u);
  EXPECT_EQ(answer.topics[0].partitions.size(), 1'000u);
  EXPECT_EQ(answer.topics[1].error_code, ErrorCode::kUnknownTopicOrPartition);

  for (auto& topic : *request.topics) topic = {topic_id("wide"), std::nullopt};
  request.topics->push_back({Uuid{1, 2}, std::nullopt});
  request.topics->push_back({Uuid{1, 2}, std::nullopt});
  answer = client().ask<MetadataResponse>(request, 12);
  ASSERT_EQ(answer.topics.size(), 2u);
  EXPECT_EQ(answer.topics[1].error_code, ErrorCode::kUnknownTopicId);
}

// As in Kafka, each is described; but there is a limit.
TEST_P(AnswerSizeTest, ConfigsThatAreAskedForTooOftenAreRefused) {
  const std::vector<std::string> names(50'000, "t");
  for (const int8_t type : {kTopicResource, kGroupResource}) {
    const auto request = configs_of(type, names);
    const auto answer = client().ask<DescribeConfigsResponse>(request, 4);
    ASSERT_EQ(answer.results.size(), 50'000u);
    EXPECT_EQ(answer.results[0].error_code, ErrorCode::kNone);
    EXPECT_EQ(answer.results[0].configs, answer.results[1].configs);
    EXPECT_EQ(answer.results.back().error_code, ErrorCode::kUnknownServerError);
    EXPECT_LT(client().last_answer_size(), kLargestAnswer_bytes);
  }
}

TEST_P(AnswerSizeTest, ProducersThatAreAskedForTooOftenAreRefused) {
  for (int64_t id = 1; id <= 100; id++) {
    EXPECT_EQ(produce_batch("t", 0, sequenced_batch({"x"}, node().clock().wall_ms(), id, 0, 0)).error_code,
              ErrorCode::kNone);
  }
  DescribeProducersRequest request;
  request.topics.push_back({"t", std::vector<int32_t>(100'000, 0)});
  const auto answer = client().ask<DescribeProducersResponse>(request, 0);
  ASSERT_EQ(answer.topics.at(0).partitions.size(), 100'000u);
  EXPECT_EQ(answer.topics[0].partitions.front().active_producers.size(), 100u);
  EXPECT_EQ(answer.topics[0].partitions.back().error_code, ErrorCode::kUnknownServerError);
  EXPECT_LT(client().last_answer_size(), kLargestAnswer_bytes);
}

TEST_P(AnswerSizeTest, TransactionsThatAreAskedForTooOftenAreRefused) {
  create_topic("wide", 500);
  Producer producer = new_producer("p");
  for (int32_t partition = 0; partition < 500; partition++) {
    ASSERT_EQ(add_partition(producer, "wide", partition), ErrorCode::kNone);
  }
  DescribeTransactionsRequest request;
  request.transactional_ids.assign(100'000, "p");
  const auto answer = client().ask<DescribeTransactionsResponse>(request, 0);
  ASSERT_EQ(answer.transaction_states.size(), 100'000u);
  EXPECT_EQ(answer.transaction_states.front().topics.at(0).partitions.size(), 500u);
  EXPECT_EQ(answer.transaction_states.back().error_code, ErrorCode::kUnknownServerError);
  EXPECT_LT(client().last_answer_size(), kLargestAnswer_bytes);
}

// Two bytes each, and two hundred for the response to each.
TEST_P(AnswerSizeTest, ARequestThatNamesTooMuchClosesItsConnection) {
  ConsumerGroupDescribeRequest request;
  request.group_ids.assign(1'000'000, "g");
  TestClient& asking = node().connect(0);
  asking.start(request, 1);
  EXPECT_TRUE(asking.closed());
  EXPECT_THAT(asking.close_reason(), testing::HasSubstr("has more resources than one response can contain"));

  request.group_ids.resize(100'000);
  EXPECT_EQ(client().ask<ConsumerGroupDescribeResponse>(request, 1).groups.size(), 100'000u);
}

// At any time: while the request is decoded, while it is handled, while the response is written.
TEST_P(AnswerSizeTest, ARequestThatNeedsMoreMemoryThanThereIsEndsAlone) {
  create_topic("w", 2'000);
  commit("g", 0, 7);
  const std::vector<std::string> many(2'000, "w");
  for (size_t scarce_bytes = 16'384; scarce_bytes <= 131'072; scarce_bytes *= 2) {
    SCOPED_TRACE(scarce_bytes);
    TestClient& asking = node().connect(0);
    asking.queue(configs_of(kTopicResource, many), 4);
    {
      milena::allocation::ScarceMemory scarce(scarce_bytes);
      asking.run_now();
    }
    EXPECT_TRUE(asking.closed());
    TestClient& another = node().connect(0);
    another.queue(metadata_of(1, "w"), 9);
    {
      milena::allocation::ScarceMemory scarce(scarce_bytes / 4);
      another.run_now();
    }
    EXPECT_TRUE(another.closed());
    EXPECT_EQ(produce("w", 3, {"x"}).error_code, ErrorCode::kNone);
  }
}

// On any shard. The coordinator is loaded again, since its state is unknown.
TEST_P(AnswerSizeTest, ACoordinatorThatHasNoMemoryForAnAnswerGoesOn) {
  commit("g", 0, 7);
  OffsetFetchRequest request = committed_request("g", 0);
  request.groups[0].topics->at(0).partition_indexes.assign(5'000, 0);
  client().queue(request, 9);
  {
    milena::allocation::ScarceMemory scarce(100'000);
    client().run_now();
  }
  const auto answer = client().take<OffsetFetchResponse>(9);
  EXPECT_EQ(answer.groups.at(0).error_code, ErrorCode::kUnknownServerError);
  EXPECT_EQ(committed("g", 0), 7);
  EXPECT_EQ(client().ask<OffsetFetchResponse>(request, 9).groups.at(0).error_code, ErrorCode::kNone);
}

}  // namespace
}  // namespace milena::broker::broker_test
