// Clients on librdkafka over TLS: records, matching and wrong certificates, replaced stores.
#include <gtest/gtest.h>

#include <filesystem>

#include "e2e/e2e_fixture.h"
#include "security/test_authority.h"

namespace milena::e2e {
namespace {

using security::security_test::TestAuthority;
using security::security_test::TestFolder;
using security::security_test::TestIdentity;

class Tls : public testing::TestWithParam<int> {
 protected:
  // The only listener uses TLS.
  void start(const std::vector<std::string>& more = {}) {
    put_store("store.pem", authority_.issue("localhost"));
    std::vector<std::string> overrides{
        "listener.security.protocol.map=PLAINTEXT:SSL",
        "advertised.listeners=auto",
        "ssl.keystore.type=PEM",
        "ssl.keystore.location=" + store_,
        "ssl.truststore.type=PEM",
        "ssl.truststore.location=" + folder_.write("trusted.pem", authority_.certificate())};
    overrides.insert(overrides.end(), more.begin(), more.end());
    broker_ = std::make_unique<BrokerProcess>(GetParam(), overrides);
  }
  void put_store(const std::string& name, const TestIdentity& identity) {
    store_ = folder_.write(name, identity.key + identity.certificate);
  }
  Config client(const std::string& trusted) const { return {{"security.protocol", "SSL"}, {"ssl.ca.pem", trusted}}; }
  Config client() const { return client(authority_.certificate()); }
  Config client(const TestIdentity& identity) const {
    Config config = client();
    config["ssl.key.pem"] = identity.key;
    config["ssl.certificate.pem"] = identity.certificate;
    return config;
  }
  std::string address() const { return "localhost:" + std::to_string(broker_->port()); }

  void send(Producer& producer, int from, int to) {
    for (int i = from; i < to; i++) {
      Record record;
      record.topic = "t";
      record.partition = 0;
      record.value = std::string(1000, 'v') + std::to_string(i);
      producer.send(record);
    }
  }
  // Whether such a client can connect.
  bool connects(Config config) {
    config["message.timeout.ms"] = "3000";
    config["socket.connection.setup.timeout.ms"] = "2000";
    Producer producer(address(), config);
    send(producer, 0, 1);
    producer.flush();
    return producer.delivered().size() == 1;
  }

  TestAuthority authority_;
  TestFolder folder_;
  std::string store_;
  std::unique_ptr<BrokerProcess> broker_;
};

INSTANTIATE_TEST_SUITE_P(Shards, Tls, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(Tls, RecordsGoInAndOut) {
  start();
  Producer producer(address(), client());
  send(producer, 0, 20'000);
  producer.flush();
  ASSERT_EQ(producer.errors(), std::vector<std::string>{});
  Consumer consumer(address(), client());
  consumer.assign("t", {0}, RD_KAFKA_OFFSET_BEGINNING);
  const std::vector<Record> read = consumer.read(20'000);
  ASSERT_EQ(read.size(), 20'000u);
  for (size_t i = 0; i < read.size(); i++) {
    ASSERT_EQ(read[i].value, std::string(1000, 'v') + std::to_string(i));
  }
  EXPECT_EQ(broker_->stop(), 0);
}

TEST_P(Tls, ClientsAndBrokerCheckEachOther) {
  start({"ssl.client.auth=required"});
  EXPECT_TRUE(connects(client(authority_.issue("app"))));
  EXPECT_FALSE(connects(client()));
  const TestAuthority other("Other CA");
  EXPECT_FALSE(connects(client(other.issue("app"))));
  EXPECT_FALSE(connects(client(other.certificate())));
  EXPECT_FALSE(connects({{"security.protocol", "PLAINTEXT"}}));
}

// Kafka refuses the same for any broker; a node that is its own controller may stand alone, and starts.
TEST_P(Tls, ABrokerWhoseStoresItsPeersWouldRefuseDoesNotStart) {
  put_store("store.pem", authority_.issue("localhost"));
  const std::string directory = folder_.path() + "/refused";
  const std::string words =
      "--override process.roles=broker --override node.id=2 --override controller.quorum.bootstrap.servers=127.0.0.1:9 "
      "--override listeners=BROKERS://127.0.0.1:0 --override inter.broker.listener.name=BROKERS "
      "--override listener.security.protocol.map=BROKERS:SSL,CONTROLLER:PLAINTEXT "
      "--override controller.listener.names=CONTROLLER --override milena.http.listeners= "
      "--override ssl.keystore.type=PEM --override ssl.keystore.location=" + store_ +
      " --override ssl.truststore.type=PEM --override ssl.truststore.location=" +
      folder_.write("foreign.pem", TestAuthority("Other CA").certificate()) + " --override log.dirs=" + directory;
  const Outcome refused = run_milena(words);
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.output.find("brokers would not accept each other on listener BROKERS"), std::string::npos)
      << refused.output;
  EXPECT_FALSE(std::filesystem::exists(directory)) << "refused before anything was made";
  start({"ssl.truststore.location=" + folder_.write("foreign.pem", TestAuthority("Other CA").certificate())});
  EXPECT_NE(broker_->output().find("WARN If other brokers join: brokers would not accept each other"),
            std::string::npos)
      << broker_->output();
}

TEST_P(Tls, AStoreExchangedUnderLoadLosesNoConnection) {
  start();
  Producer producer(address(), client());
  Consumer consumer(address(), client());
  consumer.assign("t", {0}, RD_KAFKA_OFFSET_BEGINNING);
  for (int round = 0; round < 5; round++) {
    send(producer, round * 1000, round * 1000 + 1000);
    put_store("store.pem", authority_.issue("localhost"));
    EXPECT_TRUE(connects(client()));
    producer.flush();
  }
  EXPECT_EQ(producer.errors(), std::vector<std::string>{});
  EXPECT_EQ(consumer.read(5000).size(), 5000u);
}

TEST_P(Tls, AListenersStoreIsAlteredWhileTheBrokerRuns) {
  start({"listeners=PLAINTEXT://:{port},BROKERS://localhost:" + std::to_string(free_port()),
         "inter.broker.listener.name=BROKERS", "listener.security.protocol.map=PLAINTEXT:SSL,BROKERS:SSL"});
  Admin admin(address(), client());
  const std::string key = "listener.name.plaintext.ssl.keystore.location";
  EXPECT_NE(admin.alter_broker_configs(1, {{key, "/nowhere/store.pem"}}), "");
  EXPECT_NE(admin.alter_broker_configs(1, {{key, folder_.write("empty.pem", "")}}), "");
  put_store("other.pem", authority_.issue("somebody else"));
  EXPECT_NE(admin.alter_broker_configs(1, {{key, store_}}), "") << "another name is not accepted";
  EXPECT_EQ(admin.broker_configs(1).count(key), 0u);
  // From another authority: who trusts that one alone is served from then on. A broker with the old stores would not
  // accept it, so that it is none for the listener between brokers.
  const TestAuthority next("Next CA");
  put_store("next.pem", next.issue("localhost"));
  EXPECT_FALSE(connects(client(next.certificate())));
  EXPECT_NE(admin.alter_broker_configs(1, {{"listener.name.brokers.ssl.keystore.location", store_}}), "");
  EXPECT_EQ(admin.alter_broker_configs(1, {{key, store_}}), "");
  EXPECT_TRUE(wait_until([&] { return connects(client(next.certificate())); }));
  EXPECT_FALSE(connects(client()));
}

}  // namespace
}  // namespace milena::e2e
