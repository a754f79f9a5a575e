// ACLs in requests: filters, and which ACLs pass them (KIP-140, KIP-290). Pure; the ACLs are in the image,
// controller_acls.cc changes them, security/acl_rules.h evaluates them. Sources: Kafka's AclBindingFilter,
// DescribeAclsResponse, AclControlManager.
#pragma once

#include <optional>
#include <set>
#include <tuple>

#include "metadata/image.h"
#include "metadata/metadata_record.h"
#include "protocol/acl.h"
#include "protocol/messages/delete_acls.h"
#include "protocol/messages/describe_acls.h"

namespace milena::metadata {

struct AclFilter {
  AclResourceType resource_type = AclResourceType::kAny;
  AclPatternType pattern_type = AclPatternType::kAny;
  AclOperation operation = AclOperation::kAny;
  AclPermissionType permission = AclPermissionType::kAny;
  // nullopt: any.
  std::optional<ByteView> resource_name;
  std::optional<ByteView> principal;
  std::optional<ByteView> host;

  // For request and record: the fields have the same names in both.
  template <class Fields>
  static AclFilter from(const Fields& fields) {
    return {acl_resource_type(fields.resource_type_filter),
            acl_pattern_type(fields.pattern_type_filter),
            acl_operation(fields.operation),
            acl_permission_type(fields.permission_type),
            fields.resource_name_filter,
            fields.principal_filter,
            fields.host_filter};
  }

  bool matches(const AccessControlEntryRecord& acl) const;
  // Whether it matches exactly one ACL.
  bool names_one() const;
};

// The parts of an ACL without its id, for comparison.
inline auto acl_content(const AccessControlEntryRecord& acl) {
  return std::tie(acl.resource_type, acl.resource_name, acl.pattern_type, acl.principal, acl.host, acl.operation,
                  acl.permission_type);
}
struct ByAclContent {
  bool operator()(const AccessControlEntryRecord* a, const AccessControlEntryRecord* b) const {
    return acl_content(*a) < acl_content(*b);
  }
};

using AclsByContent = std::multiset<const AccessControlEntryRecord*, ByAclContent>;

DescribeAclsResponse describe_acls(const std::map<Uuid, AccessControlEntryRecord>& acls,
                                   const DescribeAclsRequest& request);

// Why a host is invalid in a new ACL; nullopt if it is valid. Ranges of addresses need metadata.version 4.4-IV1.
struct AclHostRefusal {
  bool too_early = false;  // needs a later metadata.version
  Bytes message;
};
std::optional<AclHostRefusal> refuse_acl_host(ByteView host, int16_t metadata_version);

}  // namespace milena::metadata
