#include "protocol/acl.h"

#include <initializer_list>

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

int32_t bits_of(std::initializer_list<AclOperation> operations) {
  int32_t bits = 0;
  for (AclOperation operation : operations) bits |= acl_operation_bit(operation);
  return bits;
}

}  // namespace

std::string_view acl_operation_name(AclOperation operation) { return kOperationNames[static_cast<size_t>(operation)]; }

std::string_view acl_resource_type_name(AclResourceType type) { return kResourceTypeNames[static_cast<size_t>(type)]; }

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
