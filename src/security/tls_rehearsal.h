// A TLS handshake in memory, to check whether a client and a server would accept each other. Source: Kafka's
// SslFactory.SslEngineValidator.
#pragma once

#include <optional>
#include <string>

#include "security/tls_context.h"

namespace milena::security {

// The reason of a handshake that fails; nothing if it succeeds. The server's name is not checked.
std::optional<std::string> refusal_of_handshake(const TlsContext& client, const TlsContext& server);
// Between two nodes of a cluster that both have these settings: each is a client of the other's listener.
std::optional<std::string> refusal_between_nodes(const TlsSettings& settings, int64_t now_ms);

}  // namespace milena::security
