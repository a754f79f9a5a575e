// DescribeDelegationToken (key 41), versions 0-3 (KIP-48). Tokens are for clients that have authenticated, which none can.
#include "broker/api/handlers.h"
#include "broker/call.h"
#include "protocol/messages/describe_delegation_token.h"

namespace milena {

void handle_describe_delegation_token(std::shared_ptr<DescribeDelegationTokenCall> call) {
  DescribeDelegationTokenResponse response;
  response.error_code = ErrorCode::kDelegationTokenRequestNotAllowed;
  call->reply(response);
}

}  // namespace milena
