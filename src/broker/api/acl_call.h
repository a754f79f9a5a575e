// Common code of the ACL requests (29 to 31).
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "broker/api/controller_call.h"
#include "broker/api/refusal.h"
#include "security/audit_line.h"

namespace milena::broker {

inline constexpr const char* kUnknownAclElements = "a request about ACLs with an element that is unknown";

template <class Filter>
bool filter_is_unknown(const Filter& filter) {
  return filter.pattern_type_filter == 0 || filter.resource_type_filter == 0 || filter.permission_type == 0 ||
         filter.operation == 0;
}

// An ACL, or a filter of them, for the audit log: "ALLOW READ of TOPIC LITERAL t to User:a from *".
template <class Acl>
Bytes acl_target(const Acl& acl) {
  const auto text = [](const std::optional<ByteView>& part) { return part ? *part : ByteView("any"); };
  if constexpr (requires { acl.resource_type_filter; }) {
    return fmt::format("{} {} of {} {} {} to {} from {}", acl_constant(acl_permission_type(acl.permission_type)),
                       acl_constant(acl_operation(acl.operation)),
                       acl_constant(acl_resource_type(acl.resource_type_filter)),
                       acl_constant(acl_pattern_type(acl.pattern_type_filter)), text(acl.resource_name_filter),
                       text(acl.principal_filter), text(acl.host_filter));
  } else {
    return fmt::format("{} {} of {} {} {} to {} from {}", acl_constant(acl_permission_type(acl.permission_type)),
                       acl_constant(acl_operation(acl.operation)), acl_constant(acl_resource_type(acl.resource_type)),
                       acl_constant(acl_pattern_type(acl.resource_pattern_type)), acl.resource_name, acl.principal,
                       acl.host);
  }
}

// Sends the request to the controller if the client may and there is an authorizer. Otherwise all `results`, one for
// each of `asked`, carry the error.
template <class CallType, class Asked, class Results>
void alter_acls(std::shared_ptr<CallType> call, const Asked& asked, Results CallType::Response::*results) {
  if (call->is_audited()) {
    for (const auto& one : asked) call->audit_trail().add_target(acl_target(one));
  }
  const bool allowed = call->allows(security::kAlterCluster);
  if (allowed && call->has_authorizer()) return ask_controller(call);
  typename CallType::Response response;
  (response.*results).resize(asked.size());
  for (auto& result : response.*results) {
    result.error_code = allowed ? ErrorCode::kSecurityDisabled : ErrorCode::kClusterAuthorizationFailed;
    result.error_message = allowed ? Bytes(kNoAuthorizer) : Bytes(error_message(result.error_code));
  }
  call->reply(response);
}

}  // namespace milena::broker
