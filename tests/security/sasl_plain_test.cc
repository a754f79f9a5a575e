#include "security/sasl_plain.h"

#include <gtest/gtest.h>

namespace milena::security {
namespace {

class PlainTest : public testing::Test {
 protected:
  PlainTest() {
    JaasEntry entry;
    entry.options = {{"username", "admin"}, {"password", "other"}, {"user_alice", "wonder"}, {"user_", "nobody"}};
    users_ = std::make_shared<PlainUsers>(entry, random_);
  }
  SaslStep step(std::string message) {
    server_ = make_plain_server(users_);
    return server_->step(message);
  }
  static std::string message(std::string authzid, std::string user, std::string password) {
    return authzid + '\0' + user + '\0' + password;
  }

  SeededRandom random_{1};
  std::shared_ptr<const PlainUsers> users_;
  std::unique_ptr<SaslServer> server_;
};

TEST_F(PlainTest, ThePasswordFits) {
  EXPECT_EQ(step(message("", "alice", "wonder")).kind, SaslStep::kDone);
  EXPECT_EQ(server_->identity().principal.name, "alice");
  EXPECT_FALSE(server_->identity().expires_ms);
  EXPECT_EQ(step(message("alice", "alice", "wonder")).kind, SaslStep::kDone);
}

TEST_F(PlainTest, UnknownUserAndWrongPasswordAreTheSame) {
  const std::string text = "Authentication failed: Invalid username or password";
  for (const auto& [user, password] : std::vector<std::pair<std::string, std::string>>{
           {"alice", "wonde"}, {"alice", "wonder "}, {"bob", "wonder"}, {"admin", "other"}, {"ALICE", "wonder"}}) {
    SaslStep refused = step(message("", user, password));
    EXPECT_EQ(refused.kind, SaslStep::kRefused);
    EXPECT_EQ(refused.message, text);
    EXPECT_EQ(refused.reason, text);
  }
}

TEST_F(PlainTest, OtherMessagesGetKafkasTexts) {
  EXPECT_EQ(step("").message, "Invalid SASL/PLAIN response: expected 3 tokens, got 1");
  EXPECT_EQ(step(message("", "alice", "won") + '\0').message, "Invalid SASL/PLAIN response: expected 3 tokens, got 4");
  EXPECT_EQ(step(message("", "alice", "won") + std::string(9, '\0')).message,
            "Invalid SASL/PLAIN response: expected 3 tokens, got 4");
  EXPECT_EQ(step(message("", "", "x")).message, "Authentication failed: username not specified");
  EXPECT_EQ(step(message("", "alice", "")).message, "Authentication failed: password not specified");
  EXPECT_EQ(step(message("bob", "alice", "wonder")).message,
            "Authentication failed: Client requested an authorization id that is different from username");
  // Only a client with the password gets the message about the other id.
  EXPECT_EQ(step(message("bob", "alice", "x")).message, "Authentication failed: Invalid username or password");
}

}  // namespace
}  // namespace milena::security
