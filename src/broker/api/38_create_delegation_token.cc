// CreateDelegationToken (key 38), versions 0-3 (KIP-48). Tokens are for clients that have authenticated, which none can.
#include "broker/api/handlers.h"
#include "broker/call.h"
#include "protocol/messages/create_delegation_token.h"

namespace milena {

void handle_create_delegation_token(std::shared_ptr<CreateDelegationTokenCall> call) {
  CreateDelegationTokenResponse response;
  response.error_code = ErrorCode::kDelegationTokenRequestNotAllowed;
  // Who asked is told all the same, and that there are no times.
  response.principal_type = "User";
  response.principal_name = "ANONYMOUS";
  response.token_requester_principal_type = "User";
  response.token_requester_principal_name = "ANONYMOUS";
  response.issue_timestamp_ms = -1;
  response.expiry_timestamp_ms = -1;
  response.max_timestamp_ms = -1;
  call->reply(response);
}

}  // namespace milena
