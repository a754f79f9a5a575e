#include "protocol/acl.h"

#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace milena {
namespace {

constexpr std::string_view kOperationNames[kAclOperationCount] = {"Unknown",
                                                                  "Any",
                                                                  "All",
                                                                  "Read",
                                                                  "Write",
                                                                  "Create",
                                                                  "Delete",
                                                                  "Alter",
                                                                  "Describe",
                                                                  "ClusterAction",
                                                                  "DescribeConfigs",
                                                                  "AlterConfigs",
                                                                  "IdempotentWrite",
                                                                  "CreateTokens",
                                                                  "DescribeTokens",
                                                                  "TwoPhaseCommit"};

constexpr std::string_view kResourceTypeNames[kAclResourceTypeCount] = {
    "Unknown", "Any", "Topic", "Group", "Cluster", "TransactionalId", "DelegationToken", "User"};

constexpr std::string_view kPatternTypeConstants[] = {"UNKNOWN", "ANY", "MATCH", "LITERAL", "PREFIXED"};
constexpr std::string_view kPermissionTypeConstants[] = {"UNKNOWN", "ANY", "DENY", "ALLOW"};

// "DescribeConfigs" as a constant of Java: "DESCRIBE_CONFIGS".
std::vector<std::string> constants_of(std::span<const std::string_view> names) {
  std::vector<std::string> constants;
  for (std::string_view name : names) {
    std::string& constant = constants.emplace_back();
    for (const char c : name) {
      const bool upper = c >= 'A' && c <= 'Z';
      if (upper && !constant.empty()) constant += '_';
      constant += upper ? c : static_cast<char>(c - 'a' + 'A');
    }
  }
  return constants;
}

template <class Code>
Code known_or_unknown(int8_t code, size_t count) {
  return code >= 0 && static_cast<size_t>(code) < count ? static_cast<Code>(code) : Code::kUnknown;
}

int32_t bits_of(std::initializer_list<AclOperation> operations) {
  int32_t bits = 0;
  for (AclOperation operation : operations) bits |= acl_operation_bit(operation);
  return bits;
}

}  // namespace

std::string_view acl_operation_name(AclOperation operation) { return kOperationNames[static_cast<size_t>(operation)]; }

std::string_view acl_resource_type_name(AclResourceType type) { return kResourceTypeNames[static_cast<size_t>(type)]; }

AclOperation acl_operation(int8_t code) { return known_or_unknown<AclOperation>(code, kAclOperationCount); }

AclResourceType acl_resource_type(int8_t code) {
  return known_or_unknown<AclResourceType>(code, kAclResourceTypeCount);
}

AclPatternType acl_pattern_type(int8_t code) {
  return known_or_unknown<AclPatternType>(code, std::size(kPatternTypeConstants));
}

AclPermissionType acl_permission_type(int8_t code) {
  return known_or_unknown<AclPermissionType>(code, std::size(kPermissionTypeConstants));
}

std::string_view acl_constant(AclOperation operation) {
  static const std::vector<std::string> constants = constants_of(kOperationNames);
  return constants[static_cast<size_t>(operation)];
}
std::string_view acl_constant(AclResourceType type) {
  static const std::vector<std::string> constants = constants_of(kResourceTypeNames);
  return constants[static_cast<size_t>(type)];
}
std::string_view acl_constant(AclPatternType type) { return kPatternTypeConstants[static_cast<size_t>(type)]; }
std::string_view acl_constant(AclPermissionType type) { return kPermissionTypeConstants[static_cast<size_t>(type)]; }

int32_t supported_operations(AclResourceType type) {
  using enum AclOperation;
  switch (type) {
    case AclResourceType::kTopic:
      return bits_of({kRead, kWrite, kCreate, kDescribe, kDelete, kAlter, kDescribeConfigs, kAlterConfigs});
    case AclResourceType::kGroup: return bits_of({kRead, kDescribe, kDelete, kDescribeConfigs, kAlterConfigs});
    case AclResourceType::kCluster:
      return bits_of({kCreate, kClusterAction, kDescribeConfigs, kAlterConfigs, kIdempotentWrite, kAlter, kDescribe});
    case AclResourceType::kTransactionalId: return bits_of({kDescribe, kWrite, kTwoPhaseCommit});
    case AclResourceType::kDelegationToken: return bits_of({kDescribe});
    case AclResourceType::kUser: return bits_of({kCreateTokens, kDescribeTokens});
    default: return 0;
  }
}

}  // namespace milena
