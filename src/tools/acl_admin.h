// Requests of commands about a cluster's ACLs. Results are by value; a response's error code becomes an Error.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/acl.h"
#include "tools/cluster.h"

namespace milena::tools {

// The resources of an ACL. In a filter `name` may be nothing: any.
struct AclResource {
  AclResourceType type = AclResourceType::kAny;
  std::optional<std::string> name;
  AclPatternType pattern = AclPatternType::kAny;

  auto operator<=>(const AclResource&) const = default;
  // In the form of Kafka's tools.
  std::string text() const;
};

// A rule that allows or denies a principal an operation.
struct AclRule {
  std::string principal;
  std::string host;
  AclOperation operation = AclOperation::kAll;
  AclPermissionType permission = AclPermissionType::kAllow;

  auto operator<=>(const AclRule&) const = default;
  std::string text() const;
};

using Acls = std::map<AclResource, std::set<AclRule>>;

// "describe", "DescribeConfigs", in any case; nullopt for an unknown one.
std::optional<AclOperation> parse_acl_operation(const std::string& name);
// "topic:orders", "cluster", ...; prefixed: names are prefixes.
Result<AclResource> parse_acl_resource(const std::string& text, bool prefixed);
// "User:alice".
bool is_principal(const std::string& text);

// After a failure `code` is the broker's error code, if it was one; the Error then has its text.
Result<Acls> describe_acls(Cluster& cluster, const AclResource& filter, ErrorCode* code = nullptr);
Status create_acls(Cluster& cluster, const Acls& acls, ErrorCode* code = nullptr);
// Returns the number deleted. Without rules: all of the resource.
Result<size_t> delete_acls(Cluster& cluster, const AclResource& filter, const std::set<AclRule>& rules,
                           ErrorCode* code = nullptr);

}  // namespace milena::tools
