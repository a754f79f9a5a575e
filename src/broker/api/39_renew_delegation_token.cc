// RenewDelegationToken (key 39), versions 0-2 (KIP-48).
#include "broker/api/controller_call.h"
#include "broker/api/token_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/renew_delegation_token.h"

namespace milena::broker {
namespace {

using RenewDelegationTokenCall = Call<RenewDelegationTokenRequest, RenewDelegationTokenResponse>;

void handle_renew_delegation_token(std::shared_ptr<RenewDelegationTokenCall> call) {
  if (may_ask_about_tokens(*call)) return ask_controller(std::move(call));
  RenewDelegationTokenResponse response;
  response.error_code = ErrorCode::kDelegationTokenRequestNotAllowed;
  response.expiry_timestamp_ms = kNoTokenTime;
  call->reply(response);
}

}  // namespace

ApiEntry renew_delegation_token_api() {
  return api_entry<RenewDelegationTokenCall, handle_renew_delegation_token>(kAnyone);
}

}  // namespace milena::broker
