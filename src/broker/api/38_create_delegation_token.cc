// CreateDelegationToken (key 38), versions 0-3 (KIP-48). Tokens are for clients that have authenticated, which none
// can. Version 3 names an owner other than who asks (KIP-373).
#include "broker/api/token_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/create_delegation_token.h"

namespace milena {
namespace {

using CreateDelegationTokenCall = Call<CreateDelegationTokenRequest, CreateDelegationTokenResponse>;

void handle_create_delegation_token(std::shared_ptr<CreateDelegationTokenCall> call) {
  CreateDelegationTokenResponse response;
  // Whose it would be and who asked is told all the same, and that there are no times.
  const bool for_another = !call->request.owner_principal_name.value_or("").empty();
  const Principal& requester = call->principal();
  Principal owner = requester;
  if (for_another)
    owner = {Bytes(call->request.owner_principal_type.value_or("")), Bytes(*call->request.owner_principal_name)};
  response.error_code = check_token_request(*call);
  if (response.error_code != ErrorCode::kDelegationTokenRequestNotAllowed && owner != requester &&
      !call->allows(kCreateUserTokens, owner.type + ":" + owner.name)) {
    response.error_code = ErrorCode::kDelegationTokenAuthorizationFailed;
  }
  response.principal_type = owner.type;
  response.principal_name = owner.name;
  response.token_requester_principal_type = requester.type;
  response.token_requester_principal_name = requester.name;
  response.issue_timestamp_ms = -1;
  response.expiry_timestamp_ms = -1;
  response.max_timestamp_ms = -1;
  call->reply(response);
}

}  // namespace

ApiEntry create_delegation_token_api() {
  return api_entry<CreateDelegationTokenCall, handle_create_delegation_token>({kCreateUserTokens});
}

}  // namespace milena
