#include "tools/acl_admin.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "protocol/messages/create_acls.h"
#include "protocol/messages/delete_acls.h"
#include "protocol/messages/describe_acls.h"

namespace milena::tools {
namespace {

// With `code` the text is only the broker's.
Error acl_error(ErrorCode found, const std::optional<Bytes>& message, ErrorCode* code) {
  if (code == nullptr) return answer_error(found, message);
  *code = found;
  return make_error(ErrorKind::kInvalid, "{}", message.value_or(Bytes(error_message(found))));
}

}  // namespace

std::string AclResource::text() const {
  return fmt::format("ResourcePattern(resourceType={}, name={}, patternType={})", acl_constant(type),
                     name.value_or("<any>"), acl_constant(pattern));
}

std::string AclRule::text() const {
  return fmt::format("(principal={}, host={}, operation={}, permissionType={})", principal, host,
                     acl_constant(operation), acl_constant(permission));
}

std::optional<AclOperation> parse_acl_operation(const std::string& name) {
  for (size_t i = static_cast<size_t>(AclOperation::kAll); i < kAclOperationCount; i++) {
    const auto operation = static_cast<AclOperation>(i);
    if (ascii_lower(name) == ascii_lower(acl_operation_name(operation))) return operation;
  }
  return std::nullopt;
}

Result<AclResource> parse_acl_resource(const std::string& text, bool prefixed) {
  constexpr std::pair<const char*, AclResourceType> kTypes[] = {
      {"topic", AclResourceType::kTopic},
      {"group", AclResourceType::kGroup},
      {"cluster", AclResourceType::kCluster},
      {"transactional-id", AclResourceType::kTransactionalId},
      {"token", AclResourceType::kDelegationToken},
      {"user", AclResourceType::kUser}};
  const size_t colon = text.find(':');
  const std::string type = ascii_lower(text.substr(0, colon));
  const auto known =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& each) { return type == each.first; });
  const bool is_cluster = known != std::end(kTypes) && known->second == AclResourceType::kCluster;
  if (known == std::end(kTypes) || (colon == std::string::npos) != is_cluster) {
    return make_error(ErrorKind::kInvalid,
                      "{}: expected topic:NAME, group:NAME, transactional-id:NAME, token:ID, user:NAME or cluster",
                      text);
  }
  std::string name = is_cluster ? std::string(kClusterResource) : text.substr(colon + 1);
  if (known->second == AclResourceType::kUser && !is_principal(name)) name = "User:" + name;
  return AclResource{known->second, std::move(name),
                     prefixed && !is_cluster ? AclPatternType::kPrefixed : AclPatternType::kLiteral};
}

bool is_principal(const std::string& text) { return text.find(':') != std::string::npos; }

Result<Acls> describe_acls(Cluster& cluster, const AclResource& filter, ErrorCode* code) {
  DescribeAclsRequest request;
  request.resource_type_filter = static_cast<int8_t>(filter.type);
  request.pattern_type_filter = static_cast<int8_t>(filter.pattern);
  request.resource_name_filter.reset();
  if (filter.name) request.resource_name_filter = ByteView(*filter.name);
  request.principal_filter.reset();
  request.host_filter.reset();
  request.operation = static_cast<int8_t>(AclOperation::kAny);
  request.permission_type = static_cast<int8_t>(AclPermissionType::kAny);
  auto answer = cluster.ask<DescribeAclsResponse>(request);
  RETURN_IF_ERROR(answer);
  if (answer->error_code != ErrorCode::kNone) return acl_error(answer->error_code, answer->error_message, code);
  Acls acls;
  for (const auto& found : answer->resources) {
    auto& rules = acls[{acl_resource_type(found.resource_type), found.resource_name,
                        acl_pattern_type(found.pattern_type)}];
    for (const auto& acl : found.acls) {
      rules.insert({acl.principal, acl.host, acl_operation(acl.operation), acl_permission_type(acl.permission_type)});
    }
  }
  return acls;
}

Status create_acls(Cluster& cluster, const Acls& acls, ErrorCode* code) {
  CreateAclsRequest request;
  for (const auto& [resource, rules] : acls) {
    for (const AclRule& rule : rules) {
      auto& creation = request.creations.emplace_back();
      creation.resource_type = static_cast<int8_t>(resource.type);
      creation.resource_name = ByteView(*resource.name);
      creation.resource_pattern_type = static_cast<int8_t>(resource.pattern);
      creation.principal = ByteView(rule.principal);
      creation.host = ByteView(rule.host);
      creation.operation = static_cast<int8_t>(rule.operation);
      creation.permission_type = static_cast<int8_t>(rule.permission);
    }
  }
  auto answer = cluster.ask<CreateAclsResponse>(request);
  RETURN_IF_ERROR(answer);
  for (const auto& result : answer->results) {
    if (result.error_code != ErrorCode::kNone) return acl_error(result.error_code, result.error_message, code);
  }
  return ok_status();
}

Result<size_t> delete_acls(Cluster& cluster, const AclResource& resource, const std::set<AclRule>& rules,
                           ErrorCode* code) {
  DeleteAclsRequest request;
  auto add_filter = [&]() -> auto& {
    auto& filter = request.filters.emplace_back();
    filter.resource_type_filter = static_cast<int8_t>(resource.type);
    filter.pattern_type_filter = static_cast<int8_t>(resource.pattern);
    filter.resource_name_filter.reset();
    if (resource.name) filter.resource_name_filter = ByteView(*resource.name);
    return filter;
  };
  for (const AclRule& rule : rules) {
    auto& filter = add_filter();
    filter.principal_filter = ByteView(rule.principal);
    filter.host_filter = ByteView(rule.host);
    filter.operation = static_cast<int8_t>(rule.operation);
    filter.permission_type = static_cast<int8_t>(rule.permission);
  }
  if (rules.empty()) {
    auto& filter = add_filter();
    filter.principal_filter.reset();
    filter.host_filter.reset();
    filter.operation = static_cast<int8_t>(AclOperation::kAny);
    filter.permission_type = static_cast<int8_t>(AclPermissionType::kAny);
  }
  auto answer = cluster.ask<DeleteAclsResponse>(request);
  RETURN_IF_ERROR(answer);
  size_t count = 0;
  for (const auto& result : answer->filter_results) {
    if (result.error_code != ErrorCode::kNone) return acl_error(result.error_code, result.error_message, code);
    for (const auto& acl : result.matching_acls) {
      if (acl.error_code != ErrorCode::kNone) return acl_error(acl.error_code, acl.error_message, code);
      count++;
    }
  }
  return count;
}

}  // namespace milena::tools
