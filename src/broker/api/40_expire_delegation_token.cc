// ExpireDelegationToken (key 40), versions 0-2 (KIP-48).
#include "broker/api/controller_call.h"
#include "broker/api/token_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/expire_delegation_token.h"

namespace milena::broker {
namespace {

using ExpireDelegationTokenCall = Call<ExpireDelegationTokenRequest, ExpireDelegationTokenResponse>;

void handle_expire_delegation_token(std::shared_ptr<ExpireDelegationTokenCall> call) {
  if (may_ask_about_tokens(*call)) return ask_controller(std::move(call));
  ExpireDelegationTokenResponse response;
  response.error_code = ErrorCode::kDelegationTokenRequestNotAllowed;
  response.expiry_timestamp_ms = kNoTokenTime;
  call->reply(response);
}

}  // namespace

ApiEntry expire_delegation_token_api() {
  return api_entry<ExpireDelegationTokenCall, handle_expire_delegation_token>(kAnyone);
}

}  // namespace milena::broker
