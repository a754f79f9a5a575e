// What the requests about delegation tokens (KIP-48) share.
#pragma once

#include "broker/clients/call.h"

namespace milena {

inline constexpr int64_t kNoTokenTime = -1;

// Tokens are for clients that have authenticated, and not by a token.
inline bool may_ask_about_tokens(const CallBase& call) {
  const SecurityProtocol protocol = call.connection().info.security_protocol;
  const bool anonymous = protocol == SecurityProtocol::kPlaintext ||
                         (protocol == SecurityProtocol::kSsl && call.principal() == Principal());
  return !anonymous && !call.principal().by_token;
}

}  // namespace milena
