// Three processes whose connections among themselves are all secured: to the controller with TLS and PLAIN, between
// brokers with TLS and PLAIN or SCRAM, under an authorizer. One of them is killed under a producer.
#include <gmock/gmock.h>

#include <cstdlib>

#include "e2e/e2e_fixture.h"
#include "e2e/kafka_admin.h"
#include "security/test_authority.h"

namespace milena::e2e {
namespace {

using security::security_test::TestAuthority;
using security::security_test::TestFolder;
using security::security_test::TestIdentity;

constexpr char kPlainLine[] =
    "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"broker\" password=\"broker-secret\" "
    "user_broker=\"broker-secret\" user_alice=\"alice-secret\";";
constexpr char kScramLine[] =
    "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"broker\" password=\"scram-secret\";";

class SecuredCluster : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const TestIdentity identity = authority_.issue("localhost");
    store_ = folder_.write("store.pem", identity.key + identity.certificate);
    trusted_ = folder_.write("trusted.pem", authority_.certificate());
    controller_ = std::to_string(free_port());
    seed_ = folder_.write("seed.yaml", "topics:\n  - {name: seeded, partitions: 2}\n");
    format_first();
    for (int id = 1; id <= 3; id++) {
      nodes_.push_back(std::make_unique<BrokerProcess>(id == 2 ? 2 : 1, settings_of(id)));
      ASSERT_FALSE(HasFatalFailure()) << "node " << id << " did not start";
    }
  }

  // The controller last: the others can say goodbye to it.
  void TearDown() override {
    while (!nodes_.empty()) nodes_.pop_back();
  }

  std::vector<std::string> settings_of(int id) {
    return {
        "node.id=" + std::to_string(id),
        "log.dirs=" + directory_of(id),
        id == 1 ? "process.roles=broker,controller" : "process.roles=broker",
        "listeners=CLIENT://localhost:{port},BROKER://localhost:" + std::to_string(free_port()) +
            (id == 1 ? ",CONTROLLER://localhost:" + controller_ : ""),
        "listener.security.protocol.map=CLIENT:SASL_SSL,BROKER:SASL_SSL,CONTROLLER:SASL_SSL",
        "inter.broker.listener.name=BROKER",
        "controller.listener.names=CONTROLLER",
        "controller.quorum.voters=1@localhost:" + controller_,
        std::string("sasl.mechanism.inter.broker.protocol=") + GetParam(),
        "sasl.mechanism.controller.protocol=PLAIN",
        "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512",
        std::string("listener.name.client.plain.sasl.jaas.config=") + kPlainLine,
        std::string("listener.name.broker.plain.sasl.jaas.config=") + kPlainLine,
        std::string("listener.name.controller.plain.sasl.jaas.config=") + kPlainLine,
        std::string("listener.name.broker.scram-sha-512.sasl.jaas.config=") + kScramLine,
        // Sessions are renewed again and again while the test runs.
        "connections.max.reauth.ms=2000",
        "ssl.keystore.type=PEM",
        "ssl.keystore.location=" + store_,
        "ssl.truststore.type=PEM",
        "ssl.truststore.location=" + trusted_,
        "listener.name.broker.ssl.client.auth=required",
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:broker;User:alice",
        "default.replication.factor=3",
        "num.partitions=3",
        "min.insync.replicas=2",
        "offsets.topic.replication.factor=3",
        // The controller is elsewhere: it must know which super user this broker is.
        "milena.seed.file=" + (id == 3 ? seed_ : ""),
    };
  }
  std::string directory_of(int id) const { return folder_.path() + "/data-" + std::to_string(id); }

  // The user of SCRAM must exist before the first login.
  void format_first() {
    const std::string file = folder_.write(
        "format.properties", "node.id=1\nprocess.roles=broker,controller\nlog.dirs=" + directory_of(1) + "\n");
    const std::string command = std::string(MILENA_BINARY) + " kafka-storage format -t 4L6g3nShT-eMCtK--X86sw -c " +
                                file + " --add-scram 'SCRAM-SHA-512=[name=broker,password=scram-secret]' >&2";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  BrokerProcess& node(int id) { return *nodes_[static_cast<size_t>(id - 1)]; }
  std::string addresses() const {
    std::string all;
    for (const auto& one : nodes_) all += (all.empty() ? "" : ",") + ("localhost:" + std::to_string(one->port()));
    return all;
  }
  Config client() const {
    return {{"security.protocol", "SASL_SSL"}, {"ssl.ca.pem", authority_.certificate()}, {"sasl.mechanism", "PLAIN"},
            {"sasl.username", "alice"},        {"sasl.password", "alice-secret"}};
  }

  TestAuthority authority_;
  TestFolder folder_;
  std::string store_, trusted_, seed_, controller_;
  std::vector<std::unique_ptr<BrokerProcess>> nodes_;
};

INSTANTIATE_TEST_SUITE_P(Mechanisms, SecuredCluster, testing::Values("PLAIN", "SCRAM-SHA-512"),
                         [](const auto& each) { return std::string(each.param).substr(0, 5); });

TEST_P(SecuredCluster, ASeedFileIsAppliedThroughTheController) {
  EXPECT_EQ(Admin("localhost:" + std::to_string(node(3).port()), client()).topics()["seeded"], 2);
}

TEST_P(SecuredCluster, ReplicatesAndSurvivesAKill) {
  Config config = client();
  config.insert({{"enable.idempotence", "true"}, {"linger.ms", "0"}, {"message.timeout.ms", "60000"}});
  Producer producer(addresses(), config);
  int sent = 0;
  auto deliver_until = [&](size_t wanted) {
    return wait_until([&] {
      if (sent < static_cast<int>(producer.delivered().size()) + 500) {
        for (int i = 0; i < 3; i++, sent++) {
          Record record;
          record.topic = "stream";
          record.partition = i;
          record.value = std::to_string(sent);
          producer.send(record);
        }
      }
      rd_kafka_poll(producer.handle(), 1);
      return producer.delivered().size() >= wanted;
    });
  };
  ASSERT_TRUE(deliver_until(300));
  node(2).kill();
  ASSERT_TRUE(deliver_until(producer.delivered().size() + 600)) << "without node 2";
  node(2).start();
  node(3).kill();
  ASSERT_TRUE(deliver_until(producer.delivered().size() + 600)) << "without node 3, with node 2 again";
  producer.flush();
  EXPECT_EQ(producer.errors(), std::vector<std::string>{});
  ASSERT_EQ(producer.delivered().size(), static_cast<size_t>(sent));
  for (int32_t partition : {0, 1, 2}) {
    Consumer consumer(addresses(), client());
    consumer.assign("stream", {partition}, RD_KAFKA_OFFSET_BEGINNING);
    const auto records = consumer.read(static_cast<size_t>(sent) / 3);
    ASSERT_EQ(records.size(), static_cast<size_t>(sent) / 3);
    for (size_t i = 0; i < records.size(); i++) {
      ASSERT_EQ(records[i].value, std::to_string(3 * i + static_cast<size_t>(partition)));
    }
  }
  EXPECT_THAT(node(1).output(), testing::Not(testing::HasSubstr("secret")));
}

}  // namespace
}  // namespace milena::e2e
