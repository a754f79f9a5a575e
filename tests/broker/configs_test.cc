// AlterConfigs, IncrementalAlterConfigs, ListConfigResources, and effects of altered settings.
#include "broker/node_fixture.h"
#include "log/log_config.h"
#include "protocol/messages/alter_configs.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/list_config_resources.h"

namespace milena::broker::broker_test {
namespace {

constexpr int8_t kTopics = 2, kBrokers = 4, kLoggers = 8, kSubscriptions = 16, kGroups = 32;
constexpr int8_t kSets = 0, kDeletes = 1;

class ConfigsTest : public NodeFixture {
 protected:
  using Out = DescribeConfigsResponse::DescribeConfigsResourceResult;

  IncrementalAlterConfigsResponse::AlterConfigsResourceResponse alter(int8_t type, ByteView resource, ByteView name,
                                                                      std::optional<ByteView> value,
                                                                      bool validate_only = false, int16_t version = 1) {
    IncrementalAlterConfigsRequest request;
    request.validate_only = validate_only;
    auto& altered = request.resources.emplace_back();
    altered.resource_type = type;
    altered.resource_name = resource;
    altered.configs.push_back({name, value ? kSets : kDeletes, value});
    auto response = client().ask<IncrementalAlterConfigsResponse>(request, version);
    EXPECT_EQ(response.responses.size(), 1u);
    EXPECT_EQ(response.responses.at(0).resource_name, resource);
    return response.responses.at(0);
  }
  std::vector<Out> describe(int8_t type, ByteView resource, ByteView name) {
    DescribeConfigsRequest request;
    request.include_synonyms = true;
    request.include_documentation = true;
    request.resources.push_back(
        {type, resource, name.empty() ? std::nullopt : std::optional(std::vector<ByteView>{name})});
    auto response = client().ask<DescribeConfigsResponse>(request, 4);
    EXPECT_EQ(response.results.at(0).error_code, ErrorCode::kNone);
    return response.results.at(0).configs;
  }
  Out one(int8_t type, ByteView resource, ByteView name) {
    auto all = describe(type, resource, name);
    EXPECT_EQ(all.size(), 1u) << name;
    return all.empty() ? Out{} : all[0];
  }
  static std::string synonyms(const Out& out) {
    std::string all;
    for (const auto& each : out.synonyms)
      all += fmt::format("{}={}@{} ", each.name, each.value.value_or("null"), each.source);
    return all;
  }
  const log::LogConfig& log_config(ByteView topic) { return node().partition(topic, 0).log()->config(); }
};
INSTANTIATE_TEST_SUITE_P(Shards, ConfigsTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(ConfigsTest, AlteredBrokerSettingsTakeEffectAndLast) {
  create_topic("t");
  ASSERT_EQ(alter(kBrokers, "", "log.retention.ms", "2000000").error_code, ErrorCode::kNone);
  EXPECT_EQ(log_config("t").retention_ms, 2'000'000);
  for (size_t i = 0; i < node().node().shard_count(); i++) {
    EXPECT_EQ(node().node().shard(i).settings().get_long("log.retention.ms"), 2'000'000);
  }
  ASSERT_EQ(alter(kBrokers, "1", "log.retention.ms", " 1000000 ", false, 0).error_code, ErrorCode::kNone);
  EXPECT_EQ(log_config("t").retention_ms, 1'000'000);
  Out broker = one(kBrokers, "1", "log.retention.ms");
  EXPECT_EQ(broker.value, "1000000");
  EXPECT_EQ(broker.config_source, 2);
  EXPECT_FALSE(broker.read_only);
  EXPECT_EQ(synonyms(broker), "log.retention.ms= 1000000 @2 log.retention.ms=2000000@3 log.retention.hours=168@5 ");
  EXPECT_EQ(synonyms(one(kTopics, "t", "retention.ms")),
            "log.retention.ms= 1000000 @2 log.retention.ms=2000000@3 log.retention.hours=168@5 ");
  auto defaults = describe(kBrokers, "", "");
  ASSERT_EQ(defaults.size(), 2u);
  EXPECT_EQ(defaults[0].name + "=" + *defaults[0].value, "log.retention.ms=2000000");
  EXPECT_EQ(defaults[1].name, "min.insync.replicas");

  restart();
  EXPECT_EQ(log_config("t").retention_ms, 1'000'000);
  ASSERT_EQ(alter(kBrokers, "1", "log.retention.ms", std::nullopt).error_code, ErrorCode::kNone);
  EXPECT_EQ(log_config("t").retention_ms, 2'000'000);
  ASSERT_EQ(alter(kBrokers, "", "log.retention.ms", std::nullopt).error_code, ErrorCode::kNone);
  EXPECT_EQ(log_config("t").retention_ms, 604'800'000);
}

TEST_P(ConfigsTest, ValidateOnlyChangesNothing) {
  create_topic("t");
  EXPECT_EQ(alter(kBrokers, "1", "log.retention.ms", "1000000", true).error_code, ErrorCode::kNone);
  EXPECT_EQ(alter(kTopics, "t", "retention.ms", "7", true).error_code, ErrorCode::kNone);
  EXPECT_EQ(alter(kLoggers, "1", "root", "ERROR", true).error_code, ErrorCode::kNone);
  EXPECT_EQ(log_config("t").retention_ms, 604'800'000);
  EXPECT_EQ(one(kLoggers, "1", "root").value, "OFF");  // set by the tests
}

TEST_P(ConfigsTest, WhatIsSecretOrUnknownIsNotShown) {
  ASSERT_EQ(alter(kBrokers, "1", "sasl.jaas.config", "secret").error_code, ErrorCode::kNone);
  ASSERT_EQ(alter(kBrokers, "1", "some.plugin", "secret").error_code, ErrorCode::kNone);
  ASSERT_EQ(alter(kBrokers, "1", "listener.name.plaintext.ssl.key.password", "secret").error_code, ErrorCode::kNone);
  for (ByteView name : {"sasl.jaas.config", "some.plugin", "listener.name.plaintext.ssl.key.password"}) {
    Out out = one(kBrokers, "1", name);
    EXPECT_TRUE(out.is_sensitive) << name;
    EXPECT_FALSE(out.value) << name;
    EXPECT_EQ(out.config_source, 2) << name;
    ASSERT_EQ(out.synonyms.size(), 1u) << name;
    EXPECT_FALSE(out.synonyms[0].value) << name;
  }
  EXPECT_TRUE(one(kBrokers, "1", "some.plugin").read_only);
}

TEST_P(ConfigsTest, ATypeThatThereIsNotFailsTheRequest) {
  create_topic("t");
  for (const int8_t type : {0, 1, 99, -1}) {
    DescribeConfigsRequest request;
    request.resources.push_back({kTopics, "t", std::nullopt});
    request.resources.push_back({type, "x", std::nullopt});
    for (const auto& result : client().ask<DescribeConfigsResponse>(request, 4).results) {
      EXPECT_EQ(result.error_code, ErrorCode::kInvalidRequest) << static_cast<int>(type);
      EXPECT_TRUE(result.configs.empty());
    }
  }
}

TEST_P(ConfigsTest, ThrottlesAreShownWhenSetAndHaveNoDefault) {
  for (const ByteView name :
       {ByteView("leader.replication.throttled.rate"), ByteView("follower.replication.throttled.rate"),
        ByteView("replica.alter.log.dirs.io.max.bytes.per.second")}) {
    EXPECT_TRUE(describe(kBrokers, "1", name).empty()) << name;
    ASSERT_EQ(alter(kBrokers, "1", name, "1000000").error_code, ErrorCode::kNone) << name;
    EXPECT_EQ(synonyms(one(kBrokers, "1", name)), fmt::format("{}=1000000@2 ", name));
    ASSERT_EQ(alter(kBrokers, "1", name, std::nullopt).error_code, ErrorCode::kNone) << name;
    EXPECT_TRUE(describe(kBrokers, "1", name).empty()) << name;
  }
}

TEST_P(ConfigsTest, LogLevels) {
  EXPECT_GT(describe(kLoggers, "1", "").size(), logger_names().size());
  Out broker = one(kLoggers, "1", "milena.broker");
  EXPECT_EQ(broker.config_source, 6);
  EXPECT_EQ(broker.config_type, 0);
  EXPECT_EQ(broker.documentation, "");
  ASSERT_EQ(alter(kLoggers, "1", "milena.broker", "FATAL").error_code, ErrorCode::kNone);
  EXPECT_EQ(one(kLoggers, "1", "milena.broker").value, "FATAL");
  EXPECT_EQ(one(kLoggers, "1", "milena.net").value, "OFF");
  ASSERT_EQ(alter(kLoggers, "1", "milena.broker", std::nullopt).error_code, ErrorCode::kNone);
  EXPECT_EQ(one(kLoggers, "1", "milena.broker").value, "OFF");
  auto refused = alter(kLoggers, "1", "no.such.logger", "INFO");
  EXPECT_EQ(refused.error_code, ErrorCode::kInvalidConfig);
  EXPECT_EQ(refused.error_message, "Logger no.such.logger does not exist!");
  EXPECT_EQ(alter(kLoggers, "1", "root", "info").error_code, ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter(kLoggers, "1", "root", std::nullopt).error_message,
            "Removing the log level of the root logger is not allowed");
  EXPECT_EQ(alter(kLoggers, "2", "root", "INFO").error_message, "Unexpected node id. Expected 1, but received 2");
}

TEST_P(ConfigsTest, LogLevelsOfKafkasLoggers) {
  EXPECT_EQ(one(kLoggers, "1", "kafka.cluster.Replica").value, one(kLoggers, "1", "kafka").value);
  ASSERT_EQ(alter(kLoggers, "1", "kafka", "ERROR").error_code, ErrorCode::kNone);
  EXPECT_EQ(one(kLoggers, "1", "kafka.cluster.Replica").value, "ERROR");
  ASSERT_EQ(alter(kLoggers, "1", "kafka.server.ControllerServer", "FATAL").error_code, ErrorCode::kNone);
  EXPECT_EQ(one(kLoggers, "1", "kafka.server.ControllerServer").value, "FATAL");
  EXPECT_EQ(one(kLoggers, "1", "kafka.server.ReplicaManager").value, "ERROR");
  EXPECT_EQ(one(kLoggers, "1", "milena.broker").value, "ERROR");
  EXPECT_EQ(alter(kLoggers, "1", "kafka.server.ReplicaManager", "GIBBERISH").error_code, ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter(kLoggers, "1", "kafka.server.NoSuchThing", "INFO").error_code, ErrorCode::kInvalidConfig);
  ASSERT_EQ(alter(kLoggers, "1", "kafka.server.ControllerServer", std::nullopt).error_code, ErrorCode::kNone);
  EXPECT_EQ(one(kLoggers, "1", "kafka.server.ControllerServer").value, "ERROR");
  ASSERT_EQ(alter(kLoggers, "1", "kafka", std::nullopt).error_code, ErrorCode::kNone);
  EXPECT_EQ(one(kLoggers, "1", "milena.broker").value, "OFF");
}

// Kafka's tools list all returned settings, and its tests know every name.
TEST_P(ConfigsTest, SettingsOfOurOwnAreListedWhenAskedForOrSet) {
  const auto lists = [&](ByteView name) {
    for (const Out& out : describe(kBrokers, "1", "")) {
      if (out.name == name) return true;
    }
    return false;
  };
  constexpr ByteView kOurs = "milena.group.disconnect.grace.ms";
  EXPECT_FALSE(lists(kOurs));
  EXPECT_TRUE(lists("num.partitions"));
  EXPECT_EQ(describe(kBrokers, "1", kOurs).size(), 1u);
  node().set(kOurs, "2000");
  restart();
  EXPECT_TRUE(lists(kOurs));
}

TEST_P(ConfigsTest, GroupsFollowTheBroker) {
  EXPECT_EQ(describe(kGroups, "g", "").size(), 17u);
  EXPECT_EQ(synonyms(one(kGroups, "g", "consumer.session.timeout.ms")), "group.consumer.session.timeout.ms=45000@5 ");
  EXPECT_EQ(synonyms(one(kGroups, "g", "share.auto.offset.reset")), "share.auto.offset.reset=latest@5 ");
  ASSERT_EQ(alter(kGroups, "g", "consumer.session.timeout.ms", "50000").error_code, ErrorCode::kNone);
  ASSERT_EQ(alter(kGroups, "g", "share.auto.offset.reset", "earliest").error_code, ErrorCode::kNone);
  Out out = one(kGroups, "g", "consumer.session.timeout.ms");
  EXPECT_EQ(out.config_source, 8);
  EXPECT_EQ(synonyms(out), "consumer.session.timeout.ms=50000@8 group.consumer.session.timeout.ms=45000@5 ");
  EXPECT_EQ(synonyms(one(kGroups, "g", "share.auto.offset.reset")),
            "share.auto.offset.reset=earliest@8 share.auto.offset.reset=latest@5 ");
}

TEST_P(ConfigsTest, ListsWhatHasConfigs) {
  create_topic("t");
  ASSERT_EQ(alter(kGroups, "g", "consumer.session.timeout.ms", "50000").error_code, ErrorCode::kNone);
  ASSERT_EQ(alter(kSubscriptions, "m", "metrics", "a").error_code, ErrorCode::kNone);
  auto list = [&](std::vector<int8_t> types, int16_t version) {
    ListConfigResourcesRequest request;
    request.resource_types = std::move(types);
    auto response = client().ask<ListConfigResourcesResponse>(request, version);
    std::string all = fmt::format("{}:", static_cast<int>(response.error_code));
    for (const auto& each : response.config_resources)
      all += fmt::format(" {}/{}", each.resource_type, each.resource_name);
    return all;
  };
  EXPECT_EQ(list({}, 1), "0: 32/g 16/m 8/1 4/1 2/t");
  EXPECT_EQ(list({}, 0), "0: 16/m");
  EXPECT_EQ(list({4, 32}, 1), "0: 32/g 4/1");
  EXPECT_EQ(list({3}, 1), "35:");
}

TEST_P(ConfigsTest, TheOldWayReplacesAll) {
  create_topic("t", 1, {{"retention.ms", "5"}, {"segment.ms", "6"}});
  for (int16_t version = 0; version <= 2; version++) {
    AlterConfigsRequest request;
    auto& altered = request.resources.emplace_back();
    altered.resource_type = kTopics;
    altered.resource_name = "t";
    altered.configs.push_back({"segment.ms", "7"});
    auto response = client().ask<AlterConfigsResponse>(request, version);
    EXPECT_EQ(response.responses.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(log_config("t").segment_ms, 7);
    EXPECT_EQ(log_config("t").retention_ms, 604'800'000);
  }
}

}  // namespace
}  // namespace milena::broker::broker_test
