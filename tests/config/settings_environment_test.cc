#include "config/settings_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/settings.h"
#include "config/settings_report.h"

namespace milena::config {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> keys_of(std::vector<const char*> variables) {
  variables.push_back(nullptr);
  std::vector<std::string> keys;
  for (const EnvironmentSetting& setting : settings_from_environment(variables.data())) {
    keys.push_back(setting.key + "=" + setting.value);
  }
  return keys;
}

TEST(SettingsEnvironment, NamesAreTakenApartAsInKafkasImage) {
  EXPECT_EQ(keys_of({"KAFKA_NODE_ID=3", "KAFKA_A__B___C_D=x=y", "KAFKA_NUM_PARTITIONS=", "HOME=/root"}),
            (std::vector<std::string>{"a_b-c.d=x=y", "node.id=3", "num.partitions="}));
}

TEST(SettingsEnvironment, WhatIsForTheJvmOrFromKubernetesIsNoSetting) {
  EXPECT_TRUE(keys_of({"KAFKA_HEAP_OPTS=-Xmx1g", "KAFKA_OPTS=-Dx", "KAFKA_JMX_PORT=9999", "KAFKA_JMX_HOSTNAME=h",
                       "KAFKA_LOG4J_LOGGERS=kafka=INFO", "KAFKA_LOG4J_ROOT_LOGLEVEL=INFO", "KAFKA_GC_LOG_OPTS=",
                       "KAFKA_TOOLS_LOG4J_LOGLEVEL=WARN", "KAFKA_VERSION=4.3.1", "KAFKA_PORT=tcp://10.0.0.1:9092",
                       "KAFKA_PORT_9092_TCP_ADDR=10.0.0.1", "KAFKA_SERVICE_HOST=10.0.0.1", "KAFKA_="})
                  .empty());
}

TEST(SettingsEnvironment, StandsBetweenTheFileAndTheCommandLine) {
  SettingsInput input;
  input.environment = {{"KAFKA_NUM_PARTITIONS", "num.partitions", "5"}, {"KAFKA_NODE_ID", "node.id", "7"},
                       {"CLUSTER_ID", "milena.cluster.id", "MkU3OEVBNTcwNTJENENGMg"}};
  input.overrides = {"node.id=8"};
  auto settings = Settings::load(input);
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->get_int("num.partitions"), 5);
  EXPECT_EQ(settings->get_int("node.id"), 8);
  EXPECT_EQ(settings->origin("num.partitions"), "environment KAFKA_NUM_PARTITIONS");
  Bytes report = settings_report(*settings, false);
  EXPECT_THAT(report, HasSubstr("num.partitions=5"));
  EXPECT_THAT(report, HasSubstr("[environment KAFKA_NUM_PARTITIONS]"));
  EXPECT_THAT(report, Not(HasSubstr("num.io.threads")));
  EXPECT_THAT(settings_report(*settings, true), HasSubstr("num.io.threads=8"));
}

TEST(SettingsEnvironment, BitnamisNamesStandBehindKafkas) {
  EXPECT_EQ(keys_of({"KAFKA_A=1", "KAFKA_CFG_A=2", "KAFKA_CFG_NUM_PARTITIONS=3", "KAFKA_KRAFT_CLUSTER_ID=x"}),
            (std::vector<std::string>{"a=2", "num.partitions=3", "a=1", "milena.cluster.id=x"}));
}

Result<Settings> load_environment(std::vector<const char*> variables, std::vector<std::string> overrides = {}) {
  variables.push_back(nullptr);
  SettingsInput input;
  input.environment = settings_from_environment(variables.data());
  input.overrides = std::move(overrides);
  return Settings::load(input);
}

TEST(SettingsEnvironment, ListenersFollowWhatIsAdvertised) {
  constexpr const char* kAdvertised = "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://kafka:29092, PLAINTEXT_HOST://[::1]:9093";
  auto settings = load_environment({kAdvertised});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->get_string("listeners"), "PLAINTEXT://:29092,PLAINTEXT_HOST://:9093");
  EXPECT_EQ(settings->origin("listeners"), "environment KAFKA_ADVERTISED_LISTENERS");
  EXPECT_EQ(load_environment({kAdvertised}, {"listeners=A://:1"})->get_string("listeners"), "A://:1");
  EXPECT_EQ(load_environment({kAdvertised, "KAFKA_LISTENERS=A://:2"})->get_string("listeners"), "A://:2");
  Bytes usual = Settings().get_string("listeners");
  for (const char* other :
       {"KAFKA_ADVERTISED_LISTENERS=auto", "KAFKA_ADVERTISED_LISTENERS=", "KAFKA_ADVERTISED_LISTENERS=://"}) {
    EXPECT_EQ(load_environment({other})->get_string("listeners"), usual) << other;
  }
  // Listeners are not derived from a file.
  EXPECT_EQ(load_environment({}, {"advertised.listeners=PLAINTEXT://a:1"})->get_string("listeners"), usual);
}

TEST(SettingsEnvironment, WarningsNameTheVariable) {
  auto settings = load_environment({"KAFKA_NUM_PARTITION=3", "KAFKA_SUPER_USERS=User:a",
                                    "KAFKA_ZOOKEEPER_CONNECT=z:2181", "KAFKA_CFG_SSL_CLIENT_AUTH=required"});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_THAT(settings->warnings(),
              testing::UnorderedElementsAre(
                  HasSubstr("num.partition (environment KAFKA_NUM_PARTITION): no such setting"),
                  HasSubstr("(environment KAFKA_SUPER_USERS)"), HasSubstr("(environment KAFKA_ZOOKEEPER_CONNECT)"),
                  HasSubstr("(environment KAFKA_CFG_SSL_CLIENT_AUTH)")));
}

TEST(SettingsEnvironment, WhatWasNotAskedForIsNamedIfItIsASetting) {
  auto warning = [](std::vector<const char*> variables) {
    variables.push_back(nullptr);
    return unused_environment_warning(settings_from_environment(variables.data()));
  };
  EXPECT_EQ(warning({"KAFKA_BOOTSTRAP_SERVERS=a:1", "KAFKA_TOPIC=t", "KAFKA_HEAP_OPTS=-X"}), "");
  EXPECT_THAT(warning({"KAFKA_COMPRESSION_TYPE=lz4", "KAFKA_TOPIC=t"}),
              HasSubstr("has KAFKA_COMPRESSION_TYPE, which is ignored"));
  EXPECT_THAT(warning({"KAFKA_LISTENERS=A://:1", "CLUSTER_ID=x"}),
              HasSubstr("CLUSTER_ID, KAFKA_LISTENERS, which are ignored"));
}

TEST(SettingsEnvironment, ABadValueNamesItsVariable) {
  SettingsInput input;
  input.environment = {{"KAFKA_NUM_PARTITIONS", "num.partitions", "many"}};
  auto settings = Settings::load(input);
  ASSERT_FALSE(settings.ok());
  EXPECT_THAT(settings.error().message, HasSubstr("num.partitions=many (environment KAFKA_NUM_PARTITIONS)"));
}

TEST(SettingsEnvironment, ANodeOfAClusterIsRefusedWithTheWayToRunAlone) {
  auto refused = [](std::vector<std::string> overrides) {
    SettingsInput input;
    input.overrides = std::move(overrides);
    auto settings = Settings::load(input);
    return settings.ok() ? std::string() : settings.error().message;
  };
  EXPECT_EQ(refused({"process.roles=broker,controller", "node.id=1", "controller.quorum.voters=1@localhost:9093"}), "");
  EXPECT_THAT(refused({"process.roles=broker"}), HasSubstr("process.roles=broker,controller"));
  EXPECT_THAT(refused({"controller.quorum.voters=1@a:9093,2@b:9093"}),
              AllOf(HasSubstr("Apache Kafka's"), HasSubstr("process.roles=broker")));
  EXPECT_THAT(refused({"controller.quorum.bootstrap.servers=a:9093,b:9093"}),
              HasSubstr("expected one controller, found 2"));
  EXPECT_THAT(refused({"node.id=1", "controller.quorum.voters=2@a:9093"}), HasSubstr("expected this node"));
  EXPECT_EQ(refused({"process.roles=broker", "controller.quorum.voters=2@a:9093,3@b:9093"}), "");
  EXPECT_EQ(refused({"process.roles=broker", "controller.quorum.bootstrap.servers=a:9093"}), "");
  EXPECT_THAT(refused({"process.roles=broker", "node.id=1", "controller.quorum.voters=1@a:9093"}),
              HasSubstr("found this one (node.id=1)"));
  EXPECT_THAT(refused({"process.roles=controller"}), HasSubstr("controller.listener.names"));
}

}  // namespace
}  // namespace milena::config
