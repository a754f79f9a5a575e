// Operations and types of resources, as ACLs know them. The numbers are those of the wire and of the metadata log
// (org.apache.kafka.common.acl.AclOperation, org.apache.kafka.common.resource.ResourceType).
#pragma once

#include <cstdint>
#include <string_view>

namespace milena {

enum class AclOperation : int8_t {
  kUnknown = 0,
  kAny = 1,
  kAll = 2,
  kRead = 3,
  kWrite = 4,
  kCreate = 5,
  kDelete = 6,
  kAlter = 7,
  kDescribe = 8,
  kClusterAction = 9,
  kDescribeConfigs = 10,
  kAlterConfigs = 11,
  kIdempotentWrite = 12,
  kCreateTokens = 13,
  kDescribeTokens = 14,
  kTwoPhaseCommit = 15,
};
inline constexpr size_t kAclOperationCount = 16;

enum class AclResourceType : int8_t {
  kUnknown = 0,
  kAny = 1,
  kTopic = 2,
  kGroup = 3,
  kCluster = 4,
  kTransactionalId = 5,
  kDelegationToken = 6,
  kUser = 7,
};
inline constexpr size_t kAclResourceTypeCount = 8;

// How the name in an ACL matches names of resources (org.apache.kafka.common.resource.PatternType). kAny and kMatch
// occur in filters only.
enum class AclPatternType : int8_t { kUnknown = 0, kAny = 1, kMatch = 2, kLiteral = 3, kPrefixed = 4 };

enum class AclPermissionType : int8_t { kUnknown = 0, kAny = 1, kDeny = 2, kAllow = 3 };

// As the name of a literal resource: every resource of the type. As a host: every host.
inline constexpr std::string_view kAclWildcard = "*";
inline constexpr std::string_view kAnyUserPrincipal = "User:*";

// The name of the one resource of type cluster.
inline constexpr std::string_view kClusterResource = "kafka-cluster";

// As Kafka's tools write them: "DescribeConfigs", "TransactionalId".
std::string_view acl_operation_name(AclOperation operation);
std::string_view acl_resource_type_name(AclResourceType type);

// A code of the wire or of a record; unknown ones give kUnknown, as in Kafka.
AclOperation acl_operation(int8_t code);
AclResourceType acl_resource_type(int8_t code);
AclPatternType acl_pattern_type(int8_t code);
AclPermissionType acl_permission_type(int8_t code);
// As Kafka's error messages write them: "DESCRIBE_CONFIGS", "TRANSACTIONAL_ID", "PREFIXED", "ALLOW".
std::string_view acl_constant(AclOperation operation);
std::string_view acl_constant(AclResourceType type);
std::string_view acl_constant(AclPatternType type);
std::string_view acl_constant(AclPermissionType type);

// A set of operations in responses (KIP-430): bit n is operation n.
constexpr int32_t acl_operation_bit(AclOperation operation) { return 1 << static_cast<int>(operation); }
// The operations of a resource type (Kafka's AclEntry.supportedOperations).
int32_t supported_operations(AclResourceType type);

}  // namespace milena
