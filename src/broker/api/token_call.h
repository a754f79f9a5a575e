// What the requests about delegation tokens (KIP-48) share.
#pragma once

#include "broker/clients/call.h"

namespace milena {

// Tokens are for clients that have authenticated, and not by a token.
inline ErrorCode check_token_request(const CallBase& call) {
  const SecurityProtocol protocol = call.connection().info.security_protocol;
  const bool anonymous = protocol == SecurityProtocol::kPlaintext ||
                         (protocol == SecurityProtocol::kSsl && call.principal() == Principal());
  if (anonymous || call.principal().by_token) return ErrorCode::kDelegationTokenRequestNotAllowed;
  return ErrorCode::kDelegationTokenAuthDisabled;  // no setting names a secret for them
}

}  // namespace milena
