// Answers to requests that the client may not make, with the error in the answer's top field.
#pragma once

#include "broker/clients/call.h"
#include "protocol/error_code.h"

namespace milena::broker {

// The message of SECURITY_DISABLED.
inline constexpr const char* kNoAuthorizer = "No Authorizer is configured.";

template <class CallType>
void refuse_whole(CallType& call, ErrorCode error) {
  typename CallType::Response response;
  response.error_code = error;
  if constexpr (requires { response.error_message; }) response.error_message = Bytes(error_message(error));
  call.reply(response);
}

// Checks the permission on the cluster. Returns false if the client may not; then the refusal was sent.
template <class CallType>
bool require_cluster(CallType& call, security::Permission permission) {
  if (call.allows(permission)) return true;
  refuse_whole(call, ErrorCode::kClusterAuthorizationFailed);
  return false;
}

}  // namespace milena::broker
