// CreateDelegationToken (key 38), versions 0-3 (KIP-48). Version 3 allows an owner other than the client (KIP-373).
#include <algorithm>

#include "broker/api/controller_call.h"
#include "broker/api/token_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/create_delegation_token.h"

namespace milena::broker {
namespace {

using CreateDelegationTokenCall = Call<CreateDelegationTokenRequest, CreateDelegationTokenResponse>;

security::Principal owner_of(const CreateDelegationTokenCall& call) {
  const CreateDelegationTokenRequest& request = call.request;
  if (request.owner_principal_name.value_or("").empty()) return call.principal();
  return {Bytes(request.owner_principal_type.value_or("")), Bytes(*request.owner_principal_name)};
}

// The refusal also contains the owner and the requester, and no times.
void refuse_token(CreateDelegationTokenCall& call, const security::Principal& owner, ErrorCode error) {
  CreateDelegationTokenResponse response;
  response.error_code = error;
  response.principal_type = owner.type;
  response.principal_name = owner.name;
  response.token_requester_principal_type = call.principal().type;
  response.token_requester_principal_name = call.principal().name;
  response.issue_timestamp_ms = kNoTokenTime;
  response.expiry_timestamp_ms = kNoTokenTime;
  response.max_timestamp_ms = kNoTokenTime;
  call.reply(response);
}

void handle_create_delegation_token(std::shared_ptr<CreateDelegationTokenCall> call) {
  const security::Principal owner = owner_of(*call);
  if (!may_ask_about_tokens(*call)) {
    return refuse_token(*call, owner, ErrorCode::kDelegationTokenRequestNotAllowed);
  }
  if (owner != call->principal() && !call->allows(security::kCreateUserTokens, owner.type + ":" + owner.name)) {
    return refuse_token(*call, owner, ErrorCode::kDelegationTokenAuthorizationFailed);
  }
  const auto& renewers = call->request.renewers;
  if (std::any_of(renewers.begin(), renewers.end(), [](const auto& each) { return each.principal_type != "User"; })) {
    return refuse_token(*call, owner, ErrorCode::kInvalidPrincipalType);
  }
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry create_delegation_token_api() {
  return api_entry<CreateDelegationTokenCall, handle_create_delegation_token>({security::kCreateUserTokens});
}

}  // namespace milena::broker
