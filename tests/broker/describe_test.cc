// DescribeConfigs, DescribeCluster, DescribeTopicPartitions.
#include "broker/node_fixture.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/describe_topic_partitions.h"

namespace milena::broker::broker_test {
namespace {

constexpr int8_t kTopicResource = 2;
constexpr int8_t kBrokerResource = 4;

class DescribeTest : public NodeFixture {
 protected:
  using ConfigsOut = DescribeConfigsResponse::DescribeConfigsResult;
  using ConfigOut = DescribeConfigsResponse::DescribeConfigsResourceResult;
  using Paged = DescribeTopicPartitionsResponse;

  ConfigsOut describe_configs(int8_t type, ByteView name, std::optional<std::vector<ByteView>> keys = std::nullopt,
                              int16_t version = 4) {
    DescribeConfigsRequest request;
    request.include_synonyms = true;
    request.resources.push_back({type, name, std::move(keys)});
    auto response = client().ask<DescribeConfigsResponse>(request, version);
    EXPECT_EQ(response.results.size(), 1u);
    return response.results.empty() ? ConfigsOut{} : response.results[0];
  }
  static ConfigOut config_in(const ConfigsOut& out, ByteView name) {
    for (const ConfigOut& config : out.configs) {
      if (config.name == name) return config;
    }
    ADD_FAILURE() << "no " << name;
    return {};
  }
  Paged describe_partitions(std::vector<ByteView> topics, int32_t limit, std::optional<Paged::Cursor> cursor) {
    DescribeTopicPartitionsRequest request;
    for (ByteView name : topics) request.topics.push_back({name});
    request.response_partition_limit = limit;
    if (cursor) request.cursor = {cursor->topic_name, cursor->partition_index};
    return client().ask<Paged>(request, 0);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, DescribeTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(DescribeTest, ConfigsOfATopic) {
  create_topic("t", 1, {{"retention.ms", "1234"}});
  ConfigsOut all = describe_configs(kTopicResource, "t");
  EXPECT_EQ(all.error_code, ErrorCode::kNone);
  ConfigOut set = config_in(all, "retention.ms");
  EXPECT_EQ(set.value, "1234");
  EXPECT_EQ(set.config_source, 1);  // the topic's own
  ConfigOut inherited = config_in(all, "segment.bytes");
  EXPECT_EQ(inherited.value, "1073741824");
  EXPECT_EQ(inherited.config_source, 5);  // a default
  EXPECT_FALSE(inherited.read_only);
  ConfigsOut one = describe_configs(kTopicResource, "t", std::vector<ByteView>{"cleanup.policy"});
  ASSERT_EQ(one.configs.size(), 1u);
  EXPECT_EQ(one.configs[0].value, "delete");
  for (int16_t version = 0; version <= 4; version++) {
    EXPECT_EQ(describe_configs(kTopicResource, "t", std::nullopt, version).configs.size(), all.configs.size());
  }
}

TEST_P(DescribeTest, ConfigsOfTheBroker) {
  node().set("num.partitions", "3");
  restart();
  ConfigsOut out = describe_configs(kBrokerResource, "1");
  EXPECT_EQ(out.error_code, ErrorCode::kNone);
  ConfigOut set = config_in(out, "num.partitions");
  EXPECT_EQ(set.value, "3");
  EXPECT_EQ(set.config_source, 4);  // from the file or the command line
  EXPECT_EQ(config_in(out, "node.id").value, "1");
  EXPECT_EQ(config_in(out, "log.retention.hours").value, "168");
}

TEST_P(DescribeTest, ConfigsOfWhatIsNotThere) {
  EXPECT_EQ(describe_configs(kTopicResource, "nowhere").error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(describe_configs(kTopicResource, "a b").error_code, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(describe_configs(kBrokerResource, "7").error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(describe_configs(kBrokerResource, "one").error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(describe_configs(99, "x").error_code, ErrorCode::kInvalidRequest);
}

TEST_P(DescribeTest, Cluster) {
  for (int16_t version = 0; version <= 2; version++) {
    auto response = client().ask<DescribeClusterResponse>(DescribeClusterRequest{}, version);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    EXPECT_EQ(response.cluster_id.size(), 22u);
    EXPECT_EQ(response.controller_id, 1);
    ASSERT_EQ(response.brokers.size(), 1u);
    EXPECT_EQ(response.brokers[0].broker_id, 1);
    EXPECT_EQ(response.brokers[0].host, "127.0.0.1");
    EXPECT_EQ(response.brokers[0].port, 9092);
  }
  DescribeClusterRequest controllers;
  controllers.endpoint_type = 2;
  EXPECT_EQ(client().ask<DescribeClusterResponse>(controllers, 1).error_code, ErrorCode::kMismatchedEndpointType);
  controllers.endpoint_type = 9;
  EXPECT_EQ(client().ask<DescribeClusterResponse>(controllers, 1).error_code, ErrorCode::kUnsupportedEndpointType);
}

TEST_P(DescribeTest, PartitionsPageByPage) {
  create_topic("a", 3);
  create_topic("b", 5);
  create_topic("c", 1);
  std::vector<std::pair<std::string, int32_t>> seen;
  std::optional<Paged::Cursor> cursor;
  int pages = 0;
  do {
    Paged page = describe_partitions({}, 2, cursor);
    size_t on_page = 0;
    for (const auto& topic : page.topics) {
      EXPECT_EQ(topic.error_code, ErrorCode::kNone);
      EXPECT_EQ(topic.topic_id, topic_id(*topic.name));
      for (const auto& partition : topic.partitions) {
        EXPECT_EQ(partition.leader_id, 1);
        EXPECT_EQ(partition.isr_nodes.to_vector(), std::vector<int32_t>{1});
        seen.emplace_back(*topic.name, partition.partition_index);
        on_page++;
      }
    }
    EXPECT_LE(on_page, 2u);
    cursor = page.next_cursor;
    ASSERT_LT(++pages, 10);
  } while (cursor);
  std::vector<std::pair<std::string, int32_t>> expected = {{"a", 0}, {"a", 1}, {"a", 2}, {"b", 0}, {"b", 1},
                                                           {"b", 2}, {"b", 3}, {"b", 4}, {"c", 0}};
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(pages, 5);
}

TEST_P(DescribeTest, PartitionsOfSomeTopicsOnly) {
  create_topic("a", 3);
  create_topic("b", 1);
  Paged page = describe_partitions({"b", "nowhere", "a b"}, 2000, std::nullopt);
  std::map<std::string, ErrorCode> errors;
  for (const auto& topic : page.topics) errors[*topic.name] = topic.error_code;
  EXPECT_EQ(errors, (std::map<std::string, ErrorCode>{{"b", ErrorCode::kNone},
                                                      {"nowhere", ErrorCode::kUnknownTopicOrPartition},
                                                      {"a b", ErrorCode::kInvalidTopicException}}));
  EXPECT_FALSE(page.next_cursor.has_value());
}

TEST_P(DescribeTest, ACursorNamesATopicThatIsAskedFor) {
  create_topic("a", 3);
  create_topic("b", 1);
  for (const char* elsewhere : {"", "a.", "c"}) {
    Paged page = describe_partitions({"a", "b"}, 2000, Paged::Cursor{elsewhere, 0});
    ASSERT_EQ(page.topics.size(), 2u);
    for (const auto& topic : page.topics) EXPECT_EQ(topic.error_code, ErrorCode::kInvalidRequest) << elsewhere;
  }
  EXPECT_EQ(describe_partitions({"a", "b"}, 2000, Paged::Cursor{"b", 0}).topics.size(), 1u);
  EXPECT_EQ(describe_partitions({}, 2000, Paged::Cursor{"a.", 0}).topics.size(), 1u);
}

}  // namespace
}  // namespace milena::broker::broker_test
