#include "config/listener_settings.h"
#include "config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "config/authorizer_settings.h"
#include "config/config_listeners.h"
#include "config/config_values.h"
#include "config/settings_file.h"

namespace milena::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::pair<Bytes, Bytes>> pairs(const std::vector<Property>& settings) {
  std::vector<std::pair<Bytes, Bytes>> all;
  for (const Property& setting : settings) all.emplace_back(setting.key, setting.value);
  return all;
}

Result<Settings> load(std::vector<std::string> overrides) { return Settings::load({"", std::move(overrides)}); }

class SettingsFile : public testing::Test {
 protected:
  std::string write(const std::string& name, ByteView content) {
    std::string path = testing::TempDir() + fmt::format("milena_settings_{}_{}", ::getpid(), name);
    EXPECT_TRUE(posix_file_system().write_file_atomically(path, content, false).ok());
    paths_.push_back(path);
    return path;
  }
  ~SettingsFile() override {
    for (const std::string& path : paths_) (void)posix_file_system().remove(path);
  }
  std::vector<std::string> paths_;
};

TEST(YamlSettings, NestedKeysAreJoined) {
  auto settings = parse_yaml_settings(
      "num.partitions: 3\nlog:\n  retention:\n    ms: 1000\n  dirs: [/a, /b]\nauto.create.topics.enable: "
      "false\nempty:\n");
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_THAT(pairs(*settings), ElementsAre(std::pair("num.partitions", "3"), std::pair("log.retention.ms", "1000"),
                                            std::pair("log.dirs", "/a,/b"),
                                            std::pair("auto.create.topics.enable", "false")));
  EXPECT_FALSE(parse_yaml_settings("a: [b, {c: d}]").ok());
  EXPECT_FALSE(parse_yaml_settings("just a text").ok());
  EXPECT_FALSE(parse_yaml_settings("a: 'not closed").ok());
  EXPECT_TRUE(parse_yaml_settings("").ok());
}

TEST(Settings, DefaultsWorkOnOneNode) {
  Settings settings;
  EXPECT_EQ(settings.get_int("node.id"), 1);
  EXPECT_THAT(settings.get_list("process.roles"), ElementsAre("broker", "controller"));
  EXPECT_EQ(settings.get_int("offsets.topic.replication.factor"), 1);
  EXPECT_EQ(settings.get_int("transaction.state.log.replication.factor"), 1);
  EXPECT_EQ(settings.get_int("transaction.state.log.min.isr"), 1);
  EXPECT_EQ(settings.get_int("share.coordinator.state.topic.replication.factor"), 1);
  EXPECT_EQ(settings.get_int("group.initial.rebalance.delay.ms"), 0);
  EXPECT_EQ(settings.get_long("log.flush.interval.messages"), INT64_MAX);
  EXPECT_EQ(settings.get_double("log.cleaner.io.max.bytes.per.second"), 1.7976931348623157E308);
  EXPECT_TRUE(settings.get_bool("auto.create.topics.enable"));
  EXPECT_TRUE(settings.is_null("log.retention.ms"));
  EXPECT_FALSE(settings.is_set("num.partitions"));
  EXPECT_THAT(settings.get_string("log.dirs"), testing::Not(HasSubstr("/tmp")));
  auto loaded = load({});
  ASSERT_TRUE(loaded.ok());
  EXPECT_THAT(loaded->warnings(), IsEmpty());
}

TEST(Settings, EveryDefaultIsAcceptable) {
  for (const ConfigDef& def : broker_configs()) {
    EXPECT_EQ(find_broker_config(def.name), &def);
    EXPECT_FALSE(ByteView(def.documentation).empty()) << def.name;
    EXPECT_FALSE(describe_expected(def).empty()) << def.name;
    if (!def.default_value) continue;
    EXPECT_TRUE(check_config_value(def, def.default_value).ok()) << def.name;
  }
  // 360 of KafkaConfig, 3 that can only be altered at run time, the others our own.
  EXPECT_EQ(broker_configs().size(), 385u);
}

TEST(Settings, BadValuesNameKeyValueAndWhatWasExpected) {
  struct { const char* text; const char* expected; } kCases[] = {
      {"num.partitions=0", "an integer of at least 1"},
      {"num.partitions=three", "an integer of at least 1"},
      {"num.partitions=", "an integer of at least 1"},
      {"num.partitions=3000000000", "an integer of at least 1"},
      {"offsets.topic.replication.factor=40000", "a small integer of at least 1"},
      {"auto.create.topics.enable=yes", "true or false"},
      {"compression.type=brotli", "one of uncompressed, zstd, lz4, snappy, gzip, producer"},
      {"compression.gzip.level=0", "an integer from 1 to 9, or -1"},
      {"log.cleaner.min.cleanable.ratio=1.5", "a number from 0 to 1"},
      {"log.cleanup.policy=delete,burn", "some of"},
      {"process.roles=broker", "broker,controller"},
      {"log.dirs=/a,,/b", "at least one directory"},
      {"milena.log.level=loud", "one of trace, debug, info, warn, error, off"},
  };
  for (const auto& [text, expected] : kCases) {
    auto settings = load({text});
    ASSERT_FALSE(settings.ok()) << text;
    EXPECT_THAT(settings.error().message, HasSubstr(expected)) << text;
    EXPECT_THAT(settings.error().message, HasSubstr(text));
  }
  EXPECT_FALSE(load({"num.partitions"}).ok());
  EXPECT_FALSE(load({"=3"}).ok());
  EXPECT_FALSE(load({"node.id=2", "broker.id=3"}).ok());
}

// A broker with a protected configuration is not started unprotected.
TEST(Settings, WhatProtectsAndIsNotEnforcedIsRefused) {
  struct {
    const char* text;
    const char* expected;
  } kCases[] = {
      {"authorizer.class.name=com.example.Own",
       "expected org.apache.kafka.metadata.authorizer.StandardAuthorizer; Milena runs no Java classes"},
      {"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthoriser", "expected org.apache.kafka"},
      {"create.topic.policy.class.name=com.example.Policy", "remove the setting"},
      {"alter.config.policy.class.name=com.example.Policy", "remove the setting"},
      {"ssl.engine.factory.class=com.example.Engine", "expected a key store in ssl.keystore.*"},
      {"principal.builder.class=com.example.Builder", "clients would get other principals"},
  };
  for (const auto& [text, expected] : kCases) {
    auto settings = load({text, "super.users=User:admin"});
    ASSERT_FALSE(settings.ok()) << text;
    EXPECT_THAT(settings.error().message, HasSubstr(Bytes(text) + " (--override): "));
    EXPECT_THAT(settings.error().message, HasSubstr(expected));
    EXPECT_TRUE(load({Bytes(text).substr(0, Bytes(text).find('=') + 1)}).ok()) << text;
  }
}

TEST(Settings, WhatStandardAuthorizerIsTold) {
  const Bytes authorizer = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer";
  auto settings = load({authorizer, "super.users= User:a ;;Group:b:c; ", "allow.everyone.if.no.acl.found= TRUE "});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_THAT(settings->warnings(), ElementsAre());
  auto read = authorizer_settings(*settings);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->enforced && read->allow_if_no_acl);
  EXPECT_THAT(read->super_users, ElementsAre("Group:b:c", "User:a"));

  settings = load({authorizer, "super.users=User:a;bob", "allow.everyone.if.no.acl.found=yes"});
  ASSERT_FALSE(settings.ok());
  EXPECT_THAT(settings.error().message,
              HasSubstr("super.users=User:a;bob (--override): expected principals as User:name"));
  EXPECT_THAT(settings.error().message, HasSubstr("\"bob\""));
  EXPECT_FALSE(authorizer_settings(*load({authorizer, "allow.everyone.if.no.acl.found=yes"}))->allow_if_no_acl);
  EXPECT_FALSE(authorizer_settings(*load({"super.users=bob"}))->enforced);
}

TEST(Settings, APlaintextListenerMayHaveAPrincipal) {
  const std::vector<ListenerEndpoint> listeners = {
      {"INSIDE", "", 1, "PLAINTEXT"}, {"OUTSIDE", "", 2, "PLAINTEXT"}, {"SECURE", "", 3, "SASL_SSL"}};
  auto settings = load({"listener.name.inside.milena.plaintext.principal=User:admin"});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  auto principals = plaintext_principals(*settings, listeners);
  ASSERT_TRUE(principals.ok());
  EXPECT_THAT(*principals, ElementsAre(Pair("INSIDE", "User:admin"), Pair("OUTSIDE", "User:ANONYMOUS")));
  for (const char* text : {"admin", ":admin", "User:"}) {
    settings = load({Bytes("listener.name.inside.milena.plaintext.principal=") + text});
    principals = plaintext_principals(*settings, listeners);
    ASSERT_FALSE(principals.ok());
    EXPECT_THAT(principals.error().message, HasSubstr("expected a principal as User:name"));
  }
}

// These protect nothing in Kafka either, without an authorizer or on PLAINTEXT listeners; there is a warning.
TEST(Settings, WhatProtectsNothingAloneIsNamed) {
  for (const char* text : {"super.users=User:admin", "allow.everyone.if.no.acl.found=false"}) {
    auto settings = load({text});
    ASSERT_TRUE(settings.ok()) << settings.error().message;
    EXPECT_THAT(settings->warnings(), ElementsAre(HasSubstr("every client may do everything"))) << text;
  }
  for (const char* text :
       {"ssl.client.auth=required", "sasl.enabled.mechanisms=SCRAM-SHA-512", "connections.max.reauth.ms=1000",
        "delegation.token.secret.key=x", "listener.name.plaintext.ssl.client.auth=required"}) {
    auto settings = load({text});
    ASSERT_TRUE(settings.ok()) << settings.error().message;
    EXPECT_THAT(settings->warnings(), ElementsAre(HasSubstr("they serve every client"))) << text;
  }
  auto unknown = load({"listener.name.other.sasl.enabled.mechanisms=PLAIN"});
  ASSERT_TRUE(unknown.ok());
  EXPECT_THAT(unknown->warnings(), ElementsAre(HasSubstr("no listener of this name")));
  auto with_sasl = load({"listeners=SASL_PLAINTEXT://:9092", "sasl.enabled.mechanisms=PLAIN",
                         "listener.name.sasl_plaintext.plain.sasl.jaas.config=x", "connections.max.reauth.ms=1000",
                         "security.inter.broker.protocol=SASL_PLAINTEXT"});
  ASSERT_TRUE(with_sasl.ok());
  EXPECT_THAT(with_sasl->warnings(), ElementsAre());
}

TEST(Settings, HttpListenersMayHaveTls) {
  auto settings = load({"milena.http.listeners=127.0.0.1:9644,http://[::1]:9645,HTTPS://localhost:9646,:0"});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  auto all = http_listeners(*settings);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 4u);
  EXPECT_EQ((*all)[1].host, "::1");
  EXPECT_EQ((*all)[1].protocol, "PLAINTEXT");
  EXPECT_EQ((*all)[2].protocol, "SSL");
  EXPECT_EQ((*all)[2].port, 9646);
  EXPECT_EQ((*all)[3].host, "");
  for (const ListenerEndpoint& each : *all) EXPECT_EQ(each.listener_name, "HTTP");
  for (const char* text : {"9644", "localhost", "ftp://localhost:1", "https://", "https://localhost", "http://a:70000",
                           "https://user@host:1", "https://a/b:1"}) {
    auto wrong = http_listeners(*load({std::string("milena.http.listeners=") + text}));
    ASSERT_FALSE(wrong.ok()) << text;
    EXPECT_THAT(wrong.error().message,
                HasSubstr("milena.http.listeners=" + std::string(text) + ": expected host:port or https://host:port"));
  }
  EXPECT_TRUE(http_listeners(*load({"milena.http.listeners="}))->empty());
}

TEST(Settings, AnHttpAddressThatOthersReachIsNamed) {
  auto warnings = [](std::vector<std::string> texts) {
    auto settings = load(std::move(texts));
    EXPECT_TRUE(settings.ok()) << settings.error().message;
    return settings->warnings();
  };
  const std::string basic = "milena.http.authentication=basic", all = "milena.http.listeners=:9644";
  const std::string tls = "milena.http.listeners=https://10.0.0.1:9644", required = "ssl.client.auth=required";
  for (const char* own : {"127.0.0.1:9644", "localhost:1", "https://[::1]:9644", "127.8.0.1:2", ""}) {
    EXPECT_THAT(warnings({std::string("milena.http.listeners=") + own}), IsEmpty()) << own;
    EXPECT_THAT(warnings({std::string("milena.http.listeners=") + own, basic}), IsEmpty()) << own;
  }
  EXPECT_THAT(warnings({all}), ElementsAre(HasSubstr("has *:9644: every client that reaches it can read")));
  EXPECT_THAT(warnings({tls}), ElementsAre(HasSubstr("has 10.0.0.1:9644: every client that reaches it can read")));
  EXPECT_THAT(warnings({all, "milena.http.authentication=none"}), IsEmpty());
  EXPECT_THAT(warnings({all, basic}), ElementsAre(HasSubstr("has *:9644: passwords can be read on the network")));
  EXPECT_THAT(warnings({tls, basic}), IsEmpty());
  EXPECT_THAT(warnings({tls, required}), IsEmpty());
  EXPECT_THAT(warnings({tls, "listener.name.http." + required}), IsEmpty());
  EXPECT_THAT(warnings({"milena.http.listeners=:9644,https://:9645", required}),
              ElementsAre(HasSubstr("has *:9644: every client")));
  EXPECT_THAT(warnings({"milena.http.listeners=example.com:9644"}), ElementsAre(HasSubstr("every client")));

  // Settings of its own have an effect only where it has TLS, or asks for a password.
  const std::string line = "listener.name.http.plain.sasl.jaas.config=x";
  const std::string store = "listener.name.http.ssl.keystore.type=PEM";
  EXPECT_THAT(warnings({line}), ElementsAre(HasSubstr("SASL: it has no effect")));
  EXPECT_THAT(warnings({line, basic}), IsEmpty());
  EXPECT_THAT(warnings({store}), ElementsAre(HasSubstr("TLS: it has no effect")));
  EXPECT_THAT(warnings({store, "milena.http.listeners=https://localhost:9644"}), IsEmpty());
  EXPECT_THAT(warnings({"sasl.enabled.mechanisms=PLAIN", basic}), ElementsAre(HasSubstr("SASL: it has no effect")));
}

TEST(Settings, ListenersWithTlsAreReadAndTheirSettingsMeanSomething) {
  auto settings = load({"listeners=PLAINTEXT://:9092,OUTSIDE://:9093", "ssl.keystore.location=/a",
                        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OUTSIDE:SSL", "ssl.client.auth=required",
                        "listener.name.outside.ssl.keystore.location= /b "});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_THAT(settings->warnings(), IsEmpty());
  EXPECT_EQ(broker_listeners(*settings)->back().protocol, "SSL");
  const ListenerSettings outside(*settings, "OUTSIDE"), plain(*settings, "PLAINTEXT");
  const auto own = outside.find({}, "ssl.keystore.location");
  EXPECT_EQ(own->text, "/b");
  EXPECT_EQ(own->key, "listener.name.outside.ssl.keystore.location");
  EXPECT_EQ(plain.find({}, "ssl.keystore.location")->text, "/a");
  EXPECT_FALSE(plain.find_own({}, "ssl.keystore.location"));
  const Settings altered = settings->with_altered({}, {{"listener.name.outside.ssl.keystore.location", "/c"}});
  EXPECT_EQ(ListenerSettings(altered, "OUTSIDE").find({}, "ssl.keystore.location")->text, "/c");
}

// The keys of the file in Kafka's release.
TEST_F(SettingsFile, KafkasOwnServerPropertiesRaisesNoAlarm) {
  std::string file = write(
      "server.properties",
      "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=localhost:9093\n"
      "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n"
      "advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n"
      "controller.listener.names=CONTROLLER\nlistener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,"
      "SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\nnum.network.threads=3\nnum.io.threads=8\n"
      "socket.send.buffer.bytes=102400\nsocket.receive.buffer.bytes=102400\nsocket.request.max.bytes=104857600\n"
      "log.dirs=/tmp/kraft-combined-logs\nnum.partitions=1\nnum.recovery.threads.per.data.dir=1\n"
      "offsets.topic.replication.factor=1\nshare.coordinator.state.topic.replication.factor=1\n"
      "share.coordinator.state.topic.min.isr=1\ntransaction.state.log.replication.factor=1\n"
      "transaction.state.log.min.isr=1\nlog.retention.hours=168\nlog.segment.bytes=1073741824\n"
      "log.retention.check.interval.ms=300000\n");
  auto settings = Settings::load({file, {}});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_THAT(settings->warnings(), IsEmpty());
}

TEST(Settings, SecretsAreNotRepeated) {
  auto settings = load({"ssl.key.password=hunter2"});
  ASSERT_TRUE(settings.ok());
  ASSERT_EQ(settings->warnings().size(), 1u);
  EXPECT_THAT(settings->warnings()[0], HasSubstr("ssl.key.password"));
  EXPECT_THAT(settings->warnings()[0], testing::Not(HasSubstr("hunter2")));
}

TEST(Settings, GoodValuesAreReadAsKafkaReadsThem) {
  auto settings = load({"num.partitions= 7 ", "auto.create.topics.enable=FALSE", "compression.gzip.level=-1",
                        "milena.log.level=WARN", "broker.id=5", "log.dir=/data/x"});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->get_int("num.partitions"), 7);
  EXPECT_FALSE(settings->get_bool("auto.create.topics.enable"));
  EXPECT_EQ(settings->get_int("node.id"), 5);
  EXPECT_EQ(settings->get_string("log.dirs"), "/data/x");
  EXPECT_EQ(settings->source("num.partitions"), Settings::Source::kOverride);
}

TEST(Settings, UnknownKeysAreNamedWithTheNearestKnownOne) {
  auto settings = load({"num.partition=3", "retention.ms=5", "zookeeper.connect=localhost:2181", "qwertz=1",
                        "rsm.config.bucket=x", "remote.log.reader.threads=2", "log.cleaner.backoff.ms=15000",
                        "num.io.threads=2"});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_THAT(settings->warnings(),
              testing::UnorderedElementsAre(
                  "num.partition: no such setting; it is ignored. Did you mean num.partitions?",
                  "retention.ms: no such setting; it is ignored. Did you mean log.retention.ms?",
                  HasSubstr("zookeeper.connect=localhost:2181: Kafka has removed this setting"),
                  "qwertz: no such setting; it is ignored",
                  HasSubstr("remote.log.reader.threads=2: not implemented yet")));
  EXPECT_EQ(settings->others().at("rsm.config.bucket"), "x");
}

TEST_F(SettingsFile, OverridesWinOverTheFileAndTheFileOverDefaults) {
  std::string properties = write("a.properties", "num.partitions=3\nnode.id=7\nnum.partitions=4\n");
  auto settings = Settings::load({properties, {"node.id=8"}});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->get_int("num.partitions"), 4) << "the last line of a key wins";
  EXPECT_EQ(settings->source("num.partitions"), Settings::Source::kFile);
  EXPECT_EQ(settings->get_int("node.id"), 8);
  EXPECT_EQ(settings->source("default.replication.factor"), Settings::Source::kDefault);

  std::string yaml = write("b.yaml", "num:\n  partitions: 5\n");
  settings = Settings::load({yaml, {}});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->get_int("num.partitions"), 5);

  std::string bad = write("c.properties", "node.id=1\n\nnum.partitions=x\n");
  settings = Settings::load({bad, {}});
  ASSERT_FALSE(settings.ok());
  EXPECT_THAT(settings.error().message, HasSubstr("num.partitions=x"));
  EXPECT_THAT(settings.error().message, HasSubstr("line 3"));

  settings = Settings::load({bad + ".not.there", {}});
  ASSERT_FALSE(settings.ok());
  EXPECT_THAT(settings.error().message, HasSubstr(".not.there"));
}

TEST(Listeners, AreTakenApart) {
  auto endpoints = parse_listener_endpoints("listeners", "plaintext://:9092, EXT://[::1]:9093,H://host-1.example_x:0");
  ASSERT_TRUE(endpoints.ok()) << endpoints.error().message;
  ASSERT_EQ(endpoints->size(), 3u);
  EXPECT_EQ(endpoints.value()[0].listener_name, "PLAINTEXT");
  EXPECT_EQ(endpoints.value()[0].host, "");
  EXPECT_EQ(endpoints.value()[0].port, 9092);
  EXPECT_EQ(endpoints.value()[1].host, "::1");
  EXPECT_EQ(endpoints.value()[2].host, "host-1.example_x");
  for (const char* bad : {"localhost:9092", "PLAINTEXT://", "PLAINTEXT://:", "PLAINTEXT://:x", "PLAINTEXT://:65536",
                          "PLAINTEXT://:-1", "://:9092", "PLAINTEXT://a b:1", "A://:1,a://:2", "PLAINTEXT:9092"}) {
    auto refused = parse_listener_endpoints("listeners", bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_THAT(refused.error().message, HasSubstr("listeners="));
  }
}

TEST(Listeners, ThoseOfTheControllerAreApart) {
  auto settings = load({"listeners=PLAINTEXT://:9092,CONTROLLER://:9093", "controller.listener.names=CONTROLLER",
                        "advertised.listeners=PLAINTEXT://broker:9092,CONTROLLER://broker:9093",
                        "controller.quorum.voters=1@localhost:9093"});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_THAT(settings->warnings(), IsEmpty());
  auto listeners = broker_listeners(*settings);
  ASSERT_TRUE(listeners.ok()) << listeners.error().message;
  ASSERT_EQ(listeners->size(), 1u);
  EXPECT_EQ(listeners.value()[0].listener_name, "PLAINTEXT");
  EXPECT_EQ(listeners.value()[0].protocol, "PLAINTEXT");
  auto advertised = advertised_listeners(*settings);
  ASSERT_TRUE(advertised.ok()) << advertised.error().message;
  EXPECT_FALSE(advertised->automatic);
  ASSERT_EQ(advertised->endpoints.size(), 1u);
  EXPECT_EQ(advertised->endpoints[0].host, "broker");
  // Its protocol need not be set if no map is.
  auto controller = controller_listeners(*settings);
  ASSERT_TRUE(controller.ok()) << controller.error().message;
  ASSERT_EQ(controller->size(), 1u);
  EXPECT_EQ(controller.value()[0].listener_name, "CONTROLLER");
  EXPECT_EQ(controller.value()[0].port, 9093);
  EXPECT_EQ(controller.value()[0].protocol, "PLAINTEXT");
  auto map = load({"listeners=PLAINTEXT://:9092,CONTROLLER://:9093", "controller.listener.names=CONTROLLER",
                   "listener.security.protocol.map=PLAINTEXT:PLAINTEXT"});
  ASSERT_TRUE(map.ok());
  auto refused = controller_listeners(*map);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("add CONTROLLER:PLAINTEXT"));
}

TEST(Listeners, MistakesAreExplained) {
  struct { std::vector<std::string> overrides; const char* expected; } kCases[] = {
      {{"listeners=EXT://:9092"}, "add EXT:PLAINTEXT"},
      {{"listeners=A://:1,B://:1", "listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT"}, "address of its own"},
      {{"listeners=CONTROLLER://:1", "controller.listener.names=CONTROLLER"}, "at least one listener"},
      {{"listener.security.protocol.map=PLAINTEXT"}, "NAME:PROTOCOL"},
      {{"listener.security.protocol.map=PLAINTEXT:TLS"}, "NAME:PROTOCOL"},
  };
  for (const auto& [overrides, expected] : kCases) {
    auto settings = load(overrides);
    ASSERT_TRUE(settings.ok()) << settings.error().message;
    auto listeners = broker_listeners(*settings);
    ASSERT_FALSE(listeners.ok()) << overrides[0];
    EXPECT_THAT(listeners.error().message, HasSubstr(expected));
  }
  for (const char* text : {"advertised.listeners=PLAINTEXT://0.0.0.0:9092", "advertised.listeners=OTHER://host:1"}) {
    auto settings = load({text});
    ASSERT_TRUE(settings.ok());
    EXPECT_FALSE(advertised_listeners(*settings).ok()) << text;
  }
  for (const char* text : {"advertised.listeners=auto", "advertised.listeners="}) {
    auto settings = load({text});
    ASSERT_TRUE(settings.ok());
    EXPECT_TRUE(advertised_listeners(*settings)->automatic) << text;
  }
}

// As in Kafka; clients cannot connect to a wildcard address.
TEST(Settings, ListenersThatNameAHostAreAdvertisedByIt) {
  auto settings = load({"listeners=PLAINTEXT://broker:9092,OTHER://0.0.0.0:9095",
                        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT"});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  auto advertised = advertised_listeners(*settings);
  ASSERT_TRUE(advertised.ok()) << advertised.error().message;
  ASSERT_EQ(advertised->endpoints.size(), 1u);
  EXPECT_EQ(advertised->endpoints[0].host, "broker");
  EXPECT_EQ(advertised->endpoints[0].port, 9092);
  EXPECT_TRUE(advertised->automatic);

  settings = load({"listeners=PLAINTEXT://broker:9092", "advertised.listeners=auto"});
  ASSERT_TRUE(settings.ok());
  EXPECT_TRUE(advertised_listeners(*settings)->endpoints.empty());
}

TEST(Settings, TieredStorageIsRefused) {
  auto settings = load({"remote.log.storage.system.enable=true"});
  ASSERT_FALSE(settings.ok());
  EXPECT_THAT(settings.error().message, HasSubstr("remote.log.storage.system.enable=true"));
}

}  // namespace
}  // namespace milena::config
