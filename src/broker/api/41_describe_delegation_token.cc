// DescribeDelegationToken (key 41), versions 0-3 (KIP-48). Tokens are for clients that have authenticated, which none
// can.
#include "broker/api/token_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/describe_delegation_token.h"

namespace milena {
namespace {

using DescribeDelegationTokenCall = Call<DescribeDelegationTokenRequest, DescribeDelegationTokenResponse>;

void handle_describe_delegation_token(std::shared_ptr<DescribeDelegationTokenCall> call) {
  DescribeDelegationTokenResponse response;
  response.error_code = check_token_request(*call);
  call->reply(response);
}

}  // namespace

ApiEntry describe_delegation_token_api() {
  return api_entry<DescribeDelegationTokenCall, handle_describe_delegation_token>(kAnyone);
}

}  // namespace milena
