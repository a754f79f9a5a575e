#include "tools/seed/dev_users.h"

#include "base/sha2.h"
#include "tools/records/record_json.h"

namespace milena::tools {
namespace {

constexpr char kReader[] = "reader";

AclRule allow(const std::string& user, AclOperation operation) {
  return {.principal = "User:" + user, .host = "*", .operation = operation};
}

AclResource literal(AclResourceType type, ByteView name) {
  return {.type = type, .name = std::string(name), .pattern = AclPatternType::kLiteral};
}

}  // namespace

Seed dev_users(const std::map<std::string, std::string>& passwords) {
  Seed seed;
  seed.users_are_replaced = true;
  Bytes digested = "--dev-security";
  for (const auto& [user, password] : passwords) {
    seed.users.push_back({user, password, {security::ScramMechanism::kSha256, security::ScramMechanism::kSha512}});
    digested += "\n" + user + "=" + password;
    if (user != kReader) continue;
    seed.acls[literal(AclResourceType::kTopic, "*")] = {allow(user, AclOperation::kRead),
                                                        allow(user, AclOperation::kDescribeConfigs)};
    seed.acls[literal(AclResourceType::kGroup, "*")] = {allow(user, AclOperation::kRead)};
    seed.acls[literal(AclResourceType::kCluster, kClusterResource)] = {allow(user, AclOperation::kDescribe)};
  }
  seed.digest = base64(sha2_digest(Sha2::k256, digested));
  return seed;
}

}  // namespace milena::tools
