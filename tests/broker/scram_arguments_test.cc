// The users that `milena storage format --add-scram` creates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/node_harness.h"
#include "broker/sasl_client.h"
#include "broker/storage/bootstrap_checkpoint.h"

namespace milena::broker::broker_test {
namespace {

using testing::HasSubstr;

std::string error_of(const std::string& argument) {
  SeededRandom random(1);
  auto records = scram_records(std::vector<std::string>{argument}, random);
  return records.ok() ? "no error" : records.error().message;
}

TEST(ScramArgumentsTest, MistakesAreNamedWithoutThePassword) {
  EXPECT_EQ(error_of("SCRAM-SHA-256=[name=alice,password=hush]"), "no error");
  EXPECT_EQ(error_of("SCRAM-SHA-512=[name=alice,iterations=8192,salt=c2FsdA==,saltedpassword=aHVzaA==]"), "no error");
  EXPECT_THAT(error_of("SCRAM-SHA-256"), HasSubstr("expected a '='"));
  EXPECT_THAT(error_of("SCRAM-SHA-1=[name=alice,password=hush]"), HasSubstr("expected the mechanism"));
  EXPECT_THAT(error_of("SCRAM-SHA-256=name=alice,password=hush"), HasSubstr("expected [ and ]"));
  EXPECT_THAT(error_of("SCRAM-SHA-256=[password=hush]"), HasSubstr("'name' is missing"));
  EXPECT_THAT(error_of("SCRAM-SHA-256=[name=alice]"), HasSubstr("expected 'password' or 'saltedpassword'"));
  EXPECT_THAT(error_of("SCRAM-SHA-256=[name=alice,saltedpassword=aHVzaA==]"), HasSubstr("without 'salt'"));
  EXPECT_THAT(error_of("SCRAM-SHA-256=[name=alice,password=hush,iterations=1]"), HasSubstr("iterations"));
  EXPECT_THAT(error_of("SCRAM-SHA-256=[name=alice,password=hush,x=1]"), HasSubstr("expected only the parts"));
  for (const char* argument : {"SCRAM-SHA-256=[name=alice,password=hush,hush]", "=[password=hush]",
                               "SCRAM-SHA-256=[name=alice,passwort=hush]"}) {
    EXPECT_THAT(error_of(argument), testing::Not(HasSubstr("hush"))) << argument;
  }
}

TEST(ScramArgumentsTest, TheUserMayLogInFromTheStart) {
  NodeHarness node(1);
  node.set("listeners", "SASL_PLAINTEXT://:9094");
  node.set("sasl.enabled.mechanisms", "SCRAM-SHA-512");
  SeededRandom random(1);
  auto users = scram_records(std::vector<std::string>{"SCRAM-SHA-512=[name=alice,password=\"wonder\"]"}, random);
  ASSERT_TRUE(users.ok());
  FileSystem& files = posix_file_system();
  ASSERT_TRUE(files.make_directories(node.directory() + "/data").ok());
  ASSERT_TRUE(write_bootstrap_records_with(files, node.directory() + "/data", *users, 1).ok());
  ASSERT_NO_FATAL_FAILURE(node.start());
  TestClient& client = node.connect(0, "SASL_PLAINTEXT", security::SecurityProtocol::kSaslPlaintext);
  log_in_scram(client, security::ScramMechanism::kSha512, "alice", "wonder");
  EXPECT_EQ(client.take<SaslAuthenticateResponse>(2).error_code, ErrorCode::kNone);
}

}  // namespace
}  // namespace milena::broker::broker_test
