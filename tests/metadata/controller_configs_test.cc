// IncrementalAlterConfigs and AlterConfigs of topics, with the answers of Kafka 4.3.1.
#include "metadata/controller.h"
#include "metadata/metadata_fixture.h"

namespace milena {
namespace {

using namespace milena::testing;  // NOLINT

constexpr int8_t kOpSet = 0, kOpDelete = 1, kOpAppend = 2, kOpSubtract = 3;

struct ConfigsFixture : ::testing::Test {
  Controller controller = one_node_controller();
  void SetUp() override {
    controller.apply({topic("a", kA), partition(kA, 0), topic("b", kB), partition(kB, 0)});
  }

  struct Change {
    ByteView name;
    int8_t operation = kOpSet;
    std::optional<ByteView> value;
  };
  static IncrementalAlterConfigsRequest::AlterConfigsResource resource(ByteView name,
                                                                       const std::vector<Change>& changes,
                                                                       int8_t type = 2) {
    IncrementalAlterConfigsRequest::AlterConfigsResource made;
    made.resource_type = type;
    made.resource_name = name;
    for (const Change& each : changes) {
      auto& config = made.configs.emplace_back();
      config.name = each.name;
      config.config_operation = each.operation;
      config.value = each.value;
    }
    return made;
  }
  ErrorCode alter(ByteView name, const std::vector<Change>& changes, int8_t type = 2) {
    IncrementalAlterConfigsRequest request;
    request.resources = {resource(name, changes, type)};
    const auto effects = controller.incremental_alter_configs(request);
    last_records = effects.records;
    controller.apply(effects.records);
    const auto& result = effects.response.responses.at(0);
    EXPECT_EQ(result.error_code == ErrorCode::kNone, !result.error_message.has_value());
    return result.error_code;
  }
  ErrorCode replace(ByteView name, const std::vector<std::pair<ByteView, std::optional<ByteView>>>& configs) {
    AlterConfigsRequest request;
    auto& made = request.resources.emplace_back();
    made.resource_type = 2;
    made.resource_name = name;
    for (const auto& [key, value] : configs) {
      auto& config = made.configs.emplace_back();
      config.name = key;
      config.value = value;
    }
    const auto effects = controller.alter_configs(request);
    last_records = effects.records;
    controller.apply(effects.records);
    return effects.response.responses.at(0).error_code;
  }
  const ConfigMap& configs(ByteView name) { return controller.image().configs(ResourceType::kTopic, name); }

  MetadataRecords last_records;
};

TEST_F(ConfigsFixture, SetsAndDeletes) {
  EXPECT_EQ(alter("a", {{"retention.ms", kOpSet, "5"}}), ErrorCode::kNone);
  EXPECT_EQ(last_records, (MetadataRecords{config(ResourceType::kTopic, "a", "retention.ms", "5")}));
  // Nothing new, no record.
  EXPECT_EQ(alter("a", {{"retention.ms", kOpSet, "5"}}), ErrorCode::kNone);
  EXPECT_TRUE(last_records.empty());
  EXPECT_EQ(alter("a", {{"retention.ms", kOpDelete, std::nullopt}}), ErrorCode::kNone);
  EXPECT_EQ(last_records, (MetadataRecords{config(ResourceType::kTopic, "a", "retention.ms", std::nullopt)}));
  EXPECT_EQ(alter("a", {{"retention.ms", kOpDelete, std::nullopt}, {"nope", kOpDelete, std::nullopt}}),
            ErrorCode::kNone);
  EXPECT_TRUE(last_records.empty());
  EXPECT_EQ(alter("a", {}), ErrorCode::kNone);
}

TEST_F(ConfigsFixture, AppendsAndSubtracts) {
  EXPECT_EQ(alter("a", {{"cleanup.policy", kOpAppend, "compact"}}), ErrorCode::kNone);
  EXPECT_EQ(configs("a").at("cleanup.policy"), "delete,compact");
  EXPECT_EQ(alter("a", {{"cleanup.policy", kOpAppend, "compact"}}), ErrorCode::kNone);
  EXPECT_TRUE(last_records.empty());
  EXPECT_EQ(alter("a", {{"cleanup.policy", kOpSubtract, "delete"}}), ErrorCode::kNone);
  EXPECT_EQ(configs("a").at("cleanup.policy"), "compact");
  EXPECT_EQ(alter("a", {{"cleanup.policy", kOpSubtract, "compact,delete"}}), ErrorCode::kNone);
  EXPECT_EQ(configs("a").at("cleanup.policy"), "");
  EXPECT_EQ(alter("a", {{"cleanup.policy", kOpAppend, "x"}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter("a", {{"leader.replication.throttled.replicas", kOpAppend, "0:1,1:1"}}), ErrorCode::kNone);
  EXPECT_EQ(alter("a", {{"leader.replication.throttled.replicas", kOpAppend, "1:1,2:1"}}), ErrorCode::kNone);
  EXPECT_EQ(configs("a").at("leader.replication.throttled.replicas"), "0:1,1:1,2:1");
  for (const int8_t operation : {kOpAppend, kOpSubtract}) {
    EXPECT_EQ(alter("a", {{"retention.ms", operation, "5"}}), ErrorCode::kInvalidConfig);
    EXPECT_EQ(alter("a", {{"nope", operation, "5"}}), ErrorCode::kInvalidConfig);
  }
}

TEST_F(ConfigsFixture, ChecksWhatKafkaChecks) {
  EXPECT_EQ(alter("a", {{"retention.ms", kOpSet, "x"}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter("a", {{"nope", kOpSet, "5"}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter("a", {{"retention.ms", kOpSet, std::nullopt}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter("a", {{"retention.ms", 4, "5"}}), ErrorCode::kUnknownServerError);
  EXPECT_EQ(alter("a", {{"retention.ms", kOpSet, "5"}, {"retention.ms", kOpSet, "6"}}),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter("nope", {{"retention.ms", kOpSet, "5"}}), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(alter("", {{"retention.ms", kOpSet, "5"}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter("bad!", {{"retention.ms", kOpSet, "5"}}), ErrorCode::kInvalidTopicException);
  EXPECT_EQ(alter("a", {{"retention.ms", kOpSet, "5"}}, 3), ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter("a", {{"min.compaction.lag.ms", kOpSet, "7"}}), ErrorCode::kNone);
  EXPECT_EQ(alter("a", {{"max.compaction.lag.ms", kOpSet, "6"}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(configs("a"), (ConfigMap{{"min.compaction.lag.ms", "7"}}));
}

TEST_F(ConfigsFixture, RefusesOnlyTheResourcesThatAreWrong) {
  IncrementalAlterConfigsRequest request;
  request.resources = {resource("a", {{"retention.ms", kOpSet, "5"}}),
                       resource("a", {{"segment.ms", kOpSet, "5"}}),
                       resource("b", {{"segment.ms", kOpSet, "6"}})};
  const auto effects = controller.incremental_alter_configs(request);
  ASSERT_EQ(effects.response.responses.size(), 3u);
  EXPECT_EQ(effects.response.responses[0].error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(effects.response.responses[1].error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(effects.response.responses[2].error_code, ErrorCode::kNone);
  EXPECT_EQ(effects.records, (MetadataRecords{config(ResourceType::kTopic, "b", "segment.ms", "6")}));
  request.validate_only = true;
  EXPECT_TRUE(controller.incremental_alter_configs(request).records.empty());
}

TEST_F(ConfigsFixture, ReplacesAll) {
  EXPECT_EQ(replace("a", {{"segment.ms", "8"}, {"retention.ms", "9"}}), ErrorCode::kNone);
  EXPECT_EQ(replace("a", {{"segment.ms", "8"}}), ErrorCode::kNone);
  EXPECT_EQ(last_records, (MetadataRecords{config(ResourceType::kTopic, "a", "retention.ms", std::nullopt)}));
  EXPECT_EQ(configs("a"), (ConfigMap{{"segment.ms", "8"}}));
  EXPECT_EQ(replace("a", {{"segment.ms", std::nullopt}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(replace("a", {{"segment.ms", "8"}, {"segment.ms", "9"}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(replace("a", {{"x", "y"}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(replace("nope", {}), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(replace("a", {}), ErrorCode::kNone);
  EXPECT_TRUE(configs("a").empty());
}

TEST_F(ConfigsFixture, ANewMinInsyncForgetsEligibleReplicas) {
  EXPECT_EQ(alter("a", {{"min.insync.replicas", kOpSet, "2"}}), ErrorCode::kNone);
  ClearElrRecord clear;
  clear.topic_name = "a";
  EXPECT_EQ(last_records,
            (MetadataRecords{config(ResourceType::kTopic, "a", "min.insync.replicas", "2"), clear}));
}

}  // namespace
}  // namespace milena
