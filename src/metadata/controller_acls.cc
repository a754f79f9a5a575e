// The controller's CreateAcls and DeleteAcls (KIP-140). Source: Kafka's AclControlManager, AclApis.
#include <fmt/format.h>

#include <set>

#include "metadata/acls.h"
#include "metadata/controller.h"

namespace milena::metadata {
namespace {

// Most ACLs in one response to DeleteAcls: each filter lists all its matches, including those of other filters.
constexpr size_t kMaxMatches = 100'000;
// Most comparisons of filters with ACLs in one request; about a quarter of a second.
constexpr size_t kMaxComparisons = 20'000'000;

using AclResult = CreateAclsResponse::AclCreationResult;
using FilterResult = DeleteAclsResponse::DeleteAclsFilterResult;

AccessControlEntryRecord record_of(const CreateAclsRequest::AclCreation& wanted) {
  AccessControlEntryRecord record;
  record.resource_type = wanted.resource_type;
  record.resource_name = Bytes(wanted.resource_name);
  record.pattern_type = wanted.resource_pattern_type;
  record.principal = Bytes(wanted.principal);
  record.host = Bytes(wanted.host);
  record.operation = wanted.operation;
  record.permission_type = wanted.permission_type;
  return record;
}

std::optional<Bytes> refuse_form(const AccessControlEntryRecord& acl) {
  const AclResourceType type = acl_resource_type(acl.resource_type);
  const AclPatternType pattern = acl_pattern_type(acl.pattern_type);
  const AclOperation operation = acl_operation(acl.operation);
  const AclPermissionType permission = acl_permission_type(acl.permission_type);
  if (type == AclResourceType::kCluster && acl.resource_name != kClusterResource)
    return fmt::format("The only valid name for the CLUSTER resource is {}", kClusterResource);
  if (acl.resource_name.empty()) return "Invalid empty resource name";
  if (type == AclResourceType::kUnknown) return fmt::format("Invalid resourceType {}", acl_constant(type));
  if (pattern == AclPatternType::kUnknown) return fmt::format("Invalid patternType {}", acl_constant(pattern));
  if (operation == AclOperation::kUnknown || operation == AclOperation::kAny)
    return fmt::format("Invalid operation {}", acl_constant(operation));
  if (permission != AclPermissionType::kAllow && permission != AclPermissionType::kDeny)
    return fmt::format("Invalid permissionType {}", acl_constant(permission));
  if (acl.principal.find(':') == Bytes::npos) {
    return fmt::format(
        "Could not parse principal from `{}` (no colon is present separating the principal type from the principal "
        "name)",
        acl.principal);
  }
  return std::nullopt;
}

void refuse_acl(AclResult& result, ErrorCode code, std::optional<Bytes> message) {
  result.error_code = code;
  result.error_message = std::move(message);
}

// Kafka cannot represent these in a pattern, and fails the whole request.
bool has_no_pattern(const CreateAclsRequest::AclCreation& wanted) {
  const AclPatternType pattern = acl_pattern_type(wanted.resource_pattern_type);
  return acl_resource_type(wanted.resource_type) == AclResourceType::kAny || pattern == AclPatternType::kAny ||
         pattern == AclPatternType::kMatch;
}

DeleteAclsResponse::DeleteAclsMatchingAcl matching(const AccessControlEntryRecord& acl) {
  return {ErrorCode::kNone, std::nullopt, acl.resource_type, acl.resource_name,  acl.pattern_type,
          acl.principal,    acl.host,     acl.operation,     acl.permission_type};
}

ControllerEffects<DeleteAclsResponse> refuse_all(size_t filters, const Bytes& message) {
  ControllerEffects<DeleteAclsResponse> effects;
  effects.response.filter_results.resize(filters);
  for (FilterResult& result : effects.response.filter_results) {
    result.error_code = ErrorCode::kInvalidRequest;
    result.error_message = message;
  }
  return effects;
}

std::optional<Bytes> refuse_filter(const AclFilter& filter) {
  if (filter.resource_type == AclResourceType::kUnknown || filter.pattern_type == AclPatternType::kUnknown)
    return "Unknown patternFilter.";
  if (filter.operation == AclOperation::kUnknown || filter.permission == AclPermissionType::kUnknown)
    return "Unknown entryFilter.";
  return std::nullopt;
}

AccessControlEntryRecord record_of(const AclFilter& one) {
  AccessControlEntryRecord record;
  record.resource_type = static_cast<int8_t>(one.resource_type);
  record.resource_name = Bytes(*one.resource_name);
  record.pattern_type = static_cast<int8_t>(one.pattern_type);
  record.principal = Bytes(*one.principal);
  record.host = Bytes(*one.host);
  record.operation = static_cast<int8_t>(one.operation);
  record.permission_type = static_cast<int8_t>(one.permission);
  return record;
}

}  // namespace

ControllerEffects<CreateAclsResponse> Controller::create_acls(const CreateAclsRequest& request) const {
  ControllerEffects<CreateAclsResponse> effects;
  auto& results = effects.response.results;
  results.resize(request.creations.size());
  if (std::any_of(request.creations.begin(), request.creations.end(), has_no_pattern)) {
    for (AclResult& result : results) refuse_acl(result, ErrorCode::kUnknownServerError, std::nullopt);
    return effects;
  }
  std::vector<AccessControlEntryRecord> wanted;
  wanted.reserve(request.creations.size());
  AclsByContent created;
  for (size_t i = 0; i < request.creations.size(); i++) {
    const AccessControlEntryRecord& acl = wanted.emplace_back(record_of(request.creations[i]));
    if (auto message = refuse_form(acl)) {
      refuse_acl(results[i], ErrorCode::kInvalidRequest, std::move(message));
    } else if (auto refusal = refuse_acl_host(acl.host, image_.metadata_version())) {
      refuse_acl(results[i], refusal->too_early ? ErrorCode::kUnsupportedVersion : ErrorCode::kInvalidRequest,
                 std::move(refusal->message));
    } else if (!acls_.contains(&acl) && !created.contains(&acl)) {
      created.insert(&acl);
    }
  }
  if (created.size() > kMaxRecordsPerRequest) {
    for (AclResult& result : results) {
      if (result.error_code != ErrorCode::kNone) continue;
      refuse_acl(result, ErrorCode::kPolicyViolation, "Unable to perform excessively large batch operation.");
    }
    return effects;
  }
  std::set<Uuid> ids;
  for (AccessControlEntryRecord& acl : wanted) {
    if (const auto found = created.find(&acl); found == created.end() || *found != &acl) continue;
    do acl.id = new_uuid_();
    while (image_.acls().contains(acl.id) || !ids.insert(acl.id).second);
    effects.records.push_back(acl);
  }
  return effects;
}

ControllerEffects<DeleteAclsResponse> Controller::delete_acls(const DeleteAclsRequest& request) const {
  ControllerEffects<DeleteAclsResponse> effects;
  std::set<Uuid> deleted;
  size_t matches = 0, comparisons = 0;
  const auto take = [&](FilterResult& result, const AccessControlEntryRecord& acl) {
    result.matching_acls.push_back(matching(acl));
    deleted.insert(acl.id);
    matches++;
  };
  for (const auto& wanted : request.filters) {
    FilterResult& result = effects.response.filter_results.emplace_back();
    result.error_message.reset();
    const AclFilter filter = AclFilter::from(wanted);
    if (auto message = refuse_filter(filter)) {
      result.error_code = ErrorCode::kInvalidRequest;
      result.error_message = std::move(message);
    } else if (filter.names_one()) {
      const AccessControlEntryRecord one = record_of(filter);
      const auto [first, last] = acls_.equal_range(&one);
      std::for_each(first, last, [&](const auto* acl) { take(result, *acl); });
    } else {
      comparisons += image_.acls().size();
      if (comparisons > kMaxComparisons) return refuse_all(request.filters.size(), "There are too many filters");
      for (const auto& [id, acl] : image_.acls()) {
        if (filter.matches(acl)) take(result, acl);
        if (matches > kMaxMatches || deleted.size() > kMaxRecordsPerRequest) break;
      }
    }
    if (deleted.size() > kMaxRecordsPerRequest || matches > kMaxMatches) {
      return refuse_all(request.filters.size(), fmt::format("Cannot remove more than {} acls in a single delete "
                                                            "operation.",
                                                            kMaxRecordsPerRequest));
    }
  }
  for (const Uuid& id : deleted) {
    RemoveAccessControlEntryRecord record;
    record.id = id;
    effects.records.push_back(record);
  }
  return effects;
}

// Removes the ACL that a record replaces or removes from the index, before the image changes.
void Controller::forget_acl(const MetadataRecord& record) {
  const auto* removed = std::get_if<RemoveAccessControlEntryRecord>(&record);
  const auto* set = std::get_if<AccessControlEntryRecord>(&record);
  if (removed == nullptr && set == nullptr) return;
  const auto found = image_.acls().find(removed != nullptr ? removed->id : set->id);
  if (found == image_.acls().end()) return;
  const auto [first, last] = acls_.equal_range(&found->second);
  if (const auto at = std::find(first, last, &found->second); at != last) acls_.erase(at);
}

void Controller::note_acl(const MetadataRecord& record) {
  if (const auto* set = std::get_if<AccessControlEntryRecord>(&record)) acls_.insert(&image_.acls().at(set->id));
}

}  // namespace milena::metadata
