// IncrementalAlterConfigs and AlterConfigs of topics, with the responses of Kafka 4.3.1.
#include "metadata/controller.h"
#include "metadata/metadata_fixture.h"

namespace milena::metadata {
namespace {

using namespace milena::metadata::testing;  // NOLINT

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
    if (result.error_code == ErrorCode::kNone) {
      EXPECT_FALSE(result.error_message.has_value());
    }
    last_message = result.error_message.value_or("");
    return result.error_code;
  }
  ErrorCode replace(ByteView name, const std::vector<std::pair<ByteView, std::optional<ByteView>>>& configs,
                    int8_t type = 2) {
    AlterConfigsRequest request;
    auto& made = request.resources.emplace_back();
    made.resource_type = type;
    made.resource_name = name;
    for (const auto& [key, value] : configs) {
      auto& config = made.configs.emplace_back();
      config.name = key;
      config.value = value;
    }
    const auto effects = controller.alter_configs(request);
    last_records = effects.records;
    controller.apply(effects.records);
    last_message = effects.response.responses.at(0).error_message.value_or("");
    return effects.response.responses.at(0).error_code;
  }
  const config::ConfigMap& configs(ByteView name) { return controller.image().configs(ResourceType::kTopic, name); }

  MetadataRecords last_records;
  Bytes last_message;
};

TEST_F(ConfigsFixture, SetsAndDeletes) {
  EXPECT_EQ(alter("a", {{"retention.ms", kOpSet, "5"}}), ErrorCode::kNone);
  EXPECT_EQ(last_records, (MetadataRecords{config(ResourceType::kTopic, "a", "retention.ms", "5")}));
  // No change, no record.
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
  EXPECT_EQ(alter("a", {{"cleanup.policy", kOpSet, "delete"}}), ErrorCode::kNone);
  EXPECT_EQ(alter("a", {{"cleanup.policy", kOpAppend, ""}}), ErrorCode::kInvalidConfig)
      << "an entry, though an empty one";
  EXPECT_EQ(alter("a", {{"cleanup.policy", kOpAppend, ","}}), ErrorCode::kNone) << "no entries";
  EXPECT_EQ(alter("a", {{"cleanup.policy", kOpSubtract, ""}}), ErrorCode::kNone);
  EXPECT_EQ(configs("a").at("cleanup.policy"), "delete");
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
  EXPECT_EQ(configs("a"), (config::ConfigMap{{"min.compaction.lag.ms", "7"}}));
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
  EXPECT_EQ(configs("a"), (config::ConfigMap{{"segment.ms", "8"}}));
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

// --- brokers. The messages are Kafka 4.3.1's.

constexpr int8_t kBrokerType = 4, kLoggerType = 8, kMetricsType = 16, kGroupType = 32;

TEST_F(ConfigsFixture, BrokersAreAlteredByThemselvesOrAsAWhole) {
  EXPECT_EQ(alter("1", {{"log.retention.ms", kOpSet, "1000000"}}, kBrokerType), ErrorCode::kNone);
  EXPECT_EQ(last_records, (MetadataRecords{config(ResourceType::kBroker, "1", "log.retention.ms", "1000000")}));
  EXPECT_EQ(alter("+1", {{"log.retention.ms", kOpDelete, std::nullopt}}, kBrokerType), ErrorCode::kNone);
  EXPECT_EQ(last_records, (MetadataRecords{config(ResourceType::kBroker, "1", "log.retention.ms", std::nullopt)}));
  EXPECT_EQ(alter("", {{"log.retention.ms", kOpSet, "2000000"}, {"any.name", kOpSet, "x"}}, kBrokerType),
            ErrorCode::kNone);
  EXPECT_EQ(alter("2", {{"log.retention.ms", kOpSet, "5"}}, kBrokerType), ErrorCode::kInvalidRequest);
  EXPECT_EQ(last_message, "Unexpected broker id, expected 1, but received 2");
  EXPECT_EQ(alter("x", {{"log.retention.ms", kOpSet, "5"}}, kBrokerType), ErrorCode::kInvalidRequest);
  EXPECT_EQ(last_message, "Node id must be an integer, but it is: x");
  EXPECT_EQ(alter("1", {{"log.retention.ms", 9, "5"}}, kBrokerType), ErrorCode::kInvalidRequest);
  EXPECT_EQ(last_message, "Unknown operations type 9");
  EXPECT_EQ(alter("1", {{"log.cleanup.policy", kOpAppend, "compact"}}, kBrokerType), ErrorCode::kNone);
  EXPECT_EQ(controller.image().configs(ResourceType::kBroker, "1").at("log.cleanup.policy"), "delete,compact");
  EXPECT_EQ(alter("1", {{"log.retention.ms", kOpAppend, "1"}}, kBrokerType), ErrorCode::kInvalidConfig);
  EXPECT_EQ(last_message, "Config value append is not allowed for config key: log.retention.ms");
  EXPECT_EQ(alter("1", {{"any.name", kOpAppend, "1"}}, kBrokerType), ErrorCode::kInvalidConfig);
  EXPECT_EQ(last_message, "Unknown config name: any.name");
  EXPECT_EQ(replace("1", {{"log.retention.ms", "7"}}, kBrokerType), ErrorCode::kNone);
  EXPECT_EQ(controller.image().configs(ResourceType::kBroker, "1"), (config::ConfigMap{{"log.retention.ms", "7"}}));
}

TEST_F(ConfigsFixture, BrokerSettingsAreChecked) {
  const auto message = [&](ByteView broker, ByteView name, ByteView value) {
    EXPECT_EQ(alter(broker, {{name, kOpSet, value}}, kBrokerType), ErrorCode::kInvalidRequest) << name << "=" << value;
    EXPECT_TRUE(last_records.empty());
    return last_message;
  };
  EXPECT_EQ(message("1", "num.partitions", "3"), "Cannot update these configs dynamically: [num.partitions]");
  EXPECT_EQ(message("", "listeners", "PLAINTEXT://:1"),
            "Cannot update these configs at default cluster level, broker id must be specified: [listeners]");
  EXPECT_EQ(message("1", "ssl.keystore.location", "x"),
            "These security configs can be dynamically updated only per-listener using the listener prefix: "
            "[ssl.keystore.location]");
  EXPECT_EQ(message("", "listener.name.plaintext.ssl.keystore.location", "x"),
            "Cannot update these configs at default cluster level, broker id must be specified: "
            "[listener.name.plaintext.ssl.keystore.location]");
  EXPECT_EQ(message("1", "log.segment.bytes", "5"),
            "Invalid value 5 for configuration log.segment.bytes: Value must be at least 1048576");
  EXPECT_EQ(
      message("1", "num.io.threads", "100"),
      "Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread count update validation failed for "
      "num.io.threads=100, value should not be greater than double the current value 8 for configuration Invalid "
      "dynamic "
      "configuration");
  EXPECT_EQ(message("1", "log.roll.ms", "0"), "requirement failed: log.roll.ms must be greater than or equal to 1");
  EXPECT_EQ(message("1", "max.connection.creation.rate", "0"),
            "Invalid value org.apache.kafka.common.config.ConfigException: Invalid max.connection.creation.rate 0 for "
            "configuration Invalid dynamic configuration");
  EXPECT_EQ(message("1", "log.retention.ms", "0"),
            "requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1");
  EXPECT_EQ(message("1", "max.connections.per.ip", "0"),
            "requirement failed: max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides "
            "property is "
            "set.");
  EXPECT_EQ(message("1", "log.cleaner.dedupe.buffer.size", "5"),
            "requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.");
  EXPECT_EQ(
      message("", "group.consumer.assignment.interval.ms", "99999"),
      "group.consumer.assignment.interval.ms must be less than or equal to group.consumer.max.assignment.interval.ms");
  EXPECT_EQ(message("1", "principal.builder.class", "x.y.Z"),
            "Invalid value x.y.Z for configuration principal.builder.class: Class x.y.Z could not be found.");
  EXPECT_EQ(
      message("1", "listeners", "x"),
      "The listeners cannot be '[x]': listeners=x: expected NAME://host:port, for instance PLAINTEXT://localhost:9092");
  EXPECT_EQ(message("1", "listeners", "PLAINTEXT://:1,OTHER://:2"),
            "The listeners cannot be '[PLAINTEXT://:1, OTHER://:2]': listeners=PLAINTEXT://:1,OTHER://:2: OTHER has no "
            "protocol; add OTHER:PLAINTEXT to listener.security.protocol.map");
  EXPECT_EQ(message("1", "listener.security.protocol.map", "OTHER:PLAINTEXT"),
            "The listeners cannot be '[PLAINTEXT://:9092]': listeners=PLAINTEXT://:9092: PLAINTEXT has no "
            "protocol; add PLAINTEXT:PLAINTEXT to listener.security.protocol.map");
  EXPECT_EQ(alter("1",
                  {{"listeners", kOpSet, "PLAINTEXT://:1,OTHER://:2"},
                   {"listener.security.protocol.map", kOpSet, "PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT"}},
                  kBrokerType),
            ErrorCode::kNone);
  EXPECT_EQ(alter("", {{"listener.name.plaintext.max.connections", kOpSet, "5"}}, kBrokerType), ErrorCode::kNone);
  EXPECT_EQ(alter("1", {{"num.io.threads", kOpSet, "16"}}, kBrokerType), ErrorCode::kNone);
}

TEST_F(ConfigsFixture, WithEligibleReplicasTheClustersMinInsyncStays) {
  EXPECT_EQ(alter("1", {{"min.insync.replicas", kOpSet, "1"}}, kBrokerType), ErrorCode::kInvalidConfig);
  EXPECT_EQ(last_message, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
  EXPECT_EQ(alter("1", {{"min.insync.replicas", kOpDelete, std::nullopt}}, kBrokerType), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter("", {{"min.insync.replicas", kOpDelete, std::nullopt}}, kBrokerType), ErrorCode::kInvalidConfig);
  EXPECT_EQ(last_message, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.");
  EXPECT_EQ(replace("", {{"log.retention.ms", "7"}}, kBrokerType), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter("", {{"min.insync.replicas", kOpSet, "2"}}, kBrokerType), ErrorCode::kNone);
  EXPECT_EQ(last_records,
            (MetadataRecords{config(ResourceType::kBroker, "", "min.insync.replicas", "2"), ClearElrRecord()}));
  EXPECT_EQ(replace("", {{"log.retention.ms", "7"}, {"min.insync.replicas", "2"}}, kBrokerType), ErrorCode::kNone);
}

TEST_F(ConfigsFixture, GroupsStayWithinTheBrokersLimits) {
  const auto message = [&](ByteView name, ByteView value) {
    EXPECT_EQ(alter("g", {{name, kOpSet, value}}, kGroupType), ErrorCode::kInvalidConfig) << name << "=" << value;
    return last_message;
  };
  EXPECT_EQ(alter("g", {{"consumer.session.timeout.ms", kOpSet, "50000"}}, kGroupType), ErrorCode::kNone);
  EXPECT_EQ(controller.image().configs(ResourceType::kGroup, "g"),
            (config::ConfigMap{{"consumer.session.timeout.ms", "50000"}}));
  EXPECT_EQ(message("nope", "1"), "Unknown group config name: nope");
  EXPECT_EQ(message("consumer.session.timeout.ms", "5"),
            "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms");
  EXPECT_EQ(message("streams.num.standby.replicas", "20"),
            "streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas");
  EXPECT_EQ(message("share.delivery.count.limit", "1"),
            "Invalid value 1 for configuration share.delivery.count.limit: Value must be at least 2");
  EXPECT_EQ(alter("", {{"consumer.session.timeout.ms", kOpSet, "50000"}}, kGroupType), ErrorCode::kInvalidRequest);
  EXPECT_EQ(last_message, "Default group resources are not allowed.");
  EXPECT_EQ(alter("g", {{"consumer.session.timeout.ms", kOpAppend, "5"}}, kGroupType), ErrorCode::kInvalidConfig);
  EXPECT_EQ(last_message, "Can't APPEND to key consumer.session.timeout.ms because its type is not LIST.");
}

TEST_F(ConfigsFixture, ClientMetricsAreChecked) {
  EXPECT_EQ(alter("m", {{"interval.ms", kOpSet, "5000"}, {"match", kOpSet, "client_id = b , client_software_name=x.*"}},
                  kMetricsType), ErrorCode::kNone);
  EXPECT_EQ(alter("m", {{"interval.ms", kOpSet, "50"}}, kMetricsType), ErrorCode::kInvalidRequest);
  EXPECT_EQ(last_message, "Invalid value 50 for interval.ms, interval must be between 100 and 3600000 (1 hour)");
  EXPECT_EQ(alter("", {{"interval.ms", kOpSet, "500"}}, kMetricsType), ErrorCode::kInvalidRequest);
  EXPECT_EQ(last_message, "Subscription name can't be empty");
  EXPECT_EQ(alter("m", {{"nope", kOpSet, "50"}}, kMetricsType), ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter("m", {{"metrics", kOpSet, "a,,b"}}, kMetricsType), ErrorCode::kInvalidConfig);
  for (ByteView bad : {"a", "a=b", "client_id=[", "client_id=a=b", "client_id="}) {
    EXPECT_EQ(alter("m", {{"match", kOpSet, bad}}, kMetricsType), ErrorCode::kInvalidConfig) << bad;
    EXPECT_EQ(last_message, fmt::format("Illegal client matching pattern: {}", bad));
  }
  EXPECT_EQ(replace("m", {}, kMetricsType), ErrorCode::kNone);
  EXPECT_TRUE(controller.image().configs(ResourceType::kClientMetrics, "m").empty());
}

TEST_F(ConfigsFixture, LogLevelsPassByTheController) {
  EXPECT_EQ(alter("1", {{"root", kOpSet, "WARN"}}, kLoggerType), ErrorCode::kNone);
  EXPECT_TRUE(last_records.empty());
  EXPECT_EQ(alter("1", {{"root", kOpSet, std::nullopt}}, kLoggerType), ErrorCode::kInvalidRequest);
  EXPECT_EQ(replace("1", {{"root", "WARN"}}, kLoggerType), ErrorCode::kInvalidRequest);
  EXPECT_EQ(last_message, "Unknown resource type 8");
}

}  // namespace
}  // namespace milena::metadata
