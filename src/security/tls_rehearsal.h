// A TLS handshake in memory, between what would be a client and what would be a server. Source: Kafka's
// SslFactory.SslEngineValidator.
#pragma once

#include <optional>
#include <string>

#include "security/tls_context.h"

namespace milena::security {

// Why the two would not come to a connection; nothing: they would. The server's name is not looked at.
std::optional<std::string> refusal_of_handshake(const TlsContext& client, const TlsContext& server);

}  // namespace milena::security
