// Common code of the requests about delegation tokens (KIP-48).
#pragma once

#include "broker/clients/call.h"

namespace milena::broker {

inline constexpr int64_t kNoTokenTime = -1;

// Tokens are for clients that have authenticated, and not by a token. How a client reached the broker that forwards its
// request is that broker's to judge, as in Kafka.
inline bool may_ask_about_tokens(const CallBase& call) {
  if (call.connection().forwarded) return !call.principal().by_token;
  const security::SecurityProtocol protocol = call.connection().info.security_protocol;
  const bool anonymous = protocol == security::SecurityProtocol::kPlaintext ||
                         (protocol == security::SecurityProtocol::kSsl && call.principal() == security::Principal());
  return !anonymous && !call.principal().by_token;
}

}  // namespace milena::broker
