#include "metadata/acls.h"

#include <fmt/format.h>

#include <map>

#include "base/ip_address.h"

namespace milena::metadata {
namespace {

// MetadataVersion.isCidrAclSupported: 4.4-IV1.
constexpr int16_t kFirstMetadataVersionWithRanges = 32;

bool name_matches(const AclFilter& filter, const AccessControlEntryRecord& acl) {
  if (!filter.resource_name) return true;
  const ByteView name = *filter.resource_name;
  const AclPatternType pattern = acl_pattern_type(acl.pattern_type);
  if (filter.pattern_type != AclPatternType::kMatch) return name == acl.resource_name;
  // The ACLs that apply to a resource of that name.
  switch (pattern) {
    case AclPatternType::kLiteral:
      return name == acl.resource_name || acl.resource_name == kAclWildcard;
    case AclPatternType::kPrefixed:
      return name.starts_with(acl.resource_name);
    default:
      return false;
  }
}

}  // namespace

bool AclFilter::matches(const AccessControlEntryRecord& acl) const {
  if (resource_type != AclResourceType::kAny && resource_type != acl_resource_type(acl.resource_type)) return false;
  if (pattern_type != AclPatternType::kAny && pattern_type != AclPatternType::kMatch &&
      pattern_type != acl_pattern_type(acl.pattern_type)) {
    return false;
  }
  if (!name_matches(*this, acl)) return false;
  if (principal && *principal != acl.principal) return false;
  if (host && *host != acl.host) return false;
  if (operation != AclOperation::kAny && operation != acl_operation(acl.operation)) return false;
  return permission == AclPermissionType::kAny || permission == acl_permission_type(acl.permission_type);
}

bool AclFilter::names_one() const {
  return resource_type != AclResourceType::kAny && resource_name && principal && host &&
         pattern_type != AclPatternType::kAny && pattern_type != AclPatternType::kMatch &&
         operation != AclOperation::kAny && permission != AclPermissionType::kAny;
}

DescribeAclsResponse describe_acls(const std::map<Uuid, AccessControlEntryRecord>& acls,
                                   const DescribeAclsRequest& request) {
  using Resource = std::tuple<int8_t, ByteView, int8_t>;
  std::map<Resource, std::vector<const AccessControlEntryRecord*>> found;
  const AclFilter filter = AclFilter::from(request);
  for (const auto& [id, acl] : acls) {
    if (filter.matches(acl)) found[{acl.resource_type, acl.resource_name, acl.pattern_type}].push_back(&acl);
  }
  DescribeAclsResponse response;
  for (const auto& [resource, entries] : found) {
    auto& described = response.resources.emplace_back();
    described.resource_type = std::get<0>(resource);
    described.resource_name = Bytes(std::get<1>(resource));
    described.pattern_type = std::get<2>(resource);
    for (const AccessControlEntryRecord* acl : entries) {
      described.acls.push_back({acl->principal, acl->host, acl->operation, acl->permission_type});
    }
  }
  return response;
}

std::optional<AclHostRefusal> refuse_acl_host(ByteView host, int16_t metadata_version) {
  if (host.find('/') == ByteView::npos) return std::nullopt;
  if (metadata_version < kFirstMetadataVersionWithRanges) {
    return AclHostRefusal{true, "CIDR-based ACL host patterns require metadata version 4.4-IV1 or higher."};
  }
  if (IpRange::parse(host)) return std::nullopt;
  return AclHostRefusal{false,
                        fmt::format("Invalid CIDR notation '{}': expected an address and a number of bits", host)};
}

}  // namespace milena::metadata
