// Authorizer: decides whether a client may do something. Handlers ask through their Call (call.h), with Kafka's
// operations and resources; each API declares its permissions in its entry (api_entry.h).
//
// An Authorizer is called often, on every shard at once, and never blocks. Resources are named literally: patterns are
// in the ACLs behind it.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/bytes.h"
#include "protocol/acl.h"

namespace milena::security {

// The principal that a connection authenticated as.
struct Principal {
  std::string type = "User";
  std::string name = "ANONYMOUS";
  bool by_token = false;  // authenticated with a delegation token

  bool operator==(const Principal& other) const { return type == other.type && name == other.name; }
};

// An operation on a type of resource.
struct Permission {
  AclOperation operation;
  AclResourceType resource;

  bool operator==(const Permission&) const = default;
};

inline constexpr Permission kReadTopic{AclOperation::kRead, AclResourceType::kTopic};
inline constexpr Permission kWriteTopic{AclOperation::kWrite, AclResourceType::kTopic};
inline constexpr Permission kCreateTopic{AclOperation::kCreate, AclResourceType::kTopic};
inline constexpr Permission kDeleteTopic{AclOperation::kDelete, AclResourceType::kTopic};
inline constexpr Permission kAlterTopic{AclOperation::kAlter, AclResourceType::kTopic};
inline constexpr Permission kDescribeTopic{AclOperation::kDescribe, AclResourceType::kTopic};
inline constexpr Permission kDescribeTopicConfigs{AclOperation::kDescribeConfigs, AclResourceType::kTopic};
inline constexpr Permission kAlterTopicConfigs{AclOperation::kAlterConfigs, AclResourceType::kTopic};
inline constexpr Permission kReadGroup{AclOperation::kRead, AclResourceType::kGroup};
inline constexpr Permission kDescribeGroup{AclOperation::kDescribe, AclResourceType::kGroup};
inline constexpr Permission kDeleteGroup{AclOperation::kDelete, AclResourceType::kGroup};
inline constexpr Permission kDescribeGroupConfigs{AclOperation::kDescribeConfigs, AclResourceType::kGroup};
inline constexpr Permission kAlterGroupConfigs{AclOperation::kAlterConfigs, AclResourceType::kGroup};
inline constexpr Permission kCreateInCluster{AclOperation::kCreate, AclResourceType::kCluster};
inline constexpr Permission kDeleteInCluster{AclOperation::kDelete, AclResourceType::kCluster};
inline constexpr Permission kAlterCluster{AclOperation::kAlter, AclResourceType::kCluster};
inline constexpr Permission kDescribeTheCluster{AclOperation::kDescribe, AclResourceType::kCluster};
inline constexpr Permission kClusterAction{AclOperation::kClusterAction, AclResourceType::kCluster};
inline constexpr Permission kDescribeClusterConfigs{AclOperation::kDescribeConfigs, AclResourceType::kCluster};
inline constexpr Permission kAlterClusterConfigs{AclOperation::kAlterConfigs, AclResourceType::kCluster};
inline constexpr Permission kIdempotentWrite{AclOperation::kIdempotentWrite, AclResourceType::kCluster};
inline constexpr Permission kDescribeTransactionalId{AclOperation::kDescribe, AclResourceType::kTransactionalId};
inline constexpr Permission kWriteTransactionalId{AclOperation::kWrite, AclResourceType::kTransactionalId};
inline constexpr Permission kCreateUserTokens{AclOperation::kCreateTokens, AclResourceType::kUser};

class Permissions {
 public:
  constexpr Permissions() = default;
  constexpr Permissions(std::initializer_list<Permission> all) {
    for (const Permission& each : all) add(each);
  }
  constexpr void add(Permission one) {
    operations_[static_cast<size_t>(one.resource)] |= acl_operation_bit(one.operation);
  }
  constexpr bool has(Permission one) const {
    return (operations_[static_cast<size_t>(one.resource)] & acl_operation_bit(one.operation)) != 0;
  }
  constexpr bool empty() const { return *this == Permissions(); }
  constexpr bool operator==(const Permissions&) const = default;
  // "Topic: Read, Write; Cluster: ClusterAction", for people.
  std::string to_string() const;

 private:
  std::array<int32_t, kAclResourceTypeCount> operations_{};
};

// The requester, for the time of the call.
struct Requester {
  const Principal& principal;
  ByteView host;
  ByteView listener;
};

class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual bool allows(const Requester& who, Permission permission, ByteView resource_name) const = 0;
  // Whether the operation is allowed on any resource of the type.
  virtual bool allows_somewhere(const Requester& who, Permission permission) const = 0;
  // Bit n for operation n, of the type's operations.
  virtual int32_t allowed_operations(const Requester& who, AclResourceType type, ByteView resource_name) const;
  // False if the settings name no authorizer: requests about ACLs return SECURITY_DISABLED.
  virtual bool configured() const = 0;
};

// Allows everything.
const Authorizer& allow_all_authorizer();

}  // namespace milena::security
