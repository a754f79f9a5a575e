// The binary's own commands at a broker that requires TLS and a login.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdio>
#include <tuple>

#include "e2e/e2e_fixture.h"
#include "security/test_authority.h"

namespace milena::e2e {
namespace {

using security::security_test::TestAuthority;
using security::security_test::TestFolder;
using security::security_test::TestIdentity;
using testing::HasSubstr;
using testing::Not;

constexpr char kToolsLine[] =
    "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password=\"admin-secret\" "
    "user_admin=\"admin-secret\";";

class SecuredTools : public testing::Test {
 protected:
  void SetUp() override {
    const TestIdentity identity = authority_.issue("localhost");
    trusted_ = folder_.write("trusted.pem", authority_.certificate());
    broker_ = std::make_unique<BrokerProcess>(
        2, std::vector<std::string>{
               "listeners=CLIENT://localhost:{port}",
               "listener.security.protocol.map=CLIENT:SASL_SSL",
               "inter.broker.listener.name=CLIENT",
               "sasl.mechanism.inter.broker.protocol=PLAIN",
               "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
               std::string("listener.name.client.plain.sasl.jaas.config=") + kToolsLine,
               "connections.max.reauth.ms=1500",
               "ssl.keystore.type=PEM",
               "ssl.keystore.location=" + folder_.write("store.pem", identity.key + identity.certificate),
               "ssl.truststore.type=PEM",
               "ssl.truststore.location=" + trusted_,
               "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
               "super.users=User:admin"});
    admin_ = properties("admin", "PLAIN", "plain.PlainLoginModule", "admin", "admin-secret");
  }

  std::string properties(const std::string& file, const std::string& mechanism, const std::string& module,
                         const std::string& user, const std::string& password) {
    return folder_.write(file + ".properties",
                         "security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location=" + trusted_ +
                             "\nsasl.mechanism=" + mechanism +
                             "\nsasl.jaas.config=org.apache.kafka.common.security." + module +
                             " required username=\"" + user + "\" password=\"" + password + "\";\n");
  }
  // The exit code, and both outputs.
  std::pair<int, std::string> run(const std::string& words, const std::string& config = "",
                                  const std::string& input = "") {
    const std::string address = "localhost:" + std::to_string(broker_->port());
    std::string command = "printf '" + input + "' | " + MILENA_BINARY + " " + words;
    if (!words.starts_with("health") && !words.starts_with("config")) command += " --bootstrap-server " + address;
    if (!config.empty()) command += " --command-config " + config;
    const Outcome outcome = run_line(command);
    return {outcome.code, outcome.output};
  }
  std::string fine(const std::string& words, const std::string& config, const std::string& input = "") {
    auto [code, output] = run(words, config, input);
    EXPECT_EQ(code, 0) << words << "\n" << output;
    return output;
  }

  TestAuthority authority_;
  TestFolder folder_;
  std::string trusted_, admin_;
  std::unique_ptr<BrokerProcess> broker_;
};

TEST_F(SecuredTools, UsersAndAclsAreMadeAndHold) {
  fine("topics create orders", admin_);
  fine("users set alice", admin_, "alice-secret\\n");
  EXPECT_THAT(fine("users list", admin_), testing::AllOf(HasSubstr("alice"), HasSubstr("SCRAM-SHA-256"),
                                                         HasSubstr("SCRAM-SHA-512")));
  for (const char* mechanism : {"SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    const std::string alice = properties("alice", mechanism, "scram.ScramLoginModule", "alice", "alice-secret");
    EXPECT_THAT(fine("topics", alice), Not(HasSubstr("orders"))) << mechanism;
  }
  const std::string alice = properties("alice", "SCRAM-SHA-512", "scram.ScramLoginModule", "alice", "alice-secret");
  EXPECT_NE(run("produce orders", alice, "refused\\n").first, 0);
  fine("acls allow alice -o write -o read -r topic:orders", admin_);
  EXPECT_THAT(fine("acls list alice", admin_), testing::AllOf(HasSubstr("User:alice"), HasSubstr("Write"),
                                                              HasSubstr("orders")));
  fine("produce orders", alice, "one\\ntwo\\n");
  EXPECT_EQ(fine("cat orders", alice), "one\ntwo\n");
  EXPECT_EQ(fine("acls delete alice -r topic:orders -o write", admin_), "1 deleted\n");
  EXPECT_NE(run("produce orders", alice, "refused\\n").first, 0);
  EXPECT_THAT(fine("kafka-acls --list --topic orders", admin_),
              HasSubstr("Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=orders, "
                        "patternType=LITERAL)`:\n\t(principal=User:alice, host=*, operation=READ, "
                        "permissionType=ALLOW)\n\n"));
  fine("users delete alice", admin_);
  EXPECT_THAT(run("topics", alice).second, HasSubstr("Authentication failed"));
}

TEST_F(SecuredTools, AMonitoringSystemIsToldWhenCertificatesEnd) {
  const std::string check = "check --nagios --disk 0: ";
  EXPECT_THAT(fine(check + "--certificates 0:", admin_),
              testing::AllOf(testing::StartsWith("MILENA OK - "), HasSubstr("'certificate_1'=")));
  auto [code, output] = run(check + "--certificates 1:,100000:", admin_);
  EXPECT_EQ(code, 2);
  EXPECT_THAT(output, testing::ContainsRegex("CRITICAL - a certificate of broker 1 expires in [0-9]+ days"));
  const std::string wrong = properties("wrong", "PLAIN", "plain.PlainLoginModule", "admin", "guess");
  EXPECT_EQ(run(check, wrong).first, 3);
  // A user without the permission for a figure does not get it.
  fine("users set alice", admin_, "alice-secret\\n");
  const std::string alice = properties("alice", "SCRAM-SHA-512", "scram.ScramLoginModule", "alice", "alice-secret");
  std::tie(code, output) = run(check + "--certificates 0:", alice);
  EXPECT_EQ(code, 3) << output;
  EXPECT_THAT(output, HasSubstr("UNKNOWN - directories of broker 1: CLUSTER_AUTHORIZATION_FAILED"));
}

TEST_F(SecuredTools, WhoIsNotKnownIsToldWhy) {
  const std::string wrong = properties("wrong", "PLAIN", "plain.PlainLoginModule", "admin", "guess");
  auto [code, output] = run("topics", wrong);
  EXPECT_EQ(code, 1);
  EXPECT_THAT(output, HasSubstr("Authentication failed: Invalid username or password"));
  EXPECT_THAT(output, Not(HasSubstr("guess")));
  EXPECT_EQ(run("topics").first, 1);  // without TLS
  TestAuthority another("Another CA");
  const std::string text = folder_.write("foreign.pem", another.certificate());
  const std::string foreign = folder_.write("foreign.properties",
                                            "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=" +
                                                text + "\n");
  EXPECT_THAT(run("topics", foreign).second, HasSubstr("certificate verify failed"));
  const std::string odd = folder_.write("odd.properties", "security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI\n");
  EXPECT_THAT(run("topics", odd).second, HasSubstr("sasl.mechanism=GSSAPI: expected PLAIN"));
}

TEST_F(SecuredTools, HealthIsAskedWithALogin) {
  const std::string address = "localhost:" + std::to_string(broker_->port());
  EXPECT_EQ(run("health --command-config " + admin_ + " " + address).first, 0);
  EXPECT_EQ(run("health " + address).first, 1);
  // With the broker's own settings, like another broker.
  const std::string settings = folder_.write(
      "server.properties", "listeners=CLIENT://" + address + "\nlistener.security.protocol.map=CLIENT:SASL_SSL\n" +
                               "inter.broker.listener.name=CLIENT\nsasl.mechanism.inter.broker.protocol=PLAIN\n" +
                               "sasl.enabled.mechanisms=PLAIN\nlistener.name.client.plain.sasl.jaas.config=" +
                               kToolsLine + "\nssl.truststore.type=PEM\nssl.truststore.location=" + trusted_ + "\n");
  auto [code, output] = run("health " + settings);
  EXPECT_EQ(code, 0) << output;
}

// Longer than a session.
TEST_F(SecuredTools, ACommandLogsInAgainInTime) {
  fine("topics create long", admin_);
  const std::string output = fine("perf produce long -n 4000 -s 100 --batch 1000 --rate 1000", admin_);
  EXPECT_THAT(output, Not(HasSubstr("closed the connection")));
}

}  // namespace
}  // namespace milena::e2e
