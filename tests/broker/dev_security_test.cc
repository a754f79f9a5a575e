// `milena --dev-security`: a listener for only the two users, the same after a restart.
#include "broker/dev_security.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "broker/node_harness.h"
#include "broker/sasl_client.h"
#include "config/settings_file.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/metadata.h"

namespace milena::broker::broker_test {
namespace {

class DevSecurityTest : public testing::Test {
 protected:
  DevSecurityTest() : node_(1) {
    Status set = settings_.set("log.dirs", node_.directory() + "/data");
    EXPECT_TRUE(set.ok());
  }
  DevSecurity prepare(bool tls = false) {
    DevSecurityOptions options;
    options.tls = tls;
    SeededRandom random(++seed_);
    auto made = prepare_dev_security(posix_file_system(), settings_, options, system_clock(), random);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return made.take();
  }
  std::string password(const DevSecurity& made, const std::string& user) {
    auto content = posix_file_system().read_file(made.directory + "/passwords.properties");
    auto lines = parse_properties(*content);
    for (const Property& line : *lines) {
      if (line.key == user) return line.value;
    }
    return "";
  }

  NodeHarness node_;
  config::Settings settings_;
  uint64_t seed_ = 0;
};

TEST_F(DevSecurityTest, ItsUsersAreLetInAndNobodyElse) {
  DevSecurity made = prepare();
  for (const std::string& setting : made.overrides) {
    node_.set(setting.substr(0, setting.find('=')), setting.substr(setting.find('=') + 1));
  }
  ASSERT_NO_FATAL_FAILURE(node_.start());
  for (const char* user : {"admin", "reader"}) {
    TestClient& plain = node_.connect(0, "DEV", security::SecurityProtocol::kSaslPlaintext);
    EXPECT_EQ(log_in_plain(plain, user, password(made, user)).error_code, ErrorCode::kNone);
    CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.num_partitions = 1;
    topic.replication_factor = 1;
    EXPECT_EQ(plain.ask<CreateTopicsResponse>(request, 5).topics[0].error_code,
              user == std::string("admin") ? ErrorCode::kNone : ErrorCode::kTopicAuthorizationFailed);
  }
  TestClient& other = node_.connect(0, "DEV", security::SecurityProtocol::kSaslPlaintext);
  shake_hands(other, "PLAIN");
  send_token(other, plain_token("admin", "admin"));
  node_.advance(100);
  EXPECT_EQ(other.take<SaslAuthenticateResponse>(2).error_code, ErrorCode::kSaslAuthenticationFailed);
}

TEST_F(DevSecurityTest, PasswordsStayAndAreForTheOwnerAlone) {
  DevSecurity first = prepare(true);
  const std::string before = password(first, "admin");
  const auto authority = posix_file_system().read_file(first.directory + "/ca.pem").value();
  EXPECT_GE(before.size(), 20u);
  EXPECT_NE(before, password(first, "reader"));
  DevSecurity second = prepare(true);
  EXPECT_EQ(password(second, "admin"), before);
  EXPECT_EQ(posix_file_system().read_file(first.directory + "/ca.pem").value(), authority);
  for (const auto& entry : std::filesystem::directory_iterator(first.directory)) {
    struct stat found {};
    ASSERT_EQ(::stat(entry.path().c_str(), &found), 0);
    if (entry.path().filename() == "ca.pem") continue;
    EXPECT_EQ(found.st_mode & 0777, 0600u) << entry.path();
  }
  for (const std::string& line : first.advice) EXPECT_THAT(line, testing::Not(testing::HasSubstr(before)));
}

TEST_F(DevSecurityTest, WhatIsSetStays) {
  ASSERT_TRUE(settings_.set("listeners", "SASL_PLAINTEXT://localhost:9999").ok());
  DevSecurity made = prepare();
  for (const std::string& setting : made.overrides) EXPECT_FALSE(setting.starts_with("listeners=")) << setting;
  EXPECT_THAT(posix_file_system().read_file(made.directory + "/admin.properties").value(),
              testing::HasSubstr("bootstrap.servers=localhost:9999\n"));
  // A broker with an open listener is not secured.
  ASSERT_TRUE(settings_.set("listeners", "PLAINTEXT://localhost:9999").ok());
  SeededRandom random(1);
  EXPECT_FALSE(prepare_dev_security(posix_file_system(), settings_, {}, system_clock(), random).ok());
}

}  // namespace
}  // namespace milena::broker::broker_test
