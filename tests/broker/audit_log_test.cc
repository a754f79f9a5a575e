// The audit log: denied requests, and changes of the cluster, are logged.
#include "broker/clients/audit_log.h"

#include <fstream>
#include <sstream>

#include "broker/node_fixture.h"
#include "protocol/acl.h"
#include "protocol/messages/create_acls.h"
#include "protocol/messages/metadata.h"

namespace milena::broker::broker_test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class AuditLogTest : public NodeFixture {
 protected:
  void SetUp() override {
    path_ = node().directory() + "/audit.json";
    node().set("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    node().set("allow.everyone.if.no.acl.found", "true");
    node().set("milena.audit.log", path_);
    NodeFixture::SetUp();
  }
  void close_topic(ByteView name) {
    CreateAclsRequest request;
    auto& acl = request.creations.emplace_back();
    acl.resource_type = static_cast<int8_t>(AclResourceType::kTopic);
    acl.resource_name = name;
    acl.principal = "User:nobody";
    acl.host = "*";
    acl.operation = static_cast<int8_t>(AclOperation::kRead);
    acl.permission_type = static_cast<int8_t>(AclPermissionType::kAllow);
    ASSERT_EQ(client().ask<CreateAclsResponse>(request, 3).results.at(0).error_code, ErrorCode::kNone);
  }

  std::string path_;
};
INSTANTIATE_TEST_SUITE_P(Shards, AuditLogTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(AuditLogTest, DeniedAndAdministrativeRequestsAreLines) {
  create_topic("t");
  produce("t", 0, {"allowed, and no affair of the log"});
  close_topic("t");
  EXPECT_EQ(produce("t", 0, {"v"}).error_code, ErrorCode::kTopicAuthorizationFailed);
  // Left out of the response without an error, and so not denied.
  MetadataRequest all;
  all.topics.reset();
  EXPECT_TRUE(client().ask<MetadataResponse>(all, 9).topics.empty());
  EXPECT_THAT(lines_of(path_),
              ElementsAre(AllOf(HasSubstr("\"administrative\""), HasSubstr("\"CreateTopics\""),
                                HasSubstr("\"targets\":[\"t\"]")),
                          AllOf(HasSubstr("\"administrative\""),
                                HasSubstr("\"targets\":[\"ALLOW READ of TOPIC LITERAL t to User:nobody from *\"]")),
                          AllOf(HasSubstr("\"denied\""), HasSubstr("\"principal\":\"User:ANONYMOUS\""),
                                HasSubstr("{\"operation\":\"Write\",\"type\":\"Topic\",\"name\":\"t\"}"))));
}

TEST_P(AuditLogTest, TheFileMayBeTakenAwayMeanwhile) {
  create_topic("one");
  std::filesystem::rename(path_, path_ + ".taken");
  create_topic("two");
  EXPECT_EQ(lines_of(path_ + ".taken").size(), 1u);
  EXPECT_EQ(lines_of(path_).size(), 1u);
}

TEST_P(AuditLogTest, AFileThatCannotBeWrittenHoldsNobodyUp) {
  std::filesystem::create_directory(path_);
  create_topic("one");
  create_topic("two");
  EXPECT_NE(node().topic("two"), nullptr);
}

TEST(AuditFile, IsRenamedWhenItIsFull) {
  NodeHarness node(1);
  const std::string path = node.directory() + "/audit.json";
  AuditFile file(posix_file_system(), path, 10);
  for (const char* line : {"12345678\n", "2\n", "longer than the file may be\n", "4\n"})
    EXPECT_TRUE(file.append(line).ok());
  EXPECT_THAT(lines_of(path), ElementsAre("4"));
  EXPECT_THAT(lines_of(path + ".1"), ElementsAre("longer than the file may be"));
}

}  // namespace
}  // namespace milena::broker::broker_test
