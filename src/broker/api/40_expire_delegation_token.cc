// ExpireDelegationToken (key 40), versions 0-2 (KIP-48). Tokens are for clients that have authenticated, which none
// can.
#include "broker/api/token_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/expire_delegation_token.h"

namespace milena {
namespace {

using ExpireDelegationTokenCall = Call<ExpireDelegationTokenRequest, ExpireDelegationTokenResponse>;

void handle_expire_delegation_token(std::shared_ptr<ExpireDelegationTokenCall> call) {
  ExpireDelegationTokenResponse response;
  response.error_code = check_token_request(*call);
  response.expiry_timestamp_ms = -1;
  call->reply(response);
}

}  // namespace

ApiEntry expire_delegation_token_api() {
  return api_entry<ExpireDelegationTokenCall, handle_expire_delegation_token>(kAnyone);
}

}  // namespace milena
